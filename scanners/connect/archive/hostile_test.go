package archive_test

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/archive"
)

func TestFilesThatAreNoArchive(t *testing.T) {
	tests := []struct {
		name string
		data []byte
		err  string
	}{
		{"empty", nil, "is empty: save the image again"},
		{"one byte", []byte("x"), "neither a docker-archive nor an OCI layout: it begins with 78"},
		{"text", []byte(strings.Repeat("hello ", 200)), "neither a docker-archive nor an OCI layout: it begins with 68656c6c"},
		{"xz", append([]byte{0xfd, '7', 'z', 'X', 'Z', 0}, make([]byte, 600)...), "it is compressed with xz, which image formats do not allow"},
		{"gzip of text", gzipped([]byte(strings.Repeat("hello ", 200))), "the archive is damaged; copy or save it again"},
		{"gzip of nothing", gzipped(nil), "it holds neither manifest.json (docker-archive) nor index.json (OCI layout)"},
		{"gzip header alone", gzipped(nil)[:5], "the archive ends too early"},
		{"damaged gzip header", []byte{0x1f, 0x8b, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9}, "gzip: invalid header"},
		{"damaged gzip", append(gzipped(newArchive(shop()).tar())[:60], bytes.Repeat([]byte{0x55}, 600)...), "copy or save it again"},
		{"damaged zstd", append(zstandard(newArchive(shop()).tar())[:60], bytes.Repeat([]byte{0x55}, 600)...), "copy or save it again"},
		{"another tar", layer("etc/passwd", "root", "etc/hosts", "{}"), "it holds neither manifest.json (docker-archive) nor index.json (OCI layout): save an image with"},
		{"a tar of nothing", make([]byte, 1024), "it holds neither manifest.json"},
		{"damaged tar", append(newArchive(shop()).tar()[:1536], bytes.Repeat([]byte{0x55}, 2000)...), "the archive is damaged; copy or save it again"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := writeFile(t, tt.data)
			images, _, err := read(t, path, scanners.Platform{})
			checkError(t, err, tt.err)
			if len(images) > 0 || !strings.Contains(fmt.Sprint(err), path) {
				t.Errorf("%d images; error %v does not name the file", len(images), err)
			}
		})
	}
}

func TestPathsThatAreNoArchive(t *testing.T) {
	dir := t.TempDir()
	tests := []struct{ name, path, err string }{
		{"missing", filepath.Join(dir, "gone"), "check the path"},
		{"below a file", filepath.Join(writeFile(t, nil), "x"), "open "},
		{"an empty folder", dir, "it holds neither manifest.json (docker-archive) nor index.json (OCI layout)"},
		{"a device", os.DevNull, "is neither a file nor a folder"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := read(t, tt.path, scanners.Platform{})
			checkError(t, err, tt.err)
		})
	}
}

// Documents that are damaged or made to harm, in each packing. The image beside them is read all the same where the
// format allows it.
func TestDocuments(t *testing.T) {
	good := small("good", amd64)
	tests := []struct {
		name   string
		form   tree
		images int
		err    string
	}{
		{"manifest.json is no JSON", newArchive(good).with("manifest.json", []byte("[{")), 0, `"manifest.json" is not readable JSON`},
		{"manifest.json is an object", newArchive(good).with("manifest.json", []byte("{}")), 0, `"manifest.json" is not readable JSON`},
		{"manifest.json is null", oldArchive(good).with("manifest.json", []byte("[]")), 0, "manifest.json names no image"},
		{"manifest.json is huge", newArchive(good).with("manifest.json", []byte("["+strings.Repeat(" ", 9<<20)+"]")), 0, `"manifest.json" is larger than the 8388608 bytes`},
		{"manifest.json names very many", newArchive(good).with("manifest.json", []byte("["+strings.Repeat("{},", 1000)+"{}]")), 0, "archive has more than 1000 images"},
		{"manifest.json is nested very deep", newArchive(good).with("manifest.json", []byte(strings.Repeat("[", 1<<20))), 0, "is not readable JSON"},
		{"no configuration", oldArchive(good, small("bad", arm64)).without(digest.FromBytes(small("bad", arm64).config()).Encoded() + ".json"), 1, `image "bad": read image configuration: the archive is incomplete`},
		{"configuration is no JSON", oldArchive(good, small("bad", arm64)).with(digest.FromBytes(small("bad", arm64).config()).Encoded()+".json", []byte("{")), 1, `image "bad": image configuration is not readable JSON`},
		{"configuration climbs out", oldArchive(good).with("manifest.json", marshal([]saved{{Config: "../../../etc/passwd"}})), 0, "the archive is incomplete"},
		{"configuration without a name", oldArchive(good).with("manifest.json", marshal([]saved{{}})), 0, "read image configuration"},
		{"fewer layers than in the configuration", oldArchive(good).with("manifest.json", marshal([]saved{{Config: digest.FromBytes(good.config()).Encoded() + ".json"}})), 0, "image configuration names 1 layers, the manifest 0: the archive is damaged"},
		{"a name that a terminal would obey", oldArchive(good).with("manifest.json", marshal([]saved{{RepoTags: []string{"\x1b[2Jgone\n"}}})), 0, `image "\x1b[2Jgone\n"`},

		{"index.json is no JSON", layout(plain, good).with("index.json", []byte("{")), 0, `"index.json" is not readable JSON`},
		{"index.json names nothing", layout(plain, good).with("index.json", []byte("{}")), 0, "index.json names no image"},
		{"index.json is huge", layout(plain, good).with("index.json", append([]byte("{"), bytes.Repeat([]byte(" "), 9<<20)...)), 0, `"index.json" is larger than the 8388608 bytes`},
		{"no manifest", beside(good, func(*tree) ocispec.Descriptor {
			return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: digest.FromString("x")}
		}), 1, "the archive is incomplete, save it again (read image manifest: "},
		{"no index", beside(good, func(*tree) ocispec.Descriptor {
			return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageIndex, Digest: digest.FromString("x")}
		}), 1, "the archive is incomplete, save it again (read image index: "},
		{"manifest is no JSON", beside(good, func(t *tree) ocispec.Descriptor {
			return t.blob(ocispec.MediaTypeImageManifest, []byte("{]"))
		}), 1, "is not readable JSON"},
		{"a digest that climbs out", beside(good, func(*tree) ocispec.Descriptor {
			return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: "sha256:../../../etc/passwd"}
		}), 1, "digest \"sha256:../../../etc/passwd\": invalid checksum digest"},
		{"a digest of an unknown kind", beside(good, func(*tree) ocispec.Descriptor {
			return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest, Digest: "md5:00112233445566778899aabbccddeeff"}
		}), 1, "unsupported digest algorithm"},
		{"no digest", beside(good, func(*tree) ocispec.Descriptor {
			return ocispec.Descriptor{MediaType: ocispec.MediaTypeImageManifest}
		}), 1, "invalid checksum digest"},
		{"manifest is another one", tampered(good), 1, "has the digest sha256:"},
		{"a layer's digest climbs out", beside(good, func(t *tree) ocispec.Descriptor {
			return t.manifest(ocispec.Manifest{
				Config: t.blob(ocispec.MediaTypeImageConfig, good.config()),
				Layers: []ocispec.Descriptor{{MediaType: ocispec.MediaTypeImageLayer, Digest: "../../secret"}},
			})
		}), 1, `digest "../../secret": invalid checksum digest`},
		{"no configuration in a layout", beside(good, func(t *tree) ocispec.Descriptor {
			return t.manifest(ocispec.Manifest{Config: ocispec.Descriptor{MediaType: ocispec.MediaTypeImageConfig, Digest: digest.FromString("x")}})
		}), 1, "the archive is incomplete, save it again (read image configuration: "},
		{"a diff id that is no digest", beside(good, configured(`{"rootfs":{"diff_ids":["../../x"]}}`, 1)), 1, `names "../../x" as a layer, which is no SHA-256 digest`},
		{"a diff id of another kind", beside(good, configured(`{"rootfs":{"diff_ids":["sha512:`+strings.Repeat("0", 128)+`"]}}`, 1)), 1, "which is no SHA-256 digest"},
		{"more diff ids than layers", beside(good, configured(`{"rootfs":{"diff_ids":["sha256:`+strings.Repeat("0", 64)+`"]}}`, 2)), 1, "image configuration names 1 layers, the manifest 2"},
		{"very many layers", beside(good, configured(`{"rootfs":{"diff_ids":["sha256:`+strings.Repeat(strings.Repeat("0", 64)+`","sha256:`, 1000)+strings.Repeat("0", 64)+`"]}}`, 1001)), 1, "image has more than 1000 layers"},
		{"a created time of nonsense", beside(good, configured(`{"created":"yesterday"}`, 0)), 1, "image configuration is not readable JSON"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			eachPacking(t, tt.form, func(t *testing.T, path string) {
				images, sink, err := read(t, path, scanners.Platform{})
				checkError(t, err, tt.err)
				if len(images) != tt.images || tt.images > 0 && !cmp.Equal(good.image(), images[0], sameImages) {
					t.Errorf("images are %v, want %d", names(images), tt.images)
				}
				if _, read := sink.layers[diffIDs(good)[0]]; tt.images > 0 && !read {
					t.Error("the good image's layer was not read")
				}
			})
		})
	}
}

// beside is a layout of a good image and something else.
func beside(good picture, add func(t *tree) ocispec.Descriptor) tree {
	var t tree
	d := t.image(plain, good)
	d.Annotations = map[string]string{ocispec.AnnotationRefName: good.name}
	t.top(add(&t), d)
	return t
}

// configured makes an image with a configuration as it is given.
func configured(config string, layers int) func(t *tree) ocispec.Descriptor {
	return func(t *tree) ocispec.Descriptor {
		m := ocispec.Manifest{Config: t.blob(ocispec.MediaTypeImageConfig, []byte(config))}
		for range layers {
			m.Layers = append(m.Layers, t.blob(ocispec.MediaTypeImageLayer, layer("x", "y")))
		}
		return t.manifest(m)
	}
}

// tampered has a manifest whose content is not what its name says.
func tampered(good picture) tree {
	var name string
	t := beside(good, func(t *tree) ocispec.Descriptor {
		d := t.image(plain, small("evil", amd64))
		name = "blobs/sha256/" + d.Digest.Encoded()
		return d
	})
	return t.with(name, []byte(`{"schemaVersion":2}`))
}

func TestHostileMembers(t *testing.T) {
	good := small("good", amd64)
	sparse := entry{head: &tar.Header{Name: "big", Typeflag: tar.TypeGNUSparse, Format: tar.FormatGNU}}
	tests := []struct {
		name string
		add  tree
	}{
		{"names that climb out", tree{{name: "../../etc/passwd", data: []byte("x")}, {name: "/etc/shadow", data: []byte("{}")}, {name: "a/../../b", data: []byte("[]")}}},
		{"no name", tree{{head: &tar.Header{Name: "", Typeflag: tar.TypeReg}}}},
		{"links that climb out", tree{{name: "x", link: "../../../etc/passwd"}, {name: "y", link: "/etc/passwd"}, {head: &tar.Header{Name: "z", Typeflag: tar.TypeLink, Linkname: "../../etc/passwd"}}}},
		{"links in a circle", tree{{name: "x", link: "y"}, {name: "y", link: "x"}, {name: "z", link: "z"}}},
		{"devices", tree{{head: &tar.Header{Name: "d", Typeflag: tar.TypeBlock}}, {head: &tar.Header{Name: "c", Typeflag: tar.TypeChar}}, {head: &tar.Header{Name: "f", Typeflag: tar.TypeFifo}}}},
		{"an empty sparse file", tree{sparse}},
		{"a long name", tree{{name: strings.Repeat("long/", 5000) + "x", data: nil}, {name: strings.Repeat("x", 1<<16), data: []byte("x")}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			form := slices.Concat(tt.add, newArchive(good))
			for ending, pack := range packings {
				images, sink, err := read(t, form.file(t, pack), scanners.Platform{})
				checkError(t, err, "")
				if diff := cmp.Diff(imagesOf(good), images, sameImages); diff != "" {
					t.Errorf("%s: images (-want +got)\n%s", ending, diff)
				}
				if len(sink.failed) > 0 || len(sink.layers) == 0 {
					t.Errorf("%s: layers are %v, failed %v", ending, sink.layers, sink.failed)
				}
			}
		})
	}
}

// Links inside of an archive are followed from where they stand.
func TestLinkedMembers(t *testing.T) {
	good := small("good", amd64)
	moved := newArchive(good)
	for i, e := range moved {
		if name := blobName(good.layers[0]); e.name == name {
			moved[i].name = "blobs/sha256/moved"
			moved = append(moved, entry{name: name, link: "moved"})
		}
		if e.name == "manifest.json" {
			moved[i].name = "elsewhere/manifest"
			moved = append(moved, entry{name: e.name, link: "elsewhere/manifest"})
		}
	}
	eachPacking(t, moved, func(t *testing.T, path string) {
		images, sink, err := read(t, path, scanners.Platform{})
		checkError(t, err, "")
		if diff := cmp.Diff(imagesOf(good), images, sameImages); diff != "" {
			t.Errorf("images (-want +got)\n%s", diff)
		}
		if len(sink.layers) != 1 || len(sink.failed) > 0 {
			t.Errorf("layers are %v, failed %v", sink.layers, sink.failed)
		}
	})
}

// A member that links lead to outside of the archive is a missing one.
func TestLayerLinkedOutOfTheArchive(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	must(os.WriteFile(secret, layer("key", "secret"), 0o600))
	evil := picture{name: "evil", platform: amd64, layers: [][]byte{layer("key", "secret")}}
	form := newArchive(evil).without(blobName(evil.layers[0]))
	form = append(form, entry{name: blobName(evil.layers[0]), link: secret})
	eachPacking(t, form, func(t *testing.T, path string) {
		_, sink, err := read(t, path, scanners.Platform{})
		checkError(t, err, "")
		if len(sink.layers) > 0 || len(sink.failed) != 1 {
			t.Errorf("layers are %v, failed %v", sink.layers, sink.failed)
		}
	})
}

// A file of 2 KiB can say that it holds a layer of 8 EiB, nearly all of it a hole.
func TestSparseMember(t *testing.T) {
	p := picture{name: "hole:1", platform: amd64, layers: [][]byte{layer("a", "b")}}
	form := newArchive(p).without(blobName(p.layers[0]))
	data := append(sparseMember(blobName(p.layers[0]), p.layers[0][:512], 1<<62), form.tar()...)
	for ending, pack := range packings {
		t.Run(ending, func(t *testing.T) {
			_, sink, err := read(t, writeFile(t, pack(data)), scanners.Platform{})
			checkError(t, err, "")
			if len(sink.failed) != 1 {
				t.Errorf("failed are %v, want the one layer", sink.failed)
			}
			if sink.bytes > 1<<20 {
				t.Errorf("%d bytes were read", sink.bytes)
			}
		})
	}
}

// sparseMember is a member in the sparse format 1.0 of GNU tar, a map before the data, as a PAX extension.
func sparseMember(name string, data []byte, size int64) []byte {
	record := func(key, value string) string {
		text := fmt.Sprintf(" %s=%s\n", key, value)
		for n := len(text); ; n++ {
			if line := fmt.Sprint(n) + text; len(line) == n {
				return line
			}
		}
	}
	extension := record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0") + record("GNU.sparse.name", name) + record("GNU.sparse.realsize", fmt.Sprint(size))
	places := fmt.Sprintf("1\n0\n%d\n", len(data))
	content := append(append([]byte(places), make([]byte, 512-len(places))...), data...)
	var buf bytes.Buffer
	buf.Write(rawHeader("PaxHeaders/x", 'x', int64(len(extension))))
	buf.WriteString(extension)
	buf.Write(make([]byte, -len(extension)&511))
	buf.Write(rawHeader("GNUSparseFile.0/x", '0', int64(len(content))))
	buf.Write(content)
	buf.Write(make([]byte, -len(content)&511))
	return buf.Bytes()
}

// rawHeader is a tar header as POSIX has it (ustar).
func rawHeader(name string, kind byte, size int64) []byte {
	head := make([]byte, 512)
	copy(head, name)
	copy(head[100:], "0000644\x000000000\x000000000\x00")
	copy(head[124:], fmt.Sprintf("%011o\x00", size))
	copy(head[136:], "00000000000\x00")
	copy(head[148:], "        ")
	head[156] = kind
	copy(head[257:], "ustar\x0000")
	sum := 0
	for _, b := range head {
		sum += int(b)
	}
	copy(head[148:], fmt.Sprintf("%06o\x00 ", sum))
	return head
}

func TestVeryManyMembers(t *testing.T) {
	tests := []struct {
		name   string
		member []byte
		pack   packing
	}{
		{"links", rawHeader("link", '2', 0), plain},
		{"files in a stream", rawHeader("empty", '0', 0), zstandard},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := writeFile(t, tt.pack(bytes.Repeat(tt.member, 100_001)))
			_, _, err := read(t, path, scanners.Platform{})
			checkError(t, err, "archive has more than 100000 members, so it is no image")
		})
	}
}

func TestFolders(t *testing.T) {
	outside := t.TempDir()
	good := small("good", amd64)
	blob := func(dir string) string { return filepath.Join(dir, filepath.FromSlash(blobName(good.layers[0]))) }
	must(os.WriteFile(filepath.Join(outside, "layer"), good.layers[0], 0o644))
	must(os.WriteFile(filepath.Join(outside, "index.json"), layout(plain, good)[len(layout(plain, good))-1].data, 0o644))
	tests := []struct {
		name   string
		change func(dir string)
		err    string // of the source
		failed string // reason of the layer
	}{
		{"as it is", func(string) {}, "", ""},
		{"a link inside", func(dir string) {
			must(os.Rename(blob(dir), filepath.Join(dir, "moved")))
			must(os.Symlink("../../moved", blob(dir)))
		}, "", ""},
		{"a layer that is a link to outside", func(dir string) {
			must(os.Remove(blob(dir)))
			must(os.Symlink(filepath.Join(outside, "layer"), blob(dir)))
		}, "", "path escapes from parent"},
		{"an index that is a link to outside", func(dir string) {
			must(os.Remove(filepath.Join(dir, "index.json")))
			must(os.Symlink(filepath.Join(outside, "index.json"), filepath.Join(dir, "index.json")))
		}, "path escapes from parent", ""},
		{"blobs that are a link to outside", func(dir string) {
			must(os.Rename(filepath.Join(dir, "blobs"), filepath.Join(outside, "blobs")))
			must(os.Symlink(filepath.Join(outside, "blobs"), filepath.Join(dir, "blobs")))
		}, "path escapes from parent", ""},
		{"a link to itself", func(dir string) {
			must(os.Remove(blob(dir)))
			must(os.Symlink(filepath.Base(blob(dir)), blob(dir)))
		}, "", "too many"},
		{"a folder in the place of a layer", func(dir string) {
			must(os.Remove(blob(dir)))
			must(os.Mkdir(blob(dir), 0o755))
		}, "", "is not a regular file"},
		{"a folder in the place of the index", func(dir string) {
			must(os.Remove(filepath.Join(dir, "index.json")))
			must(os.Mkdir(filepath.Join(dir, "index.json"), 0o755))
		}, "is not a regular file", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := layout(plain, good).folder(t)
			tt.change(dir)
			images, sink, err := read(t, dir, scanners.Platform{})
			checkError(t, err, tt.err)
			if (err == nil) != (len(images) == 1) {
				t.Errorf("%d images, error %v", len(images), err)
			}
			if reason := sink.failed[diffIDs(good)[0]]; tt.failed == "" && reason != "" || !strings.Contains(reason, tt.failed) {
				t.Errorf("layer failed by %q, want %q", reason, tt.failed)
			}
		})
	}
}

func TestFolderThatCannotBeRead(t *testing.T) {
	if os.Getuid() <= 0 {
		t.Skip("permissions do not hold for this user")
	}
	dir := layout(plain, shop()).folder(t)
	must(os.Chmod(filepath.Join(dir, "index.json"), 0))
	_, err := archive.Open(dir, scanners.Platform{}, amd64).Read(t.Context(), newRecorder())
	if !errors.Is(err, fs.ErrPermission) {
		t.Errorf("error is %v, want fs.ErrPermission", err)
	}
}
