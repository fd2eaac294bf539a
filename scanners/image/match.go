package image

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

// Match judges an inventory: which known vulnerabilities concern its packages, and what could not be judged. asset is the
// image, its layers with their instructions. at is the moment that ends of life are judged at; Match looks at no clock.
//
// A language package that belongs to a distribution package is not matched on its own: the distribution patches it
// without changing its version, and publishes what is wrong with it under its own package.
func Match(db *vulndb.Database, asset scanners.Asset, at time.Time) ([]scanners.Finding, []scanners.Coverage) {
	m := &matcher{db: db, asset: asset, instructions: make(map[string]string), ids: make(map[string]bool)}
	for _, l := range asset.Layers {
		m.instructions[l.DiffID] = l.Instruction
	}
	judged := m.distribution(at)
	for _, p := range asset.Packages {
		if p.OwnedBy != "" || p.Ecosystem.OfDistribution() && !judged {
			continue
		}
		m.match(p)
	}
	if len(m.coverage) == 0 {
		m.cover(scanners.CoverageDone, asset.Name, "")
	}
	slices.SortStableFunc(m.findings, CompareFindings)
	return m.findings, m.coverage
}

// CompareFindings puts the most pressing first: severity, then what can be fixed, then the score.
func CompareFindings(a, b scanners.Finding) int {
	return cmp.Or(
		cmp.Compare(b.Severity, a.Severity),
		cmp.Compare(fixRank(a), fixRank(b)),
		cmp.Compare(maxScore(b), maxScore(a)),
		cmp.Compare(b.Check, a.Check), // the newer id first
		cmp.Compare(a.Package.Name, b.Package.Name),
		cmp.Compare(a.Location.Path, b.Location.Path),
	)
}

func fixRank(f scanners.Finding) int {
	if f.FixedVersion != "" {
		return 0
	}
	return 1
}

func maxScore(f scanners.Finding) float64 {
	score := 0.0
	for _, c := range f.CVSS {
		score = max(score, c.Score)
	}
	return score
}

type matcher struct {
	db           *vulndb.Database
	asset        scanners.Asset
	instructions map[string]string // by diff id
	ids          map[string]bool   // of findings
	findings     []scanners.Finding
	coverage     []scanners.Coverage
}

func (m *matcher) cover(state scanners.CoverageState, subject, reason string) {
	m.coverage = append(m.coverage, scanners.Coverage{
		Scanner: scanners.ScannerVulnerabilities, Asset: m.asset.Key, Subject: subject, State: state, Reason: reason,
	})
}

// distribution says whether the distribution's packages can be judged, and covers what about that is not complete.
func (m *matcher) distribution(at time.Time) bool {
	system := slices.ContainsFunc(m.asset.Packages, func(p scanners.Package) bool { return p.Ecosystem.OfDistribution() })
	if !system && m.asset.Distribution.ID == "" {
		return false
	}
	name := m.asset.Distribution.String()
	support := vulndb.Support(m.asset.Distribution, at)
	switch {
	case m.asset.Distribution.ID == "":
		m.cover(scanners.CoverageSkipped, m.asset.Name, "the image does not say which distribution it is (no os-release), so the advisories for its system packages are not known")
		return false
	case support.Level == vulndb.Unsupported:
		m.cover(scanners.CoverageSkipped, name, "no advisories are known for this system; its packages are listed, but what is wrong with them is not known")
		return false
	case !m.db.Answers(m.asset.Distribution):
		m.cover(scanners.CoverageSkipped, name, fmt.Sprintf("the vulnerability database (%s) has no advisories for this system; try `plimsoll vulndb update`", m.db.Info().Kind))
		return false
	case support.Level == vulndb.EndOfLife:
		m.cover(scanners.CoveragePartial, name, fmt.Sprintf("this release ended on %s (%s): vulnerabilities found since then are neither listed nor fixed; move to a supported release", support.Until.Format(time.DateOnly), support.SourceURL))
	}
	return true
}

func (m *matcher) match(p scanners.Package) {
	advisories, gaps := m.db.Match(m.asset.Distribution, p)
	for _, a := range advisories {
		m.findings = append(m.findings, m.finding(p, a))
	}
	for _, g := range gaps {
		state := scanners.CoveragePartial
		if g.Damaged {
			state = scanners.CoverageFailed
		}
		m.cover(state, g.Subject, g.Reason)
	}
}

func (m *matcher) finding(p scanners.Package, a vulndb.Advisory) scanners.Finding {
	source := ""
	if p.Ecosystem.OfDistribution() {
		source = p.Source.Name
	}
	return scanners.Finding{
		ID:       m.id(a.ID, p),
		Kind:     scanners.KindVulnerability,
		Check:    a.ID,
		Severity: a.Severity,
		Title:    cmp.Or(a.Title, a.ID+" in "+p.Name),
		Asset:    m.asset.Key,
		Location: scanners.Location{Path: p.Path, Layer: p.Layer, Instruction: m.instructions[p.Layer]},
		Package: scanners.FindingPackage{
			Name: p.Name, Version: p.Version, PURL: p.PURL, Ecosystem: p.Ecosystem, Source: source,
		},
		FixedVersion: a.FixedVersion,
		Status:       a.Status,
		CVSS:         a.CVSS,
		References:   a.References,
		Evidence:     evidence(p, a),
		Published:    a.Published,
	}
}

// id is a finding's identity. A system can have one package for two architectures, of which the second is told apart.
func (m *matcher) id(advisory string, p scanners.Package) string {
	id := scanners.FindingID(m.asset.Key, advisory, p.PURL, p.Path)
	if m.ids[id] {
		id = scanners.FindingID(m.asset.Key, advisory, p.PURL, p.Path+":"+p.Arch)
	}
	m.ids[id] = true
	return id
}

// evidence says what was compared with what, and who says so.
func evidence(p scanners.Package, a vulndb.Advisory) string {
	installed := p.Name + " " + p.Version
	if p.Ecosystem.OfDistribution() && (p.Source.Name != p.Name || p.Source.Version != p.Version) {
		installed += fmt.Sprintf(" (source %s %s)", p.Source.Name, p.Source.Version)
	}
	said := "no fixed version is known"
	if a.FixedVersion != "" {
		said = "fixed in " + a.FixedVersion
	}
	rated := ""
	if a.SeveritySource != "" && a.Severity != scanners.SeverityUnknown {
		rated = fmt.Sprintf("; rated %s by %s", a.Severity, a.SeveritySource)
	}
	return strings.TrimSpace(fmt.Sprintf("%s is installed; %s, according to %s%s", installed, said, cmp.Or(a.Source, "the database"), rated))
}
