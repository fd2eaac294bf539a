package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"

	"github.com/opencontainers/go-digest"

	"plimsoll/scanners"
	"plimsoll/scanners/compression"
)

// ReadStream reads an archive once, from front to back, and analyses each layer as it passes. known gives the diff ids
// of layers by the names of their members, for formats whose names do not tell; it may be nil.
func ReadStream(ctx context.Context, r io.Reader, known map[string]string, sink scanners.LayerSink) ([]scanners.Image, error) {
	return readStream(ctx, r, known, sink, choice{})
}

func readStream(ctx context.Context, r io.Reader, known map[string]string, sink scanners.LayerSink, c choice) ([]scanners.Image, error) {
	s := &stream{known: known, sink: sink, documents: make(map[string][]byte), links: make(map[string]string), failed: make(map[string]error)}
	plain, err := compression.Open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	archive := tar.NewReader(plain)
	if err := eachMember(archive, func(header *tar.Header) error { return s.member(ctx, header, archive) }); err != nil {
		return nil, err
	}
	return s.images(c)
}

// stream is what has passed so far.
type stream struct {
	known     map[string]string
	sink      scanners.LayerSink
	documents map[string][]byte
	kept      int64 // bytes of documents
	links     map[string]string
	failed    map[string]error // why a member could not be read, for layers and documents
}

// member reads one member of the archive. An error means that the stream can't be read further.
func (s *stream) member(ctx context.Context, header *tar.Header, r io.Reader) error {
	name := clean(header.Name)
	if isLink(header) {
		s.links[name] = linkTarget(name, header)
		return nil
	}
	if !isFile(header) {
		return nil
	}
	buffered := bufio.NewReaderSize(r, 4096)
	head, err := buffered.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	form := compression.Detect(head)
	if text := bytes.TrimLeft(head, " \t\r\n"); form == compression.Unknown && len(text) > 0 && (text[0] == '{' || text[0] == '[') {
		return s.document(name, header.Size, buffered)
	}
	return s.layer(ctx, name, form, buffered)
}

// document keeps a JSON document for the end, when it is clear which of them matter.
func (s *stream) document(name string, size int64, r io.Reader) error {
	switch {
	case size > maxDocument:
		s.failed[name] = tooLarge(name)
		return nil
	case s.kept+size > maxDocuments:
		s.failed[name] = tooMany(name)
		return nil
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.kept += size
	s.documents[name] = data
	return nil
}

// layer hands on what may be a layer, unless it is known. In a layout an uncompressed layer's name is its diff id. A
// layer that can't be read is told, and the stream goes on behind it; the stream's own end is an error.
func (s *stream) layer(ctx context.Context, name string, form compression.Form, r io.Reader) error {
	diffID := s.known[name]
	if hex, ok := strings.CutPrefix(name, "blobs/sha256/"); ok && form == compression.Tar && digest.SHA256.Validate(hex) == nil {
		diffID = "sha256:" + hex
	}
	if diffID != "" && !s.sink.Claim(diffID) {
		return nil
	}
	watched := &watchedReader{r: r}
	err := s.sink.Read(ctx, scanners.LayerContent{DiffID: diffID, Tar: watched})
	if err == nil {
		return nil
	}
	if diffID != "" {
		s.sink.Fail(diffID, err)
	}
	s.failed[name] = err
	return cmp.Or(ctx.Err(), watched.err)
}

// watchedReader remembers whether it was the source that failed.
type watchedReader struct {
	r   io.Reader
	err error
}

func (w *watchedReader) Read(p []byte) (int, error) {
	n, err := w.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.err = err
	}
	return n, err
}

// images puts together what passed, and gives up the layers that did not.
func (s *stream) images(c choice) ([]scanners.Image, error) {
	list, missing := (&store{open: s.open}).list(c)
	var images []scanners.Image
	for _, f := range list {
		images = append(images, f.image)
		for i, layer := range f.image.Layers {
			if !s.sink.Claim(layer.DiffID) {
				continue
			}
			err := s.failed[s.resolve(f.members[i])]
			if err == nil {
				err = fmt.Errorf("layer %q is missing, or its content is not what the image's configuration says: the archive is damaged or was tampered with; copy or save it again", f.members[i])
			}
			s.sink.Fail(layer.DiffID, err)
		}
	}
	return images, missing
}

func (s *stream) resolve(name string) string {
	if target, ok := s.links[name]; ok {
		return target
	}
	return name
}

// open gives a document that passed.
func (s *stream) open(name string) (io.ReadCloser, error) {
	name = s.resolve(name)
	if err := s.failed[name]; err != nil {
		return nil, err
	}
	data, ok := s.documents[name]
	if !ok {
		return nil, fmt.Errorf("archive has no member %q: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}
