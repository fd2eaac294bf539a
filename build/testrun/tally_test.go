package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// replay feeds recorded reports of go test to a tally.
func replay(t *testing.T, recordings ...string) (*tally, *strings.Builder) {
	t.Helper()
	out := &strings.Builder{}
	tally := newTally(out)
	for _, name := range recordings {
		file, err := os.Open(filepath.Join("testdata", name+".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if err := tally.read(file); err != nil {
			t.Fatal(err)
		}
	}
	return tally, out
}

func TestTally(t *testing.T) {
	for _, test := range []struct {
		recording               string
		passed, failed, skipped int
		shows                   string // what a person needs to see
	}{
		{"good", 3, 0, 3, "ok    example/good"},
		{"bad", 2, 2, 0, "bad_test.go:4: two is not three"},
		{"panics", 1, 1, 0, "panic: assignment to entry in nil map"},
		{"slow", 1, 1, 0, "panic: test timed out after 1s"},
		{"broken", 0, 1, 0, "broken_test.go:3:33: undefined: undefined"},
		{"exits", 0, 1, 0, "nothing to do"},
		{"none", 0, 0, 0, ""},
	} {
		t.Run(test.recording, func(t *testing.T) {
			tally, out := replay(t, test.recording)
			tally.finish([]string{"example/" + test.recording}, nil)
			got := [3]int{tally.passed, tally.failed, tally.skipped}
			if diff := cmp.Diff([3]int{test.passed, test.failed, test.skipped}, got); diff != "" {
				t.Errorf("passed, failed, skipped (-want +got)\n%s", diff)
			}
			if !strings.Contains(out.String(), test.shows) {
				t.Errorf("does not show %q:\n%s", test.shows, out)
			}
		})
	}
}

func TestQuietTestsStayQuiet(t *testing.T) {
	_, out := replay(t, "bad")
	if strings.Contains(out.String(), "quiet") {
		t.Errorf("shows the log of a test that passed:\n%s", out)
	}
}

func TestPackageThatNeverReports(t *testing.T) {
	tally, out := replay(t, "good")
	tally.finish([]string{"example/good", "example/lost"}, nil)
	if tally.failed != 1 || !strings.Contains(out.String(), "example/lost  never reported its result") {
		t.Errorf("%d failed, want 1:\n%s", tally.failed, out)
	}
}

// A package that is cut off in the middle of a test has the test without a result, and no result itself.
func TestReportThatIsCutOff(t *testing.T) {
	tally, _ := replay(t)
	cut := `{"Action":"run","Package":"example/cut","Test":"TestA"}` + "\n" +
		`{"Action":"output","Package":"example/cut","Test":"TestA","Output":"half`
	if err := tally.read(strings.NewReader(cut)); err != nil {
		t.Fatal(err)
	}
	tally.finish([]string{"example/cut"}, nil)
	if tally.failed != 1 || tally.passed != 0 {
		t.Errorf("%d failed and %d passed, want 1 and 0", tally.failed, tally.passed)
	}
}

// A test that has no result counts as failed even when its package claims to have passed.
func TestPassWithUnfinishedTest(t *testing.T) {
	tally, _ := replay(t)
	report := `{"Action":"run","Package":"example/odd","Test":"TestA"}` + "\n" + `{"Action":"pass","Package":"example/odd"}`
	if err := tally.read(strings.NewReader(report)); err != nil {
		t.Fatal(err)
	}
	if tally.failed != 1 {
		t.Errorf("%d failed, want 1", tally.failed)
	}
}

// A goroutine that outlives its test may print after the result.
func TestOutputAfterResult(t *testing.T) {
	tally, _ := replay(t)
	report := `{"Action":"run","Package":"example/late","Test":"TestA"}` + "\n" +
		`{"Action":"pass","Package":"example/late","Test":"TestA"}` + "\n" +
		`{"Action":"output","Package":"example/late","Test":"TestA","Output":"late\n"}` + "\n" +
		`{"Action":"pass","Package":"example/late"}`
	if err := tally.read(strings.NewReader(report)); err != nil {
		t.Fatal(err)
	}
	if tally.failed != 0 || tally.passed != 1 {
		t.Errorf("%d failed and %d passed, want 0 and 1", tally.failed, tally.passed)
	}
}

func TestExitWithoutFailure(t *testing.T) {
	tally, _ := replay(t, "good")
	tally.exited("exit status 2")
	if tally.failed != 1 {
		t.Errorf("%d failed after go test ended with an error, want 1", tally.failed)
	}
	tally, _ = replay(t, "panics")
	tally.exited("exit status 1")
	if tally.failed != 1 {
		t.Errorf("%d failed, want the failed test to explain the exit status", tally.failed)
	}
}

func TestRequiredGroups(t *testing.T) {
	for _, test := range []struct {
		required string
		failed   int
	}{{"", 0}, {"engine", 0}, {"all", 0}, {"npm", 1}, {"engine,npm, root", 2}} {
		tally, _ := replay(t, "good")
		tally.finish(nil, strings.Split(test.required, ","))
		if tally.failed != test.failed {
			t.Errorf("%q: %d failed, want %d", test.required, tally.failed, test.failed)
		}
	}
}

func TestPrint(t *testing.T) {
	tally, out := replay(t, "good", "none")
	tally.finish([]string{"example/good", "example/none"}, nil)
	out.Reset()
	tally.print()
	want := `
group  | ran | skipped | why
engine |   1 |       0 |
npm    |   0 |       2 | npm is not installed

3 passed, 0 failed, 3 skipped
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMarkersOnlyFromLogs(t *testing.T) {
	g := groups{}
	g.read("group engine: ran\nsaid group npm: ran\n    x_test.go:1: group root: ran\n    x_test.go:2: group root: ran\n")
	if diff := cmp.Diff(groups{"root": {ran: 1}}, g, cmp.AllowUnexported(group{})); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"good", "panics", "broken"} {
		recording, err := os.ReadFile(filepath.Join("testdata", name+".jsonl"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(recording))
	}
	f.Fuzz(func(t *testing.T, report string) {
		tally := newTally(&strings.Builder{})
		if err := tally.read(strings.NewReader(report)); err != nil {
			t.Fatal(err)
		}
		tally.finish([]string{"example/asked"}, nil)
		if p := tally.packages["example/asked"]; p.failed == 0 && !p.done {
			t.Error("a package without a result was not counted as failed")
		}
	})
}
