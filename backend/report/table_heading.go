package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"plimsoll/scanners"
)

// heading names the image and says the most important thing first: how much was found, and how bad it is.
func (t table) heading(s section, run scanners.Run) {
	t.gap()
	t.flow(nil, span{text: t.clip(cmp.Or(s.asset.Name, s.asset.Key, "image without a name"), 3*t.width), style: styleStrong})
	t.flow(nil, span{text: t.clip(system(s.asset), 2*t.width)})
	t.flow(nil, span{text: t.clip(packages(s.asset.Packages), 2*t.width)})
	if len(s.findings) == 0 {
		t.flow(nil, t.verdict(s, run))
		return
	}
	t.flow(nil, append([]span{{text: count(len(s.findings), "finding") + t.narrowed() + ":"}}, severities(s.findings)...)...)
}

// narrowed says in brackets what the findings were narrowed to.
func (t table) narrowed() string {
	if t.only == "" {
		return ""
	}
	return " (only " + t.clip(t.only, t.width) + ")"
}

// system tells what the image is built from and for.
func system(a scanners.Asset) string {
	parts := []string{cmp.Or(a.Distribution.String(), "no distribution recognised")}
	if p := a.Platform.String(); p != "" {
		parts = append(parts, p)
	}
	if len(a.Layers) > 0 {
		parts = append(parts, count(len(a.Layers), "layer"))
	}
	return strings.Join(parts, ", ")
}

// packages counts packages by ecosystem, the largest first.
func packages(all []scanners.Package) string {
	if len(all) == 0 {
		return "no packages"
	}
	counts := map[scanners.Ecosystem]int{}
	owned := 0
	for _, p := range all {
		counts[p.Ecosystem]++
		if p.OwnedBy != "" {
			owned++
		}
	}
	ecosystems := make([]scanners.Ecosystem, 0, len(counts))
	for e := range counts {
		ecosystems = append(ecosystems, e)
	}
	slices.SortFunc(ecosystems, func(a, b scanners.Ecosystem) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(ecosystems))
	for i, e := range ecosystems {
		parts[i] = number(counts[e]) + " " + ecosystem(e)
	}
	text := count(len(all), "package") + ": " + strings.Join(parts, ", ")
	if owned > 0 {
		text += fmt.Sprintf(" (%s installed by a distribution package)", number(owned))
	}
	return text
}

// ecosystem is what people call a kind of package.
func ecosystem(e scanners.Ecosystem) string {
	switch e {
	case scanners.EcosystemPyPI:
		return "Python"
	case scanners.EcosystemGolang:
		return "Go"
	default:
		return string(e)
	}
}

// verdict is the sentence for an image without findings. It is good news only when everything was looked at with a
// full database and nothing was left out.
func (t table) verdict(s section, run scanners.Run) span {
	switch {
	case s.assessed() == scanners.CoverageSkipped:
		return span{text: "Not assessed: nothing was matched against advisories.", style: styleWarning}
	case s.assessed() != scanners.CoverageDone || run.Canceled:
		return span{text: "No findings in the part that was looked at.", style: styleWarning}
	case t.only != "":
		return span{text: "No findings" + t.narrowed() + "."}
	case len(s.ignored) > 0:
		return span{text: "No findings besides " + number(len(s.ignored)) + " ignored."}
	case run.Database.Kind == scanners.DatabaseStarter:
		return span{text: "None of the starter advisories applies; other vulnerabilities were not looked for.", style: styleWarning}
	default:
		return span{text: "✓ No known vulnerabilities.", style: styleFine}
	}
}
