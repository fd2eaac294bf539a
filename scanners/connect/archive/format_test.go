package archive_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners"
)

// small is an image of one layer.
func small(name string, platform scanners.Platform) picture {
	return picture{name: name, platform: platform, layers: [][]byte{layer("bin/"+platform.Architecture, name)}}
}

func TestPlatform(t *testing.T) {
	none := scanners.Platform{}
	tests := []struct {
		name     string
		pictures []picture
		platform scanners.Platform
		want     []string
		err      string // "" for none
	}{
		{"the host's of several", []picture{small("a", arm64), small("a", amd64), small("a", armv7)}, none, []string{"a linux/amd64"}, ""},
		{"the wanted of several", []picture{small("a", arm64), small("a", amd64), small("a", armv7)}, arm64, []string{"a linux/arm64"}, ""},
		{"a variant", []picture{small("a", amd64), small("a", armv7)}, armv7, []string{"a linux/arm/v7"}, ""},
		{"a variant that nobody asks for", []picture{small("a", amd64), small("a", armv7)}, scanners.Platform{OS: "linux", Architecture: "arm"}, []string{"a linux/arm/v7"}, ""},
		{"not the host's, but the only one", []picture{small("a", arm64)}, none, []string{"a linux/arm64"}, ""},
		{"not the wanted one", []picture{small("a", amd64)}, arm64, []string{}, `image "a" is not there for linux/arm64, only for linux/amd64: choose with --platform`},
		{"neither the wanted one nor the host's", []picture{small("a", arm64), small("a", armv7)}, none, []string{}, `image "a" is not there for linux/amd64, only for linux/arm/v7, linux/arm64: choose with --platform`},
		{"two images for one platform each", []picture{small("a", arm64), small("b", amd64)}, none, []string{"a linux/arm64", "b linux/amd64"}, ""},
		{"missing for one of two", []picture{small("a", arm64), small("a", amd64), small("b", amd64)}, arm64, []string{"a linux/arm64"}, `image "b" is not there for linux/arm64, only for linux/amd64: choose with --platform`},
		{"missing for both", []picture{small("a", amd64), small("b", amd64)}, arm64, []string{}, `image "b" is not there`},
		{"unnamed", []picture{small("", amd64)}, none, []string{"(unnamed) linux/amd64"}, ""},
		{"two unnamed ones have nothing to do with each other", []picture{small("", arm64), small("", amd64)}, none, []string{"(unnamed) linux/arm64", "(unnamed) linux/amd64"}, ""},
		{"the wanted of two unnamed ones", []picture{small("", arm64), small("", amd64)}, arm64, []string{"(unnamed) linux/arm64"}, ""},
		{"one name for two images", []picture{small("a", amd64), {name: "a", platform: amd64, layers: [][]byte{layer("other", "x")}}}, none, []string{"a linux/amd64", "a linux/amd64"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachForm(t, func(t *testing.T, path string) {
				images, sink, err := read(t, path, tt.platform)
				if diff := cmp.Diff(tt.want, names(images)); diff != "" {
					t.Errorf("images (-want +got)\n%s", diff)
				}
				checkError(t, err, tt.err)
				if len(sink.layers) > len(images) && !strings.Contains(t.Name(), ".") { // a stream's layers pass before it is clear whose they are
					t.Errorf("%d layers were read for %d images", len(sink.layers), len(images))
				}
			}, tt.pictures...)
		})
	}
}

// checkError holds an error against a part of its text; "" stands for no error.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("error is %v, want none", err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("error is %v, want one with %q", err, want)
	case err != nil && strings.ContainsAny(err.Error(), "\n\x1b"):
		t.Errorf("error %q is more than one line of plain text", err)
	}
}

// What lies in a layout beside images is passed over; when nothing else is there, that is said.
func TestWhatIsNoImage(t *testing.T) {
	nowhere := scanners.Platform{OS: "unknown", Architecture: "unknown"}
	tests := []struct {
		name string
		add  func(t *tree) ocispec.Descriptor
	}{
		{"attestation, by its annotation", func(t *tree) ocispec.Descriptor {
			d := t.image(plain, small("", amd64))
			d.Annotations = map[string]string{"vnd.docker.reference.type": "attestation-manifest"}
			return d
		}},
		{"attestation, by its platform", func(t *tree) ocispec.Descriptor {
			d := t.image(plain, small("", nowhere))
			d.Platform = &ocispec.Platform{OS: "unknown", Architecture: "unknown"}
			return d
		}},
		{"attestation, by its layer", func(t *tree) ocispec.Descriptor {
			return t.manifest(ocispec.Manifest{
				Config: t.blob(ocispec.MediaTypeImageConfig, small("", nowhere).config()),
				Layers: []ocispec.Descriptor{t.blob("application/vnd.in-toto+json", []byte(`{"_type":"x"}`))},
			})
		}},
		{"signature", func(t *tree) ocispec.Descriptor {
			return t.manifest(ocispec.Manifest{
				Config: t.blob(ocispec.MediaTypeImageConfig, small("", amd64).config()),
				Layers: []ocispec.Descriptor{t.blob("application/vnd.dev.cosign.simplesigning.v1+json", []byte(`{"critical":{}}`))},
			})
		}},
		{"chart", func(t *tree) ocispec.Descriptor {
			return t.manifest(ocispec.Manifest{
				Config: t.blob("application/vnd.cncf.helm.config.v1+json", []byte(`{"name":"x"}`)),
				Layers: []ocispec.Descriptor{t.blob("application/vnd.cncf.helm.chart.content.v1.tar+gzip", gzipped(layer("Chart.yaml", "x")))},
			})
		}},
		{"of an unknown type", func(t *tree) ocispec.Descriptor { return t.blob("text/plain", []byte("hello")) }},
		{"of no type", func(t *tree) ocispec.Descriptor { return t.blob("", []byte("{}")) }},
		{"an index of nothing", func(t *tree) ocispec.Descriptor { return t.index() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var alone, beside tree
			alone.top(tt.add(&alone))
			beside.top(beside.index(tt.add(&beside), beside.image(plain, small("", amd64))))

			eachPacking(t, alone, func(t *testing.T, path string) {
				_, _, err := read(t, path, scanners.Platform{})
				checkError(t, err, "index.json names no image")
			})
			eachPacking(t, beside, func(t *testing.T, path string) {
				images, sink, err := read(t, path, scanners.Platform{})
				checkError(t, err, "")
				if diff := cmp.Diff([]string{"(unnamed) linux/amd64"}, names(images)); diff != "" {
					t.Errorf("images (-want +got)\n%s", diff)
				}
				if len(sink.failed) > 0 {
					t.Errorf("failed: %v", sink.failed)
				}
			})
		})
	}
}

func TestNames(t *testing.T) {
	tests := []struct {
		name        string
		annotations map[string]string
		want        string
	}{
		{"reference", map[string]string{ocispec.AnnotationRefName: "app:1"}, "app:1 linux/amd64"},
		{"the full name before the tag alone", map[string]string{ocispec.AnnotationRefName: "1", "io.containerd.image.name": "docker.io/library/app:1"}, "docker.io/library/app:1 linux/amd64"},
		{"none", nil, "(unnamed) linux/amd64"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var form tree
			d := form.index(form.image(plain, small("", amd64)))
			d.Annotations = tt.annotations
			form.top(d)
			images, _, err := read(t, form.folder(t), scanners.Platform{})
			checkError(t, err, "")
			if diff := cmp.Diff([]string{tt.want}, names(images)); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestNestedIndexes(t *testing.T) {
	for depth, want := range map[int]string{1: "", 4: "", 5: "indexes are nested more than 4 deep", 40: "indexes are nested more than 4 deep"} {
		t.Run(fmt.Sprint(depth), func(t *testing.T) {
			var form tree
			beside := form.image(plain, small("", amd64))
			d := form.image(plain, small("deep", arm64))
			for range depth {
				d = form.index(d)
			}
			form.top(beside, d)
			eachPacking(t, form, func(t *testing.T, path string) {
				images, _, err := read(t, path, scanners.Platform{})
				checkError(t, err, want)
				if expected := 1 + map[bool]int{true: 1}[want == ""]; len(images) != expected {
					t.Errorf("%d images, want %d", len(images), expected)
				}
			})
		})
	}
}

// Indexes that name each other a thousand times over three levels stand for a thousand million images.
func TestWebOfIndexes(t *testing.T) {
	tests := []struct {
		name string
		leaf func(t *tree) ocispec.Descriptor
		err  string
	}{
		{"of images", func(t *tree) ocispec.Descriptor { return t.image(plain, small("", amd64)) }, "more than 1000 images"},
		{"of much that means nothing", func(t *tree) ocispec.Descriptor {
			return t.blob(ocispec.MediaTypeImageIndex, append(bytes.Repeat([]byte(" "), 7<<20), "{}"...))
		}, "up to 67108864 bytes in all"},
		{"of what is missing", func(t *tree) ocispec.Descriptor {
			d := t.index()
			d.Digest = digest.FromString("missing")
			return d
		}, "layout has more than 1000 images"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var form tree
			d := tt.leaf(&form)
			for range 3 {
				d = form.index(slices.Repeat([]ocispec.Descriptor{d}, 1000)...)
			}
			form.top(d)
			started := time.Now()
			_, _, err := read(t, form.file(t, plain), scanners.Platform{})
			checkError(t, err, tt.err)
			if took := time.Since(started); took > 20*time.Second {
				t.Errorf("took %s", took)
			}
		})
	}
}
