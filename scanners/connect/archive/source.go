package archive

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"plimsoll/scanners"
	"plimsoll/scanners/compression"
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
		return nil, fmt.Errorf("%q is neither a file nor a folder: write the archive to a file first", s.path)
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
	switch compression.Detect(head[:n]) {
	case compression.Tar:
		images, err = s.readIndexed(ctx, file, sink)
	case compression.Unknown:
		return nil, fmt.Errorf("%q is neither a docker-archive nor an OCI layout: it begins with %x. Save an image with `docker save -o FILE IMAGE`", s.path, head[:min(4, n)])
	default:
		images, err = readStream(ctx, file, nil, sink, s.choice())
	}
	if err != nil {
		err = fmt.Errorf("read %q: %w", s.path, err)
	}
	return images, err
}

func (s *Source) choice() choice { return choice{wanted: s.platform, host: s.host} }

func (s *Source) readFolder(ctx context.Context, sink scanners.LayerSink) ([]scanners.Image, error) {
	root, err := os.OpenRoot(s.path) // names in the layout can't lead out of it, not even by links
	if err != nil {
		return nil, fmt.Errorf("open layout %q: %w", s.path, err)
	}
	defer root.Close()
	store := &store{open: func(name string) (io.ReadCloser, error) {
		info, err := root.Stat(name) // first, because opening a pipe would wait for its writer
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil, fmt.Errorf("layout has no file %q: %w", name, fs.ErrNotExist)
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, fmt.Errorf("%q is not a regular file", name)
		}
		return root.Open(name)
	}}
	images, err := readStore(ctx, store, sink, s.choice())
	if err != nil {
		err = fmt.Errorf("read OCI layout %q: %w", s.path, err)
	}
	return images, err
}

// maxMembers bounds the members of an archive; an image has a few dozen.
const maxMembers = 100_000

// eachMember goes from header to header. It ends with the archive, or with the first error.
func eachMember(archive *tar.Reader, visit func(*tar.Header) error) error {
	for members := 0; ; members++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return compression.Explain(err)
		}
		if members >= maxMembers {
			return fmt.Errorf("archive has more than %d members, so it is no image: save one with `docker save -o FILE IMAGE`", maxMembers)
		}
		if err := visit(header); err != nil {
			return fmt.Errorf("read member %q: %w", header.Name, compression.Explain(err))
		}
	}
}

// readIndexed reads a plain tar at random: one pass from header to header, then each member where it lies.
func (s *Source) readIndexed(ctx context.Context, file *os.File, sink scanners.LayerSink) ([]scanners.Image, error) {
	type place struct{ offset, size int64 }
	places := make(map[string]place)
	links := make(map[string]string)
	err := eachMember(tar.NewReader(file), func(header *tar.Header) error {
		name := clean(header.Name)
		switch {
		case isLink(header):
			links[name] = linkTarget(name, header)
		case isFile(header):
			offset, err := file.Seek(0, io.SeekCurrent)
			if err != nil {
				return err
			}
			places[name] = place{offset, header.Size}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	store := &store{open: func(name string) (io.ReadCloser, error) {
		if target, ok := links[name]; ok {
			name = target
		}
		p, ok := places[name]
		if !ok {
			return nil, fmt.Errorf("archive has no member %q: %w", name, fs.ErrNotExist)
		}
		return io.NopCloser(io.NewSectionReader(file, p.offset, p.size)), nil
	}}
	return readStore(ctx, store, sink, s.choice())
}

// clean is a name in an archive as a path from its root. None leads out of it.
func clean(name string) string { return path.Clean("/" + name)[1:] }

func isLink(header *tar.Header) bool {
	return header.Typeflag == tar.TypeSymlink || header.Typeflag == tar.TypeLink
}

// isFile says whether a member has content. Sparse files are none: a few bytes of archive could stand for exabytes, and
// nobody who saves images writes them.
func isFile(header *tar.Header) bool {
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return false
		}
	}
	return header.Typeflag == tar.TypeReg
}

// linkTarget is the member that a link of an archive leads to. Old engines link layers that occur twice.
func linkTarget(name string, header *tar.Header) string {
	if header.Typeflag == tar.TypeLink {
		return clean(header.Linkname)
	}
	return clean(path.Join(path.Dir(name), header.Linkname)) //nolint:gosec // a key among the archive's own members, never a place on disk
}
