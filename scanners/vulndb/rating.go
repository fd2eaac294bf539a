package vulndb

import (
	"maps"
	"slices"
	"strings"

	"github.com/aquasecurity/trivy-db/pkg/types"
	cvss20 "github.com/pandatix/go-cvss/20"
	cvss30 "github.com/pandatix/go-cvss/30"
	cvss31 "github.com/pandatix/go-cvss/31"
	cvss40 "github.com/pandatix/go-cvss/40"

	"plimsoll/scanners"
)

// Names of sources that rate vulnerabilities, as trivy-db spells them.
const (
	sourceGHSA = "ghsa"
	sourceNVD  = "nvd"
)

// rate picks the severity of an advisory and names who gave it. Whoever knows the package best comes first: the
// distribution's rating of this very package, the data source of the advisory and the one it builds on, GitHub's
// advisories (for language packages and GHSA ids), the NVD, the rating of no named source. When all of these are
// silent, any other source is better than nothing, and at last a CVSS score, named "cvss:" and its source.
func (d *detail) rate(id string, own scanners.Severity, from origin, language bool) (scanners.Severity, string) {
	if own != scanners.SeverityUnknown {
		return own, from.ID
	}
	preferred := []string{from.ID, from.BaseID}
	if language || strings.HasPrefix(id, "GHSA-") {
		preferred = append(preferred, sourceGHSA)
	}
	preferred = append(preferred, sourceNVD)
	if s, source := d.firstOf(preferred); s != scanners.SeverityUnknown {
		return s, source
	}
	if d.severity != scanners.SeverityUnknown {
		return d.severity, ""
	}
	if s, source := d.firstOf(slices.Sorted(maps.Keys(d.vendors))); s != scanners.SeverityUnknown {
		return s, source
	}
	for _, c := range d.cvss {
		if s := scanners.SeverityOfScore(c.Score); s != scanners.SeverityUnknown {
			return s, "cvss:" + c.Source
		}
	}
	return scanners.SeverityUnknown, ""
}

// firstOf is the first known rating of the sources.
func (d *detail) firstOf(sources []string) (scanners.Severity, string) {
	for _, source := range sources {
		if s := severityOf(d.vendors[source]); s != scanners.SeverityUnknown {
			return s, source
		}
	}
	return scanners.SeverityUnknown, ""
}

// ratings lists every source's CVSS ratings, newest version of the system first, then by source.
func ratings(bySource map[string]types.CVSS) []scanners.CVSS {
	var all []scanners.CVSS
	sources := slices.Sorted(maps.Keys(bySource))
	for _, s := range sources {
		all = appendRating(all, s, "4.0", bySource[s].V40Vector, bySource[s].V40Score)
	}
	for _, s := range sources {
		all = appendRating(all, s, versionOfV3(bySource[s].V3Vector), bySource[s].V3Vector, bySource[s].V3Score)
	}
	for _, s := range sources {
		all = appendRating(all, s, "2.0", bySource[s].V2Vector, bySource[s].V2Score)
	}
	return all
}

// appendRating adds a rating. A score that its source did not state is computed from the vector.
func appendRating(all []scanners.CVSS, source, version, vector string, score float64) []scanners.CVSS {
	if score == 0 && vector != "" {
		score = scoreOf(version, vector)
	}
	if score <= 0 || score > 10 {
		return all
	}
	return append(all, scanners.CVSS{Source: source, Version: version, Vector: vector, Score: score})
}

func versionOfV3(vector string) string {
	if strings.HasPrefix(vector, "CVSS:3.0/") {
		return "3.0"
	}
	return "3.1"
}

// scoreOf computes the base score of a vector; 0 when it cannot be read.
func scoreOf(version, vector string) float64 {
	switch version {
	case "2.0":
		if v, err := cvss20.ParseVector(vector); err == nil {
			return v.BaseScore()
		}
	case "3.0":
		if v, err := cvss30.ParseVector(vector); err == nil {
			return v.BaseScore()
		}
	case "3.1":
		if v, err := cvss31.ParseVector(vector); err == nil {
			return v.BaseScore()
		}
	case "4.0":
		if v, err := cvss40.ParseVector(vector); err == nil {
			return v.Score()
		}
	}
	return 0
}
