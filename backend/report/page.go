package report

import (
	"bytes"
	"strings"

	"github.com/mattn/go-runewidth"
)

// The styles of the table, as parameters of the terminal's "select graphic rendition" sequence (ECMA-48 section
// 8.3.117). They name colours of the user's own palette, so they read on light and on dark grounds.
const (
	styleNone    = ""
	styleStrong  = "1"
	styleCommand = "36"
	styleFine    = "32"
	styleWarning = "33"
	styleFailed  = "31"
)

// minWidth is the narrowest page that can still be laid out, in columns.
const minWidth = 40

// span is a piece of text in one style. Its text is visible already: see [Visible].
type span struct {
	text  string
	style string
	whole bool // never broken at its spaces
}

// page lays out lines of a fixed width. Nothing on it is wider than the page except commands, which people copy.
type page struct {
	out   bytes.Buffer
	cells runewidth.Condition // its own, because the library's shared one depends on the environment
	width int                 // columns
	color bool
}

func newPage(width int, color bool) *page {
	return &page{cells: runewidth.Condition{StrictEmojiNeutral: true}, width: max(width, minWidth), color: color}
}

// gap ends a paragraph: one empty line, none at the top of the page.
func (p *page) gap() {
	if p.out.Len() > 0 {
		p.out.WriteByte('\n')
	}
}

// flow fills lines with words, breaking at spaces. The lead starts the first line; the others are indented below the
// end of it.
func (p *page) flow(lead []span, body ...span) {
	indent := 0
	for _, s := range lead {
		p.paint(s)
		indent += p.cells.StringWidth(s.text)
	}
	column := indent
	for _, word := range words(body) {
		size := p.cells.StringWidth(word.text)
		if column > indent && column+1+size > p.width {
			p.newline(indent)
			column = indent
		}
		if column > indent {
			p.out.WriteByte(' ')
			column++
		}
		for column+size > p.width {
			head := p.cells.Truncate(word.text, p.width-column, "")
			if head == "" {
				break
			}
			if i := strings.LastIndexByte(head, '/'); i > len(head)/2 { // a path breaks behind a folder
				head = head[:i+1]
			}
			p.paint(span{text: head, style: word.style})
			p.newline(indent)
			column, word.text = indent, word.text[len(head):]
			size = p.cells.StringWidth(word.text)
		}
		p.paint(word)
		column += size
	}
	p.out.WriteByte('\n')
}

// command writes what people type. It breaks at spaces with the backslash that a shell joins lines by, and never
// inside a word: a word that is too long sticks out.
func (p *page) command(indent int, text string) {
	blank := strings.Repeat(" ", indent)
	line := blank + "$"
	for i, word := range strings.Split(text, " ") {
		if i > 0 && p.cells.StringWidth(line)+1+p.cells.StringWidth(word)+2 > p.width {
			p.paint(span{text: line + ` \`, style: styleCommand})
			p.out.WriteByte('\n')
			line = blank + "   "
		}
		line += " " + word
	}
	p.paint(span{text: line, style: styleCommand})
	p.out.WriteByte('\n')
}

// clip makes text visible and cuts it to so many columns, with an ellipsis where something was cut.
func (p *page) clip(text string, columns int) string {
	if most := columns * 4 * (maxMarks + 1); len(text) > most {
		text = text[:most] + "…"
	}
	return p.cells.Truncate(Visible(text), columns, "…")
}

// clipLeft is clip for names whose end tells more than their start: registry/team/image:tag, a path.
func (p *page) clipLeft(text string, columns int) string {
	if most := columns * 4 * (maxMarks + 1); len(text) > most {
		text = "…" + text[len(text)-most:]
	}
	text = Visible(text)
	if size := p.cells.StringWidth(text); size > columns {
		return p.cells.TruncateLeft(text, size-columns+1, "…")
	}
	return text
}

func (p *page) newline(indent int) {
	p.out.WriteByte('\n')
	p.out.WriteString(strings.Repeat(" ", indent))
}

func (p *page) paint(s span) {
	if !p.color || s.style == styleNone || s.text == "" {
		p.out.WriteString(s.text)
		return
	}
	p.out.WriteString("\x1b[" + s.style + "m" + s.text + "\x1b[0m")
}

// words splits spans at their spaces and keeps the styles.
func words(spans []span) []span {
	var all []span
	for _, s := range spans {
		if s.whole {
			all = append(all, s)
			continue
		}
		for _, word := range strings.Fields(s.text) {
			all = append(all, span{text: word, style: s.style})
		}
	}
	return all
}
