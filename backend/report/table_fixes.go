package report

import (
	"fmt"
	"strings"

	"plimsoll/scanners"
)

// fixes lists what to do, most pressing first.
func (t table) fixes(list []upgrade, a scanners.Asset) {
	if len(list) == 0 {
		return
	}
	t.title("Fix first")
	shown := t.rows(len(list))
	for i, u := range list[:shown] {
		t.fix(i+1, u, a)
	}
	t.more(len(list)-shown, "upgrade")
}

// fix is one upgrade: what to do, what it clears, where it stands, what to type.
func (t table) fix(rank int, u upgrade, a scanners.Asset) {
	lead := append([]span{{text: fmt.Sprintf("%2d ", rank)}}, mark(u.Severity)...)
	t.flow(lead, span{text: t.clip(u.Title, 3*t.width), style: styleStrong})

	indent := []span{{text: strings.Repeat(" ", 3+markWidth)}}
	t.flow(indent, append([]span{{text: "clears " + tally(u.clears, u.checks) + ":"}}, t.ids(u.checks)...)...)
	room := t.width - 3 - markWidth
	var place []span
	if from := t.list(u.From, "version"); from != "" {
		place = append(place, span{text: "installed: " + from})
	}
	if where := t.list(u.Paths, "place"); where != "" {
		place = append(place, span{text: "in " + where})
	}
	if len(place) > 0 {
		t.flow(indent, place...)
	}
	if origin := layer(a, u.Layer); origin != "" {
		t.flow(indent, span{text: t.clip(origin, room)})
	}
	t.typed(3+markWidth, u.Command)
}

// tally counts findings, and their advisories where several packages share one.
func tally(findings int, checks []string) string {
	text := count(findings, "finding")
	if len(checks) == findings {
		return text
	}
	if len(checks) == 1 {
		return text + " of 1 advisory"
	}
	return text + " of " + number(len(checks)) + " advisories"
}

// typed writes a command, unless it is so long that nobody could check it before running it.
func (t table) typed(indent int, command string) {
	const longest = 1000
	switch {
	case command == "":
	case len(command) > longest:
		t.flow([]span{{text: strings.Repeat(" ", indent)}}, span{text: "the command is too long to show: see `--format json`"})
	default:
		t.command(indent, Visible(command))
	}
}

// list names the first of several values and counts the others.
func (t table) list(values []string, noun string) string {
	if len(values) == 0 {
		return ""
	}
	text := t.clipLeft(values[0], t.width)
	if left := len(values) - 1; left > 0 {
		text += " and " + count(left, "more "+noun)
	}
	return text
}

// layer says which layer brought a package, counted from 1 as people do.
func layer(a scanners.Asset, diffID string) string {
	for _, l := range a.Layers {
		if l.DiffID != diffID {
			continue
		}
		text := fmt.Sprintf("from layer %d of %d", l.Index+1, len(a.Layers))
		if l.Instruction != "" {
			text += ": " + l.Instruction
		}
		return text
	}
	return ""
}

// unfixable lists the findings that no upgrade clears, grouped by package.
func (t table) unfixable(findings []scanners.Finding) {
	list := groups(findings)
	if len(list) == 0 {
		return
	}
	t.title("No upgrade clears these")
	shown := t.rows(len(list))
	for _, g := range list[:shown] {
		text := fmt.Sprintf("%s: %s, %s:", t.clip(g.name, t.width), t.clip(g.reason, t.width), tally(g.findings, g.checks))
		t.flow(append([]span{{text: "   "}}, mark(g.severity)...), append([]span{{text: text}}, t.ids(g.checks)...)...)
	}
	t.more(len(list)-shown, "package")
}
