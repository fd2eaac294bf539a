package report

import (
	"cmp"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"plimsoll/scanners"
)

// rules collects one rule per advisory in the order in which they are met.
type rules struct {
	list   []*sarif.ReportingDescriptor
	places map[string]int
	scores []float64 // highest seen, by place in the list
}

func newRules() *rules { return &rules{list: []*sarif.ReportingDescriptor{}, places: map[string]int{}} }

// index is the place of a finding's rule, which is made of the first finding that has it. Its security-severity is the
// highest score of all of them.
func (r *rules) index(f scanners.Finding) int {
	id := ruleID(f)
	i, known := r.places[id]
	if !known {
		i = len(r.list)
		r.places[id] = i
		r.list = append(r.list, rule(id, f))
		r.scores = append(r.scores, 0)
	}
	if s := score(f); !known || s > r.scores[i] {
		r.scores[i] = s
		r.list[i].Properties.Add("security-severity", strconv.FormatFloat(s, 'f', 1, 64))
	}
	return i
}

// ruleID is the advisory's id.
func ruleID(f scanners.Finding) string { return cmp.Or(Visible(f.Check), "unnamed") }

// rule describes an advisory.
func rule(id string, f scanners.Finding) *sarif.ReportingDescriptor {
	short := id
	if f.Title != "" {
		short += ": " + Visible(f.Title)
	}
	full := fmt.Sprintf("%s. Severity: %s.", short, f.Severity)
	if f.Published != "" {
		full += " Published " + Visible(f.Published) + "."
	}
	help := full
	for _, link := range f.References {
		help += "\n" + Visible(link)
	}
	d := sarif.NewReportingDescriptor().WithID(id).
		WithShortDescription(sarif.NewMultiformatMessageString().WithText(short)).
		WithFullDescription(sarif.NewMultiformatMessageString().WithText(full)).
		WithHelp(sarif.NewMultiformatMessageString().WithText(help)).
		WithDefaultConfiguration(sarif.NewReportingConfiguration().WithLevel(level(f.Severity))).
		WithProperties(sarif.NewPropertyBag().WithTags([]string{"security", string(f.Kind)}))
	if link := helpLink(id, f.References); link != "" {
		d.WithHelpURI(link)
	}
	return d
}

// score is the number that code scanning rates a finding by: the highest CVSS base score that any source gave it, else
// the middle of its severity's range in CVSS v3.1 section 5. 0.0 stands for what nobody rated.
func score(f scanners.Finding) float64 {
	best := 0.0
	for _, c := range f.CVSS {
		best = max(best, c.Score)
	}
	if best > 0 {
		return min(best, 10)
	}
	switch f.Severity {
	case scanners.SeverityCritical:
		return 9.5
	case scanners.SeverityHigh:
		return 8
	case scanners.SeverityMedium:
		return 5.5
	case scanners.SeverityLow:
		return 2
	default:
		return 0
	}
}

// The ids whose issuer has a page for each.
var (
	cveID  = regexp.MustCompile(`^CVE-\d{4}-\d+$`)
	ghsaID = regexp.MustCompile(`^GHSA(-[0-9a-z]{4}){3}$`)
)

// helpLink is the page of an advisory at the place that gave it its id, else its first reference on the web.
func helpLink(id string, references []string) string {
	switch {
	case cveID.MatchString(id):
		return "https://www.cve.org/CVERecord?id=" + id
	case ghsaID.MatchString(id):
		return "https://github.com/advisories/" + id
	}
	for _, link := range references {
		u, err := url.Parse(link)
		if err == nil && u.Host != "" && (strings.EqualFold(u.Scheme, "https") || strings.EqualFold(u.Scheme, "http")) {
			return u.String()
		}
	}
	return ""
}
