package image

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"

	"plimsoll/scanners"
)

// entry is one regular file of a layer.
type entry struct {
	name       string
	size       int64
	executable bool
}

// collector gathers what the entries of one layer tell. Its methods may be called concurrently, except hardlink and
// file, which rely on the order of a tar.
type collector struct {
	progress func(int64)

	mu      sync.Mutex
	layer   scanners.LayerFacts
	shadows []uint64
	dropped int // gaps beyond maxGaps

	// read holds what files of this layer told, by path, for the hard links that follow in a tar. It is nil for folders,
	// where a hard link is a file like any other.
	read map[string]parsed
}

// parsed is what one file told.
type parsed struct {
	kind         kind
	packages     []scanners.Package
	owners       []scanners.Ownership // without their Path
	licenses     []string
	distribution scanners.Distribution
	problem      string // what of it could not be understood
}

func newCollector(diffID string, progress func(int64)) *collector {
	if progress == nil {
		progress = func(int64) {}
	}
	return &collector{progress: progress, layer: scanners.LayerFacts{DiffID: diffID}}
}

// facts ends the collection. Everything is sorted, so that folders and tars give the same facts.
func (c *collector) facts() scanners.LayerFacts {
	l := c.layer
	l.Shadows = scanners.NewPathSet(c.shadows)
	slices.Sort(l.Removed)
	slices.Sort(l.Opaque)
	l.Links = lastByPath(l.Links, func(x scanners.Link) string { return x.Path })
	l.Systems = lastByPath(l.Systems, func(x scanners.SystemFile) string { return x.Path })
	l.Packages = lastByPath(l.Packages, func(x scanners.PackageFile) string { return x.Path })
	l.Packages = slices.DeleteFunc(l.Packages, func(x scanners.PackageFile) bool { return len(x.Packages) == 0 })
	l.Ownership = lastByPath(l.Ownership, func(x scanners.Ownership) string { return x.Path + "\x00" + x.Package })
	l.Licenses = lastByPath(l.Licenses, func(x scanners.LicenseFile) string { return x.Path })
	slices.SortFunc(l.Gaps, func(a, b scanners.Gap) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Reason, b.Reason))
	})
	if c.dropped > 0 {
		l.Gaps = append(l.Gaps, scanners.Gap{Path: "/", Reason: fmt.Sprintf("%d more files could not be read", c.dropped)})
	}
	return l
}

// lastByPath sorts by path; of entries with the same path the last in the archive wins, as it does when unpacked.
func lastByPath[T any](items []T, key func(T) string) []T {
	slices.SortStableFunc(items, func(a, b T) int { return cmp.Compare(key(a), key(b)) })
	kept := items[:0]
	for i, item := range items {
		if i+1 < len(items) && key(items[i+1]) == key(item) {
			continue
		}
		kept = append(kept, item)
	}
	return kept
}

// file takes a regular file of a tar; r stands at its content.
func (c *collector) file(e entry, r io.Reader) error {
	c.shadow(e.name)
	if k := kindOf(e.name); wanted(k, e) {
		return c.parse(k, e, r)
	}
	return c.remember(e, r)
}

// wanted says whether a file of that kind has to be opened.
func wanted(k kind, e entry) bool {
	return k != kindNone && (k != kindBinary || e.executable && e.size >= minBinary)
}

// symlink takes a symbolic link.
func (c *collector) symlink(name, target string) {
	h := scanners.PathHash(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.layer.Files++
	c.shadows = append(c.shadows, h)
	if isRoad(name) && len(target) <= maxPath {
		c.layer.Links = append(c.layer.Links, scanners.Link{Path: name, Target: target})
	}
}

// hardlink takes a second name of an earlier entry. What that one told is told again; when its content did not look like
// what the second name promises, it is not there any more to be read.
func (c *collector) hardlink(name, target string) {
	c.shadow(name)
	k := kindOf(name)
	p, known := c.read[target]
	switch {
	case known && p.kind == k:
		c.keep(name, p)
	case known:
		c.read[name] = p
	}
	if k != kindNone && k != kindBinary && (!known || p.kind != k) {
		c.gap(name, fmt.Sprintf("hard link to %q, whose content is not what this name stands for", target))
	}
}

// other takes a device, a pipe or a socket: it tells nothing, but hides what is below.
func (c *collector) other(name string) { c.shadow(name) }

func (c *collector) shadow(name string) {
	h := scanners.PathHash(name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.layer.Files++
	c.shadows = append(c.shadows, h)
}

func (c *collector) removed(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.layer.Removed = append(c.layer.Removed, name)
}

func (c *collector) opaque(dir string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.layer.Opaque = append(c.layer.Opaque, dir)
}

// gap says that a file, or a part of it, was not understood.
func (c *collector) gap(name, reason string) {
	if len(name) > 200 {
		name = name[:200] + "…"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.layer.Gaps) >= maxGaps {
		c.dropped++
		return
	}
	c.layer.Gaps = append(c.layer.Gaps, scanners.Gap{Path: strings.ToValidUTF8(name, "�"), Reason: reason})
}

// parse reads a file of a known kind. Content that is not what its name promises is a gap; an error means that the
// layer itself can't be read further.
func (c *collector) parse(k kind, e entry, r io.Reader) error {
	if k == kindBinary {
		return c.program(e, r)
	}
	limit := limitOf(k)
	if e.size > limit {
		c.gap(e.name, fmt.Sprintf("file of %d bytes is larger than the %d that such a file is read to", e.size, limit))
		return nil
	}
	buf := getBuffer()
	defer putBuffer(buf)
	if _, err := buf.ReadFrom(io.LimitReader(r, limit)); err != nil {
		return err
	}
	p, err := parseContent(k, e.name, buf.Bytes())
	if err != nil {
		p.problem = err.Error()
	}
	c.keep(e.name, p)
	return nil
}

func limitOf(k kind) int64 {
	switch k {
	case kindDpkgStatus, kindAPKInstalled, kindDpkgList, kindDpkgMD5Sums:
		return maxMetadata
	case kindPythonEgg:
		return maxEgg
	default:
		return maxManifest
	}
}

// parseContent gives a file to its parser. Together with an error there may be a partial result.
func parseContent(k kind, name string, data []byte) (parsed, error) {
	p := parsed{kind: k}
	var err error
	switch k {
	case kindOSRelease:
		p.distribution = parseOSRelease(data)
	case kindAPKSources:
		p.distribution = parseAPKSources(data)
	case kindDpkgStatus, kindDpkgStatusDir:
		p.packages, err = parseDpkg(data)
	case kindDpkgList:
		p.owners = ownedBy(name, ".list", parseDpkgList(data))
	case kindDpkgMD5Sums:
		p.owners = ownedBy(name, ".md5sums", parseDpkgMD5Sums(data))
	case kindCopyright:
		p.licenses = parseCopyright(data)
	case kindAPKInstalled:
		p.packages, p.owners, err = parseAPK(data)
	case kindNPM:
		p.packages, err = parseNPM(data)
	case kindPython:
		p.packages, err = parsePython(data)
	case kindPythonEgg:
		p.packages, err = parsePythonEgg(bytes.NewReader(data), int64(len(data)))
	}
	return p, err
}

// program looks for the module information of a Go program.
func (c *collector) program(e entry, r io.Reader) error {
	packages, err := readGoProgram(r, e.size)
	p := parsed{kind: kindBinary, packages: packages}
	var damaged *programError
	switch {
	case errors.As(err, &damaged):
		p.problem = damaged.Error()
	case err != nil:
		return err
	}
	c.keep(e.name, p)
	return nil
}

// remember looks whether a file with a telling-nothing name holds a package's metadata, in case a hard link with a
// telling name follows: package managers with a content-addressed store lay files out like that.
func (c *collector) remember(e entry, r io.Reader) error {
	if c.read == nil || e.size < 16 || e.size > 256<<10 || len(c.read) >= maxLinked {
		return nil
	}
	buf := getBuffer()
	defer putBuffer(buf)
	if _, err := buf.ReadFrom(io.LimitReader(r, 16)); err != nil {
		return err
	}
	k := kindOfContent(buf.Bytes())
	if k == kindNone {
		return nil
	}
	if _, err := buf.ReadFrom(io.LimitReader(r, e.size)); err != nil {
		return err
	}
	if k == kindNPM && !isManifest(buf.Bytes()) {
		return nil
	}
	if p, err := parseContent(k, e.name, buf.Bytes()); err == nil && len(p.packages) > 0 {
		c.read[e.name] = p
	}
	return nil
}

func kindOfContent(head []byte) kind {
	switch {
	case bytes.HasPrefix(head, []byte("{")):
		return kindNPM
	case bytes.HasPrefix(head, []byte("Metadata-Version")):
		return kindPython
	default:
		return kindNone
	}
}

// isManifest is a cheap test that spares parsing source maps and other JSON.
func isManifest(data []byte) bool {
	return bytes.Contains(data, []byte(`"name"`)) && bytes.Contains(data, []byte(`"version"`)) && !bytes.Contains(data, []byte(`"mappings"`))
}

// keep files what a file told.
func (c *collector) keep(name string, p parsed) {
	if c.read != nil && len(c.read) < maxLinked {
		c.read[name] = p
	}
	c.add(name, p)
}

func (c *collector) add(name string, p parsed) {
	if p.problem != "" {
		c.gap(name, p.problem)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, o := range p.owners {
		o.Path = name
		c.layer.Ownership = append(c.layer.Ownership, o)
	}
	switch p.kind {
	case kindOSRelease, kindAPKSources:
		c.layer.Systems = append(c.layer.Systems, scanners.SystemFile{Path: name, Distribution: p.distribution})
	case kindDpkgList, kindDpkgMD5Sums:
	case kindCopyright:
		c.layer.Licenses = append(c.layer.Licenses, scanners.LicenseFile{Path: name, Licenses: p.licenses})
	default:
		c.layer.Packages = append(c.layer.Packages, scanners.PackageFile{Path: name, Packages: slices.Clone(p.packages)})
	}
}

// ownedBy is the ownership that a file NAME.suffix states for the package NAME.
func ownedBy(file, suffix string, hashes []uint64) []scanners.Ownership {
	name, _, _ := strings.Cut(strings.TrimSuffix(path.Base(file), suffix), ":")
	return []scanners.Ownership{{Package: name, Files: scanners.NewPathSet(hashes)}}
}

// buffers are shared by all parsers. A buffer that grew beyond keepBuffer is left to the garbage collector.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

const keepBuffer = 4 << 20

func getBuffer() *bytes.Buffer { return buffers.Get().(*bytes.Buffer) }

func putBuffer(b *bytes.Buffer) {
	if b.Cap() > keepBuffer {
		return
	}
	b.Reset()
	buffers.Put(b)
}
