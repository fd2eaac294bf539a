package scanners

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
)

// LayerFacts is what one layer holds, whatever image it is part of. It is what gets cached: by DiffID and the
// version of the analyser that made it. Paths are relative to the image's root, slash-separated, without "." or "..".
type LayerFacts struct {
	DiffID    string
	Files     int // entries that are not directories
	Removed   []string
	Opaque    []string // directories whose content in lower layers is hidden
	Shadows   PathSet  // every entry that is not a directory: hides what lower layers have at or below its path
	Links     []Link   // symbolic links on the way to package databases and documentation
	Systems   []SystemFile
	Packages  []PackageFile
	Ownership []Ownership
	Licenses  []LicenseFile
	Gaps      []Gap
}

// Link is a symbolic link.
type Link struct{ Path, Target string }

// SystemFile is a file that names the distribution (os-release).
type SystemFile struct {
	Path         string
	Distribution Distribution
}

// PackageFile is a file that tells of packages: a database of the distribution, or one package's own metadata.
type PackageFile struct {
	Path     string
	Packages []Package
}

// Ownership says which files belong to a package of the distribution. Only paths that could tell of another
// package are in it.
type Ownership struct {
	Path    string // file that says so
	Package string // name of the owner
	Files   PathSet
}

// LicenseFile is a distribution package's statement of its licences.
type LicenseFile struct {
	Path     string
	Licenses []string
}

// Gap is something in a layer that could not be read.
type Gap struct{ Path, Reason string }

// PathSet is a set of paths of which only a 64-bit digest is kept (the first bytes of SHA-256, so that nobody can
// choose a path that collides with another). It is sorted and read-only once built.
type PathSet struct{ hashes []uint64 }

// PathHash is a path's digest in a PathSet.
func PathHash(path string) uint64 {
	sum := sha256.Sum256([]byte(path))
	return binary.LittleEndian.Uint64(sum[:8])
}

// NewPathSet builds a set of digests; it keeps and sorts the slice.
func NewPathSet(hashes []uint64) PathSet {
	slices.Sort(hashes)
	return PathSet{slices.Compact(hashes)}
}

// Has says whether the path with this digest is in the set.
func (s PathSet) Has(hash uint64) bool {
	_, found := slices.BinarySearch(s.hashes, hash)
	return found
}

// Hashes are the digests in the set, ascending. The caller must not change them.
func (s PathSet) Hashes() []uint64 { return s.hashes }

// MarshalBinary writes eight little-endian bytes a path.
func (s PathSet) MarshalBinary() ([]byte, error) {
	data := make([]byte, 0, 8*len(s.hashes))
	for _, h := range s.hashes {
		data = binary.LittleEndian.AppendUint64(data, h)
	}
	return data, nil
}

// UnmarshalBinary reads what MarshalBinary wrote.
func (s *PathSet) UnmarshalBinary(data []byte) error {
	if len(data)%8 != 0 {
		return fmt.Errorf("path set of %d bytes is not a whole number of digests", len(data))
	}
	s.hashes = make([]uint64, len(data)/8)
	for i := range s.hashes {
		s.hashes[i] = binary.LittleEndian.Uint64(data[8*i:])
	}
	if !slices.IsSorted(s.hashes) {
		return fmt.Errorf("path set is not sorted")
	}
	return nil
}
