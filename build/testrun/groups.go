package main

import (
	"regexp"
	"slices"
	"strings"
)

// marker is the line that plimsoll/testdata/need leaves in a test's log.
var marker = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: group ([\w-]+): (?:(ran)|skipped: (.*))$`)

// groups counts the tests of each group by its name.
type groups map[string]group

// group is what became of the tests that depend on one thing.
type group struct {
	ran, skipped int
	why          []string // each reason once
}

// read takes the markers from one test's output. A test that asks several times counts once a group.
func (g groups) read(output string) {
	seen := map[string]bool{}
	for _, match := range marker.FindAllStringSubmatch(output, -1) {
		name, ran, why := match[1], match[2] != "", match[3]
		if seen[name] {
			continue
		}
		seen[name] = true
		one := g[name]
		if ran {
			one.ran++
		} else {
			one.skipped++
			if !slices.Contains(one.why, why) {
				one.why = append(one.why, why)
			}
		}
		g[name] = one
	}
}

// reasons is all that kept tests of the group from running, in one line.
func (g group) reasons() string { return strings.Join(g.why, "; ") }
