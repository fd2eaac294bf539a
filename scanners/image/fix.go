package image

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

// Fixes groups findings by what a person does about them: one action for each source package or language package of an
// asset, upgrading to the version that clears all its findings. Findings without a fix are in no action. The findings
// keep their order, so the first of each action is its most pressing.
func Fixes(findings []scanners.Finding) []scanners.FixAction {
	type unit struct {
		asset, name string
		eco         scanners.Ecosystem
	}
	var order []unit
	groups := make(map[unit][]scanners.Finding)
	for _, f := range findings {
		if f.FixedVersion == "" {
			continue
		}
		u := unit{f.Asset, cmp.Or(f.Package.Source, f.Package.Name), f.Package.Ecosystem}
		if _, seen := groups[u]; !seen {
			order = append(order, u)
		}
		groups[u] = append(groups[u], f)
	}
	var actions []scanners.FixAction
	for _, u := range order {
		actions = append(actions, action(u.name, groups[u]))
	}
	slices.SortStableFunc(actions, func(a, b scanners.FixAction) int {
		return cmp.Or(cmp.Compare(b.Severity, a.Severity), cmp.Compare(len(b.Findings), len(a.Findings)))
	})
	return actions
}

// action is the upgrade that clears the findings, all of one package.
func action(name string, findings []scanners.Finding) scanners.FixAction {
	first := findings[0]
	a := scanners.FixAction{
		Asset: first.Asset, Package: name, Severity: first.Severity, Layer: first.Location.Layer, Eco: first.Package.Ecosystem,
	}
	var names []string
	for _, f := range findings {
		a.Findings = append(a.Findings, f.ID)
		a.From = add(a.From, f.Package.Version)
		names = add(names, f.Package.Name)
		a.To = newer(a.Eco, a.To, f.FixedVersion)
		if !a.Eco.OfDistribution() {
			a.Paths = add(a.Paths, f.Location.Path)
		}
	}
	slices.Sort(names)
	a.Title = title(a)
	a.Command = command(a.Eco, names, a)
	return a
}

func add(items []string, item string) []string {
	if slices.Contains(items, item) {
		return items
	}
	return append(items, item)
}

// newer is the later of two versions. Two that can't be compared keep the first.
func newer(eco scanners.Ecosystem, a, b string) string {
	if a == "" {
		return b
	}
	if order, err := vulndb.Compare(eco, a, b); err != nil || order >= 0 {
		return a
	}
	return b
}

func title(a scanners.FixAction) string {
	if a.Eco == scanners.EcosystemGolang && a.Package == "stdlib" {
		return fmt.Sprintf("Rebuild %s with Go %s", places(a.Paths), strings.TrimPrefix(a.To, "v"))
	}
	text := fmt.Sprintf("Upgrade %s to %s", a.Package, a.To)
	if len(a.Paths) > 1 {
		text += fmt.Sprintf(" in %d places", len(a.Paths))
	}
	return text
}

func places(paths []string) string {
	if len(paths) == 1 {
		return paths[0]
	}
	return fmt.Sprintf("%d programs", len(paths))
}

// command is what upgrades the package with its own manager. Names come from the image, so one that is no plain name
// gets no command: nobody should paste it.
func command(eco scanners.Ecosystem, names []string, a scanners.FixAction) string {
	for _, word := range append(slices.Clone(names), a.Package, a.To) {
		if !isPlain(word) {
			return ""
		}
	}
	switch eco {
	case scanners.EcosystemDeb:
		return "apt-get update && apt-get install --only-upgrade -y " + strings.Join(names, " ")
	case scanners.EcosystemAPK:
		return "apk upgrade --no-cache " + strings.Join(names, " ")
	case scanners.EcosystemNPM:
		return "npm install " + a.Package + "@" + a.To
	case scanners.EcosystemPyPI:
		return "pip install --upgrade '" + a.Package + ">=" + a.To + "'"
	case scanners.EcosystemGolang:
		if a.Package == "stdlib" {
			return "" // another toolchain, not another module
		}
		return "go get " + a.Package + "@v" + strings.TrimPrefix(a.To, "v") + " && go mod tidy"
	default:
		return ""
	}
}

// isPlain says whether a word means itself to a shell.
func isPlain(word string) bool {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._+~:/@"
	return word != "" && word[0] != '-' && strings.Trim(word, plain) == ""
}
