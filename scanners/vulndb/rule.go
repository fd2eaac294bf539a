package vulndb

import (
	"cmp"
	"fmt"
	"slices"

	"plimsoll/scanners"
)

// ruleKey says which package in which bucket a rule set is about.
type ruleKey struct{ bucket, name string }

// ruleSet is everything that one source states about one package, ready to compare versions with.
type ruleSet struct {
	all  []rule
	gaps []Gap // records that cannot be used
}

// rule is a record with its versions parsed.
type rule struct {
	record
	from origin

	fixed, affected version // of distributions; nil when the record names none

	inside ranges  // of languages: the versions that have the vulnerability
	safe   ranges  // the versions that don't, whatever inside says
	fixes  []bound // versions that cleared it, ascending
}

// rulesOf reads and parses what a bucket has on a package, once.
func (d *Database) rulesOf(eco scanners.Ecosystem, bucket, name string, o order) (*ruleSet, error) {
	key := ruleKey{bucket, name}
	if known, ok := d.rules.get(key); ok {
		return known, nil
	}
	set := &ruleSet{}
	var from origin
	err := d.facts.records(bucket, name, func(id string, data []byte) {
		r, err := decodeRecord(id, data)
		if err == nil {
			err = set.add(r, eco, o)
		}
		if err != nil {
			set.gaps = append(set.gaps, Gap{Subject: name + " " + id, Reason: err.Error()})
		}
	})
	if err != nil {
		return nil, err
	}
	if len(set.all) > 0 {
		if from, err = d.facts.origin(bucket); err != nil {
			return nil, err
		}
	}
	for i := range set.all {
		set.all[i].from = from
	}
	d.rules.put(key, set, 1+len(set.all))
	return set, nil
}

// add parses a record's versions; a record that says "not affected" is left out.
func (s *ruleSet) add(r record, eco scanners.Ecosystem, o order) error {
	if notAffected(r.Status) {
		return nil
	}
	parsed := rule{record: r}
	parse := parsed.parseRanges
	if eco.OfDistribution() {
		parse = parsed.parseVersions
	}
	if err := parse(o); err != nil {
		return err
	}
	s.all = append(s.all, parsed)
	return nil
}

func (r *rule) parseVersions(o order) (err error) {
	if r.FixedVersion != "" {
		if r.fixed, err = o.read(r.FixedVersion); err != nil {
			return fmt.Errorf("the fix of %s: %w", r.ID, err)
		}
	}
	if r.AffectedVersion != "" {
		if r.affected, err = o.read(r.AffectedVersion); err != nil {
			return fmt.Errorf("the first affected version of %s: %w", r.ID, err)
		}
	}
	return nil
}

// concerns says whether a distribution's installed version has the vulnerability.
func (r *rule) concerns(installed version) bool {
	if r.affected != nil && installed.compare(r.affected) < 0 {
		return false
	}
	return r.fixed == nil || installed.compare(r.fixed) < 0
}

func (r *rule) parseRanges(o order) error {
	if len(r.VulnerableVersions)+len(r.PatchedVersions)+len(r.UnaffectedVersions) == 0 {
		return fmt.Errorf("%s names no versions", r.ID)
	}
	r.inside = parseRanges(o, r.VulnerableVersions)
	r.safe = parseRanges(o, r.PatchedVersions)
	r.fixes = r.safe.with("=", ">=")
	if len(r.PatchedVersions) == 0 {
		r.fixes = r.inside.with("<")
	}
	unaffected := parseRanges(o, r.UnaffectedVersions)
	r.safe.clauses = append(r.safe.clauses, unaffected.clauses...)
	r.safe.unreadable = cmp.Or(r.safe.unreadable, unaffected.unreadable)
	slices.SortStableFunc(r.fixes, func(a, b bound) int { return a.version.compare(b.version) })
	return nil
}

// vulnerable says whether a language package's version has the vulnerability: it is in the vulnerable ranges, when
// there are any, and in no patched or unaffected one.
func (r *rule) vulnerable(installed version) answer {
	inside := yes
	if len(r.VulnerableVersions) > 0 {
		inside = r.inside.has(installed)
	}
	if inside == no {
		return no
	}
	switch r.safe.has(installed) {
	case yes:
		return no
	case no:
		return inside
	default:
		return unclear
	}
}

// unreadable is what makes vulnerable unclear.
func (r *rule) unreadable() error {
	return fmt.Errorf("versions of %s: %w", r.ID, cmp.Or(r.inside.unreadable, r.safe.unreadable))
}

// noFix is what some sources write for the version that fixes what has no fix.
const noFix = "999.999.999"

// fix is the smallest version after the installed one that no longer has the vulnerability; "" when none is known.
func (r *rule) fix(installed version) string {
	for _, b := range r.fixes {
		if b.text != noFix && b.version.compare(installed) > 0 && r.vulnerable(b.version) == no {
			return b.text
		}
	}
	return ""
}
