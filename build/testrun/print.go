package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// print shows the table of groups and the last line.
func (t *tally) print() {
	if len(t.groups) > 0 {
		fmt.Fprintln(t.out)
		t.printGroups()
	}
	fmt.Fprintf(t.out, "\n%d passed, %d failed, %d skipped\n", t.passed, t.failed, t.skipped)
}

func (t *tally) printGroups() {
	names := slices.Sorted(maps.Keys(t.groups))
	width := len("group")
	for _, name := range names {
		width = max(width, len(name))
	}
	fmt.Fprintf(t.out, "%-*s | ran | skipped | why\n", width, "group")
	for _, name := range names {
		g := t.groups[name]
		row := fmt.Sprintf("%-*s | %3d | %7d | %s", width, name, g.ran, g.skipped, g.reasons())
		fmt.Fprintln(t.out, strings.TrimRight(row, " "))
	}
}

// showTest shows all that a test which failed, or never ended, said.
func (t *tally) showTest(pkg string, test *testResult) {
	verb := "FAIL"
	if test.action == "" {
		verb = "UNFINISHED"
	}
	fmt.Fprintf(t.out, "\n%s  %s %s (%.2f s)\n%s", verb, pkg, test.name, test.elapsed, test.output.String())
}

// showPackage shows what the compiler said of a failed package, and what the package said outside of its tests.
func (t *tally) showPackage(e event) {
	if e.FailedBuild != "" {
		fmt.Fprintf(t.out, "\n%s", t.build(e.FailedBuild))
	}
	fmt.Fprint(t.out, t.of(e.Package).output.String())
}

// showLine shows a package's result in one line. Packages without tests stay out of sight.
func (t *tally) showLine(e event, p *packageResult) {
	word := "ok  "
	switch {
	case p.failed > 0:
		word = "FAIL"
	case len(p.tests) == 0:
		return
	}
	fmt.Fprintf(t.out, "%s  %-40s %4d passed, %d failed, %d skipped  %.2f s\n", word, e.Package, p.passed, p.failed, p.skipped, e.Elapsed)
}
