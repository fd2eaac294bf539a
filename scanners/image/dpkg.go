package image

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"plimsoll/scanners"
)

// parseDpkg reads a dpkg status file (deb-control(5), dpkg(1)): paragraphs of "Field: value" lines. Packages count
// whose files are on disk, also when their configuration is not finished; those removed to their configuration files do
// not. A paragraph without a version is told in the error, after all others are read.
func parseDpkg(data []byte) ([]scanners.Package, error) {
	var packages []scanners.Package
	var bad []string
	for len(data) > 0 {
		var p dpkgParagraph
		p, data = readParagraph(data)
		switch {
		case p.lines == 0 || p.name != nil && !p.onDisk():
		case len(p.name) == 0 || len(p.version) == 0 || len(p.name) > maxName || len(p.version) > maxName:
			bad = append(bad, fmt.Sprintf("%.80q", p.name))
		default:
			packages = append(packages, p.packageOf())
		}
	}
	switch {
	case len(bad) > 0 && len(packages) == 0:
		return nil, errors.New("not a dpkg database")
	case len(bad) > 0:
		return packages, fmt.Errorf("%d entries without a readable name and version: %s", len(bad), strings.Join(bad[:min(len(bad), 10)], ", "))
	}
	return packages, nil
}

// maxName bounds names and versions, in bytes; no package manager accepts longer ones.
const maxName = 1024

// dpkgParagraph holds the fields of one paragraph, as slices of the file.
type dpkgParagraph struct {
	name, version, arch, source, status []byte
	lines                               int
}

// readParagraph reads up to the next empty line and returns what follows.
func readParagraph(data []byte) (dpkgParagraph, []byte) {
	var p dpkgParagraph
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		if len(line) == 0 {
			return p, data
		}
		p.lines++
		if line[0] == ' ' || line[0] == '\t' {
			continue
		}
		field, value, ok := bytes.Cut(line, []byte{':'})
		if !ok {
			continue
		}
		switch value = bytes.TrimSpace(value); string(field) {
		case "Package":
			p.name = value
		case "Version":
			p.version = value
		case "Architecture":
			p.arch = value
		case "Source":
			p.source = value
		case "Status":
			p.status = value
		}
	}
	return p, nil
}

// cutLine splits off the first line, without its end.
func cutLine(data []byte) (line, rest []byte) {
	i := bytes.IndexByte(data, '\n')
	if i < 0 {
		return bytes.TrimSuffix(data, []byte{'\r'}), nil
	}
	return bytes.TrimSuffix(data[:i], []byte{'\r'}), data[i+1:]
}

// onDisk judges the third word of the status. A paragraph without a status stands for an installed package: distroless
// images have those.
func (p dpkgParagraph) onDisk() bool {
	words := bytes.Fields(p.status)
	if len(words) < 3 {
		return len(words) == 0
	}
	switch string(words[2]) {
	case "not-installed", "config-files":
		return false
	default: // installed, unpacked, half-installed, half-configured, triggers-awaited, triggers-pending
		return true
	}
}

func (p dpkgParagraph) packageOf() scanners.Package {
	pkg := scanners.Package{Name: string(p.name), Version: string(p.version), Arch: string(p.arch), Ecosystem: scanners.EcosystemDeb}
	pkg.Source = scanners.SourcePackage{Name: pkg.Name, Version: pkg.Version}
	if name, version, ok := bytes.Cut(p.source, []byte{'('}); ok {
		pkg.Source = scanners.SourcePackage{Name: string(bytes.TrimSpace(name)), Version: string(bytes.TrimSpace(bytes.TrimSuffix(version, []byte{')'})))}
	} else if len(p.source) > 0 {
		pkg.Source.Name = string(p.source)
	}
	return pkg
}

// parseDpkgList reads a package's list of files: an absolute path a line.
func parseDpkgList(data []byte) []uint64 {
	var hashes []uint64
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		if len(line) > 1 && line[0] == '/' {
			hashes = appendOwned(hashes, string(line[1:]))
		}
	}
	return hashes
}

// parseDpkgMD5Sums reads the sums of a package's files: digest, two spaces, path.
func parseDpkgMD5Sums(data []byte) []uint64 {
	var hashes []uint64
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		if _, file, ok := bytes.Cut(line, []byte("  ")); ok {
			hashes = appendOwned(hashes, strings.TrimPrefix(string(file), "/"))
		}
	}
	return hashes
}

// appendOwned adds a path when another package's metadata could stand there.
func appendOwned(hashes []uint64, file string) []uint64 {
	if tellsOfPackage(file) {
		hashes = append(hashes, scanners.PathHash(file))
	}
	return hashes
}
