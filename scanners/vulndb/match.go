package vulndb

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plimsoll/scanners"
)

// Advisory is one known vulnerability that concerns a package at its version. Several Advisories share their slices:
// they are read-only. Its texts come from the database and are to be treated as text, never as markup.
type Advisory struct {
	ID             string             // CVE-…, GHSA-…, or what the source calls it
	Aliases        []string           // other names, advisories of the distribution among them
	FixedVersion   string             // smallest known version that clears it from the installed version, "" when there is none
	Status         scanners.FixStatus //
	Severity       scanners.Severity  //
	SeveritySource string             // who rated it: debian, nvd …; "" when nobody or when the database does not tell
	Title          string             //
	Published      string             // YYYY-MM-DD, "" when unknown
	CVSS           []scanners.CVSS    // newest version of the system first
	References     []string           // http and https only
	Source         string             // name of the source that states it
	SourceURL      string             //
}

// Gap is something that could not be judged, so that nobody takes it for fine.
type Gap struct {
	Subject string // the package and version, or the advisory that it is about
	Reason  string
	Damaged bool // the database itself could not be read: another one would tell
}

// Match gives the advisories that concern the package at its version, by id, and what could not be judged.
//
// A distribution's package is looked up by its source package in the advisories of dist; none are given when dist is
// not known (see Support and Answers). A language package is looked up in all sources of its ecosystem. A version that
// cannot be read is a gap only when there are advisories that needed it.
func (d *Database) Match(dist scanners.Distribution, p scanners.Package) ([]Advisory, []Gap) {
	m := matching{database: d, subject: strings.TrimSpace(p.Name + " " + p.Version)}
	err := guard(func() error { return m.match(dist, p) })
	if err != nil {
		m.gap(m.subject, err)
	}
	slices.SortStableFunc(m.found, func(a, b Advisory) int { return cmp.Compare(a.ID, b.ID) })
	return m.found, m.gaps
}

// matching is one call of Match.
type matching struct {
	database *Database
	subject  string
	found    []Advisory
	gaps     []Gap
}

func (m *matching) gap(subject string, reason error) {
	m.gaps = append(m.gaps, Gap{Subject: subject, Reason: reason.Error(), Damaged: errors.Is(reason, errDamaged)})
}

func (m *matching) match(dist scanners.Distribution, p scanners.Package) error {
	o, err := orderOf(p.Ecosystem)
	if err != nil {
		return err
	}
	if p.Ecosystem.OfDistribution() {
		return m.distribution(dist, p, o)
	}
	return m.language(p, o)
}

// distribution matches a package of the distribution by its source.
func (m *matching) distribution(dist scanners.Distribution, p scanners.Package, o order) error {
	f, release := lookUp(dist)
	if f == nil {
		return nil
	}
	if f.ecosystem != p.Ecosystem {
		return fmt.Errorf("%s has no advisories for packages of kind %s", dist, p.Ecosystem)
	}
	name, text := cmp.Or(p.Source.Name, p.Name), cmp.Or(p.Source.Version, p.Version)
	rules, err := m.rules(p.Ecosystem, f.bucketOf(release), name, o)
	if err != nil || len(rules.all) == 0 {
		return err
	}
	installed, unreadable := o.read(text)
	skipped := 0
	for i := range rules.all {
		r := &rules.all[i]
		switch {
		case r.fixed == nil && r.affected == nil: // whatever the version
		case unreadable != nil:
			skipped++
			continue
		case !r.concerns(installed):
			continue
		}
		status := scanners.StatusFixed
		if r.fixed == nil {
			status = fixStatus(r.Status)
		}
		m.add(r, r.FixedVersion, status, false)
	}
	if skipped > 0 {
		m.gap(m.subject, fmt.Errorf("%w; %d advisories of %s were not judged", unreadable, skipped, name))
	}
	return nil
}

// languagePrefix begins the names of an ecosystem's buckets.
func languagePrefix(eco scanners.Ecosystem) string {
	switch eco {
	case scanners.EcosystemNPM:
		return "npm::"
	case scanners.EcosystemPyPI:
		return "pip::"
	default:
		return "go::"
	}
}

// language matches a language package in all sources of its ecosystem. What several sources state is told once.
func (m *matching) language(p scanners.Package, o order) error {
	prefix := languagePrefix(p.Ecosystem)
	first, _ := slices.BinarySearch(m.database.buckets, prefix)
	var sets []*ruleSet
	known := 0
	for _, bucket := range m.database.buckets[first:] {
		if !strings.HasPrefix(bucket, prefix) {
			break
		}
		for _, name := range languageNames(p.Ecosystem, p.Name) {
			set, err := m.rules(p.Ecosystem, bucket, name, o)
			if err != nil {
				return err
			}
			sets = append(sets, set)
			known += len(set.all)
		}
	}
	if known == 0 {
		return nil
	}
	installed, err := o.read(p.Version)
	if err != nil {
		return fmt.Errorf("%w; %d advisories of %s were not judged", err, known, p.Name)
	}
	for _, set := range sets {
		for i := range set.all {
			m.judge(&set.all[i], installed)
		}
	}
	return nil
}

func (m *matching) judge(r *rule, installed version) {
	switch r.vulnerable(installed) {
	case no:
		return
	case unclear:
		m.gap(m.subject, r.unreadable())
		return
	}
	fixed := r.fix(installed)
	status := scanners.StatusFixed
	if fixed == "" {
		status = scanners.StatusAffected
	}
	i := slices.IndexFunc(m.found, func(a Advisory) bool { return sameAdvisory(a, r.record) })
	if i < 0 {
		m.add(r, fixed, status, true)
		return
	}
	m.merge(&m.found[i], r, fixed, status)
}

// sameAdvisory says whether an advisory that was found already is the record's. Sharing some other name is not enough:
// sources put several CVEs under one name.
func sameAdvisory(a Advisory, r record) bool {
	return a.ID == r.ID ||
		(slices.Contains(a.Aliases, r.ID) && !isCVE(r.ID)) ||
		(slices.Contains(r.VendorIDs, a.ID) && !isCVE(a.ID))
}

func isCVE(id string) bool { return strings.HasPrefix(id, "CVE-") }

// merge adds what a second source states about the same advisory. The first one's word stands, unless only the second
// knows a fix or the CVE.
func (m *matching) merge(a *Advisory, r *rule, fixed string, status scanners.FixStatus) {
	names := slices.Concat(a.Aliases, []string{a.ID, r.ID}, r.VendorIDs)
	if isCVE(r.ID) && !isCVE(a.ID) {
		previous := *a
		*a = m.advisory(r, fixed, status, true)
		fixed, status = previous.FixedVersion, previous.Status
	}
	if a.FixedVersion == "" {
		a.FixedVersion, a.Status = fixed, status
	}
	slices.Sort(names)
	a.Aliases = slices.DeleteFunc(slices.Compact(names), func(n string) bool { return n == a.ID })
}

func (m *matching) add(r *rule, fixed string, status scanners.FixStatus, language bool) {
	m.found = append(m.found, m.advisory(r, fixed, status, language))
}

// advisory puts together what is shown of a rule that concerns the package.
func (m *matching) advisory(r *rule, fixed string, status scanners.FixStatus, language bool) Advisory {
	d, err := m.database.detail(r.ID)
	if err != nil {
		m.gap(r.ID, err)
		d = &detail{}
	}
	severity, source := d.rate(r.ID, severityOf(r.Severity), r.from, language)
	return Advisory{
		ID:             r.ID,
		Aliases:        r.VendorIDs,
		FixedVersion:   fixed,
		Status:         status,
		Severity:       severity,
		SeveritySource: source,
		Title:          d.title,
		Published:      d.published,
		CVSS:           d.cvss,
		References:     d.references,
		Source:         cmp.Or(r.from.Name, r.from.ID),
		SourceURL:      r.from.URL,
	}
}

// rules are the rules on a package; what is wrong with single records becomes gaps of this matching.
func (m *matching) rules(eco scanners.Ecosystem, bucket, name string, o order) (*ruleSet, error) {
	set, err := m.database.rulesOf(eco, bucket, name, o)
	if err != nil {
		return nil, err
	}
	m.gaps = append(m.gaps, set.gaps...)
	return set, nil
}

// detail reads what is known of an advisory; empty when the database has no details of it.
func (d *Database) detail(id string) (*detail, error) {
	if known, ok := d.details.get(id); ok {
		return known, nil
	}
	found := &detail{}
	var damaged error
	err := d.facts.detail(id, func(data []byte) {
		var decoded *detail
		if decoded, damaged = decodeDetail(id, data); damaged == nil {
			found = decoded
		}
	})
	if err := cmp.Or(err, damaged); err != nil {
		return nil, err
	}
	d.details.put(id, found, 1)
	return found, nil
}

// languageNames are the names to look a language package up by: as trivy-db normalises them, and for Python also as
// PEP 503 does.
func languageNames(eco scanners.Ecosystem, name string) []string {
	switch eco {
	case scanners.EcosystemNPM:
		return []string{strings.ToLower(name)}
	case scanners.EcosystemPyPI:
		stored := strings.ReplaceAll(strings.ToLower(name), "_", "-")
		if normal := pep503(name); normal != stored {
			return []string{stored, normal}
		}
		return []string{stored}
	default:
		return []string{name}
	}
}

// pep503 is the normal form of a Python project's name: lower case, every run of ".", "_" and "-" one "-".
func pep503(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune(".-_", r) })
	return strings.Join(parts, "-")
}
