package vulndb

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/aquasecurity/trivy-db/pkg/types"

	"plimsoll/scanners"
)

// record is what one data source states about one advisory and one package, as trivy-db stores it (JSON; the numbers
// are types.Status and types.Severity). The fields are only those that are used here: decoding is what a scan spends
// its time on.
type record struct {
	ID                 string   `json:"-"`
	FixedVersion       string   // of distributions; "" when there is no fix
	AffectedVersion    string   // of distributions; the first affected version, "" for all
	Severity           int      // the distribution's own rating of this package
	Status             int      // why there is no fix
	VulnerableVersions []string // of languages, as are the next two
	PatchedVersions    []string
	UnaffectedVersions []string
	VendorIDs          []string // other names of the advisory
}

func decodeRecord(id string, data []byte) (record, error) {
	r := record{ID: id}
	if r.decodeQuickly(data) {
		return r, nil
	}
	r = record{ID: id}
	if err := json.Unmarshal(data, &r); err != nil {
		return record{}, fmt.Errorf("the record of %s is damaged: %w", id, err)
	}
	return r, nil
}

// origin is the data source of a bucket.
type origin struct {
	ID, Name, URL string
	BaseID        string // source that this one builds on
}

func decodeOrigin(data []byte) (origin, error) {
	var o origin
	if err := json.Unmarshal(data, &o); err != nil {
		return origin{}, fmt.Errorf("a data source is damaged: %w", err)
	}
	return o, nil
}

// fixStatus translates a record's reason for having no fix. A source that says nothing lists it as affected.
func fixStatus(status int) scanners.FixStatus {
	switch types.Status(status) {
	case types.StatusUnderInvestigation:
		return scanners.StatusUnderInvestigation
	case types.StatusWillNotFix:
		return scanners.StatusWillNotFix
	case types.StatusFixDeferred:
		return scanners.StatusFixDeferred
	case types.StatusEndOfLife:
		return scanners.StatusEndOfLife
	default:
		return scanners.StatusAffected
	}
}

// severityOf translates trivy-db's number; SeverityUnknown when it is none.
func severityOf(n int) scanners.Severity {
	if n < 0 || n > int(types.SeverityCritical) {
		return scanners.SeverityUnknown
	}
	return scanners.Severity(n)
}

// vulnerability is what trivy-db stores about an advisory whatever package it is for.
type vulnerability struct {
	Title, Description string
	Severity           string
	VendorSeverity     map[string]int
	CVSS               map[string]types.CVSS
	References         []string
	PublishedDate      string // RFC 3339
}

// detail is a vulnerability made ready to show.
type detail struct {
	title, published string
	references       []string
	cvss             []scanners.CVSS
	severity         scanners.Severity // of no named source
	vendors          map[string]int
}

func decodeDetail(id string, data []byte) (*detail, error) {
	var v vulnerability
	if err := json.Unmarshal(data, &v); err != nil {
		return nil, fmt.Errorf("the details of %s are damaged: %w", id, err)
	}
	d := &detail{
		title:      titleOf(v),
		published:  day(v.PublishedDate),
		references: webAddresses(v.References),
		cvss:       ratings(v.CVSS),
		vendors:    v.VendorSeverity,
	}
	if s, err := scanners.ParseSeverity(v.Severity); err == nil {
		d.severity = s
	}
	return d, nil
}

// longestTitle bounds titles made of a description, in bytes.
const longestTitle = 120

// titleOf is the title, else the beginning of the description.
func titleOf(v vulnerability) string {
	if v.Title != "" {
		return v.Title
	}
	text := v.Description
	if len(text) > 4*longestTitle {
		text = text[:4*longestTitle]
	}
	words := strings.Fields(strings.ToValidUTF8(text, ""))
	title := ""
	for i, w := range words {
		if i > 0 && len(title)+len(w) > longestTitle {
			return title + " …"
		}
		title = strings.TrimLeft(title+" "+w, " ")
		if strings.HasSuffix(w, ".") && len(title) > longestTitle/3 {
			return title
		}
	}
	return title
}

// day cuts an RFC 3339 time to its date.
func day(moment string) string {
	if len(moment) < 10 || moment[4] != '-' || moment[7] != '-' {
		return ""
	}
	return moment[:10]
}

// webAddresses keeps what can be followed safely.
func webAddresses(references []string) []string {
	var kept []string
	for _, r := range references {
		if strings.HasPrefix(r, "https://") || strings.HasPrefix(r, "http://") {
			kept = append(kept, r)
		}
	}
	return kept
}

// notAffected says whether a record is there to say that the package does not have the vulnerability.
func notAffected(status int) bool { return types.Status(status) == types.StatusNotAffected }
