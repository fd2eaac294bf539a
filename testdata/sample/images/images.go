// Package images makes the sample images, from facts alone: an OCI image layout folder with two images whose packages
// are chosen so that something is wrong with many of them. No file of another project is in it; programs are ELF files
// without code that carry Go's build information.
//
//	sample/shop:1   Debian 12, for linux/amd64 and linux/arm64, with an attestation as BuildKit adds it
//	sample/edge:1   Alpine 3.18, for linux/amd64
//
// Each image is four layers: the distribution, Python, an application with its npm tree and a Go program, and a last
// layer that upgrades, deletes and replaces. [Write] writes the folder, the same bytes at every run. [All] tells what a
// scan has to find in it and what it must not.
//
// The facts are in shop.go and edge.go; debian.go, alpine.go, python.go, npm.go and program.go know how the package
// managers record them; layer.go and layout.go pack the result.
package images

import (
	"cmp"
	"slices"

	"plimsoll/scanners"
)

// Image is what a scan of one of the images has to show.
type Image struct {
	Reference    string
	Platform     scanners.Platform
	Distribution scanners.Distribution
	Instructions []string  // of the layers, base first
	Found        []Package // sorted by ecosystem, name, version and path
	Hidden       []Package // in a lower layer or in another place, not to be found; sorted likewise
}

// Package is one package of an image.
type Package struct {
	Ecosystem scanners.Ecosystem
	Name      string
	Version   string
	Source    scanners.SourcePackage // distribution packages only
	Path      string                 // of the file that tells of it, from the root, without a leading slash
	Layer     int                    // index of the layer that brought it
	OwnedBy   string                 // name of the distribution package that its files belong to
}

// All lists the images: sample/shop:1 for both platforms, then sample/edge:1.
func All() []Image {
	var all []Image
	for _, r := range recipes() {
		image := Image{Reference: r.reference, Platform: r.platform, Distribution: r.distribution, Found: r.found, Hidden: r.hidden}
		for _, s := range r.steps {
			if s.files != nil {
				image.Instructions = append(image.Instructions, s.instruction)
			}
		}
		slices.SortFunc(image.Found, comparePackages)
		slices.SortFunc(image.Hidden, comparePackages)
		all = append(all, image)
	}
	return all
}

func comparePackages(a, b Package) int {
	return cmp.Or(
		cmp.Compare(a.Ecosystem, b.Ecosystem), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Version, b.Version),
		cmp.Compare(a.Path, b.Path),
	)
}

func recipes() []recipe {
	return []recipe{
		shop(scanners.Platform{OS: "linux", Architecture: "amd64"}),
		shop(scanners.Platform{OS: "linux", Architecture: "arm64"}),
		edge(),
	}
}
