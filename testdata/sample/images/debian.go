package images

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"plimsoll/scanners"
)

const dpkgStatus = "var/lib/dpkg/status"

// deb is one package in dpkg's database.
type deb struct {
	name, version string
	source        string // as the Source field has it: name, or name (version); "" when both are the package's own
	license       string // short name as copyright files have it
	state         string // third word of the status; "" is installed
	files         []string
	all           bool // for every architecture
}

// onDisk says whether the package's files are there.
func (d deb) onDisk() bool { return d.state != "config-files" }

func (d deb) sourcePackage() scanners.SourcePackage {
	name, version, versioned := strings.Cut(d.source, " (")
	switch {
	case d.source == "":
		return scanners.SourcePackage{Name: d.name, Version: d.version}
	case versioned:
		return scanners.SourcePackage{Name: name, Version: strings.TrimSuffix(version, ")")}
	default:
		return scanners.SourcePackage{Name: name, Version: d.version}
	}
}

func (d deb) fact() Package {
	return Package{Ecosystem: scanners.EcosystemDeb, Name: d.name, Version: d.version, Source: d.sourcePackage(), Path: dpkgStatus}
}

// dpkgFiles are the database with all packages, and the files of those that a layer brings.
func dpkgFiles(arch string, all, brought []deb) tree {
	files := tree{}
	for _, d := range brought {
		files["var/lib/dpkg/info/"+d.name+".list"] = d.list()
		if d.onDisk() {
			files[d.copyright()] = text("Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\n" +
				"Files: *\nCopyright: the authors of " + d.name + "\nLicense: " + d.license + "\n")
		}
	}
	files[dpkgStatus] = dpkgDatabase(arch, all)
	return files
}

func (d deb) copyright() string { return "usr/share/doc/" + d.name + "/copyright" }

// list is the file list that dpkg keeps, folders included.
func (d deb) list() node {
	owned := tree{}
	for _, f := range append([]string{d.copyright()}, d.files...) {
		owned[f] = node{}
	}
	names := append(owned.folders(), slices.Collect(maps.Keys(owned))...)
	slices.Sort(names)
	return text("/.\n/" + strings.Join(names, "\n/") + "\n")
}

func dpkgDatabase(arch string, packages []deb) node {
	sorted := slices.SortedFunc(slices.Values(packages), func(a, b deb) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, d := range sorted {
		b.WriteString(d.paragraph(arch))
	}
	return text(b.String())
}

func (d deb) paragraph(arch string) string {
	want, state := "install", d.state
	if state == "" {
		state = "installed"
	}
	if !d.onDisk() {
		want = "deinstall"
	}
	if d.all {
		arch = "all"
	}
	source := ""
	if d.source != "" {
		source = "Source: " + d.source + "\n"
	}
	return fmt.Sprintf("Package: %s\nStatus: %s ok %s\nPriority: optional\nSection: misc\n"+
		"Maintainer: Plimsoll sample <sample@example.com>\nArchitecture: %s\n%sVersion: %s\nDescription: %s\n"+
		" Stands in for the package of this name.\n\n",
		d.name, want, state, arch, source, d.version, d.name)
}
