package image

import (
	"strings"

	"plimsoll/scanners"
)

// claim marks the language packages whose files a distribution package owns. The distribution patches those without
// changing the upstream version, so only its own advisories tell the truth about them.
func (s *stack) claim(packages []scanners.Package) {
	purls := make(map[string]string) // of distribution packages, by name
	wanted := make(map[uint64][]int) // digests of paths → indexes of language packages
	roots := s.rootLinks()
	for i, p := range packages {
		if p.Ecosystem.OfDistribution() {
			purls[p.Name] = p.PURL
			continue
		}
		for _, name := range aliases(p.Path, roots) {
			h := s.hash(name)
			wanted[h] = append(wanted[h], i)
		}
	}
	if len(wanted) == 0 || len(purls) == 0 {
		return
	}
	for i, l := range s.layers {
		for _, o := range l.Ownership {
			owner := purls[o.Package]
			if owner == "" || !s.ownershipCounts(o.Path) || !s.visible(o.Path, i) {
				continue
			}
			for _, h := range o.Files.Hashes() {
				for _, p := range wanted[h] {
					packages[p].OwnedBy = owner
				}
			}
		}
	}
}

// ownershipCounts says whether a file is part of the distribution's own database.
func (s *stack) ownershipCounts(name string) bool {
	switch dir := parent(name); {
	case strings.HasSuffix(dir, "dpkg/info"):
		return dir == s.resolve("var/lib/dpkg/info")
	case strings.HasSuffix(dir, "dpkg/status.d"):
		return dir == s.resolve("var/lib/dpkg/status.d")
	default:
		return name == s.resolve("lib/apk/db/installed") || name == s.resolve("usr/lib/apk/db/installed")
	}
}

// rootLinks are the links in the root folder, such as lib → usr/lib, by what they lead to.
func (s *stack) rootLinks() map[string]string {
	links := make(map[string]string)
	for name := range s.links {
		if !strings.Contains(name, "/") {
			links[s.resolve(name)] = name
		}
	}
	return links
}

// aliases are the names by which a database may know a file: /usr/lib/x is /lib/x to a package from before the merge of
// both.
func aliases(name string, roots map[string]string) []string {
	names := []string{name}
	for dir := parent(name); dir != ""; dir = parent(dir) {
		if link, ok := roots[dir]; ok {
			names = append(names, link+name[len(dir):])
		}
	}
	return names
}
