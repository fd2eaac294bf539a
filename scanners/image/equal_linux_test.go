package image

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
	"pgregory.net/rapid"

	"plimsoll/scanners"
	"plimsoll/testdata/need"
)

// TestFolderAndTarGiveTheSame makes random layers, lays each out as an overlayfs upper folder and as a tar, and holds
// the facts against each other.
func TestFolderAndTarGiveTheSame(t *testing.T) {
	need.Root(t) // whiteouts are devices, opaque marks are trusted attributes
	base := t.TempDir()
	n := 0
	rapid.Check(t, func(r *rapid.T) {
		n++
		root := filepath.Join(base, fmt.Sprint(n))
		if err := os.Mkdir(root, 0o755); err != nil {
			r.Fatal(err)
		}
		l := &twin{t: t, root: root, seen: make(map[string]bool)}
		for range rapid.IntRange(0, 12).Draw(r, "entries") {
			l.add(r)
		}
		fromTar, err := analyse(t, tarOf(t, l.members...), "")
		if err != nil {
			r.Fatal(err)
		}
		fromFolder, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{DiffID: fromTar.DiffID, Dir: root})
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(fromTar, fromFolder, allFields); diff != "" {
			r.Fatalf("(-tar +folder):\n%s", diff)
		}
	})
}

// twin is a layer in both shapes.
type twin struct {
	t       *testing.T
	root    string
	members []member
	seen    map[string]bool // paths that are taken, as files and as folders
}

var spots = []string{
	"app/node_modules/a/package.json", "app/node_modules/@s/b/package.json", "app/node_modules/a/test/package.json", "var/lib/dpkg/status",
	"var/lib/dpkg/info/a.list", "usr/lib/python3/dist-packages/a.dist-info/METADATA", "lib/apk/db/installed", "etc/os-release",
	"usr/share/doc/a/copyright", "usr/bin/tool", "opt/x.js", "data/4c0ffee", "var/lib", "lib", "usr/share/doc/b", "app/node_modules/c",
}

var contents = []string{
	`{"name":"a","version":"1","license":"MIT"}`, `{"name":"b","version":"2"}`, "{", "", "Package: a\nVersion: 1\n", "P:a\nV:1\n\n", "Name: a\nVersion: 1\n",
	"ID=debian\nVERSION_ID=12\n", "/usr/bin/tool\n/usr/lib/x/package.json\n", "License: MIT\n", "\x7fELF" + strings.Repeat("x", minBinary),
}

func (l *twin) add(r *rapid.T) {
	name := rapid.SampledFrom(spots).Draw(r, "place")
	if l.taken(name) {
		return
	}
	full := filepath.Join(l.root, name)
	l.must(os.MkdirAll(filepath.Dir(full), 0o755))
	switch rapid.SampledFrom([]string{"file", "file", "file", "program", "symlink", "hardlink", "whiteout", "opaque", "folder"}).Draw(r, "kind") {
	case "file":
		content := rapid.SampledFrom(contents).Draw(r, "content")
		l.must(os.WriteFile(full, []byte(content), 0o644))
		l.members = append(l.members, file(name, content))
	case "program":
		content := rapid.SampledFrom(contents).Draw(r, "content")
		l.must(os.WriteFile(full, []byte(content), 0o755))
		l.members = append(l.members, program(name, content))
	case "symlink":
		target := rapid.SampledFrom([]string{"../data", "/var/lib/x", "usr/lib", "loop"}).Draw(r, "target")
		l.must(os.Symlink(target, full))
		l.members = append(l.members, symlink(name, target))
	case "hardlink":
		target := l.fileLike(r, name)
		if target == "" {
			return
		}
		l.must(os.Link(filepath.Join(l.root, target), full))
		l.members = append(l.members, link(name, target))
	case "whiteout":
		l.must(unix.Mknod(full, unix.S_IFCHR, 0))
		l.members = append(l.members, file(filepath.Dir(name)+"/.wh."+filepath.Base(name), ""))
	case "opaque":
		l.must(os.MkdirAll(full, 0o755))
		if err := unix.Setxattr(full, "trusted.overlay.opaque", []byte("y"), 0); errors.Is(err, unix.ENOTSUP) {
			l.t.Skip("the temporary folder's file system has no trusted attributes")
		} else {
			l.must(err)
		}
		l.members = append(l.members, file(name+"/.wh..wh..opq", ""))
	case "folder":
		l.must(os.MkdirAll(full, 0o755))
		l.members = append(l.members, dir(name))
	}
}

// taken says whether a path, or one above or below it, is used already, and marks it as used.
func (l *twin) taken(name string) bool {
	for other := range l.seen {
		if other == name || strings.HasPrefix(other, name+"/") || strings.HasPrefix(name, other+"/") {
			return true
		}
	}
	l.seen[name] = true
	return false
}

// fileLike is an earlier file that the name could be another name of: one of the same kind, or a manifest in a content
// store.
func (l *twin) fileLike(r *rapid.T, name string) string {
	var files []string
	for _, m := range l.members {
		if m.header.Typeflag != tar.TypeReg || strings.Contains(m.header.Name, ".wh.") {
			continue
		}
		inStore := m.header.Name == "data/4c0ffee" && kindOf(name) == kindNPM && strings.HasPrefix(m.content, `{"name"`)
		if inStore || kindOf(m.header.Name) == kindOf(name) && kindOf(name) != kindBinary {
			files = append(files, m.header.Name)
		}
	}
	if len(files) == 0 {
		return ""
	}
	return rapid.SampledFrom(files).Draw(r, "linked")
}

func (l *twin) must(err error) {
	l.t.Helper()
	if err != nil {
		l.t.Fatal(err)
	}
}

func TestRedirectedFolderFallsBack(t *testing.T) {
	need.Root(t)
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "moved"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(filepath.Join(root, "moved"), "trusted.overlay.redirect", []byte("/from"), 0); err != nil {
		t.Skipf("the temporary folder's file system has no trusted attributes: %v", err)
	}
	_, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{DiffID: "sha256:x", Dir: root})
	if !errors.Is(err, scanners.ErrFolder) {
		t.Errorf("error is %v, want ErrFolder", err)
	}
}
