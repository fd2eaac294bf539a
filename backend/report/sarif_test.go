package report_test

import (
	"bytes"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"plimsoll/backend/report"
	"plimsoll/scanners"
)

func TestSARIFFollowsItsSchema(t *testing.T) {
	tests := []struct {
		name   string
		report scanners.Report
	}{
		{"nothing", emptyReport()},
		{"zero", scanners.Report{}},
		{"clean", cleanReport()},
		{"typical", typicalReport()},
		{"starter", starterReport()},
		{"canceled", canceledReport()},
		{"failed", failedReport()},
		{"ignored", ignoredReport()},
		{"long", longReport()},
		{"hostile", hostileReport()},
		{"every field", filledReport("x")},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { sarifOf(t, test.report) })
	}
}

func TestSARIFResults(t *testing.T) {
	type row struct{ Rule, Level, Score, Severity, URI, Suppressed string }
	run := sarifOf(t, ignoredReport())
	var got []row
	for _, r := range run.Results {
		rule := run.Tool.Driver.Rules[r.RuleIndex]
		if *rule.ID != *r.RuleID {
			t.Errorf("result of %s points to rule %s", *r.RuleID, *rule.ID)
		}
		place := r.Locations[0].PhysicalLocation
		if *place.Region.StartLine != 1 {
			t.Errorf("region of %s starts at line %d, want 1", *r.RuleID, *place.Region.StartLine)
		}
		suppressed := ""
		for _, s := range r.Suppressions {
			suppressed = *s.Kind + ": " + *s.Justification
		}
		got = append(got, row{
			*r.RuleID, r.Level, fmt.Sprint(rule.Properties.Properties["security-severity"]),
			fmt.Sprint(r.Properties.Properties["severity"]), *place.ArtifactLocation.URI, suppressed,
		})
	}
	const dpkg = "var/lib/dpkg/status"
	const lodash, semver = "srv/app/node_modules/lodash/package.json", "srv/app/node_modules/semver/package.json"
	want := []row{
		{"CVE-2031-0001", "error", "9.8", "critical", dpkg, ""},
		{"CVE-2031-0001", "error", "9.8", "critical", dpkg, ""},
		{"CVE-2031-0002", "error", "8.0", "high", dpkg, ""},
		{"CVE-2031-0100", "error", "8.0", "high", lodash, ""},
		{"CVE-2031-0003", "warning", "5.5", "medium", dpkg, ""},
		{"GHSA-aaaa-bbbb-cccc", "warning", "5.5", "medium", semver, ""},
		{"CVE-2031-0300", "warning", "5.5", "medium", dpkg, ""},
		{"CVE-2031-0004", "note", "2.0", "low", dpkg, ""},
		{"CVE-2031-0301", "note", "2.0", "low", dpkg, ""},
		{"CVE-2031-0302", "note", "2.0", "low", dpkg, ""},
		{"CVE-2031-0200", "warning", "0.0", "unknown", "usr/local/bin/healthcheck", ""},
		{"CVE-2031-0400", "error", "8.0", "high", lodash, "external: templates never come from users (until 2026-12-31)"},
		{"CVE-2031-0401", "note", "2.0", "low", lodash, "external: templates never come from users (until 2026-12-31)"},
		{"CVE-2031-0402", "note", "2.0", "low", semver, "external: build tool only"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
}

func TestSARIFFingerprintsAreTheFindings(t *testing.T) {
	r := typicalReport()
	seen := map[string]bool{}
	for _, result := range sarifOf(t, r).Results {
		id := result.PartialFingerprints["plimsollFinding/v1"]
		if seen[id] || result.PartialFingerprints["primaryLocationLineHash"] != id {
			t.Errorf("fingerprints of %s are %v", *result.RuleID, result.PartialFingerprints)
		}
		seen[id] = true
	}
	for _, f := range r.Findings {
		if !seen[f.ID] {
			t.Errorf("no result has the fingerprint of %s in %s", f.Check, f.Package.Name)
		}
	}
}

func TestSARIFInvocation(t *testing.T) {
	tests := []struct {
		name   string
		report scanners.Report
		ok     bool
		want   []string
	}{
		{"clean", cleanReport(), true, nil},
		{"typical", typicalReport(), true, []string{
			"warning: leftpad 1.x.beta (srv/app/node_modules/leftpad/package.json): its version is not one that npm can compare; check it by hand",
		}},
		{"failed", failedReport(), false, []string{
			"error: shop/api:2: no such image in the local engine; pull it with `docker pull shop/api:2`, or name an archive with --archive",
			"warning: leftpad 1.x.beta (srv/app/node_modules/leftpad/package.json): its version is not one that npm can compare; check it by hand",
		}},
		{"canceled", canceledReport(), false, []string{
			"error: Stopped before its end: the results are partial.",
			"warning: shop/web:1.4: stopped after 2 of 3 layers; run it again",
			"note: shop/web:1.4: the run was stopped before its packages were known; run it again",
		}},
		{"starter", starterReport(), true, []string{
			"warning: starter advisories: a few hundred well-known ones, run `plimsoll vulndb update` for the full database",
		}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			invocation := sarifOf(t, test.report).Invocations[0]
			if *invocation.ExecutionSuccessful != test.ok {
				t.Errorf("executionSuccessful is %v, want %v", *invocation.ExecutionSuccessful, test.ok)
			}
			if want := "2026-03-04T12:00:00.000Z"; *invocation.StartTimeUtc != want {
				t.Errorf("startTimeUtc is %s, want %s", *invocation.StartTimeUtc, want)
			}
			var got []string
			for _, n := range invocation.ToolExecutionNotifications {
				got = append(got, n.Level+": "+*n.Message.Text)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("notifications (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSARIFEncodesPaths(t *testing.T) {
	tests := []struct{ name, path, want string }{
		{"plain", "var/lib/dpkg/status", "var/lib/dpkg/status"},
		{"space and percent", "a b/%41", "a%20b/%2541"},
		{"question mark and hash", "a?b#c", "a%3Fb%23c"},
		{"leaves the image", "../../etc/passwd", "etc/passwd"},
		{"looks like a scheme", "javascript:alert(1)", "./javascript:alert%281%29"},
		{"looks like a host", "//example.org/x", "example.org/x"},
		{"control characters", "a\x1b\n\xff", "a%1B%0A%FF"},
		{"only a slash", "/", "."},
		{"empty", "", "shop/web:1.4"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := typicalReport()
			r.Findings = r.Findings[:1]
			r.Findings[0].Location.Path = test.path
			got := *sarifOf(t, r).Results[0].Locations[0].PhysicalLocation.ArtifactLocation.URI
			if got != test.want {
				t.Errorf("uri is %s, want %s", got, test.want)
			}
		})
	}
}

func TestSARIFRuleLinks(t *testing.T) {
	tests := []struct {
		name, check string
		references  []string
		want        string
	}{
		{"CVE", "CVE-2031-0001", nil, "https://www.cve.org/CVERecord?id=CVE-2031-0001"},
		{"GHSA", "GHSA-aaaa-bbbb-cccc", nil, "https://github.com/advisories/GHSA-aaaa-bbbb-cccc"},
		{"first on the web", "GO-2031-1", []string{"javascript:alert(1)", "mailto:a@b", "https://", "HTTPS://example.org/a b"}, "https://example.org/a%20b"},
		{"an id that wants to be an address", "CVE-2031-1&x", []string{"\x1b"}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := typicalReport()
			r.Findings = r.Findings[:1]
			r.Findings[0].Check, r.Findings[0].References = test.check, test.references
			got := ""
			if link := sarifOf(t, r).Tool.Driver.Rules[0].HelpURI; link != nil {
				got = *link
			}
			if got != test.want {
				t.Errorf("helpUri is %q, want %q", got, test.want)
			}
		})
	}
}

func TestSARIFRulesTakeTheHighestScore(t *testing.T) {
	r := typicalReport()
	r.Findings[1].CVSS = []scanners.CVSS{{Source: "nvd", Score: 4.2}, {Source: "vendor", Score: 10}}
	got := sarifOf(t, r).Tool.Driver.Rules[0].Properties.Properties["security-severity"]
	if got != "10.0" {
		t.Errorf("security-severity is %v, want 10.0", got)
	}
}

func TestSARIFTextHoldsNoLinks(t *testing.T) {
	r := typicalReport()
	r.Findings = r.Findings[:1]
	r.Findings[0].Title = "[click](https://example.org/evil)"
	got := *sarifOf(t, r).Results[0].Message.Text
	if !strings.Contains(got, `\[click\](https://example.org/evil)`) {
		t.Errorf("message is %q, want its brackets escaped", got)
	}
}

func FuzzWriteSARIF(f *testing.F) {
	f.Add("plain")
	f.Add("[a](b) {0} %s \x1b\u202e\xff ../:?#")
	f.Fuzz(func(t *testing.T, text string) {
		for _, c := range string(sarifBytes(t, filledReport(text))) {
			if c != '\n' && !strconv.IsPrint(c) {
				t.Fatalf("document holds %U", c)
			}
		}
		for _, result := range sarifOf(t, filledReport(text)).Results {
			uri := *result.Locations[0].PhysicalLocation.ArtifactLocation.URI
			u, err := url.Parse(uri)
			if err != nil || u.Scheme != "" || u.Host != "" || strings.HasPrefix(u.Path, "/") {
				t.Errorf("uri %q is not a relative reference: %v", uri, err)
			}
		}
	})
}

func BenchmarkWriteSARIF(b *testing.B) {
	r := longReport()
	b.ReportAllocs()
	for b.Loop() {
		if err := report.WriteSARIF(&bytes.Buffer{}, r); err != nil {
			b.Fatal(err)
		}
	}
}

func sarifBytes(t *testing.T, r scanners.Report) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteSARIF(&b, r); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sarifOf writes a report, reads it back and holds it against the official schema, which the library carries.
func sarifOf(t *testing.T, r scanners.Report) *sarif.Run {
	t.Helper()
	document, err := sarif.FromBytes(sarifBytes(t, r), sarif.WithStrictValidation())
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(); err != nil {
		t.Fatal(err)
	}
	if len(document.Runs) != 1 {
		t.Fatalf("%d runs, want 1", len(document.Runs))
	}
	return document.Runs[0]
}
