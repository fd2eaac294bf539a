package scanners

// CoverageState says how completely something was looked at.
type CoverageState string

// The states of coverage. "Not looked at" is never shown as "fine".
const (
	CoverageDone    CoverageState = "done"    // looked at completely
	CoveragePartial CoverageState = "partial" // looked at, but Reason names what was left out
	CoverageSkipped CoverageState = "skipped" // not looked at, because nothing here can
	CoverageFailed  CoverageState = "failed"  // should have been looked at, and could not be
)

// The scanners that coverage speaks of.
const (
	ScannerPackages        = "packages"        // which packages there are
	ScannerVulnerabilities = "vulnerabilities" // what is known to be wrong with them
)

// Coverage says what one scanner could look at.
type Coverage struct {
	Scanner string        `json:"scanner"`
	Asset   string        `json:"asset,omitzero"` // key of the asset, "" when no asset was reached
	Subject string        `json:"subject"`        // what was looked at: an image, a layer, a package, a file
	State   CoverageState `json:"state"`
	Reason  string        `json:"reason,omitzero"` // what happened and what to do next; empty only when done
}
