package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"plimsoll/scanners"
)

// WriteSARIF writes the report as one run of SARIF 2.1.0 (OASIS Standard, errata 01): a rule per advisory, a result
// per finding with the most severe first, ignored findings after them as suppressed results, and what could not be
// looked at as notifications. executionSuccessful is false when something failed or the run was cut short.
//
// It carries what GitHub's code scanning asks for: ruleId, a location with file and region, security-severity, and
// fingerprints. All results are written, however many. GitHub shows the first 5,000 of a run by severity and refuses a
// file with more than 25,000: assess fewer images at once, or leave out low severities. The document is one line,
// because it is three times as long as the report it is made of and only programs read it. The error is the writer's.
func WriteSARIF(w io.Writer, r scanners.Report) error {
	run := sarif.NewRun()
	names := assetNames(r)
	rules := newRules()
	for _, f := range worstFirst(r.Findings) {
		run.AddResult(result(f, names[f.Asset], rules.index(f)))
	}
	for _, i := range r.Ignored {
		suppression := sarif.NewSuppression().WithKind("external").WithStatus("accepted").WithJustification(justification(i))
		run.AddResult(result(i.Finding, names[i.Finding.Asset], rules.index(i.Finding)).AddSuppression(suppression))
	}
	run.Tool = sarif.NewTool().WithDriver(driver(r.Run, rules))
	run.AddInvocation(invocation(r, names))

	document := sarif.NewReport()
	document.AddRun(run)
	data, err := marshal(document, "")
	if err != nil {
		return fmt.Errorf("encode sarif: %w", err)
	}
	if _, err := w.Write(data); err != nil {
		return fmt.Errorf("write sarif: %w", err)
	}
	return nil
}

// assetNames are the names of the report's assets by key.
func assetNames(r scanners.Report) map[string]string {
	names := make(map[string]string, len(r.Assets))
	for _, a := range r.Assets {
		names[a.Key] = a.Name
	}
	return names
}

func worstFirst(findings []scanners.Finding) []scanners.Finding {
	return slices.SortedStableFunc(slices.Values(findings), func(a, b scanners.Finding) int {
		return cmp.Compare(b.Severity, a.Severity)
	})
}

// justification is why a finding is ignored, and until when.
func justification(i scanners.Ignored) string {
	if i.Until == "" {
		return Visible(i.Reason)
	}
	return Visible(i.Reason + " (until " + i.Until + ")")
}

// driver describes the program and its rules.
func driver(run scanners.Run, rules *rules) *sarif.ToolComponent {
	d := sarif.NewToolComponent().WithName("Plimsoll").WithRules(rules.list)
	if run.Version != "" {
		d.WithVersion(Visible(run.Version))
	}
	properties := sarif.NewPropertyBag().Add("database", Visible(run.Database.Kind))
	if !run.Database.UpdatedAt.IsZero() {
		properties.Add("databaseUpdatedAt", run.Database.UpdatedAt.UTC().Format(time.RFC3339))
	}
	return d.WithProperties(properties)
}

// invocation tells when the run took place, whether it succeeded, and what it could not look at.
func invocation(r scanners.Report, names map[string]string) *sarif.Invocation {
	i := sarif.NewInvocation().WithExecutionSuccessful(complete(r))
	if !r.Run.StartedAt.IsZero() {
		i.WithStartTimeUtc(moment(r.Run.StartedAt))
	}
	if !r.Run.EndedAt.IsZero() {
		i.WithEndTimeUtc(moment(r.Run.EndedAt))
	}
	if r.Run.Canceled {
		i.AddToolExecutionNotification(notification(sarif.LevelError, "Stopped before its end: the results are partial."))
	}
	if r.Run.Database.Kind == scanners.DatabaseStarter {
		i.AddToolExecutionNotification(notification(sarif.LevelWarning, starterAdvisories))
	}
	for _, note := range r.Notes {
		i.AddToolExecutionNotification(notification(sarif.LevelNote, note))
	}
	for _, c := range gaps(r.Coverage) {
		n := notification(noticeLevel(c.State), c.Subject+": "+cmp.Or(c.Reason, "no reason was given"))
		n.WithProperties(sarif.NewPropertyBag().Add("scanner", Visible(c.Scanner)).Add("state", Visible(string(c.State))))
		if name := names[c.Asset]; name != "" {
			n.AddLocation(sarif.NewLocation().WithLogicalLocations([]*sarif.LogicalLocation{imageLocation(c.Asset, name)}))
		}
		i.AddToolExecutionNotification(n)
	}
	return i
}

// moment is a time as SARIF wants it (section 3.9): UTC, no more than milliseconds.
func moment(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05.000Z") }

func notification(level, text string) *sarif.Notification {
	return sarif.NewNotification().WithLevel(level).WithMessage(message(text))
}

func noticeLevel(s scanners.CoverageState) string {
	switch s {
	case scanners.CoverageFailed:
		return sarif.LevelError
	case scanners.CoverageSkipped:
		return sarif.LevelNote
	default:
		return sarif.LevelWarning
	}
}
