package image

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"plimsoll/scanners"
	"plimsoll/scanners/compression"
)

func analyse(t *testing.T, data []byte, diffID string) (scanners.LayerFacts, error) {
	t.Helper()
	return new(Analyser).Analyse(context.Background(), scanners.LayerContent{DiffID: diffID, Tar: bytes.NewReader(data)})
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func TestCompressionDoesNotMatter(t *testing.T) {
	plain := tarOf(t, npmFile("app/node_modules/a", "a", "1"), symlink("lib", "usr/lib"), file("x/.wh.y", ""))
	want, err := analyse(t, plain, "")
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"gzip": gzipped(t, plain), "zstd": zstandard(t, plain)} {
		got, err := analyse(t, data, want.DiffID)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got, allFields); diff != "" {
			t.Errorf("%s (-plain +compressed):\n%s", name, diff)
		}
	}
}

func TestHostileLayers(t *testing.T) {
	plain := tarOf(t, npmFile("app/node_modules/a", "a", "1"), file("z", strings.Repeat("z", 4096)))
	tests := []struct {
		name, diffID, want string
		data               []byte
	}{
		{name: "CutShort", data: plain[:len(plain)-4000], want: "ends too early"},
		{name: "CutShortGzip", data: gzipped(t, plain)[:60], want: "ends too early"},
		{name: "CutShortZstd", data: zstandard(t, plain)[:60], want: "ends too early"},
		{name: "OtherContent", data: plain, diffID: "sha256:" + strings.Repeat("0", 64), want: "was tampered with"},
		{name: "XZ", data: []byte("\xfd7zXZ\x00\x00\x00"), want: "compressed with xz"},
		{name: "UnknownCompression", data: bytes.Repeat([]byte("?!"), 600), want: "neither a tar nor compressed"},
		{name: "DamagedHeader", data: append(bytes.Clone(plain[:1024]), bytes.Repeat([]byte{7}, 4096)...), want: "archive is damaged"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := analyse(t, tt.data, tt.diffID)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestHostileEntries(t *testing.T) {
	long := strings.Repeat("n/", 3000) + "x"
	facts, err := analyse(t, tarOf(t,
		file("../../etc/passwd", "root"),
		file("/var/lib/dpkg/status", "Package: a\nVersion: 1\n"),
		file("./app/../app/node_modules/x/package.json", `{"name":"x","version":"1"}`),
		file(long, "deep"),
		link("app/link", "../outside"),
		link("b/package.json", "b/package.json"),
		npmFile("app/node_modules/broken\x1b[31m", "b", "1"),
		file("app/node_modules/damaged/package.json", "{"),
	), "")
	if err != nil {
		t.Fatal(err)
	}
	var gaps []string
	for _, g := range facts.Gaps {
		gaps = append(gaps, g.Path+": "+g.Reason)
	}
	told := strings.Join(gaps, "\n")
	for _, want := range []string{"../../etc/passwd", "./app/../app/", "n/n/n/", "app/link", "app/node_modules/damaged/package.json: not a readable package.json"} {
		if !strings.Contains(told, want) {
			t.Errorf("no gap tells of %q:\n%s", want, told)
		}
	}
	if len(facts.Packages) != 2 || facts.Packages[1].Path != "var/lib/dpkg/status" {
		t.Errorf("packages: %+v", facts.Packages)
	}
}

func TestOversizedFilesAreGaps(t *testing.T) {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	size := int64(maxManifest + 1)
	if err := w.WriteHeader(&tar.Header{Name: "app/package.json", Typeflag: tar.TypeReg, Size: size, Mode: 0o644}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeros{}, size); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	facts, err := analyse(t, buf.Bytes(), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.Gaps) != 1 || !strings.Contains(facts.Gaps[0].Reason, "larger than") {
		t.Errorf("gaps: %v", facts.Gaps)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestBomb feeds a zstd stream of zeros that has no end.
func TestBomb(t *testing.T) {
	r, w := io.Pipe()
	defer r.Close()
	go func() {
		var header bytes.Buffer
		_ = tar.NewWriter(&header).WriteHeader(&tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: 7 << 30, Mode: 0o644})
		z, err := zstd.NewWriter(w)
		if err == nil {
			_, err = io.Copy(z, io.MultiReader(&header, zeros{}))
		}
		_ = w.CloseWithError(err)
	}()
	_, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{Tar: r})
	if !errors.Is(err, compression.ErrBomb) {
		t.Errorf("error is %v, want compression.ErrBomb", err)
	}
}

// TestSparseFile passes over files of 4 GiB without content, as GNU tar stores them in one block.
func TestSparseFile(t *testing.T) {
	header := make([]byte, 512)
	put := func(at int, text string) { copy(header[at:], text) }
	put(0, "app/package.json")
	put(100, "0000644\x000000000\x000000000\x0000000000000\x0000000000000\x00        S")
	put(257, "ustar  \x00")
	put(386, "40000000000\x0000000000000\x00") // one sparse entry: nothing, at 4 GiB
	put(483, "40000000000\x00")                // real size
	sum := 0
	for _, c := range header {
		sum += int(c)
	}
	put(148, fmt.Sprintf("%06o\x00 ", sum))
	facts, err := analyse(t, slices.Concat(header, tarOf(t, npmFile("b", "b", "1"))), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.Gaps) != 1 || !strings.Contains(facts.Gaps[0].Reason, "file of 4294967296 bytes is larger") {
		t.Errorf("gaps: %v", facts.Gaps)
	}
	if len(facts.Packages) != 1 {
		t.Errorf("the entry behind the sparse file is lost: %+v", facts.Packages)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := new(Analyser).Analyse(ctx, scanners.LayerContent{Tar: bytes.NewReader(tarOf(t, file("a", "b")))})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
}

// self is this test's own program: real build information, written by the linker.
func self(t *testing.T) []byte {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGoProgramFromAStreamIsTheSame(t *testing.T) {
	data := self(t)
	want, err := readGoProgram(bytes.NewReader(data), int64(len(data)))
	if err != nil || len(want) < 2 {
		t.Fatalf("%d packages, %v", len(want), err)
	}
	got, err := readGoProgram(io.MultiReader(bytes.NewReader(data)), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-file +stream):\n%s", diff)
	}
}

// oldGoProgram is a program as Go 1.17 and older link it: strings in a read-only segment, pointers to them in a segment of
// data behind it.
func oldGoProgram(wide bool, padding int) []byte {
	const modules = "path\texample.com/old\nmod\texample.com/old\t(devel)\t\ndep\tgolang.org/x/text\tv0.3.0\th1:x=\n"
	const base = 0x400000
	var order = binary.LittleEndian
	word := 8
	if !wide {
		word = 4
	}
	list := moduleListStart + modules + moduleListEnd
	text := padding
	listAt, versionAt := text, text+len(list)+3
	data := (versionAt + 16 + 4095) &^ 4095
	f := make([]byte, data+4096)
	put := func(at int, value uint64) {
		if wide {
			order.PutUint64(f[at:], value)
		} else {
			order.PutUint32(f[at:], uint32(value))
		}
	}
	copy(f, "\x7fELF\x01\x01\x01")
	order.PutUint16(f[16:], 2)
	order.PutUint32(f[20:], 1)
	segments := [][3]int{{0, data, 5}, {data, 4096, 6}}
	if wide {
		f[4] = 2
		order.PutUint16(f[18:], 62)
		order.PutUint64(f[32:], 64)
		order.PutUint16(f[52:], 64)
		order.PutUint16(f[54:], 56)
		order.PutUint16(f[56:], 2)
		for i, s := range segments {
			p := f[64+56*i:]
			order.PutUint32(p, 1)
			order.PutUint32(p[4:], uint32(s[2]))
			for at, v := range map[int]int{8: s[0], 16: base + s[0], 24: base + s[0], 32: s[1], 40: s[1], 48: 4096} {
				order.PutUint64(p[at:], uint64(v))
			}
		}
	} else {
		order.PutUint16(f[18:], 3)
		order.PutUint32(f[28:], 52)
		order.PutUint16(f[40:], 52)
		order.PutUint16(f[42:], 32)
		order.PutUint16(f[44:], 2)
		for i, s := range segments {
			p := f[52+32*i:]
			order.PutUint32(p, 1)
			for at, v := range map[int]int{4: s[0], 8: base + s[0], 12: base + s[0], 16: s[1], 20: s[1], 24: s[2], 28: 4096} {
				order.PutUint32(p[at:], uint32(v))
			}
		}
	}
	copy(f[listAt:], list)
	copy(f[versionAt:], "go1.16.7")
	copy(f[data:], buildInfoMagic)
	f[data+14] = byte(word)
	put(data+16, uint64(base+data+256))
	put(data+16+word, uint64(base+data+512))
	put(data+256, uint64(base+versionAt))
	put(data+256+word, 8)
	put(data+512, uint64(base+listAt))
	put(data+512+word, uint64(len(list)))
	return f
}

func TestOldGoProgramFromAStreamIsTheSame(t *testing.T) {
	for _, padding := range []int{4096, searchWindow - 40, 3*searchWindow + 17} {
		for _, wide := range []bool{true, false} {
			data := oldGoProgram(wide, padding)
			want, err := readGoProgram(bytes.NewReader(data), int64(len(data)))
			if err != nil || len(want) != 3 || want[2].Version != "v1.16.7" {
				t.Fatalf("the library reads %v, %v", want, err)
			}
			got, err := readGoProgram(io.MultiReader(bytes.NewReader(data)), int64(len(data)))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("wide %v, padding %d (-file +stream):\n%s", wide, padding, diff)
			}
		}
	}
}

func TestOldGoProgramThatPointsNowhereIsAGap(t *testing.T) {
	old := append([]byte("\x7fELF"), make([]byte, minBinary)...)
	copy(old[4096:], append(bytes.Clone(buildInfoMagic), 8, 0))
	facts, err := analyse(t, tarOf(t, program("usr/bin/old", string(old))), "")
	if err != nil {
		t.Fatal(err)
	}
	if len(facts.Gaps) != 1 || !strings.Contains(facts.Gaps[0].Reason, "Go 1.17 or older") {
		t.Errorf("gaps: %v", facts.Gaps)
	}
}

func TestProgramsAreFoundByModeNotByName(t *testing.T) {
	data := string(self(t))
	facts, err := analyse(t, tarOf(t, program("opt/strange name.v2", data), file("opt/not-executable", data), link("opt/again", "opt/strange name.v2")), "")
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, f := range facts.Packages {
		paths = append(paths, f.Path)
	}
	if diff := cmp.Diff([]string{"opt/again", "opt/strange name.v2"}, paths); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func BenchmarkAnalyseTar(b *testing.B) {
	var members []member
	for i := range 2000 {
		name := fmt.Sprintf("app/node_modules/p%d", i)
		members = append(members, npmFile(name, fmt.Sprintf("p%d", i), "1.0.0"), file(name+"/index.js", strings.Repeat("x", 2000)))
	}
	data := tarOf(b, members...)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{Tar: bytes.NewReader(data)}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAnalyseFolder(b *testing.B) {
	root := b.TempDir()
	for i := range 2000 {
		folder := filepath.Join(root, "app/node_modules", fmt.Sprintf("p%d", i))
		if err := os.MkdirAll(folder, 0o755); err != nil {
			b.Fatal(err)
		}
		for name, content := range map[string]string{"package.json": fmt.Sprintf(`{"name":"p%d","version":"1.0.0"}`, i), "index.js": rand.Text()} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
				b.Fatal(err)
			}
		}
	}
	for b.Loop() {
		if _, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{DiffID: "sha256:x", Dir: root}); err != nil {
			b.Fatal(err)
		}
	}
}
