package scanners

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// FindingKind says which sort of problem a finding is.
type FindingKind string

// KindVulnerability is a known vulnerability in a package.
const KindVulnerability FindingKind = "vulnerability"

// FixStatus says what can be done about a vulnerability, in the words of the source that published it.
type FixStatus string

// The states of a fix.
const (
	StatusFixed              FixStatus = "fixed"               // a version without it exists
	StatusAffected           FixStatus = "affected"            // no fix is published yet
	StatusWillNotFix         FixStatus = "will_not_fix"        // the vendor decided against a fix
	StatusFixDeferred        FixStatus = "fix_deferred"        // the vendor postponed it
	StatusEndOfLife          FixStatus = "end_of_life"         // the release gets no fixes any more
	StatusUnderInvestigation FixStatus = "under_investigation" // the vendor is still looking
	StatusUnknown            FixStatus = "unknown"             // the source does not say
)

// Finding is one thing that is wrong with one asset, and how it is known.
type Finding struct {
	ID           string         `json:"id"` // see FindingID
	Kind         FindingKind    `json:"kind"`
	Check        string         `json:"check"` // advisory id (CVE-…, GHSA-…) or id of the check
	Severity     Severity       `json:"severity"`
	Title        string         `json:"title"`
	Asset        string         `json:"asset"` // key of the asset
	Location     Location       `json:"location"`
	Package      FindingPackage `json:"package,omitzero"`
	FixedVersion string         `json:"fixedVersion,omitzero"` // smallest version that clears it, "" when there is none
	Status       FixStatus      `json:"status,omitzero"`
	CVSS         []CVSS         `json:"cvss,omitzero"`
	References   []string       `json:"references,omitzero"`
	Evidence     string         `json:"evidence,omitzero"` // one sentence: what was seen and which source says so
	Published    string         `json:"published,omitzero"`
}

// Location is where in an asset a finding stands.
type Location struct {
	Path        string `json:"path,omitzero"`
	Line        int    `json:"line,omitzero"`
	Layer       string `json:"layer,omitzero"`       // diff id
	Instruction string `json:"instruction,omitzero"` // what made that layer
}

// FindingPackage is the package that a vulnerability was found in.
type FindingPackage struct {
	Name      string    `json:"name"`
	Version   string    `json:"version"`
	PURL      string    `json:"purl"`
	Ecosystem Ecosystem `json:"ecosystem"`
	Source    string    `json:"source,omitzero"` // name of its source package
}

// CVSS is one source's rating by the Common Vulnerability Scoring System.
type CVSS struct {
	Source  string  `json:"source"`  // who rated: nvd, ghsa, debian …
	Version string  `json:"version"` // 2.0, 3.0, 3.1 or 4.0
	Vector  string  `json:"vector"`
	Score   float64 `json:"score"` // base score 0.0–10.0
}

// FindingID is the identity of a finding. It survives re-scans and rebuilds: made of the asset's key, the check or
// advisory, the package's purl without version and qualifiers, and the path; never of a line, a version or a run.
func FindingID(asset, check, purl, path string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{asset, check, bareIdentity(purl), path}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// bareIdentity cuts version, qualifiers and subpath off a package-url (purl-spec: …/name@version?qualifiers#subpath).
func bareIdentity(purl string) string {
	if i := strings.IndexAny(purl, "?#"); i >= 0 {
		purl = purl[:i]
	}
	if i := strings.LastIndexByte(purl, '@'); i > strings.LastIndexByte(purl, '/') {
		purl = purl[:i]
	}
	return purl
}
