package vulndb_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/aquasecurity/trivy-db/pkg/types"
	"go.etcd.io/bbolt"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

// content is a database to be built: bucket → package → advisory id → record. A record is an advisory in trivy-db's
// own type, or the text to store as it is.
type content map[string]map[string]map[string]any

// metadata is a metadata.json of schema 2.
const metadata = `{"Version":2,"NextUpdate":"2026-11-21T00:00:00Z","UpdatedAt":"2026-11-20T00:00:00Z","DownloadedAt":"2026-11-20T01:00:00Z"}`

// sources are the data sources of the buckets that tests use.
var sources = map[string]types.DataSource{
	"debian 12":    {ID: "debian", Name: "Debian Security Tracker", URL: "https://salsa.debian.org/security-tracker-team/security-tracker"},
	"ubuntu 22.04": {ID: "ubuntu", Name: "Ubuntu CVE Tracker", URL: "https://git.launchpad.net/ubuntu-cve-tracker"},
	"npm::GitHub":  {ID: "ghsa", Name: "GitHub Security Advisory npm", URL: "https://github.com/advisories"},
	"npm::Other":   {ID: "nodejs-security-wg", Name: "Node.js", URL: "https://github.com/nodejs/security-wg"},
	"derived 1":    {ID: "derived", BaseID: "debian", Name: "Derived"},
}

// build writes a database folder.
func build(t testing.TB, c content, details map[string]any) string {
	t.Helper()
	dir := t.TempDir()
	put(t, filepath.Join(dir, "metadata.json"), []byte(metadata))
	db, err := bbolt.Open(filepath.Join(dir, "trivy.db"), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for bucket, packages := range c {
			for name, records := range packages {
				for id, r := range records {
					store(t, tx, []string{bucket, name}, id, r)
				}
			}
			store(t, tx, []string{"data-source"}, bucket, sources[bucket])
		}
		store(t, tx, []string{"vulnerability"}, "CVE-0000-0000", types.Vulnerability{})
		for id, d := range details {
			store(t, tx, []string{"vulnerability"}, id, d)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir
}

// store puts a value into nested buckets.
func store(t testing.TB, tx *bbolt.Tx, path []string, key string, value any) {
	t.Helper()
	data, ok := value.(string)
	if !ok {
		if a, isAdvisory := value.(types.Advisory); isAdvisory {
			value = &a // its MarshalJSON has a pointer receiver
		}
		raw, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		data = string(raw)
	}
	bucket, err := tx.CreateBucketIfNotExists([]byte(path[0]))
	for _, name := range path[1:] {
		if err == nil {
			bucket, err = bucket.CreateBucketIfNotExists([]byte(name))
		}
	}
	if err == nil {
		err = bucket.Put([]byte(key), []byte(data))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// open builds and opens a database.
func open(t testing.TB, c content, details map[string]any) *vulndb.Database {
	t.Helper()
	return openDir(t, build(t, c, details))
}

func openDir(t testing.TB, dir string) *vulndb.Database {
	t.Helper()
	db, err := vulndb.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

func put(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func debian(version string) scanners.Distribution {
	return scanners.Distribution{ID: "debian", Version: version}
}

// deb is a package of Debian or Ubuntu built from source.
func deb(name, version, source, sourceVersion string) scanners.Package {
	return scanners.Package{
		Name: name, Version: version, Ecosystem: scanners.EcosystemDeb,
		Source: scanners.SourcePackage{Name: source, Version: sourceVersion},
	}
}
