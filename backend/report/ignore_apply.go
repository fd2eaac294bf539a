package report

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/package-url/packageurl-go"

	"plimsoll/scanners"
)

// Apply moves the findings that the file ignores to r.Ignored and out of the fixes: see [Keep]. Apply it before other
// filters, or entries look unused. today decides which entries still hold.
//
// It returns sentences for people about entries that need care: expired ones, which no longer apply, and those that no
// finding fits any more. An entry for images that are not in the report is not called unused, and nothing is when the
// run was cut short or something failed, because the finding may be where nobody looked.
func (f IgnoreFile) Apply(r *scanners.Report, today time.Time) []string {
	m := matcher{day: today.UTC().Format(time.DateOnly), names: map[string]string{}, fits: make([]int, len(f.entries))}
	for _, a := range r.Assets {
		m.names[a.Key] = a.Name
	}
	var decisions []ignoreEntry
	taken := Keep(r, func(finding scanners.Finding) bool {
		e, found := m.entry(f.entries, finding)
		if found {
			decisions = append(decisions, e)
		}
		return !found
	})
	r.Ignored = slices.Clip(r.Ignored)
	for i, finding := range taken {
		r.Ignored = append(r.Ignored, scanners.Ignored{Finding: finding, Reason: decisions[i].reason, Until: decisions[i].until})
	}
	return f.notes(m, complete(*r))
}

// notes tells which entries expired and which fit nothing.
func (f IgnoreFile) notes(m matcher, complete bool) []string {
	var notes []string
	for i, e := range f.entries {
		where := fmt.Sprintf("%s:%d: the entry for %s", f.name, e.line, e.label())
		switch {
		case e.expired(m.day) && m.fits[i] > 0:
			notes = append(notes, fmt.Sprintf("%s expired on %s and no longer hides %s: fix what it hid or set a new date", where, e.until, count(m.fits[i], "finding")))
		case e.expired(m.day):
			notes = append(notes, fmt.Sprintf("%s expired on %s and no finding fits it: remove it", where, e.until))
		case m.fits[i] == 0 && complete && m.reaches(e):
			notes = append(notes, where+" is unused, no finding fits it: remove it")
		}
	}
	return notes
}

// matcher finds the entry for a finding and counts what each entry fits.
type matcher struct {
	day   string            // today, YYYY-MM-DD
	names map[string]string // names of the assets by key
	fits  []int             // findings that each entry fits, by its place in the file
}

// entry is the first that fits the finding and still holds. All that fit are counted.
func (m matcher) entry(entries []ignoreEntry, f scanners.Finding) (ignoreEntry, bool) {
	var first ignoreEntry
	found := false
	for i, e := range entries {
		if !e.fits(f) || !e.in(f.Asset, m.names[f.Asset]) {
			continue
		}
		m.fits[i]++
		if !found && !e.expired(m.day) {
			first, found = e, true
		}
	}
	return first, found
}

// reaches says whether the report holds an asset that the entry is for.
func (m matcher) reaches(e ignoreEntry) bool {
	for key, name := range m.names {
		if e.in(key, name) {
			return true
		}
	}
	return false
}

// expired says whether the entry's last day is over. Dates of this form sort as text.
func (e ignoreEntry) expired(day string) bool { return e.until != "" && day > e.until }

// in says whether the entry is for an asset.
func (e ignoreEntry) in(key, name string) bool {
	return e.asset == nil || e.asset.MatchString(key) || e.asset.MatchString(name)
}

// fits says whether everything else in the entry fits the finding.
func (e ignoreEntry) fits(f scanners.Finding) bool {
	switch {
	case e.id != "" && !strings.EqualFold(e.id, f.Check):
		return false
	case e.pkg != "" && e.pkg != f.Package.Name && e.pkg != f.Package.Source:
		return false
	case e.purl != "" && !covers(e.parsed, f.Package.PURL):
		return false
	default:
		return e.path == nil || e.path.MatchString(strings.TrimPrefix(f.Location.Path, "/"))
	}
}

// covers says whether a package is the one that want names. What want leaves open (version, qualifiers) fits any.
func covers(want packageurl.PackageURL, purl string) bool {
	have, err := packageurl.FromString(purl)
	if err != nil || have.Type != want.Type || have.Namespace != want.Namespace || have.Name != want.Name {
		return false
	}
	if want.Version != "" && want.Version != have.Version {
		return false
	}
	qualifiers := have.Qualifiers.Map()
	for key, value := range want.Qualifiers.Map() {
		if qualifiers[key] != value {
			return false
		}
	}
	return true
}

// complete says whether a run looked at everything that it was asked for.
func complete(r scanners.Report) bool {
	return !r.Run.Canceled && !slices.ContainsFunc(r.Coverage, func(c scanners.Coverage) bool {
		return c.State == scanners.CoverageFailed
	})
}
