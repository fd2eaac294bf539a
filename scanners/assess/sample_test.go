package assess_test

import (
	"archive/tar"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/archive"
	"plimsoll/testdata/sample/images"
)

var amd64 = scanners.Platform{OS: "linux", Architecture: "amd64"}

// Every form of the same images gives the same packages, findings and layer facts, and they are what the images were
// made from.
func TestEveryFormOfTheSample(t *testing.T) {
	sample := t.TempDir()
	if err := images.Write(sample); err != nil {
		t.Fatal(err)
	}
	layout, saved := readFolder(t, sample), save(t, sample)
	files := map[string]string{
		"OCI layout":                            sample,
		"OCI layout, tar":                       write(t, pack(t, layout)),
		"OCI layout, tar.gz":                    write(t, gzipped(t, pack(t, layout))),
		"OCI layout, tar.zst":                   write(t, zstandard(t, pack(t, layout))),
		"docker-archive":                        write(t, pack(t, saved)),
		"docker-archive, tar.gz":                write(t, gzipped(t, pack(t, saved))),
		"docker-archive of old engines":         write(t, pack(t, old(t, saved))),
		"docker-archive of old engines, tar.gz": write(t, gzipped(t, pack(t, old(t, saved)))),
	}
	var first scanners.Report
	var facts map[string]scanners.LayerFacts
	for _, name := range slices.Sorted(maps.Keys(files)) {
		t.Run(name, func(t *testing.T) {
			store := newShelf()
			source := archive.Open(files[name], amd64, amd64)
			report := newAssessor(store).Images(t.Context(), []scanners.ImageSource{source})
			if failed := slices.DeleteFunc(coverage(report), func(c string) bool { return strings.HasPrefix(c, "vulnerabilities partial") }); len(failed) > 0 {
				t.Fatal(failed)
			}
			checkFacts(t, report)
			report = unplaced(t, report, source.Target())
			if facts == nil {
				first, facts = report, store.facts
				return
			}
			if diff := gocmp.Diff(first, report); diff != "" {
				t.Errorf("report (-OCI layout +%s)\n%s", name, diff)
			}
			for id, want := range facts {
				if diff := gocmp.Diff(want, store.facts[id], gocmp.AllowUnexported(scanners.PathSet{})); diff != "" {
					t.Errorf("layer %s (-OCI layout +%s)\n%s", id, name, diff)
				}
			}
		})
	}
}

// checkFacts holds a report on linux/amd64 against what the sample was made from.
func checkFacts(t *testing.T, report scanners.Report) {
	t.Helper()
	checked := 0
	for _, want := range images.All() {
		i := slices.IndexFunc(report.Assets, func(a scanners.Asset) bool { return a.Name == want.Reference && a.Platform == want.Platform })
		if i < 0 {
			if want.Platform == amd64 {
				t.Errorf("%s is not in the report", want.Reference)
			}
			continue
		}
		checked++
		asset := report.Assets[i]
		if diff := gocmp.Diff(want.Found, found(asset)); diff != "" {
			t.Errorf("%s: packages (-want +got)\n%s", want.Reference, diff)
		}
		if diff := gocmp.Diff(want.Distribution, asset.Distribution); diff != "" {
			t.Errorf("%s: distribution (-want +got)\n%s", want.Reference, diff)
		}
		var instructions []string
		for _, l := range asset.Layers {
			instructions = append(instructions, l.Instruction)
		}
		if diff := gocmp.Diff(want.Instructions, instructions); diff != "" {
			t.Errorf("%s: instructions (-want +got)\n%s", want.Reference, diff)
		}
	}
	if checked != 2 {
		t.Errorf("%d images were checked, want 2", checked)
	}
}

// found are an asset's packages in the words of the sample.
func found(asset scanners.Asset) []images.Package {
	owners := make(map[string]string)
	for _, p := range asset.Packages {
		owners[p.PURL] = p.Name
	}
	var list []images.Package
	for _, p := range asset.Packages {
		list = append(list, images.Package{
			Ecosystem: p.Ecosystem, Name: p.Name, Version: p.Version, Source: p.Source, Path: p.Path,
			Layer:   slices.IndexFunc(asset.Layers, func(l scanners.Layer) bool { return l.DiffID == p.Layer }),
			OwnedBy: owners[p.OwnedBy],
		})
	}
	slices.SortFunc(list, func(a, b images.Package) int {
		return cmp.Or(cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Path, b.Path))
	})
	return list
}

// unplaced is a report without what tells when, and from which file, it was made. Ids of findings go with the file, so
// each is replaced by its position.
func unplaced(t *testing.T, r scanners.Report, target scanners.Target) scanners.Report {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(data), target.Key, "TARGET")
	for i, f := range r.Findings {
		text = strings.ReplaceAll(text, f.ID, "finding-"+string(rune('a'+i%26))+strings.Repeat("'", i/26))
	}
	var plain scanners.Report
	if err := json.Unmarshal([]byte(text), &plain); err != nil {
		t.Fatal(err)
	}
	plain.Run, plain.Targets = scanners.Run{}, nil
	return plain
}

// What the sample's findings and fixes promise to whoever reads them.
func TestFindingsOfTheSample(t *testing.T) {
	sample := t.TempDir()
	if err := images.Write(sample); err != nil {
		t.Fatal(err)
	}
	report := newAssessor(newShelf()).Images(t.Context(), []scanners.ImageSource{archive.Open(sample, scanners.Platform{}, amd64)})
	if len(report.Findings) < 25 || len(report.Fixes) < 10 {
		t.Errorf("%d findings and %d fixes", len(report.Findings), len(report.Fixes))
	}
	findings := make(map[string]scanners.Finding)
	for i, f := range report.Findings {
		if _, twice := findings[f.ID]; twice {
			t.Errorf("finding %s %s has the id of another", f.Check, f.Package.PURL)
		}
		findings[f.ID] = f
		if i > 0 && f.Severity > report.Findings[i-1].Severity {
			t.Errorf("finding %d is worse than the one before it", i)
		}
		checkFinding(t, report, f)
	}
	for i, fix := range report.Fixes {
		if i > 0 && fix.Severity > report.Fixes[i-1].Severity {
			t.Errorf("fix %d is more pressing than the one before it", i)
		}
		checkFix(t, fix, findings)
	}
}

// checkFinding: it is about a package of an image of the report, which the distribution does not look after itself.
func checkFinding(t *testing.T, report scanners.Report, f scanners.Finding) {
	t.Helper()
	i := slices.IndexFunc(report.Assets, func(a scanners.Asset) bool { return a.Key == f.Asset })
	if i < 0 {
		t.Errorf("%s is about %q, which is not in the report", f.Check, f.Asset)
		return
	}
	j := slices.IndexFunc(report.Assets[i].Packages, func(p scanners.Package) bool {
		return p.PURL == f.Package.PURL && p.Path == f.Location.Path && p.Layer == f.Location.Layer && p.Version == f.Package.Version
	})
	if j < 0 {
		t.Errorf("%s is about %s in %s, which the image does not have", f.Check, f.Package.PURL, f.Location.Path)
		return
	}
	if owner := report.Assets[i].Packages[j].OwnedBy; owner != "" {
		t.Errorf("%s is about %s, which %s owns", f.Check, f.Package.PURL, owner)
	}
	if f.Location.Instruction == "" || f.Evidence == "" || f.Title == "" || f.Status == "" {
		t.Errorf("%s does not tell all: %+v", f.Check, f)
	}
}

// checkFix: its findings are there, are of its image, and are cleared by what it says.
func checkFix(t *testing.T, fix scanners.FixAction, findings map[string]scanners.Finding) {
	t.Helper()
	if len(fix.Findings) == 0 || fix.To == "" || fix.Title == "" {
		t.Errorf("fix does not tell all: %+v", fix)
	}
	for _, id := range fix.Findings {
		f, known := findings[id]
		switch {
		case !known:
			t.Errorf("%s clears %q, which is not in the report", fix.Title, id)
		case f.Asset != fix.Asset || f.FixedVersion == "" || f.Severity > fix.Severity:
			t.Errorf("%s does not fit to %s of %s", fix.Title, f.Check, f.Asset)
		case !slices.Contains(fix.From, f.Package.Version):
			t.Errorf("%s starts from %v, without %s", fix.Title, fix.From, f.Package.Version)
		}
	}
}

// save turns the sample's images for linux/amd64 into what `docker save` writes since version 25: layers uncompressed
// and named by their diff ids, and manifest.json.
func save(t *testing.T, layout string) map[string][]byte {
	t.Helper()
	blob := func(d digest.Digest) []byte {
		return readFile(t, filepath.Join(layout, "blobs", "sha256", d.Encoded()))
	}
	var index ocispec.Index
	decode(t, readFile(t, filepath.Join(layout, "index.json")), &index)
	files := make(map[string][]byte)
	name := func(data []byte) string { return "blobs/sha256/" + digest.FromBytes(data).Encoded() }
	var manifest []map[string]any
	for _, top := range index.Manifests {
		d := top
		if d.MediaType == ocispec.MediaTypeImageIndex {
			var platforms ocispec.Index
			decode(t, blob(d.Digest), &platforms)
			d = platforms.Manifests[slices.IndexFunc(platforms.Manifests, func(d ocispec.Descriptor) bool { return d.Platform.Architecture == "amd64" })]
		}
		var m ocispec.Manifest
		decode(t, blob(d.Digest), &m)
		config := blob(m.Config.Digest)
		files[name(config)] = config
		var layers []string
		for _, l := range m.Layers {
			plain := unpacked(t, blob(l.Digest))
			files[name(plain)] = plain
			layers = append(layers, name(plain))
		}
		manifest = append(manifest, map[string]any{"Config": name(config), "RepoTags": []string{top.Annotations[ocispec.AnnotationRefName]}, "Layers": layers})
	}
	data, err := json.Marshal(manifest)
	if err != nil {
		t.Fatal(err)
	}
	files["manifest.json"] = data
	return files
}

// old gives the members the names that engines before version 25 gave them.
func old(t *testing.T, saved map[string][]byte) map[string][]byte {
	t.Helper()
	files, text := make(map[string][]byte), string(saved["manifest.json"])
	for name, data := range saved {
		renamed := path.Base(name) + ".json"
		if data[0] != '{' {
			renamed = path.Base(name) + "/layer.tar"
		}
		text = strings.ReplaceAll(text, name, renamed)
		files[renamed] = data
	}
	delete(files, "manifest.json/layer.tar")
	files["manifest.json"] = []byte(text)
	return files
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

func unpacked(t *testing.T, data []byte) []byte {
	t.Helper()
	var r io.Reader
	var err error
	if data[0] == 0x1f {
		r, err = gzip.NewReader(bytes.NewReader(data))
	} else {
		r, err = zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return plain
}

// pack writes files as a tar.
func pack(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(files[name]))})
		if _, writeErr := w.Write(files[name]); errors.Join(err, writeErr) != nil {
			t.Fatal(err, writeErr)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func gzipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	return squeezed(t, &buf, gzip.NewWriter(&buf), data)
}

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	return squeezed(t, &buf, w, data)
}

func squeezed(t *testing.T, buf *bytes.Buffer, w io.WriteCloser, data []byte) []byte {
	t.Helper()
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func readFolder(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	files := make(map[string][]byte)
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files[name] = readFile(t, filepath.Join(dir, name))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func readFile(t *testing.T, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}
