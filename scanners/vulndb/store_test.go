package vulndb_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aquasecurity/trivy-db/pkg/types"

	"plimsoll/scanners/vulndb"
)

// entry is one entry of a tar archive.
type entry struct {
	name    string
	kind    byte
	content []byte
}

// pack makes a gzipped tar.
func pack(t testing.TB, entries ...entry) []byte {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: e.kind, Size: int64(len(e.content)), Mode: 0o600}
		if e.kind == tar.TypeSymlink {
			header.Linkname = "/etc/passwd"
		}
		if err := w.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), z.Close()); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// packDatabase makes a db.tar.gz of a database folder.
func packDatabase(t testing.TB, dir string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "trivy.db"))
	if err != nil {
		t.Fatal(err)
	}
	return pack(t, entry{"./trivy.db", tar.TypeReg, data}, entry{"metadata.json", tar.TypeReg, []byte(metadata)})
}

func TestStoreEmpty(t *testing.T) {
	s := vulndb.Store{Dir: filepath.Join(t.TempDir(), "missing")}
	if _, err := s.Open(); !errors.Is(err, vulndb.ErrNone) {
		t.Errorf("got %v", err)
	}
	if status, err := s.Status(); err != nil || status != (vulndb.Status{}) {
		t.Errorf("got %+v, %v", status, err)
	}
	if _, err := os.Stat(s.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("looking made the folder: %v", err)
	}
}

func TestImport(t *testing.T) {
	dir := build(t, content{"debian 12": {"p": {"CVE-1": types.Advisory{}}}}, nil)
	archive := filepath.Join(t.TempDir(), "db.tar.gz")
	put(t, archive, packDatabase(t, dir))
	cache := t.TempDir()
	if err := os.Symlink(dir, filepath.Join(cache, "db")); err != nil {
		t.Fatal(err)
	}
	for name, path := range map[string]string{"archive": archive, "folder": dir, "trivy's cache": cache} {
		t.Run(name, func(t *testing.T) {
			s := vulndb.Store{Dir: filepath.Join(t.TempDir(), "a", "vulndb")}
			for range 2 { // importing the same again does no harm
				info, err := s.Import(t.Context(), path)
				if err != nil {
					t.Fatal(err)
				}
				if isArchive := name == "archive"; isArchive != strings.HasPrefix(info.Digest, "sha256:") {
					t.Errorf("digest %q", info.Digest)
				}
				db, err := s.Open()
				if err != nil {
					t.Fatal(err)
				}
				if !db.Answers(debian("12")) || db.Info() != info {
					t.Errorf("got %+v, want %+v", db.Info(), info)
				}
				if err := db.Close(); err != nil {
					t.Error(err)
				}
			}
			if entries, err := os.ReadDir(s.Dir); err != nil || len(entries) != 3 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
}

func TestImportBroken(t *testing.T) {
	dir := build(t, content{"debian 12": {"p": {"CVE-1": types.Advisory{}}}}, nil)
	data, err := os.ReadFile(filepath.Join(dir, "trivy.db"))
	if err != nil {
		t.Fatal(err)
	}
	database := entry{"trivy.db", tar.TypeReg, data}
	about := entry{"metadata.json", tar.TypeReg, []byte(metadata)}
	tests := []struct {
		name    string
		archive []byte
		want    string
	}{
		{"not compressed", []byte("plain text"), "not compressed with gzip"},
		{"empty file", nil, "not compressed with gzip"},
		{"no tar", func() []byte {
			var b bytes.Buffer
			z := gzip.NewWriter(&b)
			_, err := z.Write(bytes.Repeat([]byte("text "), 1000))
			if err := errors.Join(err, z.Close()); err != nil {
				t.Fatal(err)
			}
			return b.Bytes()
		}(), "no archive of a vulnerability database"},
		{"cut short", packDatabase(t, dir)[:500], "no archive of a vulnerability database"},
		{"without metadata", pack(t, database), "it lacks metadata.json"},
		{"without database", pack(t, about), "it lacks trivy.db"},
		{"only elsewhere", pack(t, entry{"../trivy.db", tar.TypeReg, data}, entry{"/metadata.json", tar.TypeReg, []byte(metadata)}), "it lacks trivy.db"},
		{"links", pack(t, entry{"trivy.db", tar.TypeSymlink, nil}, about), "it lacks trivy.db"},
		{"endless metadata", pack(t, entry{"metadata.json", tar.TypeReg, make([]byte, 2<<20)}, database), "larger than"},
		{"another schema", pack(t, database, entry{"metadata.json", tar.TypeReg, []byte(`{"Version":9}`)}), "newer Plimsoll"},
		{"damaged database", pack(t, entry{"trivy.db", tar.TypeReg, data[:9000]}, about), "damaged"},
	}
	s := vulndb.Store{Dir: t.TempDir()}
	if _, err := s.Import(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	before, err := s.Status()
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "db.tar.gz")
			put(t, path, tt.archive)
			_, err := s.Import(t.Context(), path)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("error has more than one line: %q", err)
			}
			if after, err := s.Status(); err != nil || after != before {
				t.Errorf("the installed one changed: %+v, %v", after, err)
			}
			if entries, err := os.ReadDir(s.Dir); err != nil || len(entries) != 3 {
				t.Errorf("left behind: %v, %v", entries, err)
			}
		})
	}
	if _, err := s.Import(t.Context(), filepath.Join(t.TempDir(), "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing file: got %v", err)
	}
	if _, err := s.Import(t.Context(), t.TempDir()); err == nil || !strings.Contains(err.Error(), "no vulnerability database in") {
		t.Errorf("empty folder: got %v", err)
	}
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Import(canceled, dir); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: got %v", err)
	}
	full := vulndb.Store{Dir: t.TempDir(), FreeSpace: func(string) (uint64, error) { return 10, nil }}
	if _, err := full.Import(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "not enough space") {
		t.Errorf("full disk: got %v", err)
	}
	unknown := vulndb.Store{Dir: t.TempDir(), FreeSpace: func(string) (uint64, error) { return 0, errors.ErrUnsupported }}
	if _, err := unknown.Import(t.Context(), dir); err != nil {
		t.Errorf("free space unknown: got %v", err)
	}
}

func TestCurrentBroken(t *testing.T) {
	s := vulndb.Store{Dir: t.TempDir()}
	for _, text := range []string{"", "../../etc", "0123456789ab\n", strings.Repeat("0", 4000)} {
		put(t, filepath.Join(s.Dir, "current"), []byte(text))
		if _, err := s.Open(); err == nil || !strings.Contains(err.Error(), "plimsoll vulndb update") {
			t.Errorf("%q: got %v", text, err)
		}
		if _, err := s.Status(); err == nil {
			t.Errorf("%q: it has a status", text)
		}
	}
}

// TestUpdatesAtOnce installs from several goroutines: one wins at a time, the others are told, and the result is whole.
func TestUpdatesAtOnce(t *testing.T) {
	dir := build(t, content{"debian 12": {"p": {"CVE-1": types.Advisory{}}}}, nil)
	s := vulndb.Store{Dir: t.TempDir()}
	if _, err := s.Import(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := s.Import(t.Context(), dir); err != nil && !strings.Contains(err.Error(), "wait for it to end") {
				t.Error(err)
			}
		})
		wg.Go(func() {
			db, err := s.Open()
			if err != nil {
				t.Error(err)
				return
			}
			if err := db.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

// blocked is a registry that waits for the test, and then has nothing.
type blocked struct{ reached, release chan struct{} }

func (b blocked) Layer(context.Context, string, string) (string, int64, error) {
	close(b.reached)
	<-b.release
	return "", 0, errors.New("nothing here")
}

func (b blocked) Blob(context.Context, string, string, int64, int64) (io.ReadCloser, int64, error) {
	return nil, 0, errors.New("nothing here")
}

func TestLocked(t *testing.T) {
	dir := build(t, content{"debian 12": {}}, nil)
	s := vulndb.Store{Dir: t.TempDir()}
	b := blocked{make(chan struct{}), make(chan struct{})}
	done := make(chan error)
	go func() {
		_, err := s.Update(t.Context(), b, []string{"example.org/db:2"}, nil)
		done <- err
	}()
	<-b.reached
	if _, err := s.Import(t.Context(), dir); err == nil || !strings.Contains(err.Error(), "wait for it to end") {
		t.Errorf("got %v", err)
	}
	close(b.release)
	if err := <-done; err == nil || !strings.Contains(err.Error(), "example.org/db:2: nothing here") {
		t.Errorf("got %v", err)
	}
	if _, err := s.Import(t.Context(), dir); err != nil {
		t.Errorf("after the update: %v", err)
	}
}

// TestImportReal imports the real database.
func TestImportReal(t *testing.T) {
	s := vulndb.Store{Dir: t.TempDir()}
	info, err := s.Import(t.Context(), shared(t, "db.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	status, err := s.Status()
	if err != nil || status.Info != info || status.Size < 40<<20 {
		t.Errorf("got %+v, %v", status, err)
	}
}
