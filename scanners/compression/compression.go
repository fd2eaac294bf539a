// Package compression knows how layers and archives are compressed. It recognises the form by the first bytes, opens it
// with bounds on memory and on what comes out, and puts the errors of damaged content into words.
//
// It is shared by those who read archives and those who read layers, which do not know each other.
package compression

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// Form is what content is by its first bytes.
type Form uint8

// The forms that are told apart.
const (
	Unknown Form = iota
	Empty        // no content at all
	Tar          // not compressed
	Gzip         // RFC 1952
	Zstd         // RFC 8878
	Bzip2
	XZ // recognised, so that it can be named; not opened
)

// HeadSize is how many bytes Detect looks at: one block of a tar.
const HeadSize = 512

// Detect recognises content by its first bytes, HeadSize of them when there are so many.
func Detect(head []byte) Form {
	switch {
	case len(head) == 0:
		return Empty
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return Gzip
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return Zstd
	case bytes.HasPrefix(head, []byte("BZh")):
		return Bzip2
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return XZ
	case isTar(head):
		return Tar
	default:
		return Unknown
	}
}

// isTar recognises a tar header by its magic (POSIX.1-1988 and GNU), by its checksum when it is from before the magic,
// and the block of zeros that an empty tar begins with.
func isTar(head []byte) bool {
	if len(head) < HeadSize {
		return false
	}
	head = head[:HeadSize]
	return bytes.HasPrefix(head[257:], []byte("ustar")) || len(bytes.Trim(head, "\x00")) == 0 || hasChecksum(head)
}

// hasChecksum says whether the octal number at byte 148 is the sum of the header's bytes, its own place taken as spaces.
func hasChecksum(head []byte) bool {
	var want, got int
	for _, c := range head[148:156] {
		if c >= '0' && c <= '7' {
			want = want*8 + int(c-'0')
		}
	}
	for i, c := range head {
		if i >= 148 && i < 156 {
			c = ' '
		}
		got += int(c)
	}
	return want == got
}

// Bounds of what is opened. Content that unfolds to more than freeOutput bytes must have been compressed by less than
// maxRatio. 128 MiB is the largest window that zstd's own tools accept without a flag.
const (
	freeOutput = 1 << 30
	maxRatio   = 250
	maxWindow  = 128 << 20
)

// ErrBomb means that content unfolds beyond all reason.
var ErrBomb = errors.New("it unfolds to more than 250 times its compressed size: this looks like a decompression bomb, so do not unpack it; ask who built it")

// ErrForm means that content is in no form that can be opened.
var ErrForm = errors.New("it is neither a tar nor compressed by gzip, zstd or bzip2")

// Reader is opened content. It is for one goroutine.
type Reader struct {
	Form  Form
	plain io.Reader
	close func()
	in    *counting
	out   int64
	buf   *bufio.Reader
}

// buffers stand between sources and decoders.
var buffers = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 256<<10) }}

// Open finds out what r holds and opens it; reading ends when ctx does. The caller closes the Reader, which does not
// close r.
func Open(ctx context.Context, r io.Reader) (*Reader, error) {
	in := &counting{ctx: ctx, r: r}
	buf, ok := buffers.Get().(*bufio.Reader)
	if !ok {
		buf = bufio.NewReaderSize(nil, 256<<10)
	}
	buf.Reset(in)
	o := &Reader{in: in, buf: buf, close: func() {}}
	if err := o.open(); err != nil {
		o.Close()
		return nil, Explain(err)
	}
	return o, nil
}

func (o *Reader) open() error {
	head, err := o.buf.Peek(HeadSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch o.Form = Detect(head); o.Form {
	case Empty, Tar:
		o.plain = o.buf
	case Gzip:
		z, err := gzip.NewReader(o.buf)
		if err != nil {
			return err
		}
		o.plain, o.close = z, func() { _ = z.Close() }
	case Zstd:
		z, err := zstd.NewReader(o.buf, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return err
		}
		o.plain, o.close = z, z.Close
	case Bzip2:
		o.plain = bzip2.NewReader(o.buf)
	case XZ:
		return errors.New("it is compressed with xz, which image formats do not allow: rebuild or convert the image with gzip or zstd layers")
	default:
		return fmt.Errorf("it begins with %x: %w", head[:min(4, len(head))], ErrForm)
	}
	return nil
}

// Read gives the content, decompressed.
func (o *Reader) Read(p []byte) (int, error) {
	n, err := o.plain.Read(p)
	o.out += int64(n)
	if o.Form != Tar && o.out > freeOutput && o.out/maxRatio > o.in.n {
		return n, ErrBomb
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = o.explain(err)
	}
	return n, err
}

// explain knows that an error that the source did not give is the decoder's, which does not like what it reads.
func (o *Reader) explain(err error) error {
	decoding := o.Form != Tar && o.Form != Empty && o.in.err == nil
	if decoding && !errors.Is(err, io.ErrUnexpectedEOF) {
		return &explainedError{"the archive is damaged; copy or save it again", err}
	}
	return Explain(err)
}

// Close gives the decoder and its buffers back.
func (o *Reader) Close() {
	o.close()
	o.buf.Reset(nil)
	buffers.Put(o.buf)
}

// Explain puts the terse errors of damaged archives into words, with the next step. Others it leaves as they are.
func Explain(err error) error {
	var explained *explainedError
	switch {
	case errors.As(err, &explained):
		return err
	case errors.Is(err, io.ErrUnexpectedEOF):
		return &explainedError{"the archive ends too early; copy or save it again", err}
	case errors.Is(err, tar.ErrFieldTooLong):
		return &explainedError{"a name or another field is too long for any file system; rebuild the image", err}
	case errors.Is(err, tar.ErrHeader), errors.Is(err, gzip.ErrHeader):
		return &explainedError{"the archive is damaged; copy or save it again", err}
	default:
		return err
	}
}

// explainedError is an error that has been put into words.
type explainedError struct {
	text  string
	cause error
}

func (e *explainedError) Error() string { return e.text + ": " + e.cause.Error() }
func (e *explainedError) Unwrap() error { return e.cause }

// counting counts what comes in and ends when the context does.
type counting struct {
	ctx context.Context
	r   io.Reader
	n   int64
	err error // what the source failed with, or the context
}

func (c *counting) Read(p []byte) (int, error) {
	if c.err = c.ctx.Err(); c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	if !errors.Is(err, io.EOF) {
		c.err = err
	}
	return n, err
}
