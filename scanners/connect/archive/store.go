package archive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"plimsoll/scanners"
)

// maxDocument bounds one JSON document, in bytes.
const maxDocument = 8 << 20

// storeFunc opens a member of an archive or layout by its path.
type storeFunc func(name string) (io.ReadCloser, error)

// document reads a JSON document.
func (open storeFunc) document(name string) ([]byte, error) {
	r, err := open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, err)
	}
	if len(data) > maxDocument {
		return nil, fmt.Errorf("%q is larger than the %d bytes that such a document is read to", name, maxDocument)
	}
	return data, nil
}

func (open storeFunc) decode(name string, into any) error {
	data, err := open.document(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%q is not readable JSON: %w", name, err)
	}
	return nil
}

// found is one image of an archive and the members that its layers are in.
type found struct {
	image   scanners.Image
	members []string // by layer, base first
}

// list finds the images; together with an error there may be some. Engines since version 25 write both formats at once; the older one tells the names.
func (open storeFunc) list(c choice) ([]found, error) {
	images, err := open.dockerArchive(c)
	if errors.Is(err, fs.ErrNotExist) {
		images, err = open.ociLayout(c)
	}
	if errors.Is(err, errNoFormat) {
		return nil, errors.New("it holds neither manifest.json (docker-archive) nor index.json (OCI layout): save an image with `docker save -o FILE IMAGE`")
	}
	return images, err
}

var errNoFormat = errors.New("no image format")

// readStore reads images whose members can be opened in any order and at the same time.
func readStore(ctx context.Context, open storeFunc, sink scanners.LayerSink, c choice) ([]scanners.Image, error) {
	list, missing := open.list(c)
	var running sync.WaitGroup
	var images []scanners.Image
	for _, f := range list {
		images = append(images, f.image)
		for i, layer := range f.image.Layers {
			if !sink.Claim(layer.DiffID) {
				continue
			}
			running.Go(func() {
				if err := open.layer(ctx, f.members[i], layer.DiffID, sink); err != nil {
					sink.Fail(layer.DiffID, err)
				}
			})
		}
	}
	running.Wait()
	return images, cmp.Or(ctx.Err(), missing)
}

func (open storeFunc) layer(ctx context.Context, member, diffID string, sink scanners.LayerSink) error {
	r, err := open(member)
	if err != nil {
		return fmt.Errorf("open layer %q: %w", member, err)
	}
	defer r.Close()
	return sink.Read(ctx, scanners.LayerContent{DiffID: diffID, Tar: r})
}
