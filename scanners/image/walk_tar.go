package image

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"plimsoll/scanners/compression"
)

// Whiteouts in layer archives, OCI image specification, section "Representing Changes".
const (
	whiteoutPrefix = ".wh."
	opaqueMarker   = ".wh..wh..opq"
	aufsPrefix     = ".wh..wh." // AUFS' own bookkeeping, which deletes nothing
)

// walkStream reads a layer's tar once, from the first byte to the last, and returns its digest.
func walkStream(ctx context.Context, r io.Reader, c *collector) (string, error) {
	plain, err := compression.Open(ctx, r)
	if errors.Is(err, compression.ErrForm) {
		return "", fmt.Errorf("%w; the layer is damaged or encrypted; pull or save the image again", err)
	}
	if err != nil {
		return "", err
	}
	defer plain.Close()
	sum := sha256.New()
	passing := io.TeeReader(plain, io.MultiWriter(sum, meter(c.progress)))
	if err := walkTar(tar.NewReader(passing), c); err != nil {
		return "", err
	}
	if err := drain(passing); err != nil { // what follows the tar's end is part of the layer's digest
		return "", err
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil)), nil
}

// meter is told of bytes as they pass.
type meter func(bytes int64)

func (m meter) Write(p []byte) (int, error) {
	m(int64(len(p)))
	return len(p), nil
}

// drain reads to the end. It does so without io.Copy's fresh buffer for each layer.
func drain(r io.Reader) error {
	buf := getBuffer()
	defer putBuffer(buf)
	buf.Grow(64 << 10)
	for chunk := buf.AvailableBuffer()[:64<<10]; ; {
		if _, err := r.Read(chunk); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func walkTar(archive *tar.Reader, c *collector) error {
	for entries := 0; ; entries++ {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read tar entry %d: %w", entries, compression.Explain(err))
		}
		if entries >= maxEntries {
			return fmt.Errorf("layer has more than %d entries: it is not an image", maxEntries)
		}
		if err := tarEntry(archive, header, c); err != nil {
			return fmt.Errorf("read %q: %w", header.Name, compression.Explain(err))
		}
	}
}

// tarEntry hands one entry to the collector. An error means that the archive can't be read further.
func tarEntry(archive *tar.Reader, header *tar.Header, c *collector) error {
	name, ok := cleanName(header.Name)
	if !ok {
		c.gap(header.Name, "the entry's name leads out of the layer or is too long; the entry was left out")
		return nil
	}
	if name == "" {
		return nil
	}
	if base := path.Base(name); strings.HasPrefix(base, whiteoutPrefix) {
		whiteout(name, base, c)
		return nil
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return nil
	case tar.TypeSymlink:
		c.symlink(name, header.Linkname)
	case tar.TypeLink:
		target, ok := cleanName(header.Linkname)
		if !ok {
			c.gap(name, "hard link leads out of the layer; it was left out")
			return nil
		}
		c.hardlink(name, target)
	case tar.TypeReg, tar.TypeGNUSparse, tar.TypeCont:
		return c.file(entry{name: name, size: header.Size, executable: header.Mode&0o111 != 0}, archive)
	default:
		c.other(name)
	}
	return nil
}

func whiteout(name, base string, c *collector) {
	dir := path.Dir(name)
	if dir == "." {
		dir = ""
	}
	switch {
	case base == opaqueMarker:
		c.opaque(dir)
	case strings.HasPrefix(base, aufsPrefix):
	default:
		c.removed(path.Join(dir, strings.TrimPrefix(base, whiteoutPrefix)))
	}
}

// cleanName turns an entry's name into a path from the image's root: no leading slash, no "." parts. Names that climb
// out of the root, or that no Linux file system could hold, are refused.
func cleanName(name string) (string, bool) {
	if len(name) > maxPath || strings.IndexByte(name, 0) >= 0 {
		return "", false
	}
	if isClean(name) {
		return name, true
	}
	for part := range strings.SplitSeq(name, "/") {
		if part == ".." {
			return "", false
		}
	}
	clean := strings.TrimPrefix(path.Clean("/"+name), "/")
	return clean, true
}

// isClean is a quick test for the usual case.
func isClean(name string) bool {
	return name != "" && name[0] != '/' && name[0] != '.' && !strings.HasSuffix(name, "/") &&
		!strings.Contains(name, "//") && !strings.Contains(name, "/.")
}
