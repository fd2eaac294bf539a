// Package starter holds the advisories that are compiled into Plimsoll as two tables; package vulndb reads them. Its
// test keeps the tables in order: it judges what their author can get wrong, not what vulndb does with them.
package starter_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocvss31 "github.com/pandatix/go-cvss/31"

	"plimsoll/scanners"
)

func TestAdvisories(t *testing.T) {
	rows := readTable(t, "advisories.tsv", "id", "severity", "cvss", "published", "title", "reference")
	if len(rows) < 250 {
		t.Errorf("only %d advisories", len(rows))
	}
	concerned := map[string]bool{}
	for _, row := range readTable(t, "affected.tsv", "id", "bucket", "package", "vulnerable", "fixed") {
		concerned[row[0]] = true
	}
	seen := map[string]bool{}
	for _, row := range rows {
		id := row[0]
		if seen[id] {
			t.Errorf("%s is there twice", id)
		}
		seen[id] = true
		if !concerned[id] {
			t.Errorf("%s concerns no package", id)
		}
		for _, fault := range advisoryFaults(row) {
			t.Errorf("%s: %s", id, fault)
		}
	}
	for id := range concerned {
		if !seen[id] {
			t.Errorf("affected.tsv speaks of %s, which advisories.tsv does not know", id)
		}
	}
}

func advisoryFaults(row []string) []string {
	id, severity, vector, published, title, reference := row[0], row[1], row[2], row[3], row[4], row[5]
	var faults []string
	blame := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !regexp.MustCompile(`^(CVE-\d{4}-\d{4,}|GHSA(-[a-z0-9]{4}){3})$`).MatchString(id) {
		blame("is no identifier")
	}
	rating, err := scanners.ParseSeverity(severity)
	if err != nil || rating == scanners.SeverityUnknown {
		blame("severity %q", severity)
	}
	if vector != "-" {
		cvss, err := gocvss31.ParseVector(vector)
		if err != nil {
			blame("vector %q: %v", vector, err)
		} else if most := scanners.SeverityOfScore(cvss.BaseScore()); rating > most {
			blame("severity %s is above the vector's rating, %s", rating, most)
		}
	}
	if _, err := time.Parse(time.DateOnly, published); err != nil && published != "-" {
		blame("published %q", published)
	}
	if len(title) < 20 || len(title) > 120 || strings.HasSuffix(title, ".") || !isPlain(title) {
		blame("title %q is not one short plain sentence without a full stop", title)
	}
	if reference != "https://nvd.nist.gov/vuln/detail/"+id && reference != "https://github.com/advisories/"+id {
		blame("reference %q", reference)
	}
	return faults
}

func TestAffected(t *testing.T) {
	rows := readTable(t, "affected.tsv", "id", "bucket", "package", "vulnerable", "fixed")
	buckets := map[string]int{}
	seen := map[string]bool{}
	for _, row := range rows {
		key := strings.Join(row[:3], " ")
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		family, _, _ := strings.Cut(row[1], " ")
		buckets[family]++
		for _, fault := range affectedFaults(row) {
			t.Errorf("%s: %s", key, fault)
		}
	}
	for family, least := range map[string]int{"npm": 100, "pip": 75, "go": 45, "debian": 50, "ubuntu": 15, "alpine": 30} {
		if buckets[family] < least {
			t.Errorf("only %d rows for %s", buckets[family], family)
		}
	}
}

func affectedFaults(row []string) []string {
	bucket, name, vulnerable, fixed := row[1], row[2], row[3], row[4]
	var faults []string
	blame := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if regexp.MustCompile(`^(debian 1[12]|ubuntu 2[02]\.04|alpine 3\.(1[6-9]|20))$`).MatchString(bucket) {
		if vulnerable != "-" || !regexp.MustCompile(`^(-|[0-9][\w.:+~-]*)$`).MatchString(fixed) {
			blame("a distribution's row has no range and at most one fixed version: %q %q", vulnerable, fixed)
		}
		return faults
	}
	if !slices.Contains([]string{"npm", "pip", "go"}, bucket) {
		blame("bucket %q", bucket)
	}
	if bucket == "pip" && name != strings.ReplaceAll(strings.ToLower(name), "_", "-") {
		blame("name is not normalised (PEP 503)")
	}
	const bound = `(>=|<=|<)[0-9][\w.-]*`
	if !regexp.MustCompile(`^` + bound + `(, ` + bound + `)?( \|\| ` + bound + `(, ` + bound + `)?)*$`).MatchString(vulnerable) {
		blame("range %q", vulnerable)
	}
	if want := upperBounds(vulnerable); fixed != want {
		blame("fixed is %q, the range ends at %q", fixed, want)
	}
	return faults
}

// upperBounds are the versions before which a range ends, "-" when it ends nowhere or with a vulnerable version.
func upperBounds(vulnerable string) string {
	var ends []string
	for _, match := range regexp.MustCompile(`<([0-9][\w.-]*)`).FindAllStringSubmatch(vulnerable, -1) {
		ends = append(ends, match[1])
	}
	if len(ends) == 0 {
		return "-"
	}
	return strings.Join(ends, " ")
}

// isPlain says whether a text is printable ASCII, so that it looks the same everywhere.
func isPlain(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

// readTable gives the rows of a table that has these columns and is sorted by identifier.
func readTable(t *testing.T, name string, columns ...string) [][]string {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != len(columns) {
			t.Fatalf("%s: %d cells instead of %d: %q", name, len(cells), len(columns), line)
		}
		rows = append(rows, cells)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], columns) {
		t.Fatalf("%s does not begin with the columns %q", name, columns)
	}
	rows = rows[1:]
	if !slices.IsSortedFunc(rows, func(a, b []string) int { return compareIDs(a[0], b[0]) }) {
		t.Errorf("%s is not sorted by identifier", name)
	}
	return rows
}

// compareIDs orders by year and number: the shorter number is the smaller one.
func compareIDs(a, b string) int {
	if strings.HasPrefix(a, "CVE-") && strings.HasPrefix(b, "CVE-") && a[:8] == b[:8] && len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}
