package image

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"runtime/debug"
)

// Programs built by Go 1.17 and older hold pointers where newer ones hold strings: the header points to a string's
// header, which points to its bytes, which lie earlier in the file and have passed in a stream when that becomes clear.
// So what could be meant is remembered as it passes: the module list, which stands between two marks, and every place
// where a version could begin.

// The marks around a module list, from cmd/go/internal/modload.
const (
	moduleListStart = "\x30\x77\xaf\x0c\x92\x74\x08\x02\x41\xe1\xc1\x07\xe6\xd6\x18\xe6"
	moduleListEnd   = "\xf9\x32\x43\x31\x86\x18\x20\x72\x00\x82\x42\x10\x41\x16\xd8\xf2"
)

const (
	maxVersion  = 32     // bytes of a Go version
	maxVersions = 10_000 // places remembered
)

// oldProgram is what has passed of an executable.
type oldProgram struct {
	head     []byte           // the file's first bytes, with the program headers
	modules  []byte           // from the first mark on
	versions map[int64]string // what stands where "go1." does
}

// pass takes a window of the file, of which the first known bytes have been seen before.
func (o *oldProgram) pass(data []byte, known int, offset int64) {
	if offset == 0 {
		o.head = bytes.Clone(data[:min(len(data), 4096)])
		o.versions = make(map[int64]string)
	}
	if o.modules == nil {
		if i := bytes.Index(data, []byte(moduleListStart)); i >= 0 {
			o.modules = append(o.modules, data[i:]...)
		}
	} else if len(o.modules) < maxModules && !bytes.Contains(o.modules, []byte(moduleListEnd)) {
		o.modules = append(o.modules, data[min(known, len(data)):]...)
	}
	for from := 0; len(o.versions) < maxVersions; {
		i := bytes.Index(data[from:], []byte("go1."))
		if i < 0 {
			return
		}
		from += i
		o.versions[offset+int64(from)] = string(data[from:min(from+maxVersion, len(data))])
		from++
	}
}

// buildInfo follows the pointers of a header at a place of the file; rest begins there.
func (o *oldProgram) buildInfo(rest io.Reader, at int64) (*debug.BuildInfo, error) {
	unreadable := &programError{"the program was built with Go 1.17 or older, and its module list can't be read from a stream: scan the image from the engine's layer folders instead"}
	var header [buildInfoHeader]byte
	if _, err := io.ReadFull(rest, header[:]); err != nil {
		return nil, damaged(err)
	}
	word := words{size: int(header[14]), order: binary.ByteOrder(binary.LittleEndian)}
	if header[15]&1 != 0 {
		word.order = binary.BigEndian
	}
	end := bytes.Index(o.modules, []byte(moduleListEnd))
	place, ok := o.place(word.read(header[16:]))
	skip := place - at - buildInfoHeader
	if !ok || skip < 0 || end < 0 {
		return nil, unreadable
	}
	if _, err := io.CopyN(io.Discard, rest, skip); err != nil {
		return nil, damaged(err)
	}
	text := make([]byte, 2*word.size)
	if _, err := io.ReadFull(rest, text); err != nil {
		return nil, damaged(err)
	}
	place, ok = o.place(word.read(text))
	version := o.versions[place]
	length := word.read(text[word.size:])
	if !ok || length > uint64(len(version)) {
		return nil, unreadable
	}
	return parseModules(version[:length], string(o.modules[:end+len(moduleListEnd)]))
}

// words reads pointers of a program.
type words struct {
	size  int
	order binary.ByteOrder
}

func (w words) read(b []byte) uint64 {
	if w.size == 4 {
		return uint64(w.order.Uint32(b))
	}
	return w.order.Uint64(b)
}

// place is where in the file an address of the running program lies, by the ELF program headers (System V ABI, chapter
// 5). Other formats are not followed.
func (o *oldProgram) place(address uint64) (int64, bool) {
	if len(o.head) < 64 || !bytes.HasPrefix(o.head, []byte("\x7fELF")) {
		return 0, false
	}
	order := binary.ByteOrder(binary.LittleEndian)
	if o.head[5] == 2 {
		order = binary.BigEndian
	}
	wide := o.head[4] == 2
	w := words{size: 4, order: order}
	table, entry, count := uint64(order.Uint32(o.head[28:])), int(order.Uint16(o.head[42:])), int(order.Uint16(o.head[44:]))
	offsetAt, addressAt, sizeAt := 4, 8, 16
	if wide {
		w.size = 8
		table, entry, count = order.Uint64(o.head[32:]), int(order.Uint16(o.head[54:])), int(order.Uint16(o.head[56:]))
		offsetAt, addressAt, sizeAt = 8, 16, 32
	}
	for i := range count {
		if table > uint64(len(o.head)) || entry < sizeAt+w.size || len(o.head[table:]) < (i+1)*entry {
			return 0, false
		}
		segment := o.head[table:][i*entry:]
		start, size := w.read(segment[addressAt:]), w.read(segment[sizeAt:])
		const load = 1
		if order.Uint32(segment) == load && address >= start && address-start < size {
			place := w.read(segment[offsetAt:]) + address - start
			return int64(place & math.MaxInt64), true
		}
	}
	return 0, false
}
