package vulndb

import (
	"errors"
	"fmt"
	"strings"
)

// longestRange bounds one range of a record.
const longestRange = 16 << 10

// ranges is a set of versions: a version is in it when any clause holds.
type ranges struct {
	clauses    []clause
	unreadable error // what one or more further clauses are that nobody can read; nil when there are none
}

// answer is what can be said of a version and a set: it may be that only a clause that nobody can read knows.
type answer int

const (
	no answer = iota
	yes
	unclear
)

// clause holds for a version when it satisfies all bounds and the rule.
type clause struct {
	bounds []bound
	rule   func(version) bool // nil when bounds say everything
}

// bound is one comparison with a version.
type bound struct {
	operator string
	version  version
	text     string // the version as the record writes it
}

// parseRanges reads the ranges of a record, each like ">=4.0.0, <4.17.21 || =5.0.0". An empty range cannot be read: it
// says nothing, and "everything" would be a guess.
func parseRanges(o order, texts []string) ranges {
	var all ranges
	for _, text := range texts {
		if len(text) > longestRange {
			all.unreadable = fmt.Errorf("version range %q… is too long", text[:40])
			continue
		}
		for alternative := range strings.SplitSeq(text, "||") {
			c, err := parseClause(o, strings.TrimSpace(alternative))
			if err != nil {
				all.unreadable = err
				continue
			}
			all.clauses = append(all.clauses, c)
		}
	}
	return all
}

func parseClause(o order, text string) (clause, error) {
	if text == "" {
		return clause{}, errors.New("a version range is empty")
	}
	bounds, ok := parseBounds(o, text)
	if ok {
		return clause{bounds: bounds}, nil
	}
	rule, err := o.rule(text)
	if err != nil {
		return clause{}, fmt.Errorf("version range %q cannot be read", text)
	}
	return clause{rule: rule}, nil
}

// parseBounds reads a clause that only compares with whole versions. Anything else is left to the order's rule.
func parseBounds(o order, text string) ([]bound, bool) {
	var bounds []bound
	for rest := strings.TrimLeft(text, ", "); rest != ""; rest = strings.TrimLeft(rest, ", ") {
		var b bound
		b, rest = cutBound(rest)
		switch b.operator {
		case "":
			b.operator = "="
		case "=", "<", "<=", ">", ">=":
		case "==":
			b.operator = "="
		default:
			return nil, false
		}
		v, err := o.read(b.text)
		if err != nil {
			return nil, false
		}
		b.version = v
		bounds = append(bounds, b)
	}
	return bounds, len(bounds) > 0
}

// cutBound splits off the first operator and version.
func cutBound(text string) (b bound, rest string) {
	versionAt := len(text) - len(strings.TrimLeft(text, "<>=!~^"))
	b.operator = text[:versionAt]
	rest = strings.TrimLeft(text[versionAt:], " ")
	end := strings.IndexAny(rest, ", <>=~^") // not "!": it ends a PEP 440 epoch
	if end < 0 {
		end = len(rest)
	}
	b.text = rest[:end]
	return b, rest[end:]
}

// has says whether v is in the set.
func (r ranges) has(v version) answer {
	for _, c := range r.clauses {
		if c.holds(v) {
			return yes
		}
	}
	if r.unreadable != nil {
		return unclear
	}
	return no
}

func (c clause) holds(v version) bool {
	for _, b := range c.bounds {
		if !b.holds(v) {
			return false
		}
	}
	return c.rule == nil || c.rule(v)
}

func (b bound) holds(v version) bool {
	d := v.compare(b.version)
	switch b.operator {
	case "<":
		return d < 0
	case "<=":
		return d <= 0
	case ">":
		return d > 0
	case ">=":
		return d >= 0
	default:
		return d == 0
	}
}

// with lists the bounds that have one of the operators.
func (r ranges) with(operators ...string) []bound {
	var found []bound
	for _, c := range r.clauses {
		for _, b := range c.bounds {
			for _, op := range operators {
				if b.operator == op {
					found = append(found, b)
				}
			}
		}
	}
	return found
}
