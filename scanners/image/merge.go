package image

import (
	"path"
	"slices"
	"strings"

	"plimsoll/scanners"
)

// Inventory is what an image holds, all layers laid on top of each other.
type Inventory struct {
	Distribution scanners.Distribution // zero when the image does not name one
	Packages     []scanners.Package    // sorted by ecosystem, name, version, path
	Gaps         []scanners.Gap        // what in the visible image could not be read
}

// Merge lays the facts of an image's layers on top of each other, base first.
//
// A file counts when no later layer removes it, hides it behind an opaque folder, or puts something that is not a folder
// in its place or in the place of a folder above it. A package's layer is the one that brought it: the lowest from which
// on up every layer that rewrote the file still told of the same name, version and architecture.
func Merge(layers []scanners.LayerFacts) Inventory {
	s := newStack(layers)
	inventory := Inventory{Distribution: s.distribution()}
	for _, f := range s.packageFiles() {
		origins := s.origins(f)
		for i, p := range f.packages {
			p.Path = f.path
			p.Layer = layers[origins[i]].DiffID
			inventory.Packages = append(inventory.Packages, p)
		}
	}
	for i := range inventory.Packages {
		describe(&inventory.Packages[i], inventory.Distribution)
	}
	s.claim(inventory.Packages)
	s.licence(inventory.Packages)
	inventory.Gaps = s.gaps()
	slices.SortFunc(inventory.Packages, comparePackages)
	return inventory
}

func comparePackages(a, b scanners.Package) int {
	for _, d := range []int{
		strings.Compare(string(a.Ecosystem), string(b.Ecosystem)), strings.Compare(a.Name, b.Name),
		strings.Compare(a.Version, b.Version), strings.Compare(a.Path, b.Path), strings.Compare(a.Arch, b.Arch),
	} {
		if d != 0 {
			return d
		}
	}
	return 0
}

// stack answers what is visible through a pile of layers.
type stack struct {
	layers  []scanners.LayerFacts
	removed []map[string]bool // by layer
	opaque  []map[string]bool
	links   map[string]string // visible symbolic links
	hashes  map[string]uint64 // digests of paths that were asked for
}

func newStack(layers []scanners.LayerFacts) *stack {
	s := &stack{layers: layers, links: make(map[string]string), hashes: make(map[string]uint64)}
	for _, l := range layers {
		s.removed = append(s.removed, set(l.Removed))
		s.opaque = append(s.opaque, set(l.Opaque))
	}
	for i, l := range layers {
		for _, link := range l.Links {
			if s.visible(link.Path, i) {
				s.links[link.Path] = link.Target
			}
		}
	}
	return s
}

func set(items []string) map[string]bool {
	m := make(map[string]bool, len(items))
	for _, item := range items {
		m[item] = true
	}
	return m
}

// visible says whether a path of a layer can still be seen from the top.
func (s *stack) visible(name string, layer int) bool {
	for above := layer + 1; above < len(s.layers); above++ {
		if s.hides(above, name) || s.layers[above].Shadows.Has(s.hash(name)) {
			return false
		}
	}
	return true
}

// hides says whether a layer takes a path of the layers below away, other than by a file in its very place.
func (s *stack) hides(layer int, name string) bool {
	if s.removed[layer][name] || s.opaque[layer][""] {
		return true
	}
	for dir := parent(name); dir != ""; dir = parent(dir) {
		if s.removed[layer][dir] || s.opaque[layer][dir] || s.layers[layer].Shadows.Has(s.hash(dir)) {
			return true
		}
	}
	return false
}

func (s *stack) hash(name string) uint64 {
	h, known := s.hashes[name]
	if !known {
		h = scanners.PathHash(name)
		s.hashes[name] = h
	}
	return h
}

// parent is the folder that a path stands in, "" for the root.
func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ""
	}
	return name[:i]
}

// resolve follows the symbolic links on the way to a path, as the kernel would, giving up after 40 of them (as Linux
// does, ELOOP) or where a link's place is not known.
func (s *stack) resolve(name string) string {
	done, rest := "", name
	for hops := 0; rest != ""; {
		var part string
		part, rest, _ = strings.Cut(rest, "/")
		step := path.Join(done, part)
		target, isLink := s.links[step]
		if !isLink {
			done = step
			continue
		}
		if hops++; hops > 40 {
			return name
		}
		if !strings.HasPrefix(target, "/") {
			target = path.Join("/", done, target)
		}
		rest = strings.Trim(path.Join(path.Clean(target), rest), "/")
		done = ""
	}
	return done
}

// visibleFile is the topmost appearance of a file that tells of packages.
type visibleFile struct {
	path     string
	layer    int
	packages []scanners.Package
}

// packageFiles are the files that count: each path once, package databases only where the distribution's own tools look
// for them.
func (s *stack) packageFiles() []visibleFile {
	places := s.databasePlaces()
	var files []visibleFile
	for i := range s.layers {
		for _, f := range s.layers[i].Packages {
			if f.Packages[0].Ecosystem.OfDistribution() && !places[f.Path] && !places[parent(f.Path)+"/"] {
				continue
			}
			if s.visible(f.Path, i) {
				files = append(files, visibleFile{path: f.Path, layer: i, packages: f.Packages})
			}
		}
	}
	return files
}

// databasePlaces are the paths of the package databases, links followed; folders end in a slash.
func (s *stack) databasePlaces() map[string]bool {
	return map[string]bool{
		s.resolve("var/lib/dpkg/status"):         true,
		s.resolve("var/lib/dpkg/status.d") + "/": true,
		s.resolve("lib/apk/db/installed"):        true,
		s.resolve("usr/lib/apk/db/installed"):    true,
	}
}

// origins gives, for each package of a file, the index of the layer that brought it.
func (s *stack) origins(f visibleFile) []int {
	origins := make([]int, len(f.packages))
	rising := make([]bool, len(f.packages)) // not yet found missing in a lower layer
	for i := range origins {
		origins[i], rising[i] = f.layer, true
	}
	for i := f.layer - 1; i >= 0; i-- {
		if s.removed[i+1][f.path] || s.hides(i+1, f.path) {
			break
		}
		below := s.packagesAt(i, f.path)
		if below == nil {
			if s.layers[i].Shadows.Has(s.hash(f.path)) {
				break
			}
			continue
		}
		for j, p := range f.packages {
			if rising[j] = rising[j] && below[key(p)]; rising[j] {
				origins[j] = i
			}
		}
	}
	return origins
}

// packagesAt are the packages that a layer's own copy of a file tells of; nil when it has none.
func (s *stack) packagesAt(layer int, name string) map[packageKey]bool {
	files := s.layers[layer].Packages
	i, found := slices.BinarySearchFunc(files, name, func(f scanners.PackageFile, name string) int { return strings.Compare(f.Path, name) })
	if !found {
		return nil
	}
	keys := make(map[packageKey]bool, len(files[i].Packages))
	for _, p := range files[i].Packages {
		keys[key(p)] = true
	}
	return keys
}

// packageKey is what makes two entries of a database the same package.
type packageKey struct{ name, version, arch string }

func key(p scanners.Package) packageKey { return packageKey{p.Name, p.Version, p.Arch} }

// gaps are those of files that can still be seen.
func (s *stack) gaps() []scanners.Gap {
	var gaps []scanners.Gap
	for i, l := range s.layers {
		for _, g := range l.Gaps {
			if s.visible(g.Path, i) {
				gaps = append(gaps, g)
			}
		}
	}
	return gaps
}

// distribution reads os-release where it counts: /etc first, as os-release(5) says. Alpine's package sources decide
// which release an image follows.
func (s *stack) distribution() scanners.Distribution {
	for _, place := range []string{"etc/os-release", "usr/lib/os-release"} {
		d, found := s.system(s.resolve(place))
		if !found {
			continue
		}
		if follows, found := s.system("etc/apk/repositories"); found && d.ID == follows.ID {
			d.Version = follows.Version
		}
		return d
	}
	return scanners.Distribution{}
}

// system is what the topmost visible copy of a file says about the distribution, if it says anything.
func (s *stack) system(name string) (scanners.Distribution, bool) {
	for i := len(s.layers) - 1; i >= 0; i-- {
		for _, f := range s.layers[i].Systems {
			if f.Path == name && s.visible(name, i) {
				return f.Distribution, f.Distribution.ID != ""
			}
		}
	}
	return scanners.Distribution{}, false
}

// licence gives Debian packages the licences that their copyright files state.
func (s *stack) licence(packages []scanners.Package) {
	stated := make(map[string][]string)
	for i, l := range s.layers {
		for _, f := range l.Licenses {
			if s.visible(f.Path, i) {
				stated[f.Path] = f.Licenses
			}
		}
	}
	for i := range packages {
		if p := &packages[i]; p.Ecosystem == scanners.EcosystemDeb {
			p.Licenses = stated[s.resolve("usr/share/doc/"+p.Name+"/copyright")]
		}
	}
}
