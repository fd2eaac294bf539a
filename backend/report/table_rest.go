package report

import (
	"cmp"
	"strings"

	"plimsoll/scanners"
)

// ignored lists what the ignore file took out, grouped by reason.
func (t table) ignored(s section) {
	if len(s.ignored) == 0 {
		return
	}
	type decision struct{ reason, until string }
	var order []decision
	checks := map[decision][]string{}
	for _, i := range s.ignored {
		d := decision{i.Reason, i.Until}
		if checks[d] == nil {
			order = append(order, d)
		}
		checks[d] = append(checks[d], i.Finding.Check)
	}
	t.title("Ignored")
	shown := t.rows(len(order))
	for _, d := range order[:shown] {
		text := count(len(checks[d]), "finding")
		if d.until != "" {
			text += " until " + t.clip(d.until, 20)
		}
		body := append([]span{{text: text + ":"}}, t.ids(checks[d])...)
		t.flow([]span{{text: "   "}}, append(body, span{text: "(" + t.clip(d.reason, 2*t.width) + ")"})...)
	}
	t.more(len(order)-shown, "reason")
}

// notLookedAt lists what could not be looked at, failures first. The image's own name is not repeated.
func (t table) notLookedAt(title string, coverage []scanners.Coverage, name string) {
	list := gaps(coverage)
	if len(list) == 0 {
		return
	}
	t.title(title)
	shown := t.rows(len(list))
	for _, c := range list[:shown] {
		what := t.clip(c.Scanner, t.width)
		if c.Subject != name {
			what += " of " + t.clipLeft(c.Subject, t.width)
		}
		t.flow(stateMark(c.State), span{text: what + ": " + t.clip(cmp.Or(c.Reason, "no reason was given"), 6*t.width)})
	}
	t.more(len(list)-shown, "gap")
}

// across sets the images side by side.
func (t table) across(images []section, unreached []string) {
	title := "All images" + t.narrowed() + ": " + count(len(images), "image") + " looked at"
	if len(unreached) > 0 {
		title += ", " + number(len(unreached)) + " failed"
	}
	t.title(title)
	var all []scanners.Finding
	room := 0
	for _, s := range images {
		all = append(all, s.findings...)
		room = max(room, t.room(s.asset.Name))
	}
	for _, name := range unreached {
		room = max(room, t.room(name))
	}
	if len(all) > 0 {
		t.flow(nil, append([]span{{text: count(len(all), "finding") + ":"}}, severities(all)...)...)
	}
	for _, s := range images {
		t.flow(t.column(s.asset.Name, room), outcome(s)...)
	}
	for _, name := range unreached {
		t.flow(t.column(name, room), span{text: "✗ failed", style: styleFailed})
	}
}

// room is how many columns a name gets at the start of a row: half the width at most.
func (t table) room(name string) int { return t.cells.StringWidth(t.clipLeft(name, t.width/2-5)) }

// column is a name at the start of a row, filled up to the width of the longest.
func (t table) column(name string, room int) []span {
	text := t.clipLeft(name, max(room, 8))
	return []span{{text: "   " + text + strings.Repeat(" ", max(room-t.cells.StringWidth(text), 0)+2)}}
}

// outcome is an image's line in the summary.
func outcome(s section) []span {
	switch {
	case len(s.findings) > 0:
		return severities(s.findings)
	case s.assessed() == scanners.CoverageDone:
		return []span{{text: "no findings"}}
	default:
		return []span{{text: "not looked at completely", style: styleWarning}}
	}
}

// notes tells what the caller has to say besides.
func (t table) notes(notes []string) {
	if len(notes) == 0 {
		return
	}
	t.title("Notes")
	for _, note := range notes {
		t.flow([]span{{text: " - "}}, span{text: t.clip(note, 6*t.width)})
	}
}
