package scanners

// FixAction is one thing a person can do that clears one or more findings: the unit that people plan work in.
type FixAction struct {
	Title    string    `json:"title"`            // a sentence: "Upgrade openssl to 3.0.13-1~deb12u1"
	Command  string    `json:"command,omitzero"` // what to type, for the package's own manager
	Asset    string    `json:"asset"`            // key of the asset
	Package  string    `json:"package"`          // source package or package that is upgraded
	From     []string  `json:"from"`             // versions that are installed
	To       string    `json:"to,omitzero"`      // version that clears all findings of the action; "" when no fix exists
	Severity Severity  `json:"severity"`         // worst of its findings
	Findings []string  `json:"findings"`         // ids, worst first
	Paths    []string  `json:"paths,omitzero"`   // where the package lies; language packages only
	Layer    string    `json:"layer,omitzero"`   // diff id of the layer that brought it
	Status   FixStatus `json:"status,omitzero"`  // why there is no fix, when there is none
	Eco      Ecosystem `json:"ecosystem,omitzero"`
}
