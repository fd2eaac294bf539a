package archive

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"plimsoll/scanners"
)

// Source is a file or folder with images in it.
type Source struct {
	path     string
	platform scanners.Platform
	host     scanners.Platform
}

// Open names a file or folder; it is looked at when it is read. platform chooses among the platforms of a
// multi-platform image; when it is zero, host is preferred.
func Open(file string, platform, host scanners.Platform) *Source {
	return &Source{path: file, platform: platform, host: host}
}

// Name is the path that was asked for.
func (s *Source) Name() string { return s.path }

// Target is the file or folder.
func (s *Source) Target() scanners.Target {
	kind := scanners.TargetArchive
	if info, err := os.Stat(s.path); err == nil && info.IsDir() {
		kind = scanners.TargetOCILayout
	}
	full, err := filepath.Abs(s.path)
	if err != nil {
		full = s.path
	}
	return scanners.Target{Key: string(kind) + ":" + full, Kind: kind, Name: filepath.Base(full), Address: full}
}

// Read describes every image and hands the layers that the sink claims to it.
func (s *Source) Read(ctx context.Context, sink scanners.LayerSink) ([]scanners.Image, error) {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("no file or folder %q: check the path", s.path)
	case err != nil:
		return nil, fmt.Errorf("open %q: %w", s.path, err)
	case info.IsDir():
		return s.readFolder(ctx, sink)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%q is neither a file nor a folder", s.path)
	}
	file, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("open %q: %w", s.path, err)
	}
	defer file.Close()
	return s.readFile(ctx, file, sink)
}

func (s *Source) readFile(ctx context.Context, file *os.File, sink scanners.LayerSink) ([]scanners.Image, error) {
	head := make([]byte, 512)
	n, err := io.ReadFull(file, head)
	if n == 0 {
		return nil, fmt.Errorf("%q is empty: save the image again", s.path)
	}
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("read %q: %w", s.path, err)
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read %q: %w", s.path, err)
	}
	var images []scanners.Image
	switch compression(head[:n]) {
	case gzipped, zstandard:
		var plain io.ReadCloser
		if plain, err = open(bufio.NewReaderSize(file, 1<<20), head[:n]); err != nil {
			return nil, fmt.Errorf("read %q: %w", s.path, err)
		}
		defer plain.Close()
		images, err = readStream(ctx, plain, nil, sink, s.choice())
	case unknown:
		return nil, fmt.Errorf("%q is neither a docker-archive nor an OCI layout: it begins with %x. Save an image with `docker save -o FILE IMAGE`", s.path, head[:min(4, n)])
	default:
		images, err = s.readIndexed(ctx, file, sink)
	}
	if err != nil {
		err = fmt.Errorf("read %q: %w", s.path, err)
	}
	return images, err
}

// The outer compressions of archives.
type outer int

const (
	unknown outer = iota
	plainTar
	gzipped
	zstandard
)

// compression recognises an archive by its first bytes (RFC 1952, RFC 8878, POSIX tar).
func compression(head []byte) outer {
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzipped
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstandard
	case len(head) >= 262 && bytes.HasPrefix(head[257:], []byte("ustar")):
		return plainTar
	default:
		return unknown
	}
}

func open(r io.Reader, head []byte) (io.ReadCloser, error) {
	if compression(head) == gzipped {
		return gzip.NewReader(r)
	}
	decoder, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return nil, err
	}
	return decoder.IOReadCloser(), nil
}

func (s *Source) choice() choice { return choice{wanted: s.platform, host: s.host} }

func (s *Source) readFolder(ctx context.Context, sink scanners.LayerSink) ([]scanners.Image, error) {
	root, err := os.OpenRoot(s.path) // names in the layout can't lead out of it, not even by links
	if err != nil {
		return nil, fmt.Errorf("open layout %q: %w", s.path, err)
	}
	defer root.Close()
	store := storeFunc(func(name string) (io.ReadCloser, error) {
		file, err := root.Open(name)
		if err != nil {
			return nil, err
		}
		if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
			_ = file.Close()
			return nil, fmt.Errorf("%q is not a regular file", name)
		}
		return file, nil
	})
	images, err := readStore(ctx, store, sink, s.choice())
	if err != nil {
		err = fmt.Errorf("read OCI layout %q: %w", s.path, err)
	}
	return images, err
}

// maxMembers bounds the members of an archive; an image has a few dozen.
const maxMembers = 100_000

// readIndexed reads a plain tar at random: one pass from header to header, then each member where it lies.
func (s *Source) readIndexed(ctx context.Context, file *os.File, sink scanners.LayerSink) ([]scanners.Image, error) {
	type place struct{ offset, size int64 }
	places := make(map[string]place)
	links := make(map[string]string)
	archive := tar.NewReader(file)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, damaged(err)
		}
		if len(places) > maxMembers {
			return nil, fmt.Errorf("archive has more than %d members: it is not an image", maxMembers)
		}
		name := path.Clean("/" + header.Name)[1:]
		switch header.Typeflag {
		case tar.TypeSymlink, tar.TypeLink:
			links[name] = linkTarget(name, header)
		case tar.TypeReg:
			offset, err := file.Seek(0, io.SeekCurrent)
			if err != nil {
				return nil, err
			}
			places[name] = place{offset, header.Size}
		}
	}
	store := storeFunc(func(name string) (io.ReadCloser, error) {
		if target, ok := links[name]; ok {
			name = target
		}
		p, ok := places[name]
		if !ok {
			return nil, fmt.Errorf("archive has no member %q: %w", name, fs.ErrNotExist)
		}
		return io.NopCloser(io.NewSectionReader(file, p.offset, p.size)), nil
	})
	return readStore(ctx, store, sink, s.choice())
}

// linkTarget is the member that a link of an archive leads to. Old engines link layers that occur twice.
func linkTarget(name string, header *tar.Header) string {
	if header.Typeflag == tar.TypeLink {
		return path.Clean("/" + header.Linkname)[1:]
	}
	return path.Clean("/" + path.Join(path.Dir(name), header.Linkname))[1:]
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
