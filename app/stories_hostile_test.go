package app_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// layer FILE KIND writes a layer that somebody made to do harm. Those that can be read to their end hold the npm package
// minimist 1.2.5 behind the harm, so that a story sees what is still reported.
//
//	bomb      a file of 8 GiB that compresses to nothing; FILE ends in .zst or .gz
//	names     names that lead out of the image or begin at its root
//	links     symbolic links that lead to themselves and to each other, also where package databases lie
//	longnames names of 100,000 bytes and of 2,000 folders
//	header    a name of 2 MiB: more than a header may have
//	sparse    a program of 4 GiB that is one hole
//	holes     a dpkg database of 4 GiB that is one hole
//	escapes   names and content that speak to terminals
//	xz        compressed in a way that image formats do not allow
//	slow      a file of 256 GiB
func writeLayer(ts *testscript.TestScript, neg bool, args []string) {
	kinds := map[string]func(io.Writer) error{
		"names": namesLayer, "links": linksLayer, "longnames": longNamesLayer, "header": headerLayer, "escapes": escapesLayer,
		"sparse": func(w io.Writer) error { return sparseFile(w, "usr/local/bin/tool", 4<<30) },
		"holes":  func(w io.Writer) error { return sparseFile(w, "var/lib/dpkg/status", 4<<30) },
	}
	if neg || len(args) != 2 {
		ts.Fatalf("usage: layer FILE KIND")
	}
	file, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	switch write, known := kinds[args[1]]; {
	case known:
		ts.Check(write(file))
		archive := tar.NewWriter(file)
		ts.Check(member(archive, "srv/node_modules/minimist/package.json", `{"name": "minimist", "version": "1.2.5"}`))
		ts.Check(archive.Close())
	case args[1] == "bomb":
		ts.Check(bomb(ts, file))
	case args[1] == "xz":
		_, err := file.WriteString("\xfd7zXZ\x00" + strings.Repeat("\x5a", 1000))
		ts.Check(err)
	case args[1] == "slow":
		ts.Check(tar.NewWriter(file).WriteHeader(&tar.Header{Name: "var/slow", Mode: 0o644, Size: 256 << 30}))
		ts.Check(file.Truncate(256 << 30)) // a hole: it takes no room
	default:
		ts.Fatalf("unknown kind %q of layer", args[1])
	}
	ts.Check(file.Close())
}

// bomb repeats one compressed piece: gzip (RFC 1952 section 2.2) and zstd (RFC 8878 section 3) allow pieces in a row.
func bomb(ts *testscript.TestScript, file *os.File) error {
	const size, pieces = 8 << 20, 1024
	head := compressor(ts, file, file.Name())
	if err := tar.NewWriter(head).WriteHeader(&tar.Header{Name: "bomb", Mode: 0o644, Size: size * pieces}); err != nil {
		return err
	}
	if err := head.Close(); err != nil {
		return err
	}
	var piece bytes.Buffer
	zeros := compressor(ts, &piece, file.Name())
	if _, err := io.CopyN(zeros, zeroReader{}, size); err != nil {
		return err
	}
	if err := zeros.Close(); err != nil {
		return err
	}
	_, err := file.Write(bytes.Repeat(piece.Bytes(), pieces))
	return err
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// members writes files, in the order of their names, and leaves the archive open.
func members(w io.Writer, files map[string]string) error {
	archive := tar.NewWriter(w)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if err := member(archive, name, files[name]); err != nil {
			return err
		}
	}
	return archive.Flush()
}

func namesLayer(w io.Writer) error {
	const lodash = `{"name": "lodash", "version": "4.17.15"}`
	return members(w, map[string]string{
		"../../../../tmp/node_modules/lodash/package.json": lodash,
		"srv/../../node_modules/lodash/package.json":       lodash,
		"/opt/node_modules/ejs/package.json":               `{"name": "ejs", "version": "3.1.6"}`,
	})
}

func linksLayer(w io.Writer) error {
	archive := tar.NewWriter(w)
	for _, link := range [][2]string{
		{"var", "var"}, {"lib", "usr/lib"}, {"usr", "lib"}, {"etc/os-release", "os-release"},
		{"usr/lib/os-release", "../../etc/os-release"}, {"usr/share/doc/a", "b"}, {"usr/share/doc/b", "a"},
	} {
		if err := archive.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: link[0], Linkname: link[1], Mode: 0o777}); err != nil {
			return err
		}
	}
	const itself = "srv/node_modules/x/package.json"
	return archive.WriteHeader(&tar.Header{Typeflag: tar.TypeLink, Name: itself, Linkname: itself})
}

func longNamesLayer(w io.Writer) error {
	return members(w, map[string]string{
		"srv/" + strings.Repeat("x", 100_000) + "/node_modules/a/package.json": "{}",
		strings.Repeat("deep/", 2_000) + "node_modules/b/package.json":         "{}",
	})
}

// headerLayer writes a name in GNU's way: as the content of an entry of type L before the file's own.
func headerLayer(w io.Writer) error {
	const size = 2 << 20
	if err := rawHeader(w, 'L', "././@LongLink", size); err != nil {
		return err
	}
	_, err := io.WriteString(w, strings.Repeat("x", size))
	return err
}

func escapesLayer(w io.Writer) error {
	return members(w, map[string]string{
		"etc/os-release": "ID=debian\nVERSION_ID=12\nPRETTY_NAME=\"\x1b]0;owned\aDebian \x1b[31m\u009b31m\u202e12\"\n",
		"srv/\x1b[2J\x1b]0;owned\a/\u202e/node_modules/minimist/package.json": `{"name": "minimist", "version": "1.2.5"}`,
		"opt/\x1b[31m/node_modules/a/package.json":                            "{\"name\": \"a\x1b[31m\", ",
	})
}

// sparseFile writes a file that is one hole, in GNU's old format (manual of GNU tar, "Sparse Formats"): type S, a map of
// what is there (nothing, at the end) at 386, and the real size at 483.
func sparseFile(w io.Writer, name string, size int64) error {
	return rawHeader(w, 'S', name, 0, field{386, fmt.Sprintf("%011o\x00%011o\x00", size, 0)}, field{483, fmt.Sprintf("%011o\x00", size)})
}

// field is a text at an offset of a header.
type field struct {
	offset int
	text   string
}

// rawHeader writes a header that the standard library reads but does not write (POSIX ustar; the sum is at 148).
func rawHeader(w io.Writer, kind byte, name string, size int64, fields ...field) error {
	header := make([]byte, 512)
	header[156] = kind
	for _, f := range append(fields, field{0, name}, field{100, "0000755\x00"}, field{124, fmt.Sprintf("%011o\x00", size)},
		field{148, "        "}, field{257, "ustar  \x00"}) {
		copy(header[f.offset:], f.text)
	}
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:], fmt.Sprintf("%06o\x00 ", sum))
	_, err := w.Write(header)
	return err
}
