package main

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/google/licensecheck"
)

// enough is how much of a file, in percent of its words, must be known licence text. What remains is copyright lines.
const enough = 75

// noticeName matches files that come with a licence and are none themselves.
var noticeName = regexp.MustCompile(`(?i)(^|/)(notice|copyright)([-._][^/]*)?$`)

// judge says what is wrong with the modules' licences, each time naming module, file and licence.
func judge(modules []module, allowed map[string]bool) []string {
	var problems []string
	for _, m := range modules {
		licensed := false
		for _, f := range m.files {
			if noticeName.MatchString(f.name) {
				continue
			}
			licensed = true
			ids, percent := detect(f.text)
			if percent < enough {
				problems = append(problems, fmt.Sprintf("%s %s: %s is not a known licence (%.0f %% of it is)", m.path, m.version, f.name, percent))
				continue
			}
			for _, id := range ids {
				if !allowed[id] {
					problems = append(problems, fmt.Sprintf("%s %s: %s is under %s, which is not allowed", m.path, m.version, f.name, id))
				}
			}
		}
		if !licensed {
			problems = append(problems, fmt.Sprintf("%s %s: there is no licence file", m.path, m.version))
		}
	}
	return problems
}

// ids are the licences in the module's files, each once, sorted.
func (m module) ids() []string {
	var all []string
	for _, f := range m.files {
		if !noticeName.MatchString(f.name) {
			ids, _ := detect(f.text)
			all = append(all, ids...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// detect finds the licences in a text, in its order, and how much of it they make up, in percent.
func detect(text string) ([]string, float64) {
	coverage := licensecheck.Scan([]byte(text))
	var ids []string
	for _, match := range coverage.Match {
		if !match.IsURL && !slices.Contains(ids, match.ID) {
			ids = append(ids, match.ID)
		}
	}
	return ids, coverage.Percent
}
