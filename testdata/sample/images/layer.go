package images

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"time"

	"github.com/klauspost/compress/zstd"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// Whiteouts, OCI image specification, section "Representing Changes".
const (
	whiteout = ".wh."
	opaque   = ".wh..wh..opq"
)

// tree is what a layer changes, by path from the root without a leading slash. Folders above need no entry.
type tree map[string]node

// node is one file, or a symbolic link when it has a target.
type node struct {
	data       []byte
	target     string
	executable bool
}

// add puts all of another tree into t.
func (t tree) add(others ...tree) tree {
	for _, o := range others {
		maps.Copy(t, o)
	}
	return t
}

func text(s string) node { return node{data: []byte(s)} }

// packing is how a layer is compressed.
type packing int

const (
	gzipped packing = iota
	zstandard
)

func (p packing) mediaType() string {
	if p == zstandard {
		return ocispec.MediaTypeImageLayerZstd
	}
	return ocispec.MediaTypeImageLayerGzip
}

// packed is a layer as it is stored.
type packed struct {
	diffID string // digest of the tar
	data   []byte // compressed
}

// pack writes the tree as a tar, sorted and with one time for all, and compresses it.
func (t tree) pack(p packing, modified time.Time) (packed, error) {
	var plain bytes.Buffer
	if err := t.writeTar(&plain, modified); err != nil {
		return packed{}, fmt.Errorf("write the tar of a layer: %w", err)
	}
	data, err := compress(plain.Bytes(), p)
	if err != nil {
		return packed{}, fmt.Errorf("compress a layer: %w", err)
	}
	return packed{diffID: digestOf(plain.Bytes()), data: data}, nil
}

func (t tree) writeTar(w io.Writer, modified time.Time) error {
	archive := tar.NewWriter(w)
	for _, dir := range t.folders() {
		header := &tar.Header{Typeflag: tar.TypeDir, Name: dir + "/", Mode: 0o755, ModTime: modified}
		if err := archive.WriteHeader(header); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t)) {
		n := t[name]
		if err := archive.WriteHeader(n.header(name, modified)); err != nil {
			return err
		}
		if _, err := archive.Write(n.data); err != nil {
			return err
		}
	}
	return archive.Close()
}

func (n node) header(name string, modified time.Time) *tar.Header {
	switch {
	case n.target != "":
		return &tar.Header{Typeflag: tar.TypeSymlink, Name: name, Linkname: n.target, Mode: 0o777, ModTime: modified}
	case n.executable:
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(n.data)), Mode: 0o755, ModTime: modified}
	default:
		return &tar.Header{Typeflag: tar.TypeReg, Name: name, Size: int64(len(n.data)), Mode: 0o644, ModTime: modified}
	}
}

// folders are all folders above the tree's files, parents first.
func (t tree) folders() []string {
	all := map[string]bool{}
	for name := range t {
		for dir := path.Dir(name); dir != "." && !all[dir]; dir = path.Dir(dir) {
			all[dir] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// compress uses one thread, so that the bytes do not depend on the machine.
func compress(plain []byte, p packing) ([]byte, error) {
	var out bytes.Buffer
	w, err := compressor(&out, p)
	if err != nil {
		return nil, err
	}
	if _, err := w.Write(plain); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func compressor(w io.Writer, p packing) (io.WriteCloser, error) {
	if p == zstandard {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	}
	return gzip.NewWriter(w), nil
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}
