package report

import (
	"fmt"

	"plimsoll/scanners"
)

// markWidth is the columns that a severity takes at the start of a row: shape, word and space up to the text.
const markWidth = 12

// mark is a severity at the start of a row: always shape and word, and colour where there is one.
func mark(s scanners.Severity) []span {
	return []span{{text: fmt.Sprintf("%s %-*s", shape(s), markWidth-2, s), style: tint(s)}}
}

// severities counts findings by severity, worst first; what does not occur is left out.
func severities(findings []scanners.Finding) []span {
	counts := map[string]int{}
	for _, f := range findings {
		counts[f.Severity.String()]++
	}
	var list []span
	for _, s := range scanners.Severities() {
		if n := counts[s.String()]; n > 0 {
			list = append(list, span{text: fmt.Sprintf("%s %s %s", shape(s), number(n), s), style: tint(s), whole: true})
		}
	}
	return list
}

// stateMark is a state of coverage at the start of a row.
func stateMark(s scanners.CoverageState) []span {
	switch s {
	case scanners.CoverageFailed:
		return []span{{text: " ✗ failed    ", style: styleFailed}}
	case scanners.CoveragePartial:
		return []span{{text: " ~ partial   ", style: styleWarning}}
	default:
		return []span{{text: " – skipped   "}}
	}
}

func shape(s scanners.Severity) string {
	switch s {
	case scanners.SeverityCritical:
		return "◆"
	case scanners.SeverityHigh:
		return "▲"
	case scanners.SeverityMedium:
		return "■"
	case scanners.SeverityLow:
		return "●"
	default:
		return "○"
	}
}

func tint(s scanners.Severity) string {
	switch s {
	case scanners.SeverityCritical:
		return "1;35"
	case scanners.SeverityHigh:
		return "31"
	case scanners.SeverityMedium:
		return "33"
	case scanners.SeverityLow:
		return "34"
	default:
		return styleNone
	}
}
