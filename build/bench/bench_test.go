package main

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestMedian(t *testing.T) {
	for _, test := range []struct {
		list []float64
		want float64
	}{{nil, 0}, {[]float64{3}, 3}, {[]float64{9, 1, 5}, 5}, {[]float64{1, 4, 2, 100}, 3}} {
		if got := median(test.list); got != test.want {
			t.Errorf("median(%v) = %v, want %v", test.list, got, test.want)
		}
	}
}

// The ratio is taken within a round: a machine that was slow in one round was slow for both.
func TestTimes(t *testing.T) {
	seconds := func(list ...int) []sample {
		samples := make([]sample, len(list))
		for i, s := range list {
			samples[i].wall = time.Duration(s) * time.Second
		}
		return samples
	}
	for _, test := range []struct {
		name          string
		theirs, ours  []sample
		want, wantCPU string
	}{
		{"a slow round", seconds(2, 20, 2), seconds(1, 10, 1), "2.0×", "–"},
		{"ours again", seconds(1, 3), seconds(2, 6), "0.5×", "–"},
		{"ours not measured", seconds(1, 2), nil, "–", "–"},
		{"theirs not measured", nil, seconds(1), "–", "–"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := [2]string{times(test.theirs, test.ours, wall), times(test.theirs, test.ours, cpu)}
			if diff := cmp.Diff([2]string{test.want, test.wantCPU}, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestTable(t *testing.T) {
	ways := []way{
		{name: oursFirst, against: oursFirst}, {name: "peer", against: oursFirst}, {name: "lost", against: oursFirst},
	}
	results := []result{
		{samples: []sample{{wall: time.Second, cpu: 2 * time.Second, peak: 50e6}}},
		{samples: []sample{{wall: 3 * time.Second, cpu: 5 * time.Second, peak: 600e6}}},
		{err: errors.New("not on\nPATH | sorry")},
	}
	want := `| way | wall | CPU | peak memory | times ours: wall | CPU | memory |
|---|---:|---:|---:|---:|---:|---:|
| plimsoll, directories, first | 1.000 s | 2.000 s | 50 MB | 1.0× | 1.0× | 1.0× |
| peer | 3.000 s | 5.000 s | 600 MB | 3.0× | 2.5× | 12.0× |
| lost | not measured: not on PATH / sorry | | | | | |
`
	if diff := cmp.Diff(want, table(ways, results)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// shell is a way that runs a script.
func shell(t *testing.T, script string) way {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("there is no sh")
	}
	return way{name: script, command: []string{"sh", "-c", script}}
}

func TestRaceInTurn(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	a, b, broken, missing := shell(t, "echo a >>"+log), shell(t, "echo b >>"+log), shell(t, "echo x >>"+log+"; echo why >&2; exit 3"), shell(t, "echo never >>"+log)
	b.warm = true
	missing.missing = "not on PATH"
	results := race(t.Context(), []way{a, b, broken, missing}, 3)

	text, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("b a b x a b a b", strings.Join(strings.Fields(string(text)), " ")); diff != "" {
		t.Errorf("order (-want +got)\n%s", diff)
	}
	if got := [4]int{len(results[0].samples), len(results[1].samples), len(results[2].samples), len(results[3].samples)}; got != [4]int{3, 3, 0, 0} {
		t.Errorf("samples: %v", got)
	}
	if err := results[2].err; err == nil || !strings.Contains(err.Error(), "why") {
		t.Errorf("the error does not tell what the program said: %v", err)
	}
	if s := results[0].samples[0]; s.wall <= 0 || s.peak <= 0 {
		t.Errorf("nothing measured: %+v", s)
	}
}

func TestMeasureForgets(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	w := shell(t, "mkdir "+data)
	w.forget = []string{data}
	for range 2 {
		if _, err := measure(t.Context(), w); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMeasureWantsResult(t *testing.T) {
	result := filepath.Join(t.TempDir(), "result")
	for _, test := range []struct {
		name, script string
		ok           bool
	}{
		{"written", "echo {} >" + result, true},
		{"written in part", "echo {} >" + result + "; exit 3", true},
		{"wrong usage", "echo {} >" + result + "; exit 2", false},
		{"empty", ": >" + result, false},
		{"none", ":", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := shell(t, test.script)
			w.result, w.forget = result, []string{result}
			if _, err := measure(t.Context(), w); (err == nil) != test.ok {
				t.Errorf("error %v", err)
			}
		})
	}
}
