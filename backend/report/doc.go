// Package report turns what a run found out into documents: a table for a terminal, JSON for programs, SARIF for
// code scanning. It also reads ignore files, with which a team takes findings out of a report for a stated reason.
//
// Everything starts from one [scanners.Report]:
//
//	r.Notes = ignore.Apply(&r, today)            // accepted findings leave, stale entries are told
//	report.Keep(&r, func(f scanners.Finding) …)  // what the user asked not to see
//	report.WriteTable(w, r, report.Options{Width: 80, Only: "critical"})
//
// The writers judge nothing, look at no clock and write nothing but the document; ages are counted from the start of
// the run. Text that came from what was scanned is hostile: [Visible] makes it harmless wherever people may see it in
// a terminal, and a document never carries a raw control character.
package report
