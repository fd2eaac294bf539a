package registry_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/registry"
	"plimsoll/scanners/vulndb"
)

// The client must be what an update needs.
var _ vulndb.Registry = (*registry.Client)(nil)

func discard() *log.Logger { return log.New(io.Discard, "", 0) }

// artifact is a database of the day, packed as trivy-db's layer.
func artifact(t *testing.T, day string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "trivy.db")
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucket([]byte("vulnerability"))
		if err != nil {
			return err
		}
		noise := make([]byte, 300_000) // not compressible, so that a cut falls into it
		for i, x := 0, uint32(1); i < len(noise); i++ {
			x = x*1664525 + 1013904223
			noise[i] = byte(x >> 24)
		}
		return b.Put([]byte("CVE-1"), noise)
	})
	if err == nil {
		err = db.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	w := tar.NewWriter(z)
	metadata := `{"Version":2,"UpdatedAt":"` + day + `T00:00:00Z","NextUpdate":"` + day + `T12:00:00Z"}`
	for name, content := range map[string][]byte{"trivy.db": data, "metadata.json": []byte(metadata)} {
		if err := w.WriteHeader(&tar.Header{Name: name, Size: int64(len(content)), Mode: 0o600}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return packed.Bytes()
}

// files lists what is in the store's folder.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// deadHost is an address where nothing listens.
func deadHost(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestUpdate(t *testing.T) {
	store := vulndb.Store{Dir: filepath.Join(t.TempDir(), "vulndb")}
	layer := artifact(t, "2026-11-20")
	host := serve(t, quiet())
	ref := push(t, host, layerType, layer)

	var last [2]int64
	info, err := store.Update(t.Context(), client(), []string{deadHost(t) + "/db:2", ref}, func(done, total int64) { last = [2]int64{done, total} })
	if err != nil {
		t.Fatal(err)
	}
	want := scanners.DatabaseInfo{
		Kind: vulndb.KindTrivy, Schema: 2, Digest: digest(layer),
		UpdatedAt: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), NextUpdate: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}
	if info != want {
		t.Errorf("got %+v, want %+v", info, want)
	}
	if size := int64(len(layer)); last != [2]int64{size, size} {
		t.Errorf("progress ended at %v of %d", last, size)
	}
	scanning, err := store.Open()
	if err != nil {
		t.Fatal(err)
	}

	// The same again downloads nothing.
	downloads := 0
	if _, err := store.Update(t.Context(), client(), []string{ref}, func(int64, int64) { downloads++ }); err != nil || downloads > 0 {
		t.Errorf("the same again: %d progress calls, %v", downloads, err)
	}

	// A newer one replaces it; a scan that runs goes on with what it opened.
	newer := artifact(t, "2026-11-21")
	ref = push(t, host, layerType, newer)
	if info, err = store.Update(t.Context(), client(), []string{ref}, nil); err != nil || info.Digest != digest(newer) {
		t.Fatalf("got %+v, %v", info, err)
	}
	if got := scanning.Info(); got != want {
		t.Errorf("the open one became %+v", got)
	}
	if found, gaps := scanning.Match(scanners.Distribution{}, scanners.Package{Name: "p", Version: "1.0.0", Ecosystem: "npm"}); len(found)+len(gaps) > 0 {
		t.Errorf("got %v, %v", found, gaps)
	}
	if err := scanning.Close(); err != nil {
		t.Error(err)
	}
	if got := files(t, store.Dir); len(got) != 3 { // current, lock, the newer one's folder
		t.Errorf("left behind: %v", got)
	}
}

// cutting ends every blob download after limit bytes, until it is told to stop.
type cutting struct {
	http.Handler
	limit  int64
	cut    atomic.Int32 // downloads that are still to be cut
	ranges atomic.Int32 // requests that asked for a range
	noGet  bool         // ignore ranges
}

func (c *cutting) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
		if r.Header.Get("Range") != "" {
			c.ranges.Add(1)
		}
		if c.noGet {
			r.Header.Del("Range")
		}
		if c.cut.Add(-1) >= 0 {
			w = &cutWriter{ResponseWriter: w, left: c.limit}
		}
	}
	c.Handler.ServeHTTP(w, r)
}

type cutWriter struct {
	http.ResponseWriter
	left int64
}

func (c *cutWriter) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	if c.left == 0 {
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

func TestUpdateInterrupted(t *testing.T) {
	layer := artifact(t, "2026-11-20")
	for _, ignoreRanges := range []bool{false, true} {
		c := &cutting{Handler: quiet(), limit: 100_000, noGet: ignoreRanges}
		host := serve(t, c)
		ref := push(t, host, layerType, layer)
		store := vulndb.Store{Dir: t.TempDir()}

		// Cut more often than one call tries: the partial download stays.
		c.cut.Store(4)
		if ignoreRanges {
			c.limit = 50_000
		} else {
			c.limit = 20_000
		}
		_, err := store.Update(t.Context(), client(), []string{ref}, nil)
		if err == nil || !strings.Contains(err.Error(), "are kept and will be continued") {
			t.Fatalf("got %v", err)
		}
		status, err := store.Status()
		if err != nil || status.Installed || status.Partial == 0 {
			t.Fatalf("got %+v, %v", status, err)
		}
		// One more cut: continued within the same call, from where it stood.
		c.cut.Store(1)
		first := int64(-1)
		info, err := store.Update(t.Context(), client(), []string{ref}, func(done, _ int64) {
			if first < 0 {
				first = done
			}
		})
		if err != nil || info.Digest != digest(layer) {
			t.Fatalf("got %+v, %v", info, err)
		}
		if first != status.Partial || c.ranges.Load() == 0 {
			t.Errorf("began at %d of %d kept bytes, %d ranges asked for", first, status.Partial, c.ranges.Load())
		}
		if status, err := store.Status(); err != nil || !status.Installed || status.Partial != 0 || status.Info != info || status.Size < 300_000 {
			t.Errorf("got %+v, %v", status, err)
		}
	}
}

func TestUpdateFails(t *testing.T) {
	good := artifact(t, "2026-11-20")
	lie := func(w http.ResponseWriter, r *http.Request, inner http.Handler) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			_, _ = w.Write(bytes.Repeat([]byte("x"), len(good)))
			return
		}
		inner.ServeHTTP(w, r)
	}
	tests := []struct {
		name  string
		layer []byte
		lie   func(http.ResponseWriter, *http.Request, http.Handler)
		free  uint64
		want  []string
	}{
		{"wrong digest", good, lie, 1 << 40, []string{"has the digest", "instead of " + digest(good)}},
		{"no archive", []byte("no gzip at all"), nil, 1 << 40, []string{"no archive of a vulnerability database"}},
		{"cut archive", good[:len(good)/2], nil, 1 << 40, []string{"no archive", "unexpected EOF"}},
		{"no space", good, nil, 1000, []string{"not enough space", "make room"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			inner := quiet()
			host := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.lie != nil {
					tt.lie(w, r, inner)
					return
				}
				inner.ServeHTTP(w, r)
			}))
			ref := push(t, host, layerType, tt.layer)
			store := vulndb.Store{Dir: t.TempDir(), FreeSpace: func(string) (uint64, error) { return tt.free, nil }}
			_, err := store.Update(t.Context(), client(), []string{ref}, nil)
			if err == nil {
				t.Fatal("the update succeeded")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q should contain %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has more than one line: %q", err)
			}
			if got := files(t, store.Dir); len(got) != 1 || got[0] != "lock" {
				t.Errorf("left behind: %v", got)
			}
		})
	}
	t.Run("every registry is dead", func(t *testing.T) {
		first, second := deadHost(t), deadHost(t)
		store := vulndb.Store{Dir: t.TempDir()}
		_, err := store.Update(t.Context(), client(), []string{first + "/a:2", second + "/b:2"}, nil)
		if err == nil || !strings.Contains(err.Error(), first) || !strings.Contains(err.Error(), second) || !strings.Contains(err.Error(), "vulndb import FILE") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("no registry", func(t *testing.T) {
		if _, err := (vulndb.Store{Dir: t.TempDir()}).Update(t.Context(), client(), nil, nil); err == nil {
			t.Error("the update succeeded")
		}
	})
}
