package vulndb

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
)

// Bounds of what an artifact unpacks to, in bytes. The public database has about 1 GB.
const (
	largestFacts    = 8 << 30
	largestUnpacked = largestFacts + 64<<20
)

// errNoArchive is what everything that cannot be unpacked is to the user.
var errNoArchive = errors.New("this is no archive of a vulnerability database (get it again, or run `plimsoll vulndb update`)")

// unpackFile unpacks the two files of a database from a gzipped tar file into a folder. Everything else in it is
// passed over.
func unpackFile(ctx context.Context, archive, folder string) error {
	f, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	return unpack(ctx, f, folder)
}

func unpack(ctx context.Context, archive io.Reader, folder string) error {
	z, err := gzip.NewReader(archive)
	if err != nil {
		return fmt.Errorf("%w: it is not compressed with gzip (%w)", errNoArchive, err)
	}
	entries := tar.NewReader(&bounded{from: z, left: largestUnpacked})
	unpacked := map[string]bool{}
	for len(unpacked) < 2 {
		if err := ctx.Err(); err != nil {
			return err
		}
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errNoArchive, err)
		}
		name := path.Clean(entry.Name)
		if entry.Typeflag != tar.TypeReg || (name != factsFile && name != metadataFile) || unpacked[name] {
			continue
		}
		err = unpackEntry(ctx, entries, filepath.Join(folder, name), limitOf(name))
		if err != nil && !isLocal(err) && ctx.Err() == nil {
			return fmt.Errorf("%w: %s: %w", errNoArchive, name, err)
		}
		if err != nil {
			return fmt.Errorf("unpack %s: %w", name, err)
		}
		unpacked[name] = true
	}
	for _, name := range []string{factsFile, metadataFile} {
		if !unpacked[name] {
			return fmt.Errorf("%w: it lacks %s", errNoArchive, name)
		}
	}
	return nil
}

func limitOf(name string) int64 {
	if name == factsFile {
		return largestFacts
	}
	return longestMetadata
}

func unpackEntry(ctx context.Context, from io.Reader, to string, limit int64) (err error) {
	f, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	n, err := copyContext(ctx, f, io.LimitReader(from, limit+1))
	if err != nil {
		return err
	}
	if n > limit {
		return fmt.Errorf("it is larger than %d bytes", limit)
	}
	return f.Sync()
}

func copyFile(ctx context.Context, from, to string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	return unpackEntry(ctx, f, to, largestFacts)
}

// bounded fails after a number of bytes.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, fmt.Errorf("it unpacks to more than %d bytes", int64(largestUnpacked))
	}
	n, err := b.from.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// copyContext copies until the end, an error, or until ctx is done.
func copyContext(ctx context.Context, to io.Writer, from io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{to}, cancelable{ctx, from}, make([]byte, 256<<10))
}

type cancelable struct {
	ctx  context.Context
	from io.Reader
}

func (c cancelable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.from.Read(p)
}
