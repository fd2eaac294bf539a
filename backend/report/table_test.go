package report_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/mattn/go-runewidth"

	"plimsoll/backend/report"
	"plimsoll/scanners"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func TestWriteTable(t *testing.T) {
	notes := []string{"ignore.yaml:3: the entry for CVE-2031-9999 is unused, no finding fits it: remove it"}
	tests := []struct {
		name    string
		report  scanners.Report
		options report.Options
	}{
		{"nothing", emptyReport(), report.Options{}},
		{"clean", cleanReport(), report.Options{}},
		{"typical-60", typicalReport(), report.Options{Width: 60}},
		{"typical-80", typicalReport(), report.Options{}},
		{"typical-120", typicalReport(), report.Options{Width: 120}},
		{"typical-color", typicalReport(), report.Options{Color: true}},
		{"starter", starterReport(), report.Options{}},
		{"canceled", canceledReport(), report.Options{}},
		{"failed", failedReport(), report.Options{}},
		{"ignored", withNotes(ignoredReport(), notes), report.Options{}},
		{"long", longReport(), report.Options{}},
		{"long-all", longReport(), report.Options{All: true}},
		{"many", manyReport(), report.Options{}},
		{"many-60", manyReport(), report.Options{Width: 60}},
		{"narrowed", manyReport(), report.Options{Only: "high and critical"}},
		{"hostile", hostileReport(), report.Options{}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := table(t, test.report, test.options)
			checkLines(t, got, test.options)
			golden(t, filepath.Join("testdata", "table", test.name+".txt"), got)
		})
	}
}

func TestTableNeverCallsAnImageFineThatWasNotLookedAt(t *testing.T) {
	fine := "✓ No known vulnerabilities."
	tests := []struct {
		name    string
		change  func(*scanners.Report)
		options report.Options
		want    bool
	}{
		{"everything was looked at", func(*scanners.Report) {}, report.Options{}, true},
		{"no coverage at all", func(r *scanners.Report) { r.Coverage = nil }, report.Options{}, false},
		{"packages only", func(r *scanners.Report) { r.Coverage = r.Coverage[:1] }, report.Options{}, false},
		{"a partial scanner", func(r *scanners.Report) { r.Coverage[0].State = scanners.CoveragePartial }, report.Options{}, false},
		{"a skipped scanner", func(r *scanners.Report) { r.Coverage[1].State = scanners.CoverageSkipped }, report.Options{}, false},
		{"a failed scanner", func(r *scanners.Report) { r.Coverage[1].State = scanners.CoverageFailed }, report.Options{}, false},
		{"a state it does not know", func(r *scanners.Report) { r.Coverage[1].State = "stale" }, report.Options{}, false},
		{"a stopped run", func(r *scanners.Report) { r.Run.Canceled = true }, report.Options{}, false},
		{"the starter advisories", func(r *scanners.Report) { r.Run.Database.Kind = scanners.DatabaseStarter }, report.Options{}, false},
		{"a narrowed report", func(*scanners.Report) {}, report.Options{Only: "critical"}, false},
		{"ignored findings", func(r *scanners.Report) { r.Ignored = ignoredReport().Ignored }, report.Options{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := cleanReport()
			test.change(&r)
			if got := strings.Contains(table(t, r, test.options), fine); got != test.want {
				t.Errorf("says %q: %v, want %v", fine, got, test.want)
			}
		})
	}
}

func TestTableLosesNoFinding(t *testing.T) {
	r := typicalReport()
	r.Findings[3].Asset = "an image that the report does not list"
	r.Fixes[1].Findings = nil
	got := table(t, r, report.Options{All: true})
	for _, f := range r.Findings {
		if !strings.Contains(got, f.Check) {
			t.Errorf("%s is not in the table", f.Check)
		}
	}
}

func TestTableLeavesOutFixesThatClearNothing(t *testing.T) {
	r := typicalReport()
	r.Fixes[1].Findings = []string{"a finding that was taken out"}
	got := table(t, r, report.Options{})
	if strings.Contains(got, r.Fixes[1].Title) {
		t.Errorf("%q clears nothing and is shown", r.Fixes[1].Title)
	}
	if !strings.Contains(got, "lodash: fixed in 4.17.21, 1 finding: CVE-2031-0100") {
		t.Error("the finding that no fix clears is not shown")
	}
}

func TestTableTellsTheWriterError(t *testing.T) {
	broken := errors.New("no space left")
	err := report.WriteTable(brokenWriter{broken}, cleanReport(), report.Options{})
	if !errors.Is(err, broken) {
		t.Errorf("error is %v, want %v", err, broken)
	}
}

func withNotes(r scanners.Report, notes []string) scanners.Report {
	r.Notes = notes
	return r
}

func FuzzWriteTable(f *testing.F) {
	f.Add("plain", 80, false)
	f.Add("\x1b[31mred\x1b[0m", 60, true)
	f.Add("\u202eevil\u2066\u200d\u009b31m\xff\x00\r\n\t", 40, false)
	f.Add(strings.Repeat("日本\u0301\u0301\u0301\u0301\u0301", 40), 41, true)
	f.Add("👩‍👩‍👧‍👦 ＷＩＤＥ \U000e0041", 120, false)
	f.Fuzz(func(t *testing.T, text string, width int, color bool) {
		r := filledReport(text)
		o := report.Options{Width: width % 300, Color: color, All: len(text)%2 == 0, Only: text}
		checkLines(t, table(t, r, o), o)
	})
}

func BenchmarkWriteTable(b *testing.B) {
	r := longReport()
	b.ReportAllocs()
	for b.Loop() {
		if err := report.WriteTable(&bytes.Buffer{}, r, report.Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func table(t *testing.T, r scanners.Report, o report.Options) string {
	t.Helper()
	var b bytes.Buffer
	if err := report.WriteTable(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var ourColors = regexp.MustCompile("\x1b\\[(?:0|1|1;35|3[1-6])m")

// checkLines fails when a line is wider than the page or holds anything that a terminal could obey.
func checkLines(t *testing.T, text string, o report.Options) {
	t.Helper()
	width := o.Width
	if width <= 0 {
		width = 80
	}
	width = max(width, 40)
	if o.Color {
		text = ourColors.ReplaceAllString(text, "")
	}
	cells := runewidth.Condition{StrictEmojiNeutral: true}
	command := false
	for _, line := range strings.Split(text, "\n") {
		for _, r := range line {
			if !strconv.IsPrint(r) {
				t.Fatalf("line %q holds %U", line, r)
			}
		}
		command = strings.HasPrefix(strings.TrimLeft(line, " "), "$ ") || command && strings.HasPrefix(line, strings.Repeat(" ", 16))
		if size := cells.StringWidth(line); size > width && !command {
			t.Errorf("line is %d columns wide, want at most %d: %q", size, width, line)
		}
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("%v; write it with -update", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s differs, look and write it with -update (-want +got):\n%s", file, diff)
	}
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
