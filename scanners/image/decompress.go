package image

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// maxZstdWindow bounds the memory of one zstd decoder: 128 MiB is what the format's own tools accept without a flag.
const maxZstdWindow = 128 << 20

// readBuffers are the buffers between a layer's source and its decoder.
var readBuffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 256<<10) }}

// layerStream is an uncompressed layer: it counts, hashes and bounds what passes.
type layerStream struct {
	io.Reader
	sum   hash.Hash
	close func()
}

// openStream finds out how a layer is compressed and opens it. The caller must call release.
func openStream(ctx context.Context, r io.Reader, progress meter) (*layerStream, error) {
	in := &countingReader{ctx: ctx, r: r}
	buffered := readBuffers.Get().(*bufio.Reader)
	buffered.Reset(in)
	plain, closePlain, err := decompress(buffered, in)
	if err != nil {
		releaseBuffer(buffered)
		return nil, err
	}
	sum := sha256.New()
	return &layerStream{Reader: io.TeeReader(plain, io.MultiWriter(sum, progress)), sum: sum, close: func() {
		closePlain()
		releaseBuffer(buffered)
	}}, nil
}

func releaseBuffer(b *bufio.Reader) {
	b.Reset(nil)
	readBuffers.Put(b)
}

// diffID reads the rest of the layer and returns its digest.
func (s *layerStream) diffID() (string, error) {
	buf := copyBuffers.Get().(*[]byte)
	defer copyBuffers.Put(buf)
	if _, err := io.CopyBuffer(io.Discard, onlyReader{s.Reader}, *buf); err != nil {
		return "", err
	}
	return "sha256:" + hex.EncodeToString(s.sum.Sum(nil)), nil
}

// release gives the decoder and its buffers back.
func (s *layerStream) release() { s.close() }

var copyBuffers = sync.Pool{New: func() any { b := make([]byte, 256<<10); return &b }}

// onlyReader hides WriterTo, so that io.CopyBuffer uses the buffer it is given.
type onlyReader struct{ io.Reader }

// decompress recognises gzip (RFC 1952), zstd (RFC 8878) and plain tar by their first bytes. An empty layer is an empty
// tar; every other content is refused by name.
func decompress(r *bufio.Reader, in *countingReader) (io.Reader, func(), error) {
	head, err := r.Peek(512)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		gz, err := gzip.NewReader(r)
		if err != nil {
			return nil, nil, fmt.Errorf("read gzip header: %w", err)
		}
		return &boundedReader{r: gz, in: in}, func() { _ = gz.Close() }, nil
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		zr, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxZstdWindow))
		if err != nil {
			return nil, nil, fmt.Errorf("read zstd header: %w", err)
		}
		return &boundedReader{r: zr, in: in}, zr.Close, nil
	case bytes.HasPrefix(head, []byte("BZh")):
		return &boundedReader{r: bzip2.NewReader(r), in: in}, func() {}, nil
	case len(head) == 0, isTar(head):
		return r, func() {}, nil
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return nil, nil, errors.New("layer is compressed with xz, which image formats do not allow: rebuild or convert the image with gzip or zstd layers")
	default:
		return nil, nil, fmt.Errorf("layer begins with %x: neither a tar nor compressed by gzip, zstd or bzip2; the layer is damaged or encrypted; pull or save the image again", head[:min(4, len(head))])
	}
}

// isTar recognises a tar header by its magic (POSIX.1-1988 and GNU), and the zero block that ends an empty one.
func isTar(head []byte) bool {
	if len(head) < 512 {
		return false
	}
	return bytes.HasPrefix(head[257:], []byte("ustar")) || isZero(head) || isV7Tar(head)
}

// isV7Tar recognises headers from before the magic: the checksum at 148 must fit.
func isV7Tar(head []byte) bool {
	var want, got int64
	for _, c := range head[148:156] {
		if c >= '0' && c <= '7' {
			want = want*8 + int64(c-'0')
		}
	}
	for i, c := range head {
		if i >= 148 && i < 156 {
			c = ' '
		}
		got += int64(c)
	}
	return want == got
}

func isZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// meter is told of bytes as they pass.
type meter func(bytes int64)

func (m meter) Write(p []byte) (int, error) {
	m(int64(len(p)))
	return len(p), nil
}

// countingReader counts what comes in and ends when the context does.
type countingReader struct {
	ctx context.Context
	r   io.Reader
	n   int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// boundedReader compares what came out of a decoder with what went in.
type boundedReader struct {
	r   io.Reader
	in  *countingReader
	out int64
}

func (b *boundedReader) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.out += int64(n)
	if b.out > freeOutput && b.out/maxRatio > b.in.n {
		return n, ErrBomb
	}
	return n, err
}
