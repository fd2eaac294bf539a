package report

import (
	"cmp"
	"slices"
	"strings"

	"plimsoll/scanners"
)

// section is what a report says about one image.
type section struct {
	asset    scanners.Asset
	findings []scanners.Finding
	fixes    []scanners.FixAction
	ignored  []scanners.Ignored
	coverage []scanners.Coverage
}

// sections sorts a report by image, in the report's order. Nothing gets lost: a finding of an asset that the report
// does not list makes a section of its own. The coverage that belongs to no listed image is returned apart.
func sections(r scanners.Report) ([]section, []scanners.Coverage) {
	var list []section
	place := map[string]int{}
	for _, a := range r.Assets {
		if _, known := place[a.Key]; !known {
			place[a.Key] = len(list)
		}
		list = append(list, section{asset: a})
	}
	at := func(key string) *section {
		i, known := place[key]
		if !known {
			i = len(list)
			place[key] = i
			list = append(list, section{asset: scanners.Asset{Key: key, Name: key}})
		}
		return &list[i]
	}
	for _, f := range r.Findings {
		s := at(f.Asset)
		s.findings = append(s.findings, f)
	}
	for _, f := range r.Fixes {
		s := at(f.Asset)
		s.fixes = append(s.fixes, f)
	}
	for _, i := range r.Ignored {
		s := at(i.Finding.Asset)
		s.ignored = append(s.ignored, i)
	}
	var rest []scanners.Coverage
	for _, c := range r.Coverage {
		if i, known := place[c.Asset]; known {
			list[i].coverage = append(list[i].coverage, c)
			continue
		}
		rest = append(rest, c)
	}
	return list, rest
}

// upgrade is one fix with the findings of the report that it clears.
type upgrade struct {
	scanners.FixAction
	checks []string // advisory ids, worst first, each once
	clears int
}

// upgrades are the fixes that clear something in the report, in its order, and the findings that none of them clears.
func (s section) upgrades() ([]upgrade, []scanners.Finding) {
	byID := make(map[string]scanners.Finding, len(s.findings))
	for _, f := range s.findings {
		byID[f.ID] = f
	}
	var list []upgrade
	cleared := map[string]bool{}
	for _, action := range s.fixes {
		u := upgrade{FixAction: action}
		if u.To == "" && u.Command == "" {
			continue
		}
		for _, id := range u.Findings {
			f, known := byID[id]
			if !known {
				continue
			}
			cleared[id] = true
			u.clears++
			u.checks = append(u.checks, f.Check)
		}
		if u.clears > 0 {
			u.checks = unique(u.checks)
			list = append(list, u)
		}
	}
	left := slices.DeleteFunc(slices.Clone(s.findings), func(f scanners.Finding) bool { return cleared[f.ID] })
	return list, left
}

// group is findings that share their package and the reason why no upgrade clears them.
type group struct {
	name     string
	reason   string
	severity scanners.Severity
	checks   []string
	findings int
}

// groups puts findings together by package and reason, the worst first.
func groups(findings []scanners.Finding) []group {
	var list []group
	place := map[[2]string]int{}
	for _, f := range findings {
		key := [2]string{cmp.Or(f.Package.Source, f.Package.Name, f.Title), standing(f)}
		i, known := place[key]
		if !known {
			i = len(list)
			place[key] = i
			list = append(list, group{name: key[0], reason: key[1]})
		}
		g := &list[i]
		g.findings++
		g.severity = max(g.severity, f.Severity)
		g.checks = append(g.checks, f.Check)
	}
	for i := range list {
		list[i].checks = unique(list[i].checks)
	}
	slices.SortStableFunc(list, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(b.findings, a.findings), strings.Compare(a.name, b.name))
	})
	return list
}

// standing says why no upgrade clears a finding.
func standing(f scanners.Finding) string {
	switch f.Status {
	case scanners.StatusAffected:
		return "no fix is published"
	case scanners.StatusWillNotFix:
		return "its vendor decided against a fix"
	case scanners.StatusFixDeferred:
		return "its vendor postponed the fix"
	case scanners.StatusEndOfLife:
		return "its release gets no fixes any more"
	case scanners.StatusUnderInvestigation:
		return "its vendor is still looking into it"
	default:
		if f.FixedVersion != "" {
			return "fixed in " + f.FixedVersion
		}
		return "no fix is known"
	}
}

// unreached are the images that were asked for and never seen: failures that belong to no image.
func unreached(rest []scanners.Coverage) []string {
	var names []string
	for _, c := range rest {
		if c.Asset == "" && c.State == scanners.CoverageFailed {
			names = append(names, c.Subject)
		}
	}
	return unique(names)
}

// unique keeps the first of equal values.
func unique(values []string) []string {
	seen := make(map[string]bool, len(values))
	return slices.DeleteFunc(values, func(v string) bool {
		known := seen[v]
		seen[v] = true
		return known
	})
}

// assessed says how completely the image was matched against advisories: done only when everything was.
func (s section) assessed() scanners.CoverageState {
	state := scanners.CoverageSkipped
	for _, c := range s.coverage {
		if c.State != scanners.CoverageDone {
			return scanners.CoveragePartial
		}
		if c.Scanner == scanners.ScannerVulnerabilities {
			state = scanners.CoverageDone
		}
	}
	return state
}

// gaps is the coverage that is not complete, failures first.
func gaps(coverage []scanners.Coverage) []scanners.Coverage {
	list := slices.DeleteFunc(slices.Clone(coverage), func(c scanners.Coverage) bool { return c.State == scanners.CoverageDone })
	order := []scanners.CoverageState{scanners.CoverageFailed, scanners.CoveragePartial, scanners.CoverageSkipped}
	slices.SortStableFunc(list, func(a, b scanners.Coverage) int {
		return cmp.Compare(slices.Index(order, a.State), slices.Index(order, b.State))
	})
	return list
}
