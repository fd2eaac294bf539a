package images_test

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ggcr "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"plimsoll/scanners"
	"plimsoll/testdata/sample/images"
)

func TestWriteGivesTheSameBytes(t *testing.T) {
	first, second := readFolder(t, written(t)), readFolder(t, written(t))
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("two runs differ (-first +second):\n%s", diff)
	}
	if len(first) < 20 {
		t.Errorf("only %d files", len(first))
	}
}

func TestLayout(t *testing.T) {
	index := openLayout(t)
	type entry struct{ reference, platform, kind string }
	var got []entry
	eachManifest(t, index, "", func(reference string, d ggcr.Descriptor, _ ggcr.ImageIndex) {
		got = append(got, entry{reference, d.Platform.String(), d.Annotations["vnd.docker.reference.type"]})
	})
	want := []entry{
		{"sample/shop:1", "linux/amd64", ""},
		{"sample/shop:1", "linux/arm64", ""},
		{"sample/shop:1", "unknown/unknown", "attestation-manifest"},
		{"sample/edge:1", "linux/amd64", ""},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(entry{})); diff != "" {
		t.Errorf("manifests (-want +got):\n%s", diff)
	}
}

func TestImages(t *testing.T) {
	index := openLayout(t)
	for _, fact := range images.All() {
		t.Run(fact.Reference+" "+fact.Platform.Architecture, func(t *testing.T) {
			image := find(t, index, fact)
			if err := validate.Image(image, validate.Fast); err != nil { // the slow check knows gzip only
				t.Fatal(err)
			}
			if diff := cmp.Diff(fact.Instructions, instructions(t, image)); diff != "" {
				t.Errorf("instructions (-want +got):\n%s", diff)
			}
			layers := readLayers(t, image)
			for _, p := range append(fact.Found, fact.Hidden...) {
				if _, ok := layers[p.Layer][p.Path]; !ok {
					t.Errorf("layer %d has no %s, which tells of %s %s", p.Layer, p.Path, p.Name, p.Version)
				}
			}
			checkVisible(t, fact, layers)
			checkPrograms(t, fact, layers)
		})
	}
}

// checkVisible says what a whiteout does to the packages with a file of their own.
func checkVisible(t *testing.T, fact images.Image, layers []map[string][]byte) {
	t.Helper()
	gone := func(p images.Package) bool {
		for _, above := range layers[p.Layer+1:] {
			for dir := p.Path; dir != "."; dir = path.Dir(dir) {
				_, removed := above[path.Join(path.Dir(dir), ".wh."+path.Base(dir))]
				_, emptied := above[path.Join(path.Dir(dir), ".wh..wh..opq")]
				if removed || emptied {
					return true
				}
			}
		}
		return false
	}
	deleted := 0
	for _, p := range fact.Found {
		if gone(p) {
			t.Errorf("%s %s is to be found, and a whiteout removes it", p.Name, p.Version)
		}
	}
	for _, p := range fact.Hidden {
		if gone(p) {
			deleted++
		}
	}
	if deleted == 0 {
		t.Error("no hidden package is deleted by a whiteout")
	}
}

// checkPrograms reads the Go programs as everybody does.
func checkPrograms(t *testing.T, fact images.Image, layers []map[string][]byte) {
	t.Helper()
	var want, got []string
	programs := map[string][]byte{}
	for _, p := range fact.Found {
		if p.Ecosystem == scanners.EcosystemGolang {
			want = append(want, p.Name+" "+p.Version)
			programs[p.Path] = layers[p.Layer][p.Path]
		}
	}
	for name, data := range programs {
		info, err := buildinfo.Read(bytes.NewReader(data))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got = append(got, info.Main.Path+" "+info.Main.Version)
		for _, d := range info.Deps {
			got = append(got, d.Path+" "+d.Version)
		}
		got = append(got, "stdlib v"+strings.TrimPrefix(info.GoVersion, "go"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

func TestStarterAdvisoriesConcernTheSample(t *testing.T) {
	data, err := os.ReadFile("../../../scanners/vulndb/starter/affected.tsv")
	if err != nil {
		t.Fatal(err)
	}
	concerned := map[string]bool{}
	for _, fact := range images.All() {
		for _, p := range fact.Found {
			if p.OwnedBy == "" {
				concerned[bucket(fact, p)] = true
			}
		}
	}
	advisories := map[string]bool{}
	for line := range strings.Lines(string(data)) {
		if cells := strings.Split(line, "\t"); len(cells) == 5 && concerned[cells[1]+" "+cells[2]] {
			advisories[cells[0]] = true
		}
	}
	if len(advisories) < 25 {
		t.Errorf("only %d starter advisories are about packages of the sample images", len(advisories))
	}
}

// bucket is how the starter advisories name a package: bucket and name.
func bucket(fact images.Image, p images.Package) string {
	switch p.Ecosystem {
	case scanners.EcosystemNPM:
		return "npm " + p.Name
	case scanners.EcosystemPyPI:
		return "pip " + strings.ToLower(p.Name)
	case scanners.EcosystemGolang:
		return "go " + p.Name
	default:
		return fact.Distribution.ID + " " + fact.Distribution.Version + " " + p.Source.Name
	}
}

func written(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := images.Write(dir); err != nil {
		t.Fatal(err)
	}
	return dir
}

func readFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, name))
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func openLayout(t *testing.T) ggcr.ImageIndex {
	t.Helper()
	index, err := layout.ImageIndexFromPath(written(t))
	if err != nil {
		t.Fatal(err)
	}
	return index
}

// eachManifest visits the manifests in order, those of indexes in indexes too.
func eachManifest(t *testing.T, index ggcr.ImageIndex, reference string, visit func(string, ggcr.Descriptor, ggcr.ImageIndex)) {
	t.Helper()
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range manifest.Manifests {
		name := reference
		if name == "" {
			name = d.Annotations["org.opencontainers.image.ref.name"]
		}
		if !d.MediaType.IsIndex() {
			visit(name, d, index)
			continue
		}
		inner, err := index.ImageIndex(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		eachManifest(t, inner, name, visit)
	}
}

func find(t *testing.T, index ggcr.ImageIndex, fact images.Image) ggcr.Image {
	t.Helper()
	var found ggcr.Image
	eachManifest(t, index, "", func(reference string, d ggcr.Descriptor, in ggcr.ImageIndex) {
		if reference != fact.Reference || d.Platform.String() != fact.Platform.String() {
			return
		}
		image, err := in.Image(d.Digest)
		if err != nil {
			t.Fatal(err)
		}
		found = image
	})
	if found == nil {
		t.Fatal("not in the layout")
	}
	return found
}

func instructions(t *testing.T, image ggcr.Image) []string {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	var diffIDs []string
	for _, id := range config.RootFS.DiffIDs {
		diffIDs = append(diffIDs, id.String())
	}
	var history []scanners.HistoryEntry
	for _, h := range config.History {
		history = append(history, scanners.HistoryEntry{CreatedBy: h.CreatedBy, Comment: h.Comment, EmptyLayer: h.EmptyLayer})
	}
	var texts []string
	for _, l := range scanners.Layers(diffIDs, history) {
		texts = append(texts, l.Instruction)
	}
	return texts
}

// readLayers gives the files of each layer by path.
func readLayers(t *testing.T, image ggcr.Image) []map[string][]byte {
	t.Helper()
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	var all []map[string][]byte
	for i, l := range layers {
		r, err := l.Uncompressed()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err := errors.Join(err, r.Close()); err != nil {
			t.Fatal(err)
		}
		want, err := l.DiffID()
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("sha256:%x", sha256.Sum256(data)); got != want.String() {
			t.Errorf("layer %d is %s, its configuration says %s", i, got, want)
		}
		all = append(all, readTar(t, bytes.NewReader(data)))
	}
	return all
}

func readTar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = data
	}
}
