package image

import (
	"archive/tar"
	"bytes"
	"context"
	"io"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
)

// checkPackages are the promises that every parser keeps whatever it reads.
func checkPackages(t *testing.T, packages []scanners.Package) {
	t.Helper()
	for _, p := range packages {
		if p.Name == "" || p.Version == "" || len(p.Name) > maxName || len(p.Version) > maxName {
			t.Errorf("package without a usable name or version: %q %q", p.Name, p.Version)
		}
		if len(p.Licenses) > maxLicenses {
			t.Errorf("%d licences", len(p.Licenses))
		}
		for _, l := range p.Licenses {
			if !utf8.ValidString(l) {
				t.Errorf("licence %q is not text", l)
			}
		}
	}
}

func FuzzParseDpkg(f *testing.F) {
	f.Add([]byte("Package: a\nStatus: install ok installed\nVersion: 1\nSource: b (2)\n\nPackage: c\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		packages, _ := parseDpkg(data)
		checkPackages(t, packages)
		parseDpkgList(data)
		parseDpkgMD5Sums(data)
	})
}

func FuzzParseAPK(f *testing.F) {
	f.Add([]byte("P:a\nV:1-r0\no:b\nL:MIT AND (GPL-2.0-only OR ISC)\nF:usr/bin\nR:a\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		packages, _, _ := parseAPK(data)
		checkPackages(t, packages)
		parseAPKSources(data)
	})
}

func FuzzParseNPM(f *testing.F) {
	f.Add([]byte(`{"name":"a","version":"1","license":{"type":"MIT"},"licenses":[{"type":"BSD"},"ISC"]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		packages, _ := parseNPM(data)
		checkPackages(t, packages)
	})
}

func FuzzParsePython(f *testing.F) {
	f.Add([]byte("Metadata-Version: 2.1\nName: a\nVersion: 1\nClassifier: License :: OSI Approved :: MIT License\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		packages, _ := parsePython(data)
		checkPackages(t, packages)
		packages, _ = parsePythonEgg(bytes.NewReader(data), int64(len(data)))
		checkPackages(t, packages)
	})
}

func FuzzParseText(f *testing.F) {
	f.Add([]byte("ID=debian\nVERSION_ID=\"12\"\nLicense: GPL-2+ and MIT\n/usr/share/common-licenses/GPL-3."))
	f.Fuzz(func(t *testing.T, data []byte) {
		d := parseOSRelease(data)
		if !utf8.ValidString(d.String()) {
			t.Errorf("%q is not text", d)
		}
		if licenses := parseCopyright(data); len(licenses) > maxLicenses {
			t.Errorf("%d licences", len(licenses))
		}
	})
}

// FuzzGoProgram holds the search in a stream against the library that reads a file: what the search finds in a file
// that the library can read must be the same.
func FuzzGoProgram(f *testing.F) {
	f.Add(append([]byte("\x7fELF123456789012"), append(buildInfoMagic, 8, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 'g', 'o', '1', '.', '2', '0', 0)...))
	f.Fuzz(func(t *testing.T, data []byte) {
		packages, err := readGoProgram(io.MultiReader(bytes.NewReader(data)), int64(len(data)))
		if err == nil {
			checkPackages(t, packages)
		}
		packages, err = readGoProgram(bytes.NewReader(data), int64(len(data)))
		if err == nil {
			checkPackages(t, packages)
		}
	})
}

// FuzzWalkTar feeds whole layers to the walker: nothing may panic, and what it says must not lead out of the root.
func FuzzWalkTar(f *testing.F) {
	f.Add(tarOf(f, file("var/lib/dpkg/status", "Package: a\nVersion: 1\n"), link("a/package.json", "b"), symlink("var/lib", "/x"), file("a/.wh.b", "")))
	f.Add([]byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		facts, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{Tar: bytes.NewReader(data)})
		if err != nil {
			return
		}
		for _, p := range facts.Packages {
			if clean, ok := cleanName(p.Path); !ok || clean != p.Path {
				t.Errorf("path %q is not clean", p.Path)
			}
			checkPackages(t, p.Packages)
		}
		again, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{DiffID: facts.DiffID, Tar: bytes.NewReader(data)})
		if err != nil {
			t.Fatalf("second reading: %v", err)
		}
		if diff := cmp.Diff(facts, again, allFields); diff != "" {
			t.Errorf("second reading differs (-first +second):\n%s", diff)
		}
		Merge([]scanners.LayerFacts{facts, again})
	})
}

var allFields = cmp.AllowUnexported(scanners.PathSet{})

// member is one entry of a layer in tests.
type member struct {
	header  tar.Header
	content string
}

func file(name, content string) member {
	return member{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(content))}, content}
}

func program(name, content string) member {
	return member{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}, content}
}

func dir(name string) member {
	return member{tar.Header{Name: name + "/", Typeflag: tar.TypeDir, Mode: 0o755}, ""}
}

func symlink(name, target string) member {
	return member{tar.Header{Name: name, Typeflag: tar.TypeSymlink, Linkname: target, Mode: 0o777}, ""}
}

func link(name, target string) member {
	return member{tar.Header{Name: name, Typeflag: tar.TypeLink, Linkname: target}, ""}
}

func tarOf(tb testing.TB, members ...member) []byte {
	tb.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	for _, m := range members {
		if err := w.WriteHeader(&m.header); err != nil {
			tb.Fatal(err)
		}
		if _, err := w.Write([]byte(m.content)); err != nil {
			tb.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return buf.Bytes()
}
