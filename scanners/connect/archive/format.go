package archive

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners"
)

// Limits on what an index may ask of us.
const (
	maxImages = 1000 // in one archive
	maxLayers = 1000 // in one image
	maxNested = 4    // indexes within indexes
)

// choice says which platform of an image is wanted.
type choice struct{ wanted, host scanners.Platform }

// dockerArchive reads manifest.json, Docker image specification v1.2.
func (open storeFunc) dockerArchive(c choice) ([]found, error) {
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := open.decode("manifest.json", &manifest); err != nil {
		return nil, err
	}
	if len(manifest) == 0 {
		return nil, errors.New("manifest.json names no image: save an image with `docker save -o FILE IMAGE`")
	}
	if len(manifest) > maxImages {
		return nil, fmt.Errorf("archive has more than %d images", maxImages)
	}
	var images []found
	for _, m := range manifest {
		config, err := open.document(m.Config)
		if err != nil {
			return nil, fmt.Errorf("read image configuration: %w", present(err))
		}
		f, err := imageOf(config, m.Layers)
		if err != nil {
			return nil, fmt.Errorf("image %q: %w", strings.Join(m.RepoTags, ", "), err)
		}
		f.image.References = m.RepoTags
		images = append(images, f)
	}
	return c.choose(images)
}

// present keeps a missing member from looking like a missing format.
func present(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the archive is incomplete, save it again (%s)", err) //nolint:errorlint // hides fs.ErrNotExist on purpose
	}
	return err
}

// ociLayout reads index.json, OCI image layout specification. An image that is not there for the wanted platform is told
// in the error, beside the others.
func (open storeFunc) ociLayout(c choice) ([]found, error) {
	var index ocispec.Index
	switch err := open.decode("index.json", &index); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errNoFormat
	case err != nil:
		return nil, err
	}
	var groups [][]found
	byName := make(map[string]int)
	for _, d := range index.Manifests {
		images, err := open.descriptor(d, 0)
		if err != nil {
			return nil, present(err)
		}
		name := imageName(d)
		for i := range images {
			if name != "" {
				images[i].image.References = []string{name}
			}
		}
		if at, seen := byName[name]; seen {
			groups[at] = append(groups[at], images...)
			continue
		}
		byName[name] = len(groups)
		groups = append(groups, images)
	}
	var chosen []found
	var missing []error
	for _, group := range groups {
		if len(group) == 0 {
			continue
		}
		images, err := c.choose(group)
		chosen = append(chosen, images...)
		missing = append(missing, err)
	}
	if len(groups) == 0 || len(chosen) == 0 && errors.Join(missing...) == nil {
		return nil, errors.New("index.json names no image")
	}
	return chosen, errors.Join(missing...)
}

// imageName is what a layout's index calls an image.
func imageName(d ocispec.Descriptor) string {
	if name := d.Annotations["io.containerd.image.name"]; name != "" {
		return name
	}
	return d.Annotations[ocispec.AnnotationRefName]
}

// descriptor reads what an index points to: an image, an index of images, or something else, which is passed over.
// BuildKit keeps attestations beside the images, as manifests for a platform that does not exist.
func (open storeFunc) descriptor(d ocispec.Descriptor, depth int) ([]found, error) {
	if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" || d.Platform != nil && d.Platform.OS == "unknown" {
		return nil, nil
	}
	switch d.MediaType {
	case ocispec.MediaTypeImageIndex, "application/vnd.docker.distribution.manifest.list.v2+json":
		return open.index(d, depth)
	case ocispec.MediaTypeImageManifest, "application/vnd.docker.distribution.manifest.v2+json":
		return open.manifest(d)
	default:
		return nil, nil
	}
}

func (open storeFunc) index(d ocispec.Descriptor, depth int) ([]found, error) {
	if depth >= maxNested {
		return nil, fmt.Errorf("indexes are nested more than %d deep", maxNested)
	}
	var index ocispec.Index
	if err := open.blob(d.Digest, &index); err != nil {
		return nil, fmt.Errorf("read image index: %w", err)
	}
	var images []found
	for _, child := range index.Manifests {
		more, err := open.descriptor(child, depth+1)
		if err != nil {
			return nil, err
		}
		if images = append(images, more...); len(images) > maxImages {
			return nil, fmt.Errorf("layout has more than %d images", maxImages)
		}
	}
	return images, nil
}

func (open storeFunc) manifest(d ocispec.Descriptor) ([]found, error) {
	var manifest ocispec.Manifest
	if err := open.blob(d.Digest, &manifest); err != nil {
		return nil, fmt.Errorf("read image manifest: %w", err)
	}
	switch manifest.Config.MediaType {
	case ocispec.MediaTypeImageConfig, "application/vnd.docker.container.image.v1+json":
	default:
		return nil, nil // an artifact: a chart, a signature, a bill of materials
	}
	config, err := open.verified(manifest.Config.Digest)
	if err != nil {
		return nil, fmt.Errorf("read image configuration: %w", err)
	}
	var members []string
	for _, layer := range manifest.Layers {
		name, err := blobPath(layer.Digest)
		if err != nil {
			return nil, err
		}
		members = append(members, name)
	}
	f, err := imageOf(config, members)
	if err != nil {
		return nil, err
	}
	return []found{f}, nil
}

// blobPath is where a layout keeps the content with a digest.
func blobPath(d digest.Digest) (string, error) {
	if err := d.Validate(); err != nil {
		return "", fmt.Errorf("digest %q: %w", string(d), err)
	}
	return path.Join("blobs", string(d.Algorithm()), d.Encoded()), nil
}

// verified reads a document and makes sure that it is the one with that digest.
func (open storeFunc) verified(d digest.Digest) ([]byte, error) {
	name, err := blobPath(d)
	if err != nil {
		return nil, err
	}
	data, err := open.document(name)
	if err != nil {
		return nil, err
	}
	if got := d.Algorithm().FromBytes(data); got != d {
		return nil, fmt.Errorf("%q has the digest %s: the layout is damaged or was tampered with", name, got)
	}
	return data, nil
}

func (open storeFunc) blob(d digest.Digest, into any) error {
	data, err := open.verified(d)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is not readable JSON: %w", d, err)
	}
	return nil
}

// imageOf reads an image's configuration.
func imageOf(data []byte, members []string) (found, error) {
	var config ocispec.Image
	if err := json.Unmarshal(data, &config); err != nil {
		return found{}, fmt.Errorf("image configuration is not readable JSON: %w", err)
	}
	diffIDs := make([]string, len(config.RootFS.DiffIDs))
	for i, d := range config.RootFS.DiffIDs {
		if err := d.Validate(); err != nil || d.Algorithm() != digest.SHA256 {
			return found{}, fmt.Errorf("image configuration names %q as a layer, which is no SHA-256 digest", string(d))
		}
		diffIDs[i] = d.String()
	}
	if len(diffIDs) != len(members) {
		return found{}, fmt.Errorf("image configuration names %d layers, the manifest %d: the archive is damaged", len(diffIDs), len(members))
	}
	if len(diffIDs) > maxLayers {
		return found{}, fmt.Errorf("image has more than %d layers", maxLayers)
	}
	var history []scanners.HistoryEntry
	for _, h := range config.History {
		history = append(history, scanners.HistoryEntry{CreatedBy: h.CreatedBy, Comment: h.Comment, EmptyLayer: h.EmptyLayer})
	}
	img := scanners.Image{
		ID:       digest.FromBytes(data).String(),
		Platform: scanners.Platform{OS: config.OS, Architecture: config.Architecture, Variant: config.Variant},
		Layers:   scanners.Layers(diffIDs, history),
	}
	if config.Created != nil {
		img.Created = config.Created.UTC().Format("2006-01-02T15:04:05Z")
	}
	for i, m := range members {
		members[i] = path.Clean("/" + m)[1:]
	}
	return found{img, members}, nil
}

// choose picks the images of the wanted platform among those that go by one name. Without a wish the host's platform
// counts, and an image that exists for one platform only is taken as it is.
func (c choice) choose(images []found) ([]found, error) {
	want := c.wanted
	if want == (scanners.Platform{}) {
		if onePlatform(images) {
			return images, nil
		}
		want = c.host
	}
	chosen := slices.DeleteFunc(slices.Clone(images), func(f found) bool { return !f.image.Platform.Satisfies(want) })
	if len(chosen) > 0 {
		return chosen, nil
	}
	var there []string
	for _, f := range images {
		there = append(there, f.image.Platform.String())
	}
	slices.Sort(there)
	return nil, fmt.Errorf("image %q is not there for %s, only for %s: choose with --platform", images[0].image.Name(), want, strings.Join(slices.Compact(there), ", "))
}

func onePlatform(images []found) bool {
	for _, f := range images {
		if f.image.Platform != images[0].image.Platform {
			return false
		}
	}
	return true
}
