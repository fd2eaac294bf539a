package images

import (
	"encoding/json"
	"path"

	"plimsoll/scanners"
)

// module is an installed npm package.
type module struct {
	dir           string // folder that it is installed in
	name, version string
	license       string
}

// npm is a module of the node_modules folder of another folder.
func npm(parent, name, version, license string) module {
	return module{dir: path.Join(parent, "node_modules", name), name: name, version: version, license: license}
}

func (m module) manifest() string { return m.dir + "/package.json" }

func (m module) fact() Package {
	return Package{Ecosystem: scanners.EcosystemNPM, Name: m.name, Version: m.version, Path: m.manifest()}
}

func moduleFiles(modules []module) tree {
	files := tree{}
	for _, m := range modules {
		files[m.manifest()] = packageJSON(map[string]string{"name": m.name, "version": m.version, "license": m.license, "main": "index.js"})
		files[m.dir+"/index.js"] = text("module.exports = {};\n")
	}
	return files
}

// packageJSON writes the fields in the order of their names.
func packageJSON(fields map[string]string) node {
	data, err := json.MarshalIndent(fields, "", "  ")
	if err != nil {
		panic(err) // a map of texts always has a JSON form
	}
	return node{data: append(data, '\n')}
}
