package scanners

import "time"

// ReportSchema names the shape of Report. It changes only when a reader would break.
const ReportSchema = "plimsoll.report/v1"

// Run is one assessment: what was asked, with what, and when. It never changes after it ended.
type Run struct {
	ID        string       `json:"id"`
	Kind      string       `json:"kind"`    // image
	Request   []string     `json:"request"` // what was asked for: references or files
	Version   string       `json:"version"` // of Plimsoll
	StartedAt time.Time    `json:"startedAt"`
	EndedAt   time.Time    `json:"endedAt"`
	Database  DatabaseInfo `json:"database"`
	Canceled  bool         `json:"canceled"` // stopped before its end: the results are partial
}

// DatabaseInfo tells which vulnerability database a run used.
type DatabaseInfo struct {
	Kind       string    `json:"kind"` // trivy-db or starter
	Schema     int       `json:"schema,omitzero"`
	UpdatedAt  time.Time `json:"updatedAt,omitzero"`  // when its facts were collected
	NextUpdate time.Time `json:"nextUpdate,omitzero"` // when its publisher promised a newer one
	Digest     string    `json:"digest,omitzero"`     // of the artifact it came from, "" when unknown
	Advisories int       `json:"advisories,omitzero"` // how many facts; starter only
}

// DatabaseStarter marks the few hundred advisories compiled into the program.
const DatabaseStarter = "starter"

// Report is everything one run found out.
type Report struct {
	Schema   string      `json:"schema"`
	Run      Run         `json:"run"`
	Targets  []Target    `json:"targets"`
	Assets   []Asset     `json:"assets"`
	Findings []Finding   `json:"findings"` // most pressing first
	Fixes    []FixAction `json:"fixes"`    // most pressing first
	Ignored  []Ignored   `json:"ignored,omitzero"`
	Coverage []Coverage  `json:"coverage"`
	Notes    []string    `json:"notes,omitzero"` // what else a reader has to know: expired ignores, a narrowed list
}

// Ignored is a finding that the user's ignore file took out of the report.
type Ignored struct {
	Finding Finding `json:"finding"`
	Reason  string  `json:"reason"`
	Until   string  `json:"until,omitzero"` // the last day on which it is left out
}
