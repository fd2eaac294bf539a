package report

import (
	"fmt"
	"io"

	"plimsoll/scanners"
)

// Options says how a table is laid out.
type Options struct {
	Width int    // columns of the terminal, 80 when zero; 40 is the least that is used
	Color bool   // colour severities and commands with ANSI sequences
	All   bool   // show every row instead of the first 15 of each list
	Only  string // what the findings were narrowed to before, in words ("high and critical"); "" when they were not
}

const (
	defaultWidth = 80
	shownRows    = 15 // of each list, unless Options.All
	shownIDs     = 3  // advisory ids in a row, unless Options.All
)

// WriteTable writes the report for people at a terminal: for each image a heading with its findings by severity, the
// fixes in the order of what is most pressing, the findings that no upgrade clears, what was ignored and what could
// not be looked at; then the images side by side, notes, and the database with its age at the start of the run.
// Lists are cut to what is most pressing and say by how much. Lines keep to Options.Width; only a word of a command
// that is longer than a line sticks out. The error is the writer's.
func WriteTable(w io.Writer, r scanners.Report, o Options) error {
	if o.Width <= 0 {
		o.Width = defaultWidth
	}
	t := table{page: newPage(o.Width, o.Color), all: o.All, only: o.Only}
	images, rest := sections(r)
	t.warnings(r.Run)
	for _, s := range images {
		t.image(s, r.Run)
	}
	if len(images) == 0 {
		t.gap()
		t.flow(nil, span{text: "No image was looked at.", style: styleStrong})
	}
	t.notLookedAt("Not reached", rest, "")
	if len(images)+len(unreached(rest)) > 1 {
		t.across(images, unreached(rest))
	}
	t.notes(r.Notes)
	t.database(r.Run)
	t.warnings(r.Run)
	if _, err := w.Write(t.out.Bytes()); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// table writes the parts of a report to a page.
type table struct {
	*page
	all  bool
	only string
}

// image writes everything about one image.
func (t table) image(s section, run scanners.Run) {
	upgrades, rest := s.upgrades()
	t.heading(s, run)
	t.fixes(upgrades, s.asset)
	t.unfixable(rest)
	t.ignored(s)
	t.notLookedAt("Not looked at", s.coverage, s.asset.Name)
}

// title starts a part of the table.
func (t table) title(text string) {
	t.gap()
	t.flow(nil, span{text: text, style: styleStrong})
}

// rows is how many of n rows are shown.
func (t table) rows(n int) int {
	if t.all {
		return n
	}
	return min(n, shownRows)
}

// more tells how many rows were left out and how to see them.
func (t table) more(left int, noun string) {
	if left > 0 {
		t.flow([]span{{text: "   "}}, span{text: "and " + count(left, "more "+noun) + ": `--format json` lists all"})
	}
}

// ids lists advisory ids, most pressing first, and says how many are left out.
func (t table) ids(all []string) []span {
	shown := len(all)
	if !t.all {
		shown = min(shown, shownIDs)
	}
	list := make([]span, 0, shown+1)
	for i, id := range all[:shown] {
		text := t.clip(id, 40)
		if i < len(all)-1 {
			text += ","
		}
		list = append(list, span{text: text})
	}
	if left := len(all) - shown; left > 0 {
		list = append(list, span{text: fmt.Sprintf("and %s more", number(left)), whole: true})
	}
	return list
}
