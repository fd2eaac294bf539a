package archive

import (
	"cmp"
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

// dockerArchive reads manifest.json, Docker image specification v1.2. Images that can't be read are told beside the
// others; the error is fs.ErrNotExist when there is no manifest.json.
func (s *store) dockerArchive() (images []found, broken []error, err error) {
	var manifest []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := s.decode("manifest.json", &manifest); err != nil {
		return nil, nil, err
	}
	if len(manifest) == 0 {
		return nil, nil, errors.New("manifest.json names no image: save an image with `docker save -o FILE IMAGE`")
	}
	if len(manifest) > maxImages {
		return nil, nil, fmt.Errorf("archive has more than %d images", maxImages)
	}
	for _, m := range manifest {
		f, err := s.saved(m.Config, m.Layers)
		if err != nil {
			broken = append(broken, fmt.Errorf("image %q: %w", strings.Join(m.RepoTags, ", "), err))
			continue
		}
		f.image.References = m.RepoTags
		images = append(images, f)
	}
	return images, broken, nil
}

func (s *store) saved(config string, layers []string) (found, error) {
	data, err := s.document(config)
	if err != nil {
		return found{}, fmt.Errorf("read image configuration: %w", present(err))
	}
	return imageOf(data, layers)
}

// present keeps a missing member from looking like a missing format.
func present(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the archive is incomplete, save it again (%s)", err) //nolint:errorlint // hides fs.ErrNotExist on purpose
	}
	return err
}

// ociLayout reads index.json, OCI image layout specification. Images that can't be read are told beside the others; the
// error is fs.ErrNotExist when there is no index.json.
func (s *store) ociLayout() (images []found, broken []error, err error) {
	var index ocispec.Index
	if err := s.decode("index.json", &index); err != nil {
		return nil, nil, err
	}
	l := &layout{store: s}
	for _, d := range index.Manifests {
		l.add(d, imageName(d), 0)
	}
	if len(l.images) == 0 && len(l.broken) == 0 {
		return nil, nil, errors.New("index.json names no image: save an image with `docker save -o FILE IMAGE`")
	}
	return l.images, l.broken, nil
}

// layout is what was found so far in an OCI layout.
type layout struct {
	store  *store
	images []found
	broken []error // what could not be read
}

// add reads what an index points to: an image, an index of images, or something else, which is passed over. BuildKit
// keeps attestations beside the images, as manifests for a platform that does not exist.
func (l *layout) add(d ocispec.Descriptor, name string, depth int) {
	if d.Annotations["vnd.docker.reference.type"] == "attestation-manifest" || d.Platform != nil && d.Platform.OS == "unknown" {
		return
	}
	seen := len(l.images) + len(l.broken)
	if seen > maxImages {
		return
	}
	var err error
	switch {
	case seen == maxImages:
		err = fmt.Errorf("layout has more than %d images; the others are left out", maxImages)
	case d.MediaType == ocispec.MediaTypeImageIndex, d.MediaType == "application/vnd.docker.distribution.manifest.list.v2+json":
		err = l.index(d, name, depth)
	case d.MediaType == ocispec.MediaTypeImageManifest, d.MediaType == "application/vnd.docker.distribution.manifest.v2+json":
		err = l.manifest(d, name)
	}
	if err != nil {
		l.broken = append(l.broken, present(err))
	}
}

func (l *layout) index(d ocispec.Descriptor, name string, depth int) error {
	if depth >= maxNested {
		return fmt.Errorf("indexes are nested more than %d deep", maxNested)
	}
	var index ocispec.Index
	if err := l.store.blob(d.Digest, &index); err != nil {
		return fmt.Errorf("read image index: %w", err)
	}
	for _, child := range index.Manifests {
		l.add(child, name, depth+1)
	}
	return nil
}

func (l *layout) manifest(d ocispec.Descriptor, name string) error {
	var manifest ocispec.Manifest
	if err := l.store.blob(d.Digest, &manifest); err != nil {
		return fmt.Errorf("read image manifest: %w", err)
	}
	if !isImage(manifest) {
		return nil
	}
	config, err := l.store.verified(manifest.Config.Digest)
	if err != nil {
		return fmt.Errorf("read image configuration: %w", err)
	}
	var members []string
	for _, layer := range manifest.Layers {
		member, err := blobPath(layer.Digest)
		if err != nil {
			return err
		}
		members = append(members, member)
	}
	f, err := imageOf(config, members)
	if err != nil {
		return fmt.Errorf("image %q: %w", cmp.Or(name, d.Digest.String()), err)
	}
	if name != "" {
		f.image.References = []string{name}
	}
	l.images = append(l.images, f)
	return nil
}

// isImage tells an image from an artifact (a chart, a signature, a bill of materials), which is stored in the same shape.
// Signatures carry an image's configuration; only their layers' types tell.
func isImage(m ocispec.Manifest) bool {
	if m.Config.MediaType != ocispec.MediaTypeImageConfig && m.Config.MediaType != "application/vnd.docker.container.image.v1+json" {
		return false
	}
	return len(m.Layers) == 0 || slices.ContainsFunc(m.Layers, func(d ocispec.Descriptor) bool {
		return strings.HasPrefix(d.MediaType, "application/vnd.oci.image.layer.") || strings.HasPrefix(d.MediaType, "application/vnd.docker.image.rootfs.")
	})
}

// imageName is what a layout's index calls an image.
func imageName(d ocispec.Descriptor) string {
	if name := d.Annotations["io.containerd.image.name"]; name != "" {
		return name
	}
	return d.Annotations[ocispec.AnnotationRefName]
}

// blobPath is where a layout keeps the content with a digest.
func blobPath(d digest.Digest) (string, error) {
	if err := d.Validate(); err != nil {
		return "", fmt.Errorf("digest %q: %w: the layout is damaged, save the image again", string(d), err)
	}
	return path.Join("blobs", string(d.Algorithm()), d.Encoded()), nil
}

// verified reads a document and makes sure that it is the one with that digest.
func (s *store) verified(d digest.Digest) ([]byte, error) {
	name, err := blobPath(d)
	if err != nil {
		return nil, err
	}
	data, err := s.document(name)
	if err != nil {
		return nil, err
	}
	if got := d.Algorithm().FromBytes(data); got != d {
		return nil, fmt.Errorf("%q has the digest %s: the layout is damaged or was tampered with; copy or save it again", name, got)
	}
	return data, nil
}

func (s *store) blob(d digest.Digest, into any) error {
	data, err := s.verified(d)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is not readable JSON (%w): copy or save it again", d, err)
	}
	return nil
}

// imageOf reads an image's configuration.
func imageOf(data []byte, members []string) (found, error) {
	var config ocispec.Image
	if err := json.Unmarshal(data, &config); err != nil {
		return found{}, fmt.Errorf("image configuration is not readable JSON (%w): save the image again", err)
	}
	diffIDs := make([]string, len(config.RootFS.DiffIDs))
	for i, d := range config.RootFS.DiffIDs {
		if err := d.Validate(); err != nil || d.Algorithm() != digest.SHA256 {
			return found{}, fmt.Errorf("image configuration names %q as a layer, which is no SHA-256 digest: save the image again", string(d))
		}
		diffIDs[i] = d.String()
	}
	if len(diffIDs) != len(members) {
		return found{}, fmt.Errorf("image configuration names %d layers, the manifest %d: the archive is damaged, save the image again", len(diffIDs), len(members))
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
		members[i] = clean(m)
	}
	return found{img, members}, nil
}

// choice says which platform of an image is wanted.
type choice struct{ wanted, host scanners.Platform }

// choose picks the platform of each image, told apart by name, and tells the images that have none that fits.
func (c choice) choose(images []found) (chosen []found, missing []error) {
	var names []string
	byName := make(map[string][]found)
	for _, f := range images {
		name := ""
		if len(f.image.References) > 0 {
			name = f.image.References[0]
		}
		if byName[name] == nil {
			names = append(names, name)
		}
		byName[name] = append(byName[name], f)
	}
	for _, name := range names {
		group := byName[name]
		fitting := c.among(group, name)
		if len(fitting) == 0 {
			missing = append(missing, c.notThere(group))
		}
		chosen = append(chosen, fitting...)
	}
	return chosen, missing
}

// among picks the images of the wanted platform among those that go by one name. Without a wish the host's platform
// counts, but an image that exists for one platform only is taken as it is, and so are images without names, which need
// not have to do with each other.
func (c choice) among(images []found, name string) []found {
	want := c.wanted
	if want == (scanners.Platform{}) {
		if name == "" || c.host == (scanners.Platform{}) || onePlatform(images) {
			return images
		}
		want = c.host
	}
	return slices.DeleteFunc(slices.Clone(images), func(f found) bool { return !f.image.Platform.Satisfies(want) })
}

func (c choice) notThere(images []found) error {
	var there []string
	for _, f := range images {
		there = append(there, f.image.Platform.String())
	}
	slices.Sort(there)
	want := cmp.Or(c.wanted, c.host)
	return fmt.Errorf("image %q is not there for %s, only for %s: choose with --platform", images[0].image.Name(), want, strings.Join(slices.Compact(there), ", "))
}

func onePlatform(images []found) bool {
	for _, f := range images {
		if f.image.Platform != images[0].image.Platform {
			return false
		}
	}
	return true
}
