package archive

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// outer is what an archive's first bytes say of its form.
type outer int

const (
	unknown outer = iota
	plainTar
	gzipped
	zstandard
)

// compression recognises an archive or a layer by its first 512 bytes (RFC 1952, RFC 8878, POSIX tar). A tar without
// members begins with the zeros that end it: engines make such layers of steps that change no file.
func compression(head []byte) outer {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstandard
	case len(head) >= 512 && (bytes.HasPrefix(head[257:], []byte("ustar")) || bytes.Count(head, []byte{0}) == len(head)):
		return plainTar
	default:
		return unknown
	}
}

// decompress opens a compressed archive.
func decompress(r io.Reader, form outer) (io.ReadCloser, error) {
	if form == gzipped {
		return gzip.NewReader(r)
	}
	decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}

// An archive that unfolds to more than freeOutput bytes must have been compressed by less than maxRatio.
const (
	freeOutput = 1 << 30
	maxRatio   = 250
)

var errBomb = errors.New("it unfolds to more than 250 times its size: this looks like a decompression bomb, so do not unpack it")

// boundedReader compares what came out of a decoder with what went in.
type boundedReader struct {
	r   io.Reader
	in  *countingReader
	out int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.out += int64(n)
	switch {
	case b.out > freeOutput && b.out/maxRatio > b.in.n:
		return n, errBomb
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return n, fmt.Errorf("decompress the archive: %w; copy or save it again", err)
	default:
		return n, err
	}
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// contextReader ends when the context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// damaged puts tar's terse errors into words.
func damaged(err error) error {
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("the archive ends too early; copy or save it again: %w", err)
	case errors.Is(err, tar.ErrHeader):
		return fmt.Errorf("the archive is damaged; copy or save it again: %w", err)
	default:
		return err
	}
}
