package report

import (
	"fmt"
	"time"

	"plimsoll/scanners"
)

// database tells what the findings were matched against, and how old it was when the run started.
func (t table) database(run scanners.Run) {
	d := run.Database
	t.gap()
	if d.Kind == "" {
		t.flow(nil, span{text: "Database: none was used."})
		return
	}
	text := t.clip(d.Kind, 40)
	if d.Kind == scanners.DatabaseStarter {
		text = "starter advisories"
	}
	if d.Advisories > 0 {
		text += fmt.Sprintf(" (%s)", number(d.Advisories))
	}
	if d.Kind != scanners.DatabaseStarter || !d.UpdatedAt.IsZero() {
		text += ", " + collected(d.UpdatedAt, run.StartedAt)
	}
	t.flow(nil, span{text: "Database: " + text + "."})
	if !d.NextUpdate.IsZero() && d.NextUpdate.Before(run.StartedAt) {
		t.flow(nil, span{text: "A newer one was due " + day(d.NextUpdate) + ": run `plimsoll vulndb update`.", style: styleWarning})
	}
}

// collected says when facts were collected and how old they were at a moment.
func collected(at, now time.Time) string {
	if at.IsZero() {
		return "of unknown age"
	}
	text := "collected " + day(at)
	age := now.Sub(at)
	switch {
	case now.IsZero() || age < 0:
		return text
	case age < time.Hour:
		return text + ", less than an hour before this run"
	case age < 48*time.Hour:
		return text + ", " + count(int(age/time.Hour), "hour") + " before this run"
	default:
		return text + ", " + count(int(age/(24*time.Hour)), "day") + " before this run"
	}
}

// day is a date, in UTC.
func day(at time.Time) string { return at.UTC().Format(time.DateOnly) }

// starterAdvisories marks what was matched against the advisories compiled into the program.
const starterAdvisories = "starter advisories: a few hundred well-known ones, run `plimsoll vulndb update` for the full database"

// warnings stand at the top and at the bottom, because a long table scrolls.
func (t table) warnings(run scanners.Run) {
	if run.Canceled {
		t.gap()
		t.flow([]span{{text: "! ", style: styleWarning}}, span{text: "Stopped before its end: these results are partial.", style: styleWarning})
	}
	if run.Database.Kind == scanners.DatabaseStarter {
		t.gap()
		t.flow([]span{{text: "! ", style: styleWarning}}, span{text: starterAdvisories, style: styleWarning})
	}
}
