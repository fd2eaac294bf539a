package vulndb_test

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

// shared is the path of a file in the folder of fixtures beside the repository; the test is skipped without it.
func shared(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if filepath.Dir(dir) == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = filepath.Dir(dir)
	}
	path := filepath.Join(dir, "..", "shared", "vulndb", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the shared fixture %s", name)
	}
	return path
}

// realDatabase unpacks the real, partial database, once for all tests.
func realDatabase(t testing.TB) string {
	t.Helper()
	archive := shared(t, "db.tar.gz")
	dir, err := unpackOnce(archive)
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var unpackOnce = onceFor(func(archive string) (string, error) {
	dir, err := os.MkdirTemp(scratch, "real")
	if err != nil {
		return "", err
	}
	f, err := os.Open(archive)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	entries := tar.NewReader(z)
	for {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return dir, nil
		}
		if err != nil {
			return "", err
		}
		data, err := io.ReadAll(entries)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, filepath.Base(entry.Name)), data, 0o600)
		}
		if err != nil {
			return "", err
		}
	}
})

// onceFor remembers the first result of do.
func onceFor(do func(string) (string, error)) func(string) (string, error) {
	var once sync.Once
	var result string
	var err error
	return func(argument string) (string, error) {
		once.Do(func() { result, err = do(argument) })
		return result, err
	}
}

// scratch is a folder that outlives single tests.
var scratch string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "vulndb-test-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir)
		scratch = dir
		return m.Run()
	}())
}

// dpkgStatus reads the installed packages of a dpkg database.
func dpkgStatus(t testing.TB, path string) []scanners.Package {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var packages []scanners.Package
	var p scanners.Package
	lines := bufio.NewScanner(z)
	for lines.Scan() {
		key, value, _ := strings.Cut(lines.Text(), ": ")
		switch key {
		case "":
			packages = append(packages, p)
		case "Package":
			p = scanners.Package{Name: value, Ecosystem: scanners.EcosystemDeb}
		case "Version":
			p.Version = value
		case "Source":
			name, version, _ := strings.Cut(value, " (")
			p.Source = scanners.SourcePackage{Name: name, Version: strings.TrimSuffix(version, ")")}
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return packages
}

// TestBookworm compares every match on a real Debian 12 with what Trivy found with the same database. Severities may
// only differ where Trivy knows none: this package asks sources last that Trivy never asks (the record of whoever
// assigned the CVE, CISA's enrichment, CVSS scores).
func TestBookworm(t *testing.T) {
	db := openDir(t, realDatabase(t))
	packages := dpkgStatus(t, shared(t, "bookworm-min.dpkg-status.gz"))
	if len(packages) != 88 {
		t.Fatalf("read %d packages, want 88", len(packages))
	}
	want, severities := expected(t)
	var got []string
	for _, p := range packages {
		found, gaps := db.Match(debian("12"), p)
		for _, g := range gaps {
			t.Errorf("gap %v", g)
		}
		for _, a := range found {
			fact := strings.Join([]string{p.Name, a.ID, a.FixedVersion, string(a.Status)}, "\t")
			got = append(got, fact)
			switch theirs := severities[fact]; {
			case theirs == "unknown" && a.Severity != scanners.SeverityUnknown:
				t.Logf("%s %s: unknown there, %s here by %q", p.Name, a.ID, a.Severity, a.SeveritySource)
			case theirs != "" && theirs != a.Severity.String():
				t.Errorf("%s %s: severity %s by %q, want %s", p.Name, a.ID, a.Severity, a.SeveritySource, theirs)
			}
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("package, id, fixed version, status: -want +got:\n%s", diff)
	}
}

// expected reads the table: facts in order, and their severities.
func expected(t *testing.T) (facts []string, severities map[string]string) {
	t.Helper()
	data, err := os.ReadFile(shared(t, "expected-trivy-debian_bookworm-min.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	severities = map[string]string{}
	for line := range strings.Lines(string(data)) {
		cells := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if cells[0] != "debian" {
			continue
		}
		fact := strings.Join([]string{cells[1], cells[3], cells[4], cells[5]}, "\t")
		facts = append(facts, fact)
		severities[fact] = strings.ToLower(cells[6])
	}
	slices.Sort(facts)
	return facts, severities
}

// TestRealInfo looks at what the real database says of itself.
func TestRealInfo(t *testing.T) {
	db := openDir(t, realDatabase(t))
	want := scanners.DatabaseInfo{Kind: vulndb.KindTrivy, Schema: 2}
	got := db.Info()
	got.UpdatedAt, got.NextUpdate = want.UpdatedAt, want.NextUpdate
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, version := range []string{"10", "11", "12", "13"} {
		if !db.Answers(debian(version)) {
			t.Errorf("the database should answer for debian %s", version)
		}
	}
	if db.Answers(debian("9")) || db.Answers(scanners.Distribution{ID: "alpine", Version: "3.18"}) || db.Answers(scanners.Distribution{}) {
		t.Error("the database answers for releases that it has no advisories of")
	}
}
