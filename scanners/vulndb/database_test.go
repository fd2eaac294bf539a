package vulndb_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

func TestOpen(t *testing.T) {
	dir := build(t, content{"debian 12": {"p": {"CVE-1": types.Advisory{}}}, "wolfi": {}}, nil)
	want := scanners.DatabaseInfo{
		Kind: vulndb.KindTrivy, Schema: 2,
		UpdatedAt:  time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC),
		NextUpdate: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
	}
	db := openDir(t, dir)
	if diff := cmp.Diff(want, db.Info()); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if !db.Answers(debian("12.1")) || db.Answers(debian("13")) || db.Answers(scanners.Distribution{ID: "arch"}) {
		t.Error("the database answers for the wrong releases")
	}

	cache := t.TempDir() // the shape of Trivy's cache
	if err := os.Rename(dir, filepath.Join(cache, "db")); err != nil {
		t.Fatal(err)
	}
	if got := openDir(t, cache).Info(); !cmp.Equal(want, got) {
		t.Errorf("in a folder db: got %+v", got)
	}
}

func TestOpenBroken(t *testing.T) {
	const again = "plimsoll vulndb update"
	write := func(name string, data []byte) func(*testing.T, string) {
		return func(t *testing.T, dir string) { put(t, filepath.Join(dir, name), data) }
	}
	remove := func(name string) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	cut := func(size int64) func(*testing.T, string) {
		return func(t *testing.T, dir string) {
			if err := os.Truncate(filepath.Join(dir, "trivy.db"), size); err != nil {
				t.Fatal(err)
			}
		}
	}
	tests := []struct {
		name string
		harm func(*testing.T, string)
		want []string // parts of the error
	}{
		{"no database", remove("trivy.db"), []string{"no vulnerability database in", again}},
		{"no metadata", remove("metadata.json"), []string{"metadata.json"}},
		{"empty database", write("trivy.db", nil), []string{"damaged", again}},
		{"text for a database", write("trivy.db", []byte(strings.Repeat("not a database ", 5000))), []string{"damaged", again}},
		{"cut to a page", cut(4096), []string{"damaged", again}},
		{"cut in the header", cut(100), []string{"damaged", again}},
		{"cut in the middle", cut(32768), []string{"cut short", again}},
		{"a folder for a database", func(t *testing.T, dir string) {
			remove("trivy.db")(t, dir)
			if err := os.Mkdir(filepath.Join(dir, "trivy.db"), 0o700); err != nil {
				t.Fatal(err)
			}
		}, []string{"is not a file"}},
		{"another program's bbolt file", func(t *testing.T, dir string) {
			remove("trivy.db")(t, dir)
			db, err := bbolt.Open(filepath.Join(dir, "trivy.db"), 0o600, nil)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		}, []string{"not a vulnerability database"}},
		{"damaged metadata", write("metadata.json", []byte(`{"Version":`)), []string{"damaged", again}},
		{"older schema", write("metadata.json", []byte(`{"Version":1}`)), []string{"schema 1", again}},
		{"newer schema", write("metadata.json", []byte(`{"Version":3}`)), []string{"schema 3", "newer Plimsoll"}},
		{"endless metadata", write("metadata.json", []byte(strings.Repeat(" ", 2<<20))), []string{"damaged"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			records := map[string]any{}
			records["CVE-1"] = types.Advisory{FixedVersion: strings.Repeat("1", 60_000)} // several pages
			dir := build(t, content{"debian 12": {"p": records}}, nil)
			tt.harm(t, dir)
			db, err := vulndb.Open(dir)
			if err == nil {
				t.Fatalf("opened it: %+v", db.Info())
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q should contain %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("error has more than one line: %q", err)
			}
		})
	}
}

// TestTornPages scribbles over pages of a database: matching must end in answers or gaps, never in a crash.
func TestTornPages(t *testing.T) {
	c := content{"debian 12": {}}
	for i := range 200 {
		c["debian 12"]["p"+strings.Repeat("x", i)] = map[string]any{"CVE-1": types.Advisory{FixedVersion: "2"}, "CVE-2": types.Advisory{}}
	}
	whole, err := os.ReadFile(filepath.Join(build(t, c, nil), "trivy.db"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	put(t, filepath.Join(dir, "metadata.json"), []byte(metadata))
	random := rand.New(rand.NewPCG(1, 2))
	answers, damaged := 0, 0
	for range 60 {
		torn := append([]byte(nil), whole...)
		for i := 8192 + 16 + random.IntN(4096); i < len(torn); i += 4096 * (1 + random.IntN(3)) {
			for j := i; j < min(i+64, len(torn)); j++ {
				torn[j] = byte(random.Uint32())
			}
		}
		put(t, filepath.Join(dir, "trivy.db"), torn)
		db, err := vulndb.Open(dir)
		if err != nil {
			continue
		}
		for name := range c["debian 12"] {
			found, gaps := db.Match(debian("12"), deb(name, "1", "", ""))
			answers += len(found)
			for _, g := range gaps {
				if g.Damaged {
					damaged++
				}
			}
		}
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}
	if answers == 0 || damaged == 0 {
		t.Errorf("%d answers, %d gaps: the damage is not what this test is about", answers, damaged)
	}
}

func TestMatchConcurrently(t *testing.T) {
	db := open(t, content{"debian 12": {"p": {"CVE-1": types.Advisory{FixedVersion: "2"}}}}, map[string]any{"CVE-1": types.Vulnerability{Title: "title"}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if found, gaps := db.Match(debian("12"), deb("p", "1", "", "")); len(found) != 1 || len(gaps) != 0 {
					t.Errorf("got %v, %v", found, gaps)
				}
			}
		})
	}
	wg.Wait()
}
