package images

import "plimsoll/scanners"

// dist is an installed Python distribution.
type dist struct {
	name, version, license string
	dir                    string // folder of installed distributions
	egg                    bool   // metadata in the older shape, as distributions install it
	ownedBy                string // name of the distribution package that brought it
}

// metadata is the path of the file that tells of it.
func (d dist) metadata() string {
	if d.egg {
		return d.dir + "/" + d.name + "-" + d.version + ".egg-info/PKG-INFO"
	}
	return d.dir + "/" + d.name + "-" + d.version + ".dist-info/METADATA"
}

func (d dist) fact() Package {
	return Package{Ecosystem: scanners.EcosystemPyPI, Name: d.name, Version: d.version, Path: d.metadata(), OwnedBy: d.ownedBy}
}

// distFiles are the metadata of all distributions, in the core metadata format of the Python packaging specifications.
func distFiles(dists []dist) tree {
	files := tree{}
	for _, d := range dists {
		files[d.metadata()] = text("Metadata-Version: 2.1\nName: " + d.name + "\nVersion: " + d.version +
			"\nSummary: Stands in for the distribution of this name\nLicense: " + d.license + "\n\nName: not a field any more\n")
	}
	return files
}
