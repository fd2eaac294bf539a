package report

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxMarks is how many combining marks a character may carry; more would paint over the lines around it.
const maxMarks = 4

// Visible makes text harmless for a terminal and for the reader: control characters, escape sequences, bidirectional
// overrides, characters without width, private use and bytes that are not UTF-8 become escapes in Go's notation
// (\x1b, \u202e), so that they are seen instead of obeyed. What comes out is one line of printable characters.
// Text that is already harmless comes back unchanged.
func Visible(text string) string {
	if harmless(text) {
		return text
	}
	var b strings.Builder
	marks := 0
	for rest := text; rest != ""; {
		r, size := utf8.DecodeRuneInString(rest)
		if unicode.Is(unicode.M, r) {
			marks++
		} else {
			marks = 0
		}
		switch {
		case r == utf8.RuneError && size == 1:
			fmt.Fprintf(&b, `\x%02x`, rest[0])
		case !strconv.IsPrint(r) || marks > maxMarks:
			b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
		default:
			b.WriteRune(r)
		}
		rest = rest[size:]
	}
	return b.String()
}

// harmless says whether text is printable ASCII, as nearly all text is.
func harmless(text string) bool {
	for i := range len(text) {
		if text[i] < ' ' || text[i] > '~' {
			return false
		}
	}
	return true
}

// count is a number with its noun: "1 finding", "1,204 findings". Every noun here forms its plural with an s.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return number(n) + " " + noun
}

// number groups the digits of n by thousands.
func number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}
