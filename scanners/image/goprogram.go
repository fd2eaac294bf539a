package image

import (
	"bytes"
	"debug/buildinfo"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"sync"

	"plimsoll/scanners"
)

// programError says that a Go program was recognised, but what it is made of can't be read from it.
type programError struct{ reason string }

func (e *programError) Error() string { return e.reason }

// readGoProgram lists the modules that a Go program is made of and the standard library it was built with; nothing for
// other programs. A file that can be read anywhere is read at the two or three places that matter; a stream is
// searched as it passes, in constant memory.
func readGoProgram(r io.Reader, size int64) ([]scanners.Package, error) {
	if at, ok := r.(io.ReaderAt); ok {
		return goProgramAt(io.NewSectionReader(at, 0, size))
	}
	info, err := searchBuildInfo(r)
	if err != nil || info == nil {
		return nil, err
	}
	return goModules(info), nil
}

func goProgramAt(r *io.SectionReader) ([]scanners.Package, error) {
	var head [4]byte
	if _, err := r.ReadAt(head[:], 0); err != nil || !isExecutable(head[:]) {
		return nil, nil //nolint:nilerr // a file too short to be a program is no program
	}
	info, err := buildinfo.Read(r)
	if err != nil {
		return nil, nil //nolint:nilerr // the library has one error for "another language" and "damaged"
	}
	return goModules(info), nil
}

// isExecutable recognises ELF, PE and Mach-O by their first four bytes.
func isExecutable(head []byte) bool {
	switch {
	case len(head) < 4:
		return false
	case bytes.HasPrefix(head, []byte("\x7fELF")), bytes.HasPrefix(head, []byte("MZ")):
		return true
	default:
		return bytes.HasPrefix(head, []byte("\xfe\xed\xfa")) || bytes.HasPrefix(head[1:], []byte("\xfa\xed\xfe"))
	}
}

// goModules turns build information into packages. A replaced module is listed as what it was replaced by.
func goModules(info *debug.BuildInfo) []scanners.Package {
	var packages []scanners.Package
	add := func(path, version string) {
		if path != "" && version != "" && len(path) <= maxName && len(version) <= maxName {
			packages = append(packages, scanners.Package{Name: path, Version: version, Ecosystem: scanners.EcosystemGolang})
		}
	}
	add(info.Main.Path, info.Main.Version)
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		add(m.Path, m.Version)
	}
	if version, ok := strings.CutPrefix(info.GoVersion, "go"); ok {
		release, _, _ := strings.Cut(version, " ")
		add("stdlib", "v"+release)
	} else if info.GoVersion != "" {
		add("stdlib", info.GoVersion)
	}
	return packages
}

// The layout that Go's linker writes, see debug/buildinfo in the standard library: a 16-byte aligned header of 32 bytes,
// then, since Go 1.18, two strings with their lengths as varints.
var buildInfoMagic = []byte("\xff Go buildinf:")

const (
	buildInfoAlign  = 16
	buildInfoHeader = 32
	inlineStrings   = 2 // flag in byte 15
	searchWindow    = 128 << 10
)

var searchBuffers = sync.Pool{New: func() any { b := make([]byte, searchWindow); return &b }}

// searchBuildInfo looks through an executable as it passes. It gives nil when there is no build information.
func searchBuildInfo(r io.Reader) (*debug.BuildInfo, error) {
	pooled := searchBuffers.Get().(*[]byte)
	defer searchBuffers.Put(pooled)
	buf := *pooled
	var old oldProgram
	kept, offset := 0, int64(0) // bytes kept from the last round; offset of buf[0] in the file
	for {
		n, err := io.ReadFull(r, buf[kept:])
		end := errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
		if err != nil && !end {
			return nil, err
		}
		data := buf[:kept+n]
		if offset == 0 && !isExecutable(data) {
			return nil, nil
		}
		if at := findBuildInfo(data, offset); at >= 0 {
			old.pass(data[:at], kept, offset)
			rest := io.MultiReader(bytes.NewReader(bytes.Clone(data[at:])), r)
			if data[at+15]&inlineStrings == 0 {
				return old.buildInfo(rest, offset+int64(at))
			}
			return readBuildInfo(rest)
		}
		if end {
			return nil, nil
		}
		old.pass(data, kept, offset)
		kept = buildInfoHeader + buildInfoAlign
		offset += int64(len(data) - kept)
		copy(buf, data[len(data)-kept:])
	}
}

// findBuildInfo gives the place of a plausible header, else -1. The magic also stands as a constant in programs that
// look for it, so alignment and the fields after it have to fit.
func findBuildInfo(data []byte, offset int64) int {
	for from := 0; ; {
		i := bytes.Index(data[from:], buildInfoMagic)
		if i < 0 || from+i+buildInfoHeader > len(data) {
			return -1
		}
		at := from + i
		pointer, flags := data[at+14], data[at+15]
		if (offset+int64(at))%buildInfoAlign == 0 && (flags&inlineStrings != 0 || pointer == 4 || pointer == 8) && flags < 4 {
			return at
		}
		from = at + 1
	}
}

func readBuildInfo(r io.Reader) (*debug.BuildInfo, error) {
	var header [buildInfoHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return nil, err
	}
	version, err := readVarString(r)
	if err != nil {
		return nil, err
	}
	modules, err := readVarString(r)
	if err != nil {
		return nil, err
	}
	return parseModules(version, modules)
}

// parseModules reads a module list, which the linker puts between two marks of 16 bytes.
func parseModules(version, modules string) (*debug.BuildInfo, error) {
	if n := len(modules); n >= 33 && modules[n-17] == '\n' {
		modules = modules[16 : n-16]
	} else {
		modules = ""
	}
	info, err := debug.ParseBuildInfo(modules)
	if err != nil {
		return nil, &programError{fmt.Sprintf("the program's module list is damaged: %v", err)}
	}
	info.GoVersion = version
	return info, nil
}

// readVarString reads a length and that many bytes.
func readVarString(r io.Reader) (string, error) {
	n, err := binary.ReadUvarint(byteReader{r})
	if err != nil || n > maxModules {
		return "", damaged(err)
	}
	text := make([]byte, n)
	if _, err := io.ReadFull(r, text); err != nil {
		return "", damaged(err)
	}
	return string(text), nil
}

// damaged tells a program that is cut short from a stream that is.
func damaged(err error) error {
	if err == nil || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &programError{"the program's module list is damaged"}
	}
	return err
}

type byteReader struct{ io.Reader }

func (b byteReader) ReadByte() (byte, error) {
	var one [1]byte
	_, err := io.ReadFull(b.Reader, one[:])
	return one[0], err
}
