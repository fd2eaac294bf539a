package report_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/backend/report"
	"plimsoll/scanners"
)

var today = time.Date(2026, 3, 4, 23, 0, 0, 0, time.UTC)

func TestReadIgnoreFileRefuses(t *testing.T) {
	tests := []struct{ name, file, want string }{
		{"a list at the top", "- id: CVE-1", `line 1: start the file with "ignore:"`},
		{"a text", "CVE-1", `line 1: start the file with "ignore:"`},
		{"another key at the top", "\nignored:\n  - id: CVE-1\n", `line 2: unexpected key "ignored"`},
		{"a second key at the top", "ignore: []\nversion: 1", `line 2: unexpected key "version"`},
		{"entries that are no list", "ignore:\n  id: CVE-1\n", `line 2: start the file with "ignore:"`},
		{"an entry that is a text", "ignore:\n  - CVE-1\n", "line 2: an entry is keys with values"},
		{"a misspelt key", "ignore:\n  - id: CVE-1\n    reson: x\n", `line 3: unknown key "reson": use id, package, purl`},
		{"no reason", "ignore:\n  - id: CVE-1\n", "line 2: the entry for CVE-1 needs a reason"},
		{"an empty reason", "ignore:\n  - id: CVE-1\n    reason: ' '\n", `line 3: key "reason" needs a text`},
		{"a missing value", "ignore:\n  - id:\n    reason: x\n", `line 2: key "id" needs a text`},
		{"a list as a value", "ignore:\n  - id: [CVE-1]\n    reason: x\n", `line 2: key "id" needs a text`},
		{"nothing that names a finding", "ignore:\n  - path: '**'\n    reason: x\n", "line 2: an entry needs an id, a package or a purl"},
		{"a key twice", "ignore:\n  - id: CVE-1\n    id: CVE-2\n    reason: x\n", `line 3: key "id" stands twice`},
		{"a date that is none", "ignore:\n  - id: CVE-1\n    reason: x\n    until: 2026-02-30\n", `line 4: until "2026-02-30" is not a date`},
		{"a date in another form", "ignore:\n  - id: CVE-1\n    reason: x\n    until: 31.12.2026\n", "write it as 2026-12-31"},
		{"a purl that is none", "ignore:\n  - purl: lodash\n    reason: x\n", `line 2: purl "lodash" is not a package-url`},
		{"an anchor", "ignore:\n  - id: &a CVE-1\n    reason: x\n", "line 2: anchors and aliases are not read"},
		{"an alias", "ignore: &a\n  - id: CVE-1\n    reason: *a\n", "anchors and aliases are not read"},
		{"two documents", "ignore: []\n---\nignore: []\n", "more than one YAML document"},
		{"broken YAML", "ignore: [", "it is not valid YAML, correct it"},
		{"a broken second document", "ignore: []\n---\n{", "more than one YAML document"},
		{"too much", strings.Repeat("#", 1<<20+1), "larger than 1 MiB"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := report.ReadIgnoreFile(strings.NewReader(test.file), "team.yaml")
			if err == nil {
				t.Fatal("it is accepted")
			}
			for _, want := range []string{`read ignore file "team.yaml": `, test.want} {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error is %q, want %q in it", err, want)
				}
			}
		})
	}
}

func TestReadIgnoreFileTellsTheReaderError(t *testing.T) {
	broken := errors.New("input/output error")
	if _, err := report.ReadIgnoreFile(iotest.ErrReader(broken), "x"); !errors.Is(err, broken) {
		t.Errorf("error is %v, want %v", err, broken)
	}
}

func TestEmptyIgnoreFilesIgnoreNothing(t *testing.T) {
	for _, file := range []string{"", "# nothing yet\n", "ignore:\n", "ignore: []\n", "---\n", "null\n"} {
		r := typicalReport()
		if notes := read(t, file).Apply(&r, today); len(notes) > 0 || len(r.Ignored) > 0 {
			t.Errorf("%q: ignored %d findings and says %q", file, len(r.Ignored), notes)
		}
	}
}

func TestApplyMatches(t *testing.T) {
	tests := []struct {
		name, entry string
		want        []string // package and advisory of what is ignored
	}{
		{"id", "id: CVE-2031-0002", []string{"libssl3 CVE-2031-0002"}},
		{"id in another case", "id: cve-2031-0002", []string{"libssl3 CVE-2031-0002"}},
		{"part of an id", "id: CVE-2031-000", nil},
		{"id in two packages", "id: CVE-2031-0001", []string{"libssl3 CVE-2031-0001", "openssl CVE-2031-0001"}},
		{"id and package", "{id: CVE-2031-0001, package: libssl3}", []string{"libssl3 CVE-2031-0001"}},
		{"source package", "package: systemd", []string{"libsystemd0 CVE-2031-0300", "libsystemd0 CVE-2031-0301", "libsystemd0 CVE-2031-0302"}},
		{"other package", "{id: CVE-2031-0001, package: lodash}", nil},
		{"purl without version", "purl: pkg:npm/lodash", []string{"lodash CVE-2031-0100"}},
		{"purl with version", "purl: pkg:npm/lodash@4.17.15", []string{"lodash CVE-2031-0100"}},
		{"purl with another version", "purl: pkg:npm/lodash@4.17.16", nil},
		{"purl of another type", "purl: pkg:pypi/lodash", nil},
		{"purl with a qualifier", "purl: 'pkg:deb/debian/openssl?arch=amd64'", []string{"openssl CVE-2031-0001"}},
		{"purl with another qualifier", "purl: 'pkg:deb/debian/openssl?arch=arm64'", nil},
		{"path", "{package: lodash, path: srv/app/node_modules/lodash/package.json}", []string{"lodash CVE-2031-0100"}},
		{"path with a slash at its start", "{package: lodash, path: /srv/app/**}", []string{"lodash CVE-2031-0100"}},
		{"star within a folder", "{package: lodash, path: srv/app/node_modules/*/package.json}", []string{"lodash CVE-2031-0100"}},
		{"star does not cross folders", "{package: lodash, path: 'srv/*/package.json'}", nil},
		{"two stars cross folders", "{package: lodash, path: '**/package.json'}", []string{"lodash CVE-2031-0100"}},
		{"question mark", "{package: lodash, path: 'srv/a?p/**'}", []string{"lodash CVE-2031-0100"}},
		{"a dot is a dot", "{package: lodash, path: 'srv.app/**'}", nil},
		{"asset by name", "{id: CVE-2031-0002, asset: 'shop/web:1.4'}", []string{"libssl3 CVE-2031-0002"}},
		{"asset by pattern", "{id: CVE-2031-0002, asset: 'shop/*'}", []string{"libssl3 CVE-2031-0002"}},
		{"asset by key", "{id: CVE-2031-0002, asset: '" + webKey + "'}", []string{"libssl3 CVE-2031-0002"}},
		{"another asset", "{id: CVE-2031-0002, asset: 'shop/api:*'}", nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := typicalReport()
			before := len(r.Findings)
			entry := "ignore:\n  - reason: because\n    " + test.entry + "\n"
			if inner, flow := strings.CutPrefix(test.entry, "{"); flow {
				entry = "ignore:\n  - {reason: because, " + inner + "\n"
			}
			read(t, entry).Apply(&r, today)
			var got []string
			for _, i := range r.Ignored {
				if i.Reason != "because" {
					t.Errorf("reason is %q", i.Reason)
				}
				got = append(got, i.Finding.Package.Name+" "+i.Finding.Check)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("ignored (-want +got):\n%s", diff)
			}
			if len(r.Findings)+len(r.Ignored) != before {
				t.Errorf("%d findings and %d ignored, want %d together", len(r.Findings), len(r.Ignored), before)
			}
		})
	}
}

func TestApplyNotes(t *testing.T) {
	const file = `ignore:
  - {id: CVE-2031-0002, reason: r, until: 2026-03-03}
  - {id: CVE-2031-0003, reason: r, until: 2026-03-04}
  - {id: CVE-2031-0004, reason: r, until: 2026-03-05}
  - {id: CVE-2031-9999, reason: r}
  - {id: CVE-2031-9999, package: gone, reason: r, until: 2026-01-01}
  - {id: CVE-2031-9999, asset: shop/other, reason: r}
  - {id: CVE-2031-0003, package: openssl, reason: also}
`
	expired := "team.yaml:2: the entry for CVE-2031-0002 expired on 2026-03-03 and no longer hides 1 finding: fix what it hid or set a new date"
	gone := "team.yaml:6: the entry for CVE-2031-9999 in gone expired on 2026-01-01 and no finding fits it: remove it"
	unused := "team.yaml:5: the entry for CVE-2031-9999 is unused, no finding fits it: remove it"
	tests := []struct {
		name   string
		report scanners.Report
		want   []string
	}{
		{"complete run", typicalReport(), []string{expired, unused, gone}},
		{"something failed", failedReport(), []string{expired, gone}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			notes := read(t, file).Apply(&test.report, today)
			if diff := cmp.Diff(test.want, notes); diff != "" {
				t.Errorf("notes (-want +got):\n%s", diff)
			}
			var got []string
			for _, i := range test.report.Ignored {
				got = append(got, i.Finding.Check+" "+i.Until+" "+i.Reason)
			}
			if diff := cmp.Diff([]string{"CVE-2031-0003 2026-03-04 r", "CVE-2031-0004 2026-03-05 r"}, got); diff != "" {
				t.Errorf("ignored (-want +got):\n%s", diff)
			}
		})
	}
}

func TestKeepMendsTheFixes(t *testing.T) {
	r := typicalReport()
	original := r.Fixes
	taken := report.Keep(&r, func(f scanners.Finding) bool { return f.Check != "CVE-2031-0001" && f.Check != "CVE-2031-0100" })
	if len(taken) != 3 || len(r.Findings) != 8 {
		t.Errorf("took %d and left %d findings, want 3 and 8", len(taken), len(r.Findings))
	}
	type row struct {
		Package, Severity string
		Findings          int
	}
	var got []row
	for _, f := range r.Fixes {
		got = append(got, row{f.Package, f.Severity.String(), len(f.Findings)})
	}
	want := []row{{"openssl", "high", 3}, {"semver", "medium", 1}, {"systemd", "medium", 3}, {"stdlib", "unknown", 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("fixes (-want +got):\n%s", diff)
	}
	if len(original[0].Findings) != 5 || original[0].Severity != scanners.SeverityCritical {
		t.Error("Keep changed the list that it was given")
	}
}

func FuzzReadIgnoreFile(f *testing.F) {
	f.Add("ignore:\n  - id: CVE-2031-0001\n    reason: x\n    until: 2026-12-31\n")
	f.Add("ignore:\n  - {purl: 'pkg:npm/%40a/b@1?x=y', path: '**/a?[', asset: '***', reason: x}\n")
	f.Add("a: &a [*a]\nb: <<: *a\n")
	f.Add("ignore: !!binary x\n--- \n...\n")
	f.Fuzz(func(t *testing.T, file string) {
		ignore, err := report.ReadIgnoreFile(strings.NewReader(file), "x")
		if err != nil {
			return
		}
		r := typicalReport()
		before := len(r.Findings)
		ignore.Apply(&r, today)
		if len(r.Findings)+len(r.Ignored) != before {
			t.Errorf("%d findings and %d ignored, want %d together", len(r.Findings), len(r.Ignored), before)
		}
		for _, i := range r.Ignored {
			if i.Reason == "" {
				t.Error("a finding is ignored without a reason")
			}
		}
	})
}

func read(t *testing.T, file string) report.IgnoreFile {
	t.Helper()
	ignore, err := report.ReadIgnoreFile(strings.NewReader(file), "team.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return ignore
}
