package vulndb

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// debVersion is a Debian version, [epoch:]upstream[-revision], as deb-version(7) defines it. It is our own because
// kernel sources have thousands of advisories: it compares without allocating, and digits of any length.
type debVersion struct {
	epoch              uint64
	upstream, revision string
}

func parseDeb(text string) (version, error) {
	var v debVersion
	if epoch, rest, ok := strings.Cut(text, ":"); ok {
		n, err := strconv.ParseUint(epoch, 10, 31)
		if err != nil {
			return nil, fmt.Errorf("its epoch %q is not a number", epoch)
		}
		v.epoch, text = n, rest
	}
	v.upstream = text
	if i := strings.LastIndexByte(text, '-'); i >= 0 {
		v.upstream, v.revision = text[:i], text[i+1:]
		if v.revision == "" {
			return nil, errors.New("its revision is empty")
		}
	}
	if v.upstream == "" || !isDigit(v.upstream[0]) {
		return nil, errors.New("it does not begin with a digit")
	}
	if c := strayByte(v.upstream, ".+-:~_"); c != "" {
		return nil, fmt.Errorf("it holds the character %s", c)
	}
	if c := strayByte(v.revision, ".+~_"); c != "" {
		return nil, fmt.Errorf("its revision holds the character %s", c)
	}
	return v, nil
}

// strayByte is the first byte that is no ASCII letter, no digit and not in also, quoted; "" when there is none.
func strayByte(text, also string) string {
	for i := range len(text) {
		if c := text[i]; !isDigit(c) && !isLetter(c) && strings.IndexByte(also, c) < 0 {
			return strconv.QuoteToASCII(text[i : i+1])
		}
	}
	return ""
}

func (v debVersion) compare(other version) int {
	o := other.(debVersion)
	return cmp.Or(
		cmp.Compare(v.epoch, o.epoch),
		compareDebPart(v.upstream, o.upstream),
		compareDebPart(v.revision, o.revision),
	)
}

// compareDebPart compares two upstream versions or two revisions: alternately a run of non-digits, where "~" sorts
// before the end and letters before everything else, and a run of digits by its value.
func compareDebPart(a, b string) int {
	for a != "" || b != "" {
		for (a != "" && !isDigit(a[0])) || (b != "" && !isDigit(b[0])) {
			if d := debWeight(a) - debWeight(b); d != 0 {
				return d
			}
			a, b = a[1:], b[1:] // equal weights that are not the end: both have a character here
		}
		var na, nb string
		na, a = cutDigits(a)
		nb, b = cutDigits(b)
		if d := compareDigits(na, nb); d != 0 {
			return d
		}
	}
	return 0
}

// debWeight is the sorting weight of a run of non-digits' first character; 0 at its end.
func debWeight(text string) int {
	switch {
	case text == "" || isDigit(text[0]):
		return 0
	case text[0] == '~':
		return -1
	case isLetter(text[0]):
		return int(text[0])
	default:
		return int(text[0]) + 256
	}
}

// cutDigits splits text after its leading digits.
func cutDigits(text string) (digits, rest string) {
	i := 0
	for i < len(text) && isDigit(text[i]) {
		i++
	}
	return text[:i], text[i:]
}

// compareDigits compares decimal numbers of any length by value; no digits at all count as 0.
func compareDigits(a, b string) int {
	a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
	return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b))
}

func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isLower(c byte) bool  { return 'a' <= c && c <= 'z' }
func isLetter(c byte) bool { return isLower(c) || ('A' <= c && c <= 'Z') }
