package scanners

// Distribution is the operating system that an image is built from, as its os-release file names it.
type Distribution struct {
	ID      string `json:"id"`               // debian, ubuntu, alpine, wolfi …
	Version string `json:"version,omitzero"` // VERSION_ID: 12, 22.04, 3.20.3
	Name    string `json:"name,omitzero"`    // PRETTY_NAME, for people
}

// String is the name for people, or id and version when the system does not name itself.
func (d Distribution) String() string {
	switch {
	case d.Name != "":
		return d.Name
	case d.Version != "":
		return d.ID + " " + d.Version
	default:
		return d.ID
	}
}
