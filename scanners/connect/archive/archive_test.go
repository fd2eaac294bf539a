package archive_test

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/opencontainers/go-digest"
	"go.uber.org/goleak"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/archive"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// sameImages compares images, and takes no layers for none.
var sameImages = cmpopts.EquateEmpty()

// forms are the ways to save the same images.
func forms(pictures ...picture) map[string]tree {
	return map[string]tree{
		"docker-archive of old engines":   oldArchive(pictures...),
		"docker-archive of newer engines": newArchive(pictures...),
		"OCI layout":                      layout(plain, pictures...),
		"OCI layout with gzip layers":     layout(gzipped, pictures...),
		"OCI layout with zstd layers":     layout(zstandard, pictures...),
	}
}

var packings = map[string]packing{"tar": plain, "tar.gz": gzipped, "tar.zst": zstandard}

// eachForm runs a test on every form and packing of the same images.
func eachForm(t *testing.T, test func(t *testing.T, path string), pictures ...picture) {
	t.Helper()
	for name, form := range forms(pictures...) {
		t.Run(name+", folder", func(t *testing.T) { test(t, form.folder(t)) })
		for ending, pack := range packings {
			t.Run(name+", "+ending, func(t *testing.T) { test(t, form.file(t, pack)) })
		}
	}
}

func TestAllFormsGiveTheSame(t *testing.T) {
	other := picture{name: "other:2", platform: amd64, layers: [][]byte{shop().layers[0], layer("etc/other", "x")}}
	eachForm(t, func(t *testing.T, path string) {
		images, sink, err := read(t, path, scanners.Platform{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(imagesOf(shop(), other), images, sameImages); diff != "" {
			t.Errorf("images (-want +got)\n%s", diff)
		}
		want := map[string]string{
			diffIDs(shop())[0]: "etc/os-release bin/sh", diffIDs(shop())[1]: "srv/app", diffIDs(shop())[2]: "",
			diffIDs(shop())[4]: "srv/more", diffIDs(other)[1]: "etc/other",
		}
		if diff := cmp.Diff(want, sink.layers); diff != "" {
			t.Errorf("layers (-want +got)\n%s", diff)
		}
		if len(sink.failed) > 0 {
			t.Errorf("failed: %v", sink.failed)
		}
	}, shop(), other)
}

// Layers that are known cost nothing: the image is described though their content is not even there.
func TestKnownLayersAreNotRead(t *testing.T) {
	for name, form := range forms(shop()) {
		for _, l := range shop().layers {
			form = slices.DeleteFunc(form, func(e entry) bool {
				return bytes.Equal(e.data, l) || bytes.Equal(e.data, gzipped(l)) || bytes.Equal(e.data, zstandard(l)) || e.link != ""
			})
		}
		t.Run(name+", folder", func(t *testing.T) { describes(t, form.folder(t)) })
		for ending, pack := range packings {
			t.Run(name+", "+ending, func(t *testing.T) { describes(t, form.file(t, pack)) })
		}
	}
}

// describes reads an archive all layers of which are known.
func describes(t *testing.T, path string) {
	t.Helper()
	sink := newRecorder(diffIDs(shop())...)
	images, err := archive.Open(path, scanners.Platform{}, amd64).Read(t.Context(), sink)
	if err != nil {
		t.Fatal(err)
	}
	sink.check(t)
	if diff := cmp.Diff(imagesOf(shop()), images, sameImages); diff != "" {
		t.Errorf("images (-want +got)\n%s", diff)
	}
	if sink.bytes > versions || len(sink.layers)+len(sink.failed) > 0 {
		t.Errorf("%d bytes of layers were read; %v, %v", sink.bytes, sink.layers, sink.failed)
	}
}

// versions is how many bytes the VERSION files of old engines have. In a stream everything that is no document could be
// a layer, so they are offered.
const versions = int64(5 * len("1.0"))

// In a stream the layers pass, but a known one is not looked at: by its name in a layout, or by what the engine said.
func TestKnownLayersPassBy(t *testing.T) {
	known := make(map[string]string)
	for _, e := range oldArchive(shop()) {
		for i, l := range shop().layers {
			if bytes.Equal(e.data, l) {
				known[e.name] = diffIDs(shop())[i]
			}
		}
	}
	for name, data := range map[string][]byte{"old": oldArchive(shop()).tar(), "new": newArchive(shop()).tar()} {
		t.Run(name, func(t *testing.T) {
			sink := newRecorder(diffIDs(shop())...)
			images, err := archive.ReadStream(t.Context(), bytes.NewReader(data), known, sink)
			if err != nil {
				t.Fatal(err)
			}
			sink.check(t)
			if diff := cmp.Diff(imagesOf(shop()), images, sameImages); diff != "" {
				t.Errorf("images (-want +got)\n%s", diff)
			}
			if sink.bytes > versions {
				t.Errorf("%d bytes of layers were read", sink.bytes)
			}
		})
	}
}

func TestLayerIsVerified(t *testing.T) {
	bad := diffIDs(shop())[1]
	for name, form := range forms(shop()) {
		t.Run(name, func(t *testing.T) {
			for i, e := range form {
				for _, pack := range packings {
					if bytes.Equal(e.data, pack(shop().layers[1])) {
						form[i].data = pack(layer("srv/app", "evil"))
					}
				}
			}
			eachPacking(t, form, func(t *testing.T, path string) {
				images, sink, err := read(t, path, scanners.Platform{})
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(imagesOf(shop()), images, sameImages); diff != "" {
					t.Errorf("images (-want +got)\n%s", diff)
				}
				if _, read := sink.layers[bad]; read || sink.failed[bad] == "" || len(sink.failed) != 1 {
					t.Errorf("failed are %v, want %s alone", sink.failed, bad)
				}
				for _, id := range diffIDs(shop()) {
					if _, read := sink.layers[id]; !read && id != bad {
						t.Errorf("layer %s was not read", id)
					}
				}
			})
		})
	}
}

func TestBadLayers(t *testing.T) {
	bad := shop().layers[1]
	tests := []struct {
		name   string
		data   []byte // nil: the layer is not there
		reason string // folder and plain tar, then stream
		stream string
	}{
		{"missing", nil, "the archive is incomplete, save it again", "is missing"},
		{"damaged gzip", append(gzipped(bad)[:20], "xxxxxxxxxxxxxxxx"...), "flate: corrupt input", "flate: corrupt input"},
		{"cut off", gzipped(bad)[:30], "unexpected EOF", "unexpected EOF"},
		{"no tar", []byte(strings.Repeat("no tar at all ", 100)), "invalid tar header", "invalid tar header"},
		{"unknown compression", append([]byte{0xfd, '7', 'z', 'X', 'Z', 0}, make([]byte, 1000)...), "invalid tar header", "invalid tar header"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form := newArchive(shop())
			if tt.data == nil {
				form = form.without(blobName(bad))
			} else {
				form = form.with(blobName(bad), tt.data)
			}
			eachPacking(t, form, func(t *testing.T, path string) {
				want := tt.reason
				if strings.Contains(t.Name(), "tar.") {
					want = tt.stream
				}
				images, sink, err := read(t, path, scanners.Platform{})
				if err != nil || len(images) != 1 {
					t.Fatalf("%d images, error %v", len(images), err)
				}
				if got := sink.failed[diffIDs(shop())[1]]; !strings.Contains(got, want) || len(sink.failed) != 1 {
					t.Errorf("failed are %q, want one with %q", sink.failed, want)
				}
				if len(sink.layers) != 3 {
					t.Errorf("%d layers were read, want the other 3", len(sink.layers))
				}
			})
		})
	}
}

// eachPacking runs a test on a tree as a folder and in every packing.
func eachPacking(t *testing.T, form tree, test func(t *testing.T, path string)) {
	t.Helper()
	t.Run("folder", func(t *testing.T) { test(t, form.folder(t)) })
	for ending, pack := range packings {
		t.Run(ending, func(t *testing.T) { test(t, form.file(t, pack)) })
	}
}

func TestCancel(t *testing.T) {
	eachForm(t, func(t *testing.T, path string) {
		ctx, cancel := context.WithCancel(t.Context())
		sink := newRecorder()
		sink.seen = func(scanners.LayerContent) error {
			cancel()
			return nil
		}
		_, err := archive.Open(path, scanners.Platform{}, amd64).Read(ctx, sink)
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error is %v, want context.Canceled", err)
		}
		sink.check(t)
		if len(sink.layers) > 0 {
			t.Errorf("layers were read on: %v", sink.layers)
		}
	}, shop())
}

// A layer that is known is passed over, which takes as long as it takes to read it: that ends with the context too.
func TestCancelWhileKnownLayersPass(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var head bytes.Buffer
	must(tar.NewWriter(&head).WriteHeader(&tar.Header{Name: blobName(layer()), Typeflag: tar.TypeReg, Size: 1 << 50, Format: tar.FormatGNU}))
	stream := io.MultiReader(&head, bytes.NewReader(layer("a", "b")), readerFunc(func(p []byte) (int, error) {
		cancel()
		return len(p), nil // without end
	}))
	_, err := archive.ReadStream(ctx, stream, nil, newRecorder(digest.FromBytes(layer()).String()))
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v, want context.Canceled", err)
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// Wherever a stream breaks: the cause is told, and no layer is left claimed, which somebody else could wait for.
func TestStreamBreaks(t *testing.T) {
	broken := errors.New("connection reset")
	for name, form := range forms(shop()) {
		t.Run(name, func(t *testing.T) {
			data := form.tar()
			for at := 0; at < len(data)-1024; at += 509 {
				sink := newRecorder()
				_, err := archive.ReadStream(t.Context(), io.MultiReader(bytes.NewReader(data[:at]), iotest.ErrReader(broken)), nil, sink)
				if !errors.Is(err, broken) {
					t.Errorf("at %d: error is %v, want %v", at, err, broken)
				}
				sink.check(t)
			}
		})
	}
}

// What of an archive was cut off is missed, unless nothing but its end mark is.
func TestCutOff(t *testing.T) {
	whole := newRecorder()
	for name, form := range forms(shop()) {
		for ending, pack := range packings {
			t.Run(name+", "+ending, func(t *testing.T) {
				data := pack(form.tar())
				if _, err := archive.ReadStream(t.Context(), bytes.NewReader(form.tar()), nil, whole); err != nil {
					t.Fatal(err)
				}
				for at := 1; at < len(data); at += 1 + len(data)/40 {
					sink := newRecorder()
					images, err := archive.Open(writeFile(t, data[:at]), scanners.Platform{}, amd64).Read(t.Context(), sink)
					sink.check(t)
					if err != nil || len(sink.failed) > 0 {
						continue
					}
					if at < len(data)/2 || !cmp.Equal(imagesOf(shop()), images, sameImages) || !cmp.Equal(whole.layers, sink.layers) {
						t.Errorf("cut at %d of %d: nothing was missed", at, len(data))
					}
				}
			})
		}
	}
}

func TestTarget(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	must(os.Mkdir("layout", 0o755))
	must(os.WriteFile("image.tar", nil, 0o644))
	full, err := filepath.EvalSymlinks(dir)
	must(err)
	tests := []struct {
		path string
		want scanners.Target
	}{
		{"layout", scanners.Target{Key: "oci-layout:" + filepath.Join(full, "layout"), Kind: scanners.TargetOCILayout, Name: "layout", Address: filepath.Join(full, "layout")}},
		{"./image.tar", scanners.Target{Key: "archive:" + filepath.Join(full, "image.tar"), Kind: scanners.TargetArchive, Name: "image.tar", Address: filepath.Join(full, "image.tar")}},
		{"gone.tar", scanners.Target{Key: "archive:" + filepath.Join(full, "gone.tar"), Kind: scanners.TargetArchive, Name: "gone.tar", Address: filepath.Join(full, "gone.tar")}},
	}
	for _, tt := range tests {
		source := archive.Open(tt.path, scanners.Platform{}, amd64)
		if diff := cmp.Diff(tt.want, source.Target()); diff != "" {
			t.Errorf("%s (-want +got)\n%s", tt.path, diff)
		}
		if source.Name() != tt.path {
			t.Errorf("name is %q, want %q", source.Name(), tt.path)
		}
	}
}

// Sixty-four layers at a time are open, however many there are.
func TestLayersAreOpenedFewAtATime(t *testing.T) {
	p := picture{name: "tall:1", platform: amd64}
	for i := range 200 {
		p.layers = append(p.layers, layer("file", strings.Repeat("x", i)))
	}
	path := layout(plain, p).folder(t)
	full, done := make(chan struct{}), make(chan struct{})
	waiting := make(chan struct{}, 200)
	sink := newRecorder()
	sink.seen = func(scanners.LayerContent) error {
		waiting <- struct{}{}
		if len(waiting) == 64 {
			close(full)
		}
		<-done
		return nil
	}
	go func() {
		<-full
		time.Sleep(20 * time.Millisecond) // time for a 65th
		if n := len(waiting); n != 64 {
			t.Errorf("%d layers are open", n)
		}
		close(done)
	}()
	if _, err := archive.Open(path, scanners.Platform{}, amd64).Read(t.Context(), sink); err != nil {
		t.Fatal(err)
	}
	if len(sink.layers) != 200 {
		t.Errorf("%d layers were read", len(sink.layers))
	}
}

// read reads all layers of an archive on an amd64 host.
func read(t *testing.T, path string, platform scanners.Platform) ([]scanners.Image, *recorder, error) {
	t.Helper()
	sink := newRecorder()
	images, err := archive.Open(path, platform, amd64).Read(t.Context(), sink)
	sink.check(t)
	return images, sink, err
}

func diffIDs(p picture) []string {
	var ids []string
	for _, l := range p.image().Layers {
		ids = append(ids, l.DiffID)
	}
	return ids
}

// names lists images as "name platform".
func names(images []scanners.Image) []string {
	list := []string{}
	for _, img := range images {
		name := "(unnamed)"
		if len(img.References) > 0 {
			name = img.References[0]
		}
		list = append(list, name+" "+img.Platform.String())
	}
	return list
}
