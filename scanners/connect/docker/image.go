package docker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/docker/docker/api/types/image"
	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"plimsoll/scanners"
)

// Way says how layers are read.
type Way string

// The ways to read an image's layers.
const (
	WayAuto        Way = "auto"        // folders where they can be read, else the stream
	WayDirectories Way = "directories" // the engine's own layer folders, or an error
	WayStream      Way = "stream"      // the engine's export
)

// ReadArchive reads the image in an engine's export as it streams by. known names, by the paths of the old export
// format, the layers whose diff ids can be told before their content passes.
type ReadArchive func(ctx context.Context, r io.Reader, known map[string]string, sink scanners.LayerSink) ([]scanners.Image, error)

// Source is one image of an engine.
type Source struct {
	engine   *Engine
	ref      string
	way      Way
	platform scanners.Platform // zero: whatever the engine has
	read     ReadArchive
}

// Image gives one image of the engine; read takes its export apart when layers have to be streamed.
func (e *Engine) Image(ref string, way Way, platform scanners.Platform, read ReadArchive) *Source {
	return &Source{engine: e, ref: ref, way: way, platform: platform, read: read}
}

// Target is the engine.
func (s *Source) Target() scanners.Target { return s.engine.Target() }

// Name is the reference that the image was asked for by.
func (s *Source) Name() string { return s.ref }

// Read describes the image and hands the layers that the sink claims to it: from folders where they can be read, the
// rest from the engine's export. An image whose layers are all known costs one question to the engine.
func (s *Source) Read(ctx context.Context, sink scanners.LayerSink) ([]scanners.Image, error) {
	if s.ref == "" || strings.HasPrefix(s.ref, "-") {
		return nil, fmt.Errorf("%q is not an image reference: write name:tag, name@sha256:… or an image id", s.ref)
	}
	inspected, err := s.engine.api.ImageInspect(ctx, s.ref)
	if err != nil {
		return nil, s.engine.notFound(s.ref, err)
	}
	platform := scanners.Platform{OS: inspected.Os, Architecture: inspected.Architecture, Variant: inspected.Variant}
	if s.platform != (scanners.Platform{}) && !platform.Satisfies(s.platform) {
		return nil, fmt.Errorf("image %q is for %s, not for %s: pull the other one with `docker pull --platform %s %s`", s.ref, platform, s.platform, s.platform, s.ref)
	}
	folders, why := s.folders(ctx, inspected)
	if s.way == WayDirectories && why != nil {
		return nil, fmt.Errorf("read the layer folders of %q: %w; try --read stream", s.ref, why)
	}
	img, err := s.describe(ctx, inspected, platform, folders)
	if err != nil {
		return nil, err
	}
	wanted := newClaims(img.Layers, sink)
	if folders != nil && !wanted.empty() {
		s.readFolders(ctx, img.Layers, folders, wanted)
	}
	if wanted.empty() {
		return []scanners.Image{img}, ctx.Err()
	}
	return []scanners.Image{s.readStream(ctx, img, wanted)}, ctx.Err()
}

// describe says what the image is. The history with all its steps stands in the image's configuration, which only the
// engine's own folder or its export hold; the API's shorter form has to do when neither is read.
func (s *Source) describe(ctx context.Context, i image.InspectResponse, platform scanners.Platform, folders []string) (scanners.Image, error) {
	img := scanners.Image{ID: i.ID, References: i.RepoTags, Platform: platform, Created: i.Created}
	if isID := strings.HasPrefix(i.ID, s.ref) || strings.HasPrefix(i.ID, "sha256:"+s.ref); !isID {
		img.References = prefer(s.ref, i.RepoTags)
	}
	if history, ok := configHistory(i, folders); ok {
		img.Layers = scanners.Layers(i.RootFS.Layers, history)
		return img, nil
	}
	items, err := s.engine.api.ImageHistory(ctx, i.ID)
	if err != nil {
		return scanners.Image{}, fmt.Errorf("read history of image %q: %w", s.ref, err)
	}
	img.Layers = scanners.Layers(i.RootFS.Layers, alignHistory(items, len(i.RootFS.Layers)))
	return img, nil
}

// prefer puts the name that was asked for first. A name without a tag means latest.
func prefer(ref string, tags []string) []string {
	if !strings.Contains(ref, "@") && !strings.Contains(ref[strings.LastIndexByte(ref, '/')+1:], ":") {
		ref += ":latest"
	}
	names := []string{ref}
	for _, tag := range tags {
		if tag != ref {
			names = append(names, tag)
		}
	}
	return names
}

// configHistory reads the history from the engine's own copy of the image's configuration, which lies beside the
// layers: ROOT/overlay2/ID/diff and ROOT/image/overlay2/imagedb/content/sha256/ID. Its digest is the image's id.
func configHistory(i image.InspectResponse, folders []string) ([]scanners.HistoryEntry, bool) {
	if len(folders) == 0 {
		return nil, false
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(folders[0])))
	file, err := os.Open(filepath.Join(root, "image", "overlay2", "imagedb", "content", "sha256", strings.TrimPrefix(i.ID, "sha256:")))
	if err != nil {
		return nil, false
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, 16<<20))
	if err != nil || digest.FromBytes(data).String() != i.ID {
		return nil, false
	}
	var config ocispec.Image
	if json.Unmarshal(data, &config) != nil {
		return nil, false
	}
	var history []scanners.HistoryEntry
	for _, h := range config.History {
		history = append(history, scanners.HistoryEntry{CreatedBy: h.CreatedBy, Comment: h.Comment, EmptyLayer: h.EmptyLayer})
	}
	return history, true
}

// readFolders reads layers from their folders, several at a time. Those that a folder can't give stay wanted.
func (s *Source) readFolders(ctx context.Context, layers []scanners.Layer, folders []string, wanted *claims) {
	var running sync.WaitGroup
	started := make(map[string]bool)
	for i, layer := range layers {
		if started[layer.DiffID] || !wanted.has(layer.DiffID) {
			continue
		}
		started[layer.DiffID] = true
		running.Go(func() {
			err := wanted.sink.Read(ctx, scanners.LayerContent{DiffID: layer.DiffID, Dir: folders[i]})
			canStream := errors.Is(err, scanners.ErrFolder) || errors.Is(err, os.ErrPermission)
			if err == nil || s.way == WayDirectories || !canStream {
				wanted.settle(layer.DiffID, err)
			}
		})
	}
	running.Wait()
}

// readStream reads what is still wanted from the engine's export. What the export says of the image is more exact than
// the API, so it is what counts from there on.
func (s *Source) readStream(ctx context.Context, img scanners.Image, wanted *claims) scanners.Image {
	export, err := s.engine.api.ImageSave(ctx, []string{img.ID})
	if err != nil {
		wanted.giveUp(fmt.Errorf("export image %q from the engine: %w", s.ref, err))
		return img
	}
	defer export.Close()
	images, err := s.read(ctx, export, legacyNames(img.Layers), wanted)
	if err != nil {
		wanted.giveUp(fmt.Errorf("read the engine's export of %q: %w", s.ref, err))
		return img
	}
	wanted.giveUp(fmt.Errorf("the engine's export of %q does not hold this layer", s.ref))
	for _, exported := range images {
		if slices.EqualFunc(exported.Layers, img.Layers, func(a, b scanners.Layer) bool { return a.DiffID == b.DiffID }) {
			img.Layers = exported.Layers
		}
	}
	return img
}
