package compression

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const text = "the content"

// forms holds one tar in each form that can be made here.
func forms(tb testing.TB) map[Form][]byte {
	tb.Helper()
	var plain bytes.Buffer
	w := tar.NewWriter(&plain)
	check := func(err error) {
		if err != nil {
			tb.Fatal(err)
		}
	}
	check(w.WriteHeader(&tar.Header{Name: "a", Size: int64(len(text)), Mode: 0o644, Typeflag: tar.TypeReg}))
	_, err := w.Write([]byte(text))
	check(err)
	check(w.Close())
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, err = z.Write(plain.Bytes())
	check(err)
	check(z.Close())
	e, err := zstd.NewWriter(nil)
	check(err)
	return map[Form][]byte{Tar: plain.Bytes(), Gzip: packed.Bytes(), Zstd: e.EncodeAll(plain.Bytes(), nil)}
}

func TestOpenGivesTheSameFromEachForm(t *testing.T) {
	all := forms(t)
	for form, data := range all {
		r, err := Open(context.Background(), bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r)
		if err != nil || !bytes.Equal(got, all[Tar]) || r.Form != form {
			t.Errorf("form %d: %d bytes as form %d, %v", form, len(got), r.Form, err)
		}
		r.Close()
	}
}

func TestDetect(t *testing.T) {
	old := make([]byte, HeadSize) // a header from before the magic: name, and the sum of its bytes
	copy(old, "a")
	copy(old[148:], "000541\x00 ")
	tests := []struct {
		name string
		head []byte
		want Form
	}{
		{"Empty", nil, Empty},
		{"EmptyTar", make([]byte, HeadSize), Tar},
		{"OldTar", old, Tar},
		{"ShortZeros", make([]byte, HeadSize-1), Unknown},
		{"Bzip2", []byte("BZh9"), Bzip2},
		{"XZ", []byte("\xfd7zXZ\x00"), XZ},
		{"Text", []byte(strings.Repeat("{}", HeadSize)), Unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Detect(tt.head); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

func TestErrors(t *testing.T) {
	all := forms(t)
	damagedSum := bytes.Clone(all[Gzip])
	damagedSum[len(damagedSum)-6] ^= 0xff
	tests := []struct {
		name, want string
		data       []byte
	}{
		{"ShortGzip", "ends too early", all[Gzip][:40]},
		{"ShortZstd", "ends too early", all[Zstd][:len(all[Zstd])-8]},
		{"GzipChecksum", "is damaged", damagedSum},
		{"XZ", "compressed with xz", []byte("\xfd7zXZ\x00")},
		{"Nothing", "begins with 6e6f7065", []byte("nope")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, err := Open(context.Background(), bytes.NewReader(tt.data))
			if err == nil {
				_, err = io.ReadAll(r)
				r.Close()
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Open(ctx, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestExplainSaysItOnce(t *testing.T) {
	err := Explain(Explain(io.ErrUnexpectedEOF))
	if strings.Count(err.Error(), "too early") != 1 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("error is %v", err)
	}
}

func TestBound(t *testing.T) {
	tests := []struct {
		name    string
		out, in int64 // bytes that have passed
		form    Form
		bomb    bool
	}{
		{"Little", 1 << 20, 1, Gzip, false},
		{"AllThatIsFree", freeOutput - 1, 1, Gzip, false},
		{"BeyondFromNextToNothing", freeOutput, 1000, Gzip, true},
		{"BeyondFromEnough", freeOutput, freeOutput / maxRatio, Zstd, false},
		{"FarBeyondFromEnough", 100 * freeOutput, freeOutput, Zstd, false},
		{"FarBeyondFromTooLittle", 300 * freeOutput, freeOutput, Zstd, true},
		{"PlainTar", 300 * freeOutput, 0, Tar, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &Reader{Form: tt.form, plain: strings.NewReader("x"), in: &counting{n: tt.in}, out: tt.out}
			if _, err := io.ReadAll(r); errors.Is(err, ErrBomb) != tt.bomb {
				t.Errorf("error is %v", err)
			}
		})
	}
}

func FuzzOpen(f *testing.F) {
	for _, data := range forms(f) {
		f.Add(data)
	}
	f.Add([]byte("BZh91AY&SY"))
	f.Fuzz(func(_ *testing.T, data []byte) {
		r, err := Open(context.Background(), bytes.NewReader(data))
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, io.LimitReader(r, 1<<20))
		r.Close()
	})
}
