package scanners

// Ecosystem is the kind of package, in the words of the package-url types.
type Ecosystem string

// The ecosystems that Plimsoll reads.
const (
	EcosystemDeb    Ecosystem = "deb"
	EcosystemAPK    Ecosystem = "apk"
	EcosystemNPM    Ecosystem = "npm"
	EcosystemPyPI   Ecosystem = "pypi"
	EcosystemGolang Ecosystem = "golang"
)

// OfDistribution says whether the ecosystem's packages are the distribution's own.
func (e Ecosystem) OfDistribution() bool { return e == EcosystemDeb || e == EcosystemAPK }

// Package is one package that an image holds.
type Package struct {
	Name      string        `json:"name"`
	Version   string        `json:"version"`
	Arch      string        `json:"arch,omitzero"`
	Ecosystem Ecosystem     `json:"ecosystem"`
	PURL      string        `json:"purl"`
	Source    SourcePackage `json:"source,omitzero"`   // what it was built from; distribution packages only
	Path      string        `json:"path"`              // file that tells of it, from the image's root, without a leading slash
	Layer     string        `json:"layer"`             // diff id of the layer that brought it
	Licenses  []string      `json:"licenses,omitzero"` // as the package states them
	OwnedBy   string        `json:"ownedBy,omitzero"`  // purl of the distribution package that its files belong to
}

// SourcePackage is the source that a distribution built a package from. Distributions publish advisories by it.
type SourcePackage struct {
	Name    string `json:"name"`
	Version string `json:"version"`
}
