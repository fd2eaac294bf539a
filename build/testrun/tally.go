package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// event is one line of `go test -json`, as `go doc test2json` and `go help buildjson` describe it.
type event struct {
	Action      string
	Package     string
	Test        string
	Elapsed     float64 // seconds
	Output      string
	ImportPath  string // of build events
	FailedBuild string // the ImportPath whose build events tell why the package failed
}

// tally counts results and shows them while they come in. It is not safe for concurrent use.
type tally struct {
	out                     io.Writer
	passed, failed, skipped int
	packages                map[string]*packageResult
	builds                  map[string]*strings.Builder // what the compiler said, by ImportPath
	groups                  groups
}

// packageResult is what is known of one package.
type packageResult struct {
	done                    bool
	passed, failed, skipped int
	tests                   []*testResult // in the order in which they started
	output                  strings.Builder
}

// testResult is one test, subtest, example or fuzz target.
type testResult struct {
	name    string
	action  string // pass, fail or skip; empty while it runs
	elapsed float64
	output  strings.Builder
}

func newTally(out io.Writer) *tally {
	return &tally{out: out, packages: map[string]*packageResult{}, builds: map[string]*strings.Builder{}, groups: groups{}}
}

// read takes events until the input ends. Lines that are not events are shown as they are.
func (t *tally) read(input io.Reader) error {
	reader := bufio.NewReader(input)
	for {
		line, err := reader.ReadBytes('\n')
		var e event
		switch {
		case len(line) == 0:
		case json.Unmarshal(line, &e) == nil && e.Action != "":
			t.add(e)
		default:
			fmt.Fprintf(t.out, "%s\n", strings.TrimRight(string(line), "\n"))
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// exited takes down that go test ended with an error. That is a failure of its own only when no other was seen.
func (t *tally) exited(message string) {
	if t.failed == 0 {
		t.fail("go test ended with an error and reported no failed test: " + message)
	}
}

// finish counts what should have been reported and was not: packages without a result, required groups without a test.
func (t *tally) finish(packages, required []string) {
	for _, name := range packages {
		if p := t.packages[name]; p == nil || !p.done {
			t.end(event{Action: "fail", Package: name})
			fmt.Fprintf(t.out, "FAIL  %s  never reported its result\n", name)
		}
	}
	for _, name := range required {
		name = strings.TrimSpace(name)
		if name != "" && name != "all" && t.groups[name].ran == 0 {
			t.fail(fmt.Sprintf("group %s is required, and no test of it ran", name))
		}
	}
}

// fail counts a failure that belongs to no test.
func (t *tally) fail(message string) {
	t.failed++
	fmt.Fprintln(t.out, "FAIL ", message)
}

func (t *tally) add(e event) {
	switch {
	case e.Action == "build-output":
		t.build(e.ImportPath).WriteString(e.Output)
	case e.Action == "build-fail":
	case e.Test != "":
		t.addTest(e)
	case e.Action == "output":
		t.of(e.Package).output.WriteString(e.Output)
	case e.Action == "pass" || e.Action == "fail" || e.Action == "skip":
		t.end(e)
	}
}

func (t *tally) addTest(e event) {
	p := t.of(e.Package)
	test := p.test(e.Test)
	switch e.Action {
	case "output":
		test.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		test.action, test.elapsed = e.Action, e.Elapsed
		t.groups.read(test.output.String())
		if e.Action != "fail" {
			test.output.Reset()
		}
	}
}

// end counts a package that has its result, and shows it.
func (t *tally) end(e event) {
	p := t.of(e.Package)
	p.done = true
	for _, test := range p.tests {
		switch test.action {
		case "pass":
			p.passed++
		case "skip":
			p.skipped++
		default:
			p.failed++
			t.showTest(e.Package, test)
		}
	}
	if e.Action == "fail" {
		if p.failed == 0 {
			p.failed++
		}
		t.showPackage(e)
	}
	t.passed += p.passed
	t.failed += p.failed
	t.skipped += p.skipped
	t.showLine(e, p)
}

// of is the result of the package, new when nothing is known of it.
func (t *tally) of(name string) *packageResult {
	if t.packages[name] == nil {
		t.packages[name] = &packageResult{}
	}
	return t.packages[name]
}

func (t *tally) build(importPath string) *strings.Builder {
	if t.builds[importPath] == nil {
		t.builds[importPath] = &strings.Builder{}
	}
	return t.builds[importPath]
}

// test is the test of that name, new when nothing is known of it. Output may still come after its result.
func (p *packageResult) test(name string) *testResult {
	for _, test := range slices.Backward(p.tests) {
		if test.name == name {
			return test
		}
	}
	test := &testResult{name: name}
	p.tests = append(p.tests, test)
	return test
}
