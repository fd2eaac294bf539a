package report

import (
	"cmp"
	"slices"

	"plimsoll/scanners"
)

// Keep takes the findings out of a report for which keep is false, and out of its fixes: a fix that clears nothing
// any more goes too, and the others are as severe as the worst that they still clear. It returns what it took out.
// Lists that others hold are not changed. The report does not remember that it was narrowed: tell it with
// Options.Only, or an image whose findings all went looks clean.
func Keep(r *scanners.Report, keep func(scanners.Finding) bool) []scanners.Finding {
	var taken []scanners.Finding
	gone := map[string]bool{}
	severity := map[string]scanners.Severity{}
	kept := make([]scanners.Finding, 0, len(r.Findings))
	for _, f := range r.Findings {
		if !keep(f) {
			taken = append(taken, f)
			gone[f.ID] = true
			continue
		}
		kept = append(kept, f)
		severity[f.ID] = f.Severity
	}
	if len(taken) == 0 {
		return nil
	}
	r.Findings = kept
	r.Fixes = prune(r.Fixes, gone, severity)
	return taken
}

// prune takes findings out of fixes and puts the fixes that became less severe back in order.
func prune(fixes []scanners.FixAction, gone map[string]bool, severity map[string]scanners.Severity) []scanners.FixAction {
	kept := make([]scanners.FixAction, 0, len(fixes))
	for _, fix := range fixes {
		left := slices.DeleteFunc(slices.Clone(fix.Findings), func(id string) bool { return gone[id] })
		if len(left) == 0 {
			continue
		}
		if len(left) < len(fix.Findings) {
			fix.Findings = left
			fix.Severity = scanners.SeverityUnknown
			for _, id := range left {
				fix.Severity = max(fix.Severity, severity[id])
			}
		}
		kept = append(kept, fix)
	}
	slices.SortStableFunc(kept, func(a, b scanners.FixAction) int { return cmp.Compare(b.Severity, a.Severity) })
	return kept
}
