package vulndb

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
	"sort"
)

// A bbolt file is a B+tree of pages (go.etcd.io/bbolt, internal/common: page.go, meta.go, bucket.go); numbers are
// little-endian:
//
//	page    id uint64, flags uint16, count uint16, overflow uint32, then count elements
//	leaf    flags uint32, position uint32, key size uint32, value size uint32
//	branch  position uint32, key size uint32, page uint64
//	meta    magic, version, page size, flags: uint32; root page, sequence, freelist, pages, transaction, checksum: uint64
//	bucket  root page uint64, sequence uint64; then, where the root page is 0, a page of its own
//
// Positions count from the element. It is read here and not by bbolt because bbolt believes what a page says: a torn
// page makes it read beyond its memory or recurse until the process ends, which nothing can recover from. Here every
// number is checked before it is used.
const (
	pageHeader  = 16
	elementSize = 16
	metaSize    = 64
	bucketSize  = 16

	flagBranch = 0x01
	flagLeaf   = 0x02
	leafBucket = 0x01 // flag of a leaf element: its value is a bucket

	boltMagic   = 0xED0CDAED
	boltVersion = 2
)

// Bounds that a whole file keeps by far.
const (
	deepestTree     = 32
	largestPage     = 64 << 20 // bytes, with overflow
	mostPages       = 200_000  // of one bucket
	rememberedPages = 2_000
	highestPage     = 1 << 40
)

// pageFile reads a bbolt file. It is safe for concurrent use.
type pageFile struct {
	file     *os.File
	pageSize int64
	pages    int64 // how many are in use
	root     int64
	read     *cache[int64, node]
}

// openPages opens the file and checks that it is as long as its header says.
func openPages(path string) (*pageFile, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	p := &pageFile{file: file, read: newCache[int64, node](rememberedPages)}
	if err := p.readMeta(); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return p, nil
}

// readMeta takes the newer one of the file's two meta pages that is whole.
func (p *pageFile) readMeta() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	var newest uint64
	for offset := int64(0); offset <= 64<<10; offset = max(512, offset*2) { // the second one is one page behind the first
		data := make([]byte, pageHeader+metaSize)
		if _, err := p.file.ReadAt(data, offset); err != nil {
			break
		}
		meta := data[pageHeader:]
		if !validMeta(meta) {
			continue
		}
		size, transaction := int64(binary.LittleEndian.Uint32(meta[8:])), binary.LittleEndian.Uint64(meta[48:])
		if (offset == 0 || offset == size) && transaction >= newest {
			newest, p.pageSize = transaction, size
			p.root, p.pages = pageNumber(meta[16:]), pageNumber(meta[40:])
		}
	}
	if p.pageSize < 512 || p.pageSize > 64<<10 {
		return fmt.Errorf("%w (its header cannot be read)", errDamaged)
	}
	if whole := p.pages * p.pageSize; whole > info.Size() {
		return fmt.Errorf("%w (it is cut short: %d of %d bytes)", errDamaged, info.Size(), whole)
	}
	return nil
}

// pageNumber reads the number of a page; 0, which is never a tree's, when it is beyond all reason.
func pageNumber(data []byte) int64 {
	if n := binary.LittleEndian.Uint64(data); n < highestPage {
		return int64(n)
	}
	return 0
}

func validMeta(meta []byte) bool {
	sum := fnv.New64a()
	sum.Write(meta[:metaSize-8])
	return binary.LittleEndian.Uint32(meta) == boltMagic && binary.LittleEndian.Uint32(meta[4:]) == boltVersion &&
		binary.LittleEndian.Uint64(meta[metaSize-8:]) == sum.Sum64()
}

// bucket is a bucket's tree: a page of the file, or a page that lies in the value of its parent.
type bucket struct {
	root   int64
	inline node
}

// top is the bucket that holds all others.
func (p *pageFile) top() bucket { return bucket{root: p.root} }

// bucket finds a bucket in a bucket.
func (p *pageFile) bucket(in bucket, name string) (found bucket, ok bool, err error) {
	e, ok, err := p.find(in, name)
	if err != nil || !ok || !e.isBucket {
		return bucket{}, false, err
	}
	if len(e.value) < bucketSize {
		return bucket{}, false, errDamaged
	}
	if binary.LittleEndian.Uint64(e.value) != 0 {
		return bucket{root: pageNumber(e.value)}, true, nil
	}
	return bucket{inline: node(e.value[bucketSize:])}, true, nil
}

// value finds a value in a bucket; nil when there is none.
func (p *pageFile) value(in bucket, key string) ([]byte, error) {
	e, ok, err := p.find(in, key)
	if err != nil || !ok || e.isBucket {
		return nil, err
	}
	return e.value, nil
}

// find descends to a key.
func (p *pageFile) find(in bucket, key string) (element, bool, error) {
	n, err := p.load(in)
	for depth := 0; err == nil && n.flags() == flagBranch; depth++ {
		var child int64
		if child, err = n.childFor([]byte(key)); err == nil {
			n, err = p.page(child)
		}
		if depth == deepestTree {
			err = errDamaged
		}
	}
	if err != nil {
		return element{}, false, err
	}
	return n.find([]byte(key))
}

// each visits every element of a bucket, in the order of keys.
func (p *pageFile) each(in bucket, visit func(element) error) error {
	n, err := p.load(in)
	if err != nil {
		return err
	}
	left := mostPages
	return p.walk(n, 0, &left, visit)
}

func (p *pageFile) walk(n node, depth int, left *int, visit func(element) error) error {
	if *left--; *left < 0 || depth > deepestTree {
		return errDamaged
	}
	for i := range n.count() {
		if n.flags() == flagLeaf {
			e, err := n.leaf(i)
			if err == nil {
				err = visit(e)
			}
			if err != nil {
				return err
			}
			continue
		}
		_, id, err := n.branch(i)
		if err != nil {
			return err
		}
		child, err := p.page(id)
		if err != nil {
			return err
		}
		if err := p.walk(child, depth+1, left, visit); err != nil {
			return err
		}
	}
	return nil
}

func (p *pageFile) load(b bucket) (node, error) {
	if b.inline != nil {
		return b.inline, b.inline.check()
	}
	return p.page(b.root)
}

// page reads a page with its overflow. Some thousand pages are remembered: neighbouring keys lie in the same ones.
func (p *pageFile) page(id int64) (node, error) {
	if n, ok := p.read.get(id); ok {
		return n, nil
	}
	if id < 2 || id >= p.pages {
		return nil, errDamaged
	}
	n, err := p.readAt(id, p.pageSize)
	if err != nil {
		return nil, err
	}
	overflow := number(n[12:])
	if id+overflow >= p.pages || (overflow+1)*p.pageSize > largestPage || pageNumber(n) != id {
		return nil, errDamaged
	}
	if overflow > 0 {
		if n, err = p.readAt(id, (overflow+1)*p.pageSize); err != nil {
			return nil, err
		}
	}
	if err := n.check(); err != nil {
		return nil, err
	}
	p.read.put(id, n, int(overflow+1))
	return n, nil
}

func (p *pageFile) readAt(id, size int64) (node, error) {
	n := make(node, size)
	if _, err := p.file.ReadAt(n, id*p.pageSize); err != nil {
		return nil, fmt.Errorf("read the vulnerability database: %w", err)
	}
	return n, nil
}

// node is the content of a page.
type node []byte

// element is an entry of a leaf. Its slices lie in the page.
type element struct {
	key, value []byte
	isBucket   bool
}

// check makes sure that the header and all elements, but not yet what they point to, lie in the page.
func (n node) check() error {
	if len(n) < pageHeader || (n.flags() != flagLeaf && n.flags() != flagBranch) || pageHeader+n.count()*elementSize > len(n) {
		return errDamaged
	}
	return nil
}

func (n node) flags() uint16 { return binary.LittleEndian.Uint16(n[8:]) }
func (n node) count() int    { return int(binary.LittleEndian.Uint16(n[10:])) }

func (n node) leaf(i int) (element, error) {
	at := pageHeader + i*elementSize
	key := int64(at) + number(n[at+4:])
	value := key + number(n[at+8:])
	end := value + number(n[at+12:])
	if end > int64(len(n)) {
		return element{}, errDamaged
	}
	return element{key: n[key:value], value: n[value:end], isBucket: number(n[at:])&leafBucket != 0}, nil
}

func (n node) branch(i int) (key []byte, child int64, err error) {
	at := pageHeader + i*elementSize
	from := int64(at) + number(n[at:])
	end := from + number(n[at+4:])
	if end > int64(len(n)) {
		return nil, 0, errDamaged
	}
	return n[from:end], pageNumber(n[at+8:]), nil
}

// number reads a uint32.
func number(data []byte) int64 { return int64(binary.LittleEndian.Uint32(data)) }

// find looks a key up in a leaf.
func (n node) find(key []byte) (element, bool, error) {
	var failed error
	i := sort.Search(n.count(), func(i int) bool {
		e, err := n.leaf(i)
		failed = errors.Join(failed, err)
		return bytes.Compare(e.key, key) >= 0
	})
	if failed != nil {
		return element{}, false, errDamaged
	}
	if i == n.count() {
		return element{}, false, nil
	}
	e, err := n.leaf(i)
	return e, err == nil && bytes.Equal(e.key, key), err
}

// childFor is the page below a branch that would hold a key: the last one that does not begin after it.
func (n node) childFor(key []byte) (int64, error) {
	if n.count() == 0 {
		return 0, errDamaged
	}
	var failed error
	i := sort.Search(n.count(), func(i int) bool {
		k, _, err := n.branch(i)
		failed = errors.Join(failed, err)
		return bytes.Compare(k, key) > 0
	})
	if failed != nil {
		return 0, errDamaged
	}
	_, child, err := n.branch(max(0, i-1))
	return child, err
}
