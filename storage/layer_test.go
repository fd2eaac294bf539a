package storage_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
	"plimsoll/storage"
)

var diffID = "sha256:" + strings.Repeat("0123456789abcdef", 4)

// pathSets compares sets of paths by what is in them.
var pathSets = cmp.Comparer(func(a, b scanners.PathSet) bool { return slices.Equal(a.Hashes(), b.Hashes()) })

func TestEveryFieldComesBack(t *testing.T) {
	want := filled(t)
	store := storage.OpenLayers(t.TempDir(), 1)
	put(t, store, want)
	got, err := store.Get(diffID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got, pathSets); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if !store.Has(diffID) {
		t.Error("Has does not know the layer")
	}
}

func TestEmptyLayerComesBack(t *testing.T) {
	store := storage.OpenLayers(t.TempDir(), 1)
	put(t, store, scanners.LayerFacts{DiffID: diffID, Shadows: scanners.NewPathSet([]uint64{})})
	got, err := store.Get(diffID)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(scanners.LayerFacts{DiffID: diffID}, got, pathSets); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestUnknownLayer(t *testing.T) {
	store := storage.OpenLayers(t.TempDir(), 1)
	if store.Has(diffID) {
		t.Error("Has knows a layer that nobody kept")
	}
	if _, err := store.Get(diffID); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("error is %v, want fs.ErrNotExist", err)
	}
}

func TestVersionsAreKeptApart(t *testing.T) {
	dir := t.TempDir()
	put(t, storage.OpenLayers(dir, 1), filled(t))
	if storage.OpenLayers(dir, 2).Has(diffID) {
		t.Error("version 2 knows what version 1 kept")
	}
}

func TestDamagedFileIsRemoved(t *testing.T) {
	other := filled(t)
	other.DiffID = "sha256:" + strings.Repeat("f", 64)
	tests := []struct {
		name   string
		damage func(t *testing.T, file string, whole []byte)
	}{
		{"empty", func(t *testing.T, file string, _ []byte) { write(t, file, nil) }},
		{"shorter than a checksum", func(t *testing.T, file string, whole []byte) { write(t, file, whole[:5]) }},
		{"checksum alone", func(t *testing.T, file string, whole []byte) { write(t, file, whole[:8]) }},
		{"cut off", func(t *testing.T, file string, whole []byte) { write(t, file, whole[:len(whole)-1]) }},
		{"grown", func(t *testing.T, file string, whole []byte) { write(t, file, append(slices.Clone(whole), 0)) }},
		{"one bit", func(t *testing.T, file string, whole []byte) {
			whole = slices.Clone(whole)
			whole[len(whole)/2] ^= 1
			write(t, file, whole)
		}},
		{"checksum of nonsense", func(t *testing.T, file string, _ []byte) { write(t, file, []byte("264afb20nonsense")) }},
		{"another layer's facts", func(t *testing.T, file string, _ []byte) {
			elsewhere := t.TempDir()
			put(t, storage.OpenLayers(elsewhere, 1), other)
			write(t, file, read(t, only(t, elsewhere)))
		}},
		{"a folder", func(t *testing.T, file string, _ []byte) {
			if err := errors.Join(os.Remove(file), os.Mkdir(file, 0o700)); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			store := storage.OpenLayers(dir, 1)
			put(t, store, filled(t))
			tt.damage(t, only(t, dir), read(t, only(t, dir)))

			_, err := store.Get(diffID)
			if !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("error is %v, want fs.ErrNotExist", err)
			}
			if left := files(t, dir); len(left) > 0 {
				t.Errorf("still there: %v", left)
			}
			if store.Has(diffID) {
				t.Error("Has still knows it")
			}
			put(t, store, filled(t))
			if _, err := store.Get(diffID); err != nil {
				t.Errorf("kept again: %v", err)
			}
		})
	}
}

func TestNamesThatAreNoDigests(t *testing.T) {
	dir := t.TempDir()
	victim := filepath.Join(dir, "victim")
	write(t, victim, []byte("mine"))
	store := storage.OpenLayers(dir, 1)
	put(t, store, filled(t)) // so that the folder is there
	before := files(t, dir)
	for _, name := range []string{
		"", "sha256:", "victim", "../../victim", "sha256:../../victim", "sha256:" + strings.Repeat("../", 20) + "etc", "sha256:" + strings.Repeat("A", 64),
		"sha256:" + strings.Repeat("a", 63), "sha256:" + strings.Repeat("a", 65), "sha512:" + strings.Repeat("a", 64), strings.Repeat("a", 64),
		"sha256:" + strings.Repeat("a", 63) + "/", "sha256:" + strings.Repeat("a", 63) + "\x00", " " + diffID, diffID + "\n",
	} {
		if store.Has(name) {
			t.Errorf("Has(%q) is true", name)
		}
		if _, err := store.Get(name); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get(%q): error is %v, want fs.ErrNotExist", name, err)
		}
		if err := store.Put(scanners.LayerFacts{DiffID: name}); err == nil {
			t.Errorf("Put(%q) has no error", name)
		}
	}
	if diff := cmp.Diff(before, files(t, dir)); diff != "" {
		t.Errorf("files (-before +after)\n%s", diff)
	}
}

// Programs that share a data directory analyse the same layer at the same time; each must find it whole at any moment.
func TestManyWriteTheSameLayer(t *testing.T) {
	dir := t.TempDir()
	want := large(2000, 50)
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			store := storage.OpenLayers(dir, 1)
			for range 10 {
				if err := store.Put(want); err != nil {
					t.Error(err)
				}
				got, err := store.Get(want.DiffID)
				if err != nil {
					t.Error(err)
					return
				}
				if diff := cmp.Diff(want, got, pathSets); diff != "" {
					t.Errorf("(-want +got)\n%s", diff)
				}
			}
		})
	}
	running.Wait()
	only(t, dir)
}

func TestFolderThatCannotBeWritten(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
	}{
		{"a file stands in its place", func(t *testing.T, dir string) { write(t, filepath.Join(dir, "layers"), []byte("mine")) }},
		{"a folder stands in the layer's place", func(t *testing.T, dir string) {
			if err := os.MkdirAll(filepath.Join(dir, "layers", "v1", diffID[len("sha256:"):], "inside"), 0o700); err != nil {
				t.Fatal(err)
			}
		}},
		{"read-only", func(t *testing.T, dir string) {
			if os.Getuid() == 0 || runtime.GOOS == "windows" {
				t.Skip("permissions do not hold for this user")
			}
			if err := os.Chmod(dir, 0o500); err != nil {
				t.Fatal(err)
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			tt.spoil(t, dir)
			before := files(t, dir)
			if err := storage.OpenLayers(dir, 1).Put(filled(t)); err == nil {
				t.Error("no error")
			}
			if diff := cmp.Diff(before, files(t, dir)); diff != "" {
				t.Errorf("files (-before +after)\n%s", diff)
			}
		})
	}
}

// FuzzGet reads what somebody else wrote into the folder: an answer is for the layer that was asked for, and whatever
// gives no answer is gone afterwards.
func FuzzGet(f *testing.F) {
	dir := f.TempDir()
	store := storage.OpenLayers(dir, 1)
	if err := store.Put(scanners.LayerFacts{DiffID: diffID, Removed: []string{"a"}}); err != nil {
		f.Fatal(err)
	}
	file := only(f, dir)
	f.Add(read(f, file))
	f.Add([]byte("00000000"))
	f.Fuzz(func(t *testing.T, data []byte) {
		write(t, file, data)
		facts, err := store.Get(diffID)
		if err == nil && facts.DiffID != diffID {
			t.Errorf("facts of %q", facts.DiffID)
		}
		if err != nil && (!errors.Is(err, fs.ErrNotExist) || store.Has(diffID)) {
			t.Errorf("error is %v, want fs.ErrNotExist and no file", err)
		}
	})
}

// BenchmarkGet reads the largest layer that bench/mid has, roughly: the promise is 15 ms.
func BenchmarkGet(b *testing.B) {
	store := storage.OpenLayers(b.TempDir(), 1)
	facts := large(40_000, 1200)
	put(b, store, facts)
	for b.Loop() {
		if _, err := store.Get(facts.DiffID); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkPut(b *testing.B) {
	store := storage.OpenLayers(b.TempDir(), 1)
	facts := large(40_000, 1200)
	for b.Loop() {
		if err := store.Put(facts); err != nil {
			b.Fatal(err)
		}
	}
}

// large are the facts of a layer with a whole distribution in it.
func large(paths, packages int) scanners.LayerFacts {
	facts := scanners.LayerFacts{DiffID: diffID, Files: paths, Shadows: hashes("file", paths)}
	var installed []scanners.Package
	for i := range packages {
		name := fmt.Sprintf("lib-example-%d", i)
		installed = append(installed, scanners.Package{
			Name: name, Version: fmt.Sprintf("1:2.%d.1-3+deb12u%d", i, i%7), Arch: "amd64", Ecosystem: scanners.EcosystemDeb,
			Source: scanners.SourcePackage{Name: "example", Version: "2.1-3"}, Licenses: []string{"GPL-2+", "MIT"},
		})
		facts.Ownership = append(facts.Ownership, scanners.Ownership{
			Path: "var/lib/dpkg/info/" + name + ".list", Package: name, Files: hashes(name, 5),
		})
		facts.Licenses = append(facts.Licenses, scanners.LicenseFile{Path: "usr/share/doc/" + name + "/copyright", Licenses: []string{"GPL-2+", "MIT"}})
	}
	facts.Packages = []scanners.PackageFile{{Path: "var/lib/dpkg/status", Packages: installed}}
	return facts
}

func hashes(name string, n int) scanners.PathSet {
	var all []uint64
	for i := range n {
		all = append(all, scanners.PathHash(fmt.Sprintf("usr/share/%s/%d", name, i)))
	}
	return scanners.NewPathSet(all)
}

// filled are facts in which no field is empty.
func filled(t testing.TB) scanners.LayerFacts {
	t.Helper()
	var facts scanners.LayerFacts
	n := 0
	fill(t, reflect.ValueOf(&facts).Elem(), &n)
	facts.DiffID = diffID
	return facts
}

// fill gives every field another value, so that none can stand in for another.
func fill(t testing.TB, v reflect.Value, n *int) {
	t.Helper()
	*n++
	if v.Type() == reflect.TypeFor[scanners.PathSet]() {
		v.Set(reflect.ValueOf(hashes(fmt.Sprint(*n), 3)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("value %d \x1b ü", *n))
	case reflect.Int:
		v.SetInt(int64(*n))
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), n)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			fill(t, v.Field(i), n)
		}
	default:
		t.Fatalf("facts of a layer hold a %s, which this test does not know", v.Kind())
	}
}

func put(t testing.TB, store storage.Layers, facts scanners.LayerFacts) {
	t.Helper()
	if err := store.Put(facts); err != nil {
		t.Fatal(err)
	}
}

// files lists what is below a folder, folders other than those of the store included.
func files(t testing.TB, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && (!entry.IsDir() || len(entry.Name()) == 64 || entry.Name() == "inside") {
			names = append(names, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// only is the one file below a folder.
func only(t testing.TB, dir string) string {
	t.Helper()
	names := files(t, dir)
	if len(names) != 1 {
		t.Fatalf("%d files instead of 1: %v", len(names), names)
	}
	return names[0]
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func write(t testing.TB, file string, data []byte) {
	t.Helper()
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
