package vulndb

import (
	"errors"
	"fmt"
	"strings"

	npm "github.com/aquasecurity/go-npm-version/pkg"
	pep440 "github.com/aquasecurity/go-pep440-version"
	semver "github.com/aquasecurity/go-version/pkg/version"

	"plimsoll/scanners"
)

// longestVersion bounds version strings: they come from what is scanned.
const longestVersion = 512

// version is one parsed version. It is only ever compared with a version of the same order.
type version interface {
	compare(other version) int // negative, 0 or positive
}

// order is how one ecosystem reads and orders its versions.
type order struct {
	parse func(text string) (version, error)
	// rule reads the forms of a version range that parseRanges does not know itself (wildcards, ~, ^, !=).
	rule func(text string) (func(version) bool, error)
}

// Compare orders two versions by the rules of their ecosystem: negative when a is older than b, 0 when they are equal,
// positive when a is newer. The error says which of them cannot be read.
func Compare(eco scanners.Ecosystem, a, b string) (int, error) {
	o, err := orderOf(eco)
	if err != nil {
		return 0, err
	}
	va, err := o.read(a)
	if err != nil {
		return 0, err
	}
	vb, err := o.read(b)
	if err != nil {
		return 0, err
	}
	return va.compare(vb), nil
}

// orderOf is the order of an ecosystem's versions.
func orderOf(eco scanners.Ecosystem) (order, error) {
	switch eco {
	case scanners.EcosystemDeb:
		return order{parse: parseDeb}, nil
	case scanners.EcosystemAPK:
		return order{parse: parseAPK}, nil
	case scanners.EcosystemNPM:
		return order{parse: parseNPM, rule: ruleNPM}, nil
	case scanners.EcosystemPyPI:
		return order{parse: parsePyPI, rule: rulePyPI}, nil
	case scanners.EcosystemGolang:
		return order{parse: parseGo, rule: ruleGo}, nil
	default:
		return order{}, fmt.Errorf("versions of ecosystem %q cannot be compared", eco)
	}
}

// read parses a version; its error names the version.
func (o order) read(text string) (version, error) {
	trimmed := strings.TrimSpace(text)
	if len(trimmed) > longestVersion {
		return nil, fmt.Errorf("version %q… is longer than %d characters", trimmed[:40], longestVersion)
	}
	if trimmed == "" {
		return nil, errors.New("the version is empty")
	}
	v, err := o.parse(trimmed)
	if err != nil {
		return nil, fmt.Errorf("version %q cannot be read: %w", trimmed, err)
	}
	return v, nil
}

type npmVersion struct {
	npm.Version
	plain string
}

// parseNPM reads a semantic version. npm accepts a leading "v" or "=" and drops it.
func parseNPM(text string) (version, error) {
	text = strings.TrimLeft(text, "v=")
	v, err := npm.NewVersion(text)
	return npmVersion{v, plainRelease(text)}, err
}

func (v npmVersion) compare(other version) int {
	o := other.(npmVersion)
	if v.plain != "" && o.plain != "" {
		return comparePlain(v.plain, o.plain)
	}
	return v.Compare(o.Version)
}

func ruleNPM(text string) (func(version) bool, error) {
	c, err := npm.NewConstraints(text, npm.WithPreRelease(true))
	return func(v version) bool { return c.Check(v.(npmVersion).Version) }, err
}

type pypiVersion struct {
	pep440.Version
	plain string
}

// parsePyPI reads a PEP 440 version. The local part (+…) is dropped: a rebuild of a version has its vulnerabilities.
func parsePyPI(text string) (version, error) {
	v, err := pep440.Parse(text)
	if err == nil && v.Local() != "" {
		v, err = pep440.Parse(v.Public())
	}
	return pypiVersion{v, plainRelease(text)}, err
}

func (v pypiVersion) compare(other version) int {
	o := other.(pypiVersion)
	if v.plain != "" && o.plain != "" {
		return comparePlain(v.plain, o.plain)
	}
	return v.Compare(o.Version)
}

func rulePyPI(text string) (func(version) bool, error) {
	c, err := pep440.NewSpecifiers(text, pep440.WithPreRelease(true))
	return func(v version) bool { return c.Check(v.(pypiVersion).Version) }, err
}

type goVersion struct {
	semver.Version
	plain string
}

// parseGo reads the version of a Go module ("v1.2.3", pseudo-versions, "+incompatible") or of Go itself ("go1.21rc2",
// written 1.21.0-rc.2 in advisories).
func parseGo(text string) (version, error) {
	if text == "(devel)" {
		return nil, errors.New("the binary was built from a working copy and does not tell")
	}
	if toolchain, ok := strings.CutPrefix(text, "go"); ok {
		text = goRelease(toolchain)
	}
	v, err := semver.Parse(text)
	return goVersion{v, plainRelease(strings.TrimPrefix(text, "v"))}, err
}

// goRelease writes a release of Go as a semantic version: 1.21rc2 is 1.21-rc.2, experiments (" X:…") are dropped.
func goRelease(text string) string {
	text, _, _ = strings.Cut(text, " ")
	for _, stage := range []string{"rc", "beta"} {
		if release, number, ok := strings.Cut(text, stage); ok && !strings.Contains(release, "-") {
			return release + "-" + stage + "." + number
		}
	}
	return text
}

func (v goVersion) compare(other version) int {
	o := other.(goVersion)
	if v.plain != "" && o.plain != "" {
		return comparePlain(v.plain, o.plain)
	}
	return v.Compare(o.Version)
}

func ruleGo(text string) (func(version) bool, error) {
	c, err := semver.NewConstraints(text)
	return func(v version) bool { return c.Check(v.(goVersion).Version) }, err
}

// plainRelease is text when it consists of numbers and dots only, else "". Almost all versions do, and the libraries
// take 50 times as long for them as comparePlain.
func plainRelease(text string) string {
	for i := range len(text) {
		if !isDigit(text[i]) && text[i] != '.' {
			return ""
		}
	}
	return text
}

// comparePlain compares dotted numbers; missing ones count as 0.
func comparePlain(a, b string) int {
	for a != "" || b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if d := compareDigits(x, y); d != 0 {
			return d
		}
	}
	return 0
}
