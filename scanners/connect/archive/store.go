package archive

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"plimsoll/scanners"
	"plimsoll/scanners/compression"
)

// Limits on what is read besides layers.
const (
	maxDocument  = 8 << 20  // bytes of one JSON document
	maxDocuments = 64 << 20 // bytes of all JSON documents of an archive, one that is named often counted often
)

// maxOpen bounds how many layers are open at the same time; the sink bounds how many of them are read.
const maxOpen = 64

// store is an archive or layout whose members can be opened by their paths. open is called concurrently; documents are
// read one after the other.
type store struct {
	open func(name string) (io.ReadCloser, error)
	read int // bytes of documents so far
}

// document reads a JSON document.
func (s *store) document(name string) ([]byte, error) {
	if s.read > maxDocuments {
		return nil, tooMany(name)
	}
	r, err := s.open(clean(name))
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxDocument+1))
	if err != nil {
		return nil, fmt.Errorf("read %q: %w", name, compression.Explain(err))
	}
	if s.read += len(data); len(data) > maxDocument {
		return nil, tooLarge(name)
	}
	return data, nil
}

func tooLarge(name string) error {
	return fmt.Errorf("%q is larger than the %d bytes that such a document is read to", name, maxDocument)
}

func tooMany(name string) error {
	return fmt.Errorf("%q is left out: indexes and configurations are read up to %d bytes in all", name, maxDocuments)
}

func (s *store) decode(name string, into any) error {
	data, err := s.document(name)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%q is not readable JSON (%w): copy or save it again", name, err)
	}
	return nil
}

// found is one image of an archive and the members that its layers are in.
type found struct {
	image   scanners.Image
	members []string // by layer, base first
}

// list finds the images. The error tells what could not be read beside them. Engines since version 25 write both formats
// at once; the older one tells the names.
func (s *store) list(c choice) ([]found, error) {
	images, broken, err := s.dockerArchive()
	if errors.Is(err, fs.ErrNotExist) {
		images, broken, err = s.ociLayout()
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errors.New("it holds neither manifest.json (docker-archive) nor index.json (OCI layout): save an image with `docker save -o FILE IMAGE`")
	}
	if err != nil {
		return nil, err
	}
	chosen, missing := c.choose(images)
	return chosen, together(append(broken, missing...))
}

// together tells of several errors in one line, of the same ones once.
func together(errs []error) error {
	const most = 10
	var texts []string
	for _, err := range errs {
		if !slices.Contains(texts, err.Error()) {
			texts = append(texts, err.Error())
		}
	}
	if len(texts) == 0 {
		return nil
	}
	if more := len(texts) - most; more > 0 {
		texts = append(texts[:most], fmt.Sprintf("and %d more like that", more))
	}
	return errors.New(strings.Join(texts, "; "))
}

// readStore reads images whose members can be opened in any order and at the same time.
func readStore(ctx context.Context, s *store, sink scanners.LayerSink, c choice) ([]scanners.Image, error) {
	list, missing := s.list(c)
	var running errgroup.Group
	running.SetLimit(maxOpen)
	var images []scanners.Image
	for _, f := range list {
		images = append(images, f.image)
		for i, layer := range f.image.Layers {
			if !sink.Claim(layer.DiffID) {
				continue
			}
			running.Go(func() error {
				if err := s.layer(ctx, f.members[i], layer.DiffID, sink); err != nil {
					sink.Fail(layer.DiffID, err)
				}
				return nil
			})
		}
	}
	_ = running.Wait() // failures are told to the sink
	return images, cmp.Or(ctx.Err(), missing)
}

func (s *store) layer(ctx context.Context, member, diffID string, sink scanners.LayerSink) error {
	r, err := s.open(member)
	if err != nil {
		return fmt.Errorf("open layer %q: %w", member, present(err))
	}
	defer r.Close()
	return sink.Read(ctx, scanners.LayerContent{DiffID: diffID, Tar: r})
}
