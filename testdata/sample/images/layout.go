package images

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/opencontainers/go-digest"
	specs "github.com/opencontainers/image-spec/specs-go"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Write writes the images into a folder, which it makes, as the OCI image layout specification says. Files of the same
// name are replaced, others are left alone.
func Write(dir string) error {
	s := &store{dir: dir}
	if err := os.MkdirAll(s.blobs(), 0o755); err != nil {
		return fmt.Errorf("make the layout folder: %w", err)
	}
	index, err := s.images()
	if err != nil {
		return err
	}
	if err := s.file(ocispec.ImageIndexFile, index); err != nil {
		return err
	}
	return s.file(ocispec.ImageLayoutFile, ocispec.ImageLayout{Version: ocispec.ImageLayoutVersion})
}

// images writes all images and gives the index: a descriptor for each reference, that of an index of its own where
// there is more than one platform.
func (s *store) images() (ocispec.Index, error) {
	top := newIndex()
	platforms := map[string][]ocispec.Descriptor{}
	var references []string
	for _, r := range recipes() {
		manifest, err := s.image(r)
		if err != nil {
			return ocispec.Index{}, fmt.Errorf("write %s for %s: %w", r.reference, r.platform, err)
		}
		if platforms[r.reference] == nil {
			references = append(references, r.reference)
		}
		platforms[r.reference] = append(platforms[r.reference], manifest)
	}
	for _, reference := range references {
		d, err := s.reference(platforms[reference])
		if err != nil {
			return ocispec.Index{}, fmt.Errorf("write the index of %s: %w", reference, err)
		}
		d.Annotations = map[string]string{ocispec.AnnotationRefName: reference}
		top.Manifests = append(top.Manifests, d)
	}
	return top, nil
}

// reference gives what a reference leads to. An image for several platforms is an index, and carries an attestation, as
// BuildKit leaves it.
func (s *store) reference(manifests []ocispec.Descriptor) (ocispec.Descriptor, error) {
	if len(manifests) == 1 {
		return manifests[0], nil
	}
	attestation, err := s.attestation(manifests[0])
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	index := newIndex()
	index.Manifests = slices.Concat(manifests, []ocispec.Descriptor{attestation})
	return s.document(ocispec.MediaTypeImageIndex, index)
}

func newIndex() ocispec.Index {
	return ocispec.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageIndex}
}

// image writes layers, configuration and manifest.
func (s *store) image(r recipe) (ocispec.Descriptor, error) {
	created, err := time.Parse(time.RFC3339, r.created)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("read its time: %w", err)
	}
	platform := ocispec.Platform{OS: r.platform.OS, Architecture: r.platform.Architecture, Variant: r.platform.Variant}
	config := ocispec.Image{
		Created:  &created,
		Platform: platform,
		Config:   ocispec.ImageConfig{Env: r.environment, Cmd: r.command},
		RootFS:   ocispec.RootFS{Type: "layers"},
	}
	manifest := newManifest()
	for _, step := range r.steps {
		config.History = append(config.History, step.history(created))
		if step.files == nil {
			continue
		}
		layer, err := step.files.pack(step.packing, created)
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		d, err := s.blob(step.packing.mediaType(), layer.data)
		if err != nil {
			return ocispec.Descriptor{}, err
		}
		config.RootFS.DiffIDs = append(config.RootFS.DiffIDs, digest.Digest(layer.diffID))
		manifest.Layers = append(manifest.Layers, d)
	}
	if manifest.Config, err = s.document(ocispec.MediaTypeImageConfig, config); err != nil {
		return ocispec.Descriptor{}, err
	}
	d, err := s.document(ocispec.MediaTypeImageManifest, manifest)
	d.Platform = &platform
	return d, err
}

func newManifest() ocispec.Manifest {
	return ocispec.Manifest{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: ocispec.MediaTypeImageManifest}
}

func (s step) history(created time.Time) ocispec.History {
	h := ocispec.History{Created: &created, CreatedBy: s.createdBy, EmptyLayer: s.files == nil}
	if !s.classic {
		h.Comment = "buildkit.dockerfile.v0"
	}
	return h
}

// attestation writes a provenance statement about an image in the shape in which BuildKit stores it: a manifest for a
// platform that does not exist, whose layer is no layer (BuildKit documentation, "Image attestation storage").
func (s *store) attestation(subject ocispec.Descriptor) (ocispec.Descriptor, error) {
	const predicate = "https://slsa.dev/provenance/v1"
	statement, err := json.Marshal(map[string]any{
		"_type":         "https://in-toto.io/Statement/v1",
		"predicateType": predicate,
		"subject":       []map[string]any{{"name": "sample", "digest": map[string]string{"sha256": subject.Digest.Encoded()}}},
		"predicate":     map[string]any{},
	})
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer, err := s.blob("application/vnd.in-toto+json", statement)
	if err != nil {
		return ocispec.Descriptor{}, err
	}
	layer.Annotations = map[string]string{"in-toto.io/predicate-type": predicate}
	manifest := newManifest()
	manifest.Layers = []ocispec.Descriptor{layer}
	nowhere := ocispec.Platform{OS: "unknown", Architecture: "unknown"}
	config := ocispec.Image{Platform: nowhere, RootFS: ocispec.RootFS{Type: "layers", DiffIDs: []digest.Digest{layer.Digest}}}
	if manifest.Config, err = s.document(ocispec.MediaTypeImageConfig, config); err != nil {
		return ocispec.Descriptor{}, err
	}
	d, err := s.document(ocispec.MediaTypeImageManifest, manifest)
	d.Platform = &nowhere
	d.Annotations = map[string]string{
		"vnd.docker.reference.type":   "attestation-manifest",
		"vnd.docker.reference.digest": subject.Digest.String(),
	}
	return d, err
}

// store is the layout folder.
type store struct{ dir string }

func (s *store) blobs() string { return filepath.Join(s.dir, ocispec.ImageBlobsDir, "sha256") }

// document writes a JSON document as a blob.
func (s *store) document(mediaType string, content any) (ocispec.Descriptor, error) {
	data, err := json.Marshal(content)
	if err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("write %s: %w", mediaType, err)
	}
	return s.blob(mediaType, data)
}

func (s *store) blob(mediaType string, data []byte) (ocispec.Descriptor, error) {
	d := ocispec.Descriptor{MediaType: mediaType, Digest: digest.Digest(digestOf(data)), Size: int64(len(data))}
	if err := os.WriteFile(filepath.Join(s.blobs(), d.Digest.Encoded()), data, 0o644); err != nil {
		return ocispec.Descriptor{}, fmt.Errorf("write a blob: %w", err)
	}
	return d, nil
}

// file writes a JSON document under its own name.
func (s *store) file(name string, content any) error {
	data, err := json.Marshal(content)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, name), data, 0o644); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return nil
}
