package image

import (
	"path"
	"regexp"
	"strings"

	"github.com/package-url/packageurl-go"

	"plimsoll/scanners"
)

// describe gives a package its package-url (https://github.com/package-url/purl-spec, types deb, apk, npm, pypi, golang).
func describe(p *scanners.Package, d scanners.Distribution) {
	namespace, name := "", p.Name
	var qualifiers packageurl.Qualifiers
	switch p.Ecosystem {
	case scanners.EcosystemDeb, scanners.EcosystemAPK:
		namespace = d.ID
		if p.Arch != "" {
			qualifiers = append(qualifiers, packageurl.Qualifier{Key: "arch", Value: p.Arch})
		}
		if d.ID != "" {
			qualifiers = append(qualifiers, packageurl.Qualifier{Key: "distro", Value: strings.TrimSuffix(d.ID+"-"+d.Version, "-")})
		}
	case scanners.EcosystemNPM:
		if scope, rest, ok := strings.Cut(p.Name, "/"); ok {
			namespace, name = scope, rest
		}
	case scanners.EcosystemPyPI:
		name = normalizePyPI(p.Name)
	case scanners.EcosystemGolang:
		namespace, name = path.Split(p.Name)
		namespace = strings.TrimSuffix(namespace, "/")
	}
	p.PURL = packageurl.NewPackageURL(string(p.Ecosystem), namespace, name, p.Version, qualifiers, "").ToString()
}

var pypiSeparators = regexp.MustCompile(`[-_.]+`)

// normalizePyPI is a Python distribution's name as indexes compare it (PEP 503).
func normalizePyPI(name string) string {
	return strings.ToLower(pypiSeparators.ReplaceAllString(name, "-"))
}
