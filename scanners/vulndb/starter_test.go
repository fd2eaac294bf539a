package vulndb

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"plimsoll/scanners"
)

// TestStarterTables loads every row: each advisory has both sides, every range and version is readable and has the
// vulnerability end at its fix.
func TestStarterTables(t *testing.T) {
	table, err := readStarter(starterAdvisories, starterAffected)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	db := Starter()
	for key, records := range table.known {
		eco := ecosystemOfBucket(t, key.bucket)
		o, err := orderOf(eco)
		if err != nil {
			t.Fatal(err)
		}
		set, err := db.rulesOf(eco, key.bucket, key.name, o)
		if err != nil {
			t.Fatal(err)
		}
		for _, g := range set.gaps {
			t.Errorf("%s: %s: %s", key.bucket, g.Subject, g.Reason)
		}
		ids := map[string]bool{}
		for _, r := range records {
			if ids[r.id] {
				t.Errorf("%s: %s is there twice for %s", key.bucket, r.id, key.name)
			}
			ids[r.id], seen[r.id] = true, true
		}
		for _, r := range set.all {
			if err := cmp.Or(r.inside.unreadable, r.safe.unreadable); err != nil {
				t.Errorf("%s: %s of %s: %v", key.bucket, r.ID, key.name, err)
			}
			checkFixes(t, key, r)
		}
	}
	for id, data := range table.details {
		if !seen[id] {
			t.Errorf("%s names no package", id)
		}
		checkDetail(t, id, data)
	}
	if got := db.Info(); got.Kind != scanners.DatabaseStarter || got.Advisories != len(table.details) {
		t.Errorf("info %+v, want %d advisories", got, len(table.details))
	}
}

func checkFixes(t *testing.T, key ruleKey, r rule) {
	t.Helper()
	for _, b := range r.fixes {
		if r.vulnerable(b.version) != no {
			t.Errorf("%s: %s: the fix %s of %s is vulnerable itself", key.bucket, r.ID, b.text, key.name)
		}
	}
}

func checkDetail(t *testing.T, id string, data []byte) {
	t.Helper()
	d, err := decodeDetail(id, data)
	if err != nil {
		t.Error(err)
		return
	}
	if len(d.references) != 1 || !strings.HasPrefix(d.references[0], "https://") {
		t.Errorf("%s: references %q, want one with https", id, d.references)
	}
	if d.title == "" || len(d.title) > 120 {
		t.Errorf("%s: title %q", id, d.title)
	}
	if severityOf(d.vendors[scanners.DatabaseStarter]) == scanners.SeverityUnknown {
		t.Errorf("%s: no severity", id)
	}
	if strings.Contains(string(data), "CVSS:") && len(d.cvss) != 1 {
		t.Errorf("%s: its CVSS vector cannot be read", id)
	}
	if _, err := time.Parse(time.DateOnly, d.published); d.published != "" && err != nil {
		t.Errorf("%s: published %q", id, d.published)
	}
}

// ecosystemOfBucket also checks that the bucket is one that is ever looked up.
func ecosystemOfBucket(t *testing.T, bucket string) scanners.Ecosystem {
	t.Helper()
	for _, eco := range []scanners.Ecosystem{scanners.EcosystemNPM, scanners.EcosystemPyPI, scanners.EcosystemGolang} {
		if strings.HasPrefix(bucket, languagePrefix(eco)) {
			return eco
		}
	}
	id, version, _ := strings.Cut(bucket, " ")
	f, release := lookUp(scanners.Distribution{ID: id, Version: version})
	if f == nil || f.bucketOf(release) != bucket {
		t.Fatalf("bucket %q is never looked up", bucket)
	}
	return f.ecosystem
}

func TestStarterMatches(t *testing.T) {
	db := Starter()
	found, gaps := db.Match(scanners.Distribution{}, scanners.Package{Name: "lodash", Version: "4.17.15", Ecosystem: scanners.EcosystemNPM})
	if len(found) == 0 || len(gaps) != 0 {
		t.Fatalf("got %v, %v", found, gaps)
	}
	for _, a := range found {
		if a.Source != starterSource || a.Severity == scanners.SeverityUnknown || a.FixedVersion == "" {
			t.Errorf("got %+v", a)
		}
	}
	if found, _ := db.Match(scanners.Distribution{}, scanners.Package{Name: "lodash", Version: "99.0.0", Ecosystem: scanners.EcosystemNPM}); len(found) != 0 {
		t.Errorf("got %v", found)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}

func TestStarterTablesBroken(t *testing.T) {
	const advisories = "id\tseverity\tcvss\tpublished\ttitle\treference\n"
	const row = "CVE-1\thigh\t-\t-\ttitle\thttps://example.org\n"
	const affected = "id\tbucket\tpackage\tvulnerable\tfixed\n"
	tests := []struct{ name, advisories, affected, want string }{
		{"no header", row, affected, "should name the columns"},
		{"too few cells", advisories + "CVE-1\thigh\n", affected, "line 2 has 2 cells"},
		{"unknown severity", advisories + "CVE-1\tsevere\t-\t-\tt\tr\n", affected, "unknown severity"},
		{"twice", advisories + row + row, affected, "there twice"},
		{"unknown advisory", advisories + row, affected + "CVE-2\tnpm\tp\t<1.0.0\t-\n", "not in the other table"},
		{"no range", advisories + row, affected + "CVE-1\tnpm\tp\t-\t1.0.0\n", "names no vulnerable versions"},
		{"no package", advisories + row, affected + "CVE-1\tnpm\t-\t<1.0.0\t-\n", "is missing"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := readStarter(tt.advisories, tt.affected)
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}
