package archive_test

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners"
)

var (
	amd64 = scanners.Platform{OS: "linux", Architecture: "amd64"}
	arm64 = scanners.Platform{OS: "linux", Architecture: "arm64"}
	armv7 = scanners.Platform{OS: "linux", Architecture: "arm", Variant: "v7"}
)

// picture is an image in the making: what is the same whatever form it is saved in.
type picture struct {
	name     string
	platform scanners.Platform
	layers   [][]byte // tars
}

// shop has a layer twice, and one that an engine makes of a step without files: a tar's end and nothing before it.
func shop() picture {
	base := layer("etc/os-release", "ID=debian", "bin/sh", "shell")
	return picture{name: "shop:1", platform: amd64, layers: [][]byte{base, layer("srv/app", "app"), make([]byte, 1024), base, layer("srv/more", strings.Repeat("more ", 1000))}}
}

// layer makes a tar of files: name, content, name, content ….
func layer(files ...string) []byte {
	var entries tree
	for i := 0; i < len(files); i += 2 {
		entries.add(files[i], []byte(files[i+1]))
	}
	return entries.tar()
}

func (p picture) config() []byte {
	config := ocispec.Image{Platform: ocispec.Platform{OS: p.platform.OS, Architecture: p.platform.Architecture, Variant: p.platform.Variant}}
	config.RootFS.Type = "layers"
	for i, l := range p.layers {
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.FromBytes(l))
		config.History = append(config.History, ocispec.History{CreatedBy: fmt.Sprintf("COPY %d / # buildkit", i)}, ocispec.History{CreatedBy: "ENV A=1", EmptyLayer: true})
	}
	return marshal(config)
}

// image is what a source has to say of the picture.
func (p picture) image() scanners.Image {
	img := scanners.Image{ID: digest.FromBytes(p.config()).String(), Platform: p.platform, Layers: []scanners.Layer{}}
	if p.name != "" {
		img.References = []string{p.name}
	}
	for i, l := range p.layers {
		img.Layers = append(img.Layers, scanners.Layer{DiffID: digest.FromBytes(l).String(), Index: i, Instruction: fmt.Sprintf("COPY %d /", i)})
	}
	return img
}

func imagesOf(pictures ...picture) []scanners.Image {
	var images []scanners.Image
	for _, p := range pictures {
		images = append(images, p.image())
	}
	return images
}

// saved is how a docker-archive names an image.
type saved struct {
	Config   string
	RepoTags []string
	Layers   []string
}

// oldArchive is what engines before version 25 save: a folder for each layer, and links for those that occur twice.
func oldArchive(pictures ...picture) tree {
	var t tree
	var manifest []saved
	first := make(map[digest.Digest]string)
	for n, p := range pictures {
		s := saved{Config: digest.FromBytes(p.config()).Encoded() + ".json", RepoTags: tags(p)}
		for i, l := range p.layers {
			dir := fmt.Sprintf("%064x", n*1000+i)
			t.add(dir+"/VERSION", []byte("1.0"))
			t.add(dir+"/json", []byte(`{"id":"`+dir+`"}`))
			if before, seen := first[digest.FromBytes(l)]; seen {
				t = append(t, entry{name: dir + "/layer.tar", link: "../" + before})
			} else {
				first[digest.FromBytes(l)] = dir + "/layer.tar"
				t.add(dir+"/layer.tar", l)
			}
			s.Layers = append(s.Layers, dir+"/layer.tar")
		}
		t.add(s.Config, p.config())
		manifest = append(manifest, s)
	}
	t.add("manifest.json", marshal(manifest))
	t.add("repositories", []byte("{}"))
	return t
}

// newArchive is what engines since version 25 save: an OCI layout with plain layers, and manifest.json beside it.
func newArchive(pictures ...picture) tree {
	t := layout(plain, pictures...)
	var manifest []saved
	for _, p := range pictures {
		s := saved{Config: blobName(p.config()), RepoTags: tags(p)}
		for _, l := range p.layers {
			s.Layers = append(s.Layers, blobName(l))
		}
		manifest = append(manifest, s)
	}
	t.add("manifest.json", marshal(manifest))
	return t
}

func tags(p picture) []string {
	if p.name == "" {
		return nil
	}
	return []string{p.name}
}

// layout is an OCI layout. Pictures of the same name become an index of their own.
func layout(pack packing, pictures ...picture) tree {
	var t tree
	var names []string
	byName := make(map[string][]ocispec.Descriptor)
	for _, p := range pictures {
		if _, seen := byName[p.name]; !seen {
			names = append(names, p.name)
		}
		byName[p.name] = append(byName[p.name], t.image(pack, p))
	}
	var top []ocispec.Descriptor
	for _, name := range names {
		if name == "" {
			top = append(top, byName[name]...)
			continue
		}
		d := byName[name][0]
		if len(byName[name]) > 1 {
			d = t.index(byName[name]...)
		}
		d.Annotations = map[string]string{ocispec.AnnotationRefName: name}
		top = append(top, d)
	}
	t.top(top...)
	return t
}

// tree is the files of an archive, in order.
type tree []entry

type entry struct {
	name string
	data []byte
	link string
	head *tar.Header // instead of the usual one
}

func (t *tree) add(name string, data []byte) { *t = append(*t, entry{name: name, data: data}) }

// top writes the layout's own files.
func (t *tree) top(manifests ...ocispec.Descriptor) {
	t.add("oci-layout", []byte(`{"imageLayoutVersion":"1.0.0"}`))
	t.add("index.json", marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: manifests}))
}

// blob adds content under its digest, once.
func (t *tree) blob(mediaType string, data []byte) ocispec.Descriptor {
	if !slices.ContainsFunc(*t, func(e entry) bool { return e.name == blobName(data) }) {
		t.add(blobName(data), data)
	}
	return ocispec.Descriptor{MediaType: mediaType, Digest: digest.FromBytes(data), Size: int64(len(data))}
}

func (t *tree) index(manifests ...ocispec.Descriptor) ocispec.Descriptor {
	return t.blob(ocispec.MediaTypeImageIndex, marshal(ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, Manifests: manifests}))
}

func (t *tree) image(pack packing, p picture) ocispec.Descriptor {
	manifest := ocispec.Manifest{Config: t.blob(ocispec.MediaTypeImageConfig, p.config())}
	for _, l := range p.layers {
		manifest.Layers = append(manifest.Layers, t.blob(ocispec.MediaTypeImageLayer, pack(l)))
	}
	return t.manifest(manifest)
}

func (t *tree) manifest(m ocispec.Manifest) ocispec.Descriptor {
	m.SchemaVersion = 2
	return t.blob(ocispec.MediaTypeImageManifest, marshal(m))
}

// with is the tree with one file's content changed; a file that is not there is added.
func (t tree) with(name string, data []byte) tree {
	t = slices.Clone(t)
	for i, e := range t {
		if e.name == name {
			t[i].data = data
			return t
		}
	}
	t.add(name, data)
	return t
}

func (t tree) without(name string) tree {
	return slices.DeleteFunc(slices.Clone(t), func(e entry) bool { return e.name == name })
}

func (t tree) tar() []byte {
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, e := range t {
		header := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(e.data))}
		switch {
		case e.head != nil:
			header = e.head
		case e.link != "":
			header = &tar.Header{Name: e.name, Typeflag: tar.TypeSymlink, Linkname: e.link}
		}
		must(w.WriteHeader(header))
		_, err := w.Write(e.data)
		must(err)
	}
	must(w.Close())
	return buf.Bytes()
}

// folder writes the tree to disk.
func (t tree) folder(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	for _, e := range t {
		full := filepath.Join(dir, filepath.FromSlash(e.name))
		must(os.MkdirAll(filepath.Dir(full), 0o755))
		if e.link != "" {
			must(os.Symlink(filepath.FromSlash(e.link), full))
			continue
		}
		must(os.WriteFile(full, e.data, 0o644))
	}
	return dir
}

// file writes the tree as a tar, packed.
func (t tree) file(tb testing.TB, pack packing) string {
	tb.Helper()
	return writeFile(tb, pack(t.tar()))
}

func writeFile(tb testing.TB, data []byte) string {
	tb.Helper()
	name := filepath.Join(tb.TempDir(), "image.tar")
	must(os.WriteFile(name, data, 0o644))
	return name
}

// packing compresses, or does not.
type packing func([]byte) []byte

func plain(data []byte) []byte { return data }

func gzipped(data []byte) []byte {
	var buf bytes.Buffer
	return squeeze(&buf, gzip.NewWriter(&buf), data)
}

func zstandard(data []byte) []byte {
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf, zstd.WithEncoderConcurrency(1))
	must(err)
	return squeeze(&buf, w, data)
}

func squeeze(buf *bytes.Buffer, w io.WriteCloser, data []byte) []byte {
	_, err := w.Write(data)
	must(err)
	must(w.Close())
	return buf.Bytes()
}

func blobName(data []byte) string {
	return path.Join("blobs/sha256", digest.FromBytes(data).Encoded())
}

func marshal(v any) []byte {
	data, err := json.Marshal(v)
	must(err)
	return data
}

// must ends the test program when a test can't even be set up.
func must(err error) {
	if err != nil {
		panic(err)
	}
}
