package scanners

import (
	"fmt"
	"strings"
)

// Severity is how bad a finding is, from its source's own rating. The order of the values is the order of concern.
type Severity int8

// The five ratings. SeverityUnknown means that no source rated the finding, not that it is harmless.
const (
	SeverityUnknown Severity = iota
	SeverityLow
	SeverityMedium
	SeverityHigh
	SeverityCritical
)

var severityNames = [...]string{"unknown", "low", "medium", "high", "critical"}

// Severities lists every severity, worst first.
func Severities() []Severity {
	return []Severity{SeverityCritical, SeverityHigh, SeverityMedium, SeverityLow, SeverityUnknown}
}

// ParseSeverity reads a severity's name in any case. "negligible" is read as low.
func ParseSeverity(name string) (Severity, error) {
	lower := strings.ToLower(strings.TrimSpace(name))
	if lower == "negligible" {
		return SeverityLow, nil
	}
	for i, n := range severityNames {
		if n == lower {
			return Severity(i), nil
		}
	}
	return SeverityUnknown, fmt.Errorf("unknown severity %q: use critical, high, medium, low or unknown", name)
}

// SeverityOfScore maps a CVSS base score (0.0–10.0) to its rating as CVSS v3.1 section 5 and v4.0 section 6 define it.
func SeverityOfScore(score float64) Severity {
	switch {
	case score >= 9:
		return SeverityCritical
	case score >= 7:
		return SeverityHigh
	case score >= 4:
		return SeverityMedium
	case score > 0:
		return SeverityLow
	default:
		return SeverityUnknown
	}
}

// String is the severity's lower-case name.
func (s Severity) String() string {
	if s < 0 || int(s) >= len(severityNames) {
		return severityNames[SeverityUnknown]
	}
	return severityNames[s]
}

// MarshalText writes the severity's name, so that JSON carries words.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (s *Severity) UnmarshalText(text []byte) error {
	parsed, err := ParseSeverity(string(text))
	if err != nil {
		return err
	}
	*s = parsed
	return nil
}
