package vulndb

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"plimsoll/scanners"
)

// SupportLevel says whether a distribution's release still gets fixes that everybody can have.
type SupportLevel string

// The levels of support.
const (
	Supported   SupportLevel = "supported"
	EndOfLife   SupportLevel = "endOfLife"   // no fixes any more: what is found is unlikely to be all there is
	Unsupported SupportLevel = "unsupported" // not a release that Plimsoll knows advisories of
)

// SupportState is what is known of a release's support.
type SupportState struct {
	Level     SupportLevel
	Until     time.Time // end of its last day with public fixes, UTC; zero when it has none or none is known
	SourceURL string    // who says so; "" when unsupported
}

// family is one distribution: how its releases are named in the database, how its versions are ordered, when its
// releases end.
type family struct {
	id        string // ID of os-release
	ecosystem scanners.Ecosystem
	bucket    func(version string) string // name of the release in the database, "" when version names none
	ends      []end                       // oldest release first; nil for a distribution without releases
	source    string                      // page that tells the ends
}

// end is the last day (YYYY-MM-DD) on which a release gets fixes that everybody can have.
type end struct{ release, day string }

// families is every distribution that can be matched.
var families = []family{
	{"debian", scanners.EcosystemDeb, major, debianEnds, "https://wiki.debian.org/LTS"},
	{"ubuntu", scanners.EcosystemDeb, minor, ubuntuEnds, "https://ubuntu.com/about/release-cycle"},
	{"alpine", scanners.EcosystemAPK, alpineRelease, alpineEnds, "https://alpinelinux.org/releases/"},
	{"wolfi", scanners.EcosystemAPK, rolling, nil, "https://github.com/wolfi-dev"},
	{"chainguard", scanners.EcosystemAPK, rolling, nil, "https://images.chainguard.dev"},
}

// debianEnds are the ends of Debian's long-term support, which trivy-db's Debian facts cover.
var debianEnds = []end{
	{"4", "2010-02-15"}, {"5", "2012-02-06"}, {"6", "2016-02-29"}, {"7", "2018-05-31"}, {"8", "2020-06-30"},
	{"9", "2022-06-30"}, {"10", "2024-06-30"}, {"11", "2026-08-31"}, {"12", "2028-06-30"}, {"13", "2030-06-30"},
}

// ubuntuEnds are the ends of standard security maintenance: what comes after needs a subscription.
var ubuntuEnds = []end{
	{"10.04", "2015-04-30"}, {"10.10", "2012-04-10"}, {"11.04", "2012-10-28"}, {"11.10", "2013-05-09"},
	{"12.04", "2017-04-28"}, {"12.10", "2014-05-16"}, {"13.04", "2014-01-27"}, {"13.10", "2014-07-17"},
	{"14.04", "2019-04-25"}, {"14.10", "2015-07-23"}, {"15.04", "2016-02-04"}, {"15.10", "2016-07-28"},
	{"16.04", "2021-04-30"}, {"16.10", "2017-07-20"}, {"17.04", "2018-01-13"}, {"17.10", "2018-07-19"},
	{"18.04", "2023-05-31"}, {"18.10", "2019-07-18"}, {"19.04", "2020-01-23"}, {"19.10", "2020-07-17"},
	{"20.04", "2025-05-31"}, {"20.10", "2021-07-22"}, {"21.04", "2022-01-20"}, {"21.10", "2022-07-14"},
	{"22.04", "2027-06-01"}, {"22.10", "2023-07-20"}, {"23.04", "2024-01-25"}, {"23.10", "2024-07-11"},
	{"24.04", "2029-05-31"}, {"24.10", "2025-07-10"}, {"25.04", "2026-01-15"}, {"25.10", "2026-07-09"},
	{"26.04", "2031-05-29"},
}

var alpineEnds = []end{
	{"2.1", "2012-11-01"}, {"2.2", "2013-05-01"}, {"2.3", "2013-11-01"}, {"2.4", "2014-05-01"}, {"2.5", "2014-11-01"},
	{"2.6", "2015-05-01"}, {"2.7", "2015-11-01"}, {"3.0", "2016-05-01"}, {"3.1", "2016-11-01"}, {"3.2", "2017-05-01"},
	{"3.3", "2017-11-01"}, {"3.4", "2018-05-01"}, {"3.5", "2018-11-01"}, {"3.6", "2019-05-01"}, {"3.7", "2019-11-01"},
	{"3.8", "2020-05-01"}, {"3.9", "2020-11-01"}, {"3.10", "2021-05-01"}, {"3.11", "2021-11-01"},
	{"3.12", "2022-05-01"}, {"3.13", "2022-11-01"}, {"3.14", "2023-05-01"}, {"3.15", "2023-11-01"},
	{"3.16", "2024-05-23"}, {"3.17", "2024-11-22"}, {"3.18", "2025-05-09"}, {"3.19", "2025-11-01"},
	{"3.20", "2026-04-01"}, {"3.21", "2026-11-01"}, {"3.22", "2027-05-01"}, {"3.23", "2027-11-01"},
}

// edge is Alpine's rolling branch.
const edge = "edge"

// Support tells the state of dist's release at a moment. A release newer than the table is taken for supported without
// a known end; one that the table never knew is unsupported.
func Support(dist scanners.Distribution, at time.Time) SupportState {
	f, release := lookUp(dist)
	if f == nil {
		return SupportState{Level: Unsupported}
	}
	state := SupportState{Level: Supported, SourceURL: f.source}
	if f.ends == nil || release == edge {
		return state
	}
	i := slices.IndexFunc(f.ends, func(e end) bool { return e.release == release })
	if i < 0 {
		if compareReleases(release, f.ends[len(f.ends)-1].release) > 0 {
			return state
		}
		return SupportState{Level: Unsupported}
	}
	day, err := time.Parse(time.DateOnly, f.ends[i].day)
	if err != nil {
		return state // a test parses every day of the table
	}
	state.Until = day.AddDate(0, 0, 1).Add(-time.Second)
	if at.After(state.Until) {
		state.Level = EndOfLife
	}
	return state
}

// lookUp finds the family of a distribution and the name of its release; nil when it is not known or names no release.
func lookUp(dist scanners.Distribution) (*family, string) {
	for i := range families {
		f := &families[i]
		if f.id != dist.ID {
			continue
		}
		bucket := f.bucket(dist.Version)
		if bucket == "" {
			return nil, ""
		}
		return f, bucket
	}
	return nil, ""
}

// bucketOf is the name of the release's bucket in the database: "debian 12", "wolfi".
func (f *family) bucketOf(release string) string {
	if f.ends == nil {
		return f.id
	}
	return f.id + " " + release
}

// major keeps the first number of a version: 12.5 is 12.
func major(version string) string { return leadingNumbers(version, 1) }

// minor keeps the first two numbers of a version: 22.04.1 is 22.04.
func minor(version string) string { return leadingNumbers(version, 2) }

// alpineRelease is the branch of an Alpine version. Snapshots of the rolling branch call themselves 3.22_alpha….
func alpineRelease(version string) string {
	if version == edge || strings.Contains(version, "_") {
		return edge
	}
	return minor(version)
}

// rolling stands for the one release of a distribution without releases.
func rolling(string) string { return "rolling" }

func leadingNumbers(version string, n int) string {
	parts := strings.SplitN(version, ".", n+1)
	if len(parts) < n {
		return ""
	}
	for _, p := range parts[:n] {
		if _, err := strconv.ParseUint(p, 10, 31); err != nil {
			return ""
		}
	}
	return strings.Join(parts[:n], ".")
}

// compareReleases orders release names that leadingNumbers made.
func compareReleases(a, b string) int {
	return slices.CompareFunc(strings.Split(a, "."), strings.Split(b, "."), func(x, y string) int {
		return cmp.Or(compareDigits(x, y), cmp.Compare(x, y))
	})
}
