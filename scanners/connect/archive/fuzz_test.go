package archive_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/archive"
)

// FuzzArchive reads the same bytes as a stream and at random: nothing may panic, no claim is left open, and what both
// take for an archive without a flaw holds the same images.
func FuzzArchive(f *testing.F) {
	for _, form := range forms(small("a:1", amd64), small("b:1", arm64)) {
		f.Add(form.tar())
	}
	f.Add(oldArchive(shop()).tar())
	f.Add(append(sparseMember("x", make([]byte, 512), 1<<62), newArchive(small("", amd64)).tar()...))
	f.Add(gzipped(newArchive(small("a", amd64)).tar()))
	f.Add(zstandard(newArchive(small("a", amd64)).tar()))
	f.Fuzz(func(t *testing.T, data []byte) {
		sink := newRecorder()
		indexed, indexedErr := archive.Open(writeFile(t, data), scanners.Platform{}, scanners.Platform{}).Read(t.Context(), sink)
		sink.check(t)
		checkImages(t, indexed)
		passing := newRecorder()
		streamed, err := archive.ReadStream(t.Context(), bytes.NewReader(data), nil, passing)
		passing.check(t)
		checkImages(t, streamed)
		if err != nil || indexedErr != nil {
			return
		}
		if diff := cmp.Diff(indexed, streamed, sameImages); diff != "" {
			t.Errorf("images (-indexed +streamed)\n%s", diff)
		}
	})
}

// FuzzDocuments puts documents in their places in an archive that is sound otherwise.
func FuzzDocuments(f *testing.F) {
	good := small("a:1", amd64)
	form := newArchive(good)
	for _, e := range form {
		if e.name == "index.json" || e.name == "manifest.json" {
			f.Add(e.data, form[2].data, good.config())
		}
	}
	f.Add([]byte(`{"manifests":[]}`), []byte(`{}`), []byte(`{}`))
	f.Fuzz(func(t *testing.T, index, manifest, config []byte) {
		// index as index.json and as manifest.json, and a manifest that is found under its digest
		for _, name := range []string{"index.json", "manifest.json"} {
			form := newArchive(good).without("manifest.json").without("index.json")
			form = append(form, entry{name: name, data: index})
			for _, data := range [][]byte{manifest, config} {
				form = form.with(blobName(data), data)
			}
			images, _, _ := read(t, writeFile(t, form.tar()), scanners.Platform{})
			checkImages(t, images)
		}
		var form tree
		d := form.blob(ocispec.MediaTypeImageManifest, manifest)
		form.blob(ocispec.MediaTypeImageConfig, config)
		form.top(d, form.image(plain, picture{name: "", platform: amd64}), form.manifest(ocispec.Manifest{Config: form.blob(ocispec.MediaTypeImageConfig, config)}))
		images, _, _ := read(t, writeFile(t, form.tar()), scanners.Platform{})
		checkImages(t, images)
		if len(images) == 0 {
			t.Error("the good image beside the bad ones was not read")
		}
	})
}

// checkImages are the promises about images whoever made them.
func checkImages(t *testing.T, images []scanners.Image) {
	t.Helper()
	for _, img := range images {
		if err := digest.Digest(img.ID).Validate(); err != nil {
			t.Errorf("id: %v", err)
		}
		for i, l := range img.Layers {
			if err := digest.Digest(l.DiffID).Validate(); err != nil || l.Index != i {
				t.Errorf("layer %d is %+v: %v", i, l, err)
			}
		}
	}
}
