package report

import (
	"cmp"
	"net/url"
	"path"
	"strings"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"plimsoll/scanners"
)

// result is one finding. Its identity, which survives rebuilds, is both our own fingerprint and the one that GitHub
// reads, so that the same advisory in two images stays two alerts.
func result(f scanners.Finding, image string, rule int) *sarif.Result {
	properties := sarif.NewPropertyBag().
		Add("severity", f.Severity.String()).
		Add("image", Visible(image)).
		Add("package", Visible(f.Package.PURL)).
		Add("installedVersion", Visible(f.Package.Version)).
		Add("fixedVersion", Visible(f.FixedVersion)).
		Add("status", Visible(string(f.Status)))
	return sarif.NewResult().
		WithRuleID(ruleID(f)).
		WithRuleIndex(rule).
		WithLevel(level(f.Severity)).
		WithMessage(message(sentence(f, image))).
		WithLocations([]*sarif.Location{location(f, image)}).
		WithPartialFingerprints(map[string]string{"plimsollFinding/v1": f.ID, "primaryLocationLineHash": f.ID}).
		WithProperties(properties)
}

// sentence says what was found where, and what to do.
func sentence(f scanners.Finding, image string) string {
	subject := strings.TrimSpace(f.Package.Name + " " + f.Package.Version)
	text := cmp.Or(subject, "This image")
	if image != "" {
		text += " in " + image
	}
	text += ": " + cmp.Or(f.Title, f.Check) + "."
	if f.FixedVersion != "" {
		return text + " Upgrade to " + f.FixedVersion + "."
	}
	return text + " No upgrade clears it: " + standing(f) + "."
}

// location is the file that tells of the package, as a path from the image's root, and the package as a logical
// place. An image has no lines; a region is written because code scanning wants one.
func location(f scanners.Finding, image string) *sarif.Location {
	line := max(f.Location.Line, 1)
	region := sarif.NewRegion().WithStartLine(line).WithStartColumn(1).WithEndLine(line).WithEndColumn(1)
	file := sarif.NewArtifactLocation().WithURI(reference(cmp.Or(f.Location.Path, image, "image")))
	places := []*sarif.LogicalLocation{imageLocation(f.Asset, image)}
	if f.Package.Name != "" {
		places = append(places, sarif.NewLogicalLocation().WithKind("package").
			WithName(Visible(f.Package.Name)).WithFullyQualifiedName(Visible(f.Package.PURL)))
	}
	return sarif.NewLocation().
		WithPhysicalLocation(sarif.NewPhysicalLocation().WithArtifactLocation(file).WithRegion(region)).
		WithLogicalLocations(places)
}

// imageLocation is an image as a logical place.
func imageLocation(key, name string) *sarif.LogicalLocation {
	return sarif.NewLogicalLocation().WithKind("image").WithName(Visible(cmp.Or(name, key))).WithFullyQualifiedName(Visible(key))
}

// reference is a path as a relative URI reference (RFC 3986 section 4.2): encoded, without "..", and never taken for
// one with a scheme or a host.
func reference(file string) string {
	clean := strings.TrimLeft(path.Clean("/"+file), "/")
	return (&url.URL{Path: cmp.Or(clean, ".")}).String()
}

// level is SARIF's word for a severity. What nobody rated is a warning: it may be anything.
func level(s scanners.Severity) string {
	switch s {
	case scanners.SeverityCritical, scanners.SeverityHigh:
		return sarif.LevelError
	case scanners.SeverityLow:
		return sarif.LevelNote
	default:
		return sarif.LevelWarning
	}
}

// message is plain text. Square brackets are escaped, or a reader would take scanned text for a link (section 3.11.6).
func message(text string) *sarif.Message {
	text = strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`).Replace(Visible(text))
	return sarif.NewTextMessage(text)
}
