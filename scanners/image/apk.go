package image

import (
	"errors"
	"fmt"
	"strings"

	"plimsoll/scanners"
)

// parseAPK reads apk's database of installed packages (apk-installed(5)): records of "X:value" lines. F: names a folder
// and R: a file in it, which together tell what each package owns.
func parseAPK(data []byte) ([]scanners.Package, []scanners.Ownership, error) {
	var (
		packages []scanners.Package
		owners   []scanners.Ownership
		bad      int
		record   apkRecord
	)
	size := len(data)
	finish := func() {
		switch {
		case record.empty():
		case record.pkg.Name == "" || record.pkg.Version == "":
			bad++
		default:
			packages = append(packages, record.packageOf())
			owners = append(owners, scanners.Ownership{Package: record.pkg.Name, Files: scanners.NewPathSet(record.owned)})
		}
		record = apkRecord{}
	}
	for len(data) > 0 {
		var line []byte
		line, data = cutLine(data)
		if len(line) == 0 {
			finish()
			continue
		}
		record.add(line)
	}
	finish()
	if bad > 0 {
		return packages, owners, fmt.Errorf("%d records without a readable name and version", bad)
	}
	if size > 0 && len(packages) == 0 {
		return nil, nil, errors.New("not an apk database")
	}
	return packages, owners, nil
}

type apkRecord struct {
	pkg    scanners.Package
	origin string
	folder string
	owned  []uint64
	lines  int
}

func (r *apkRecord) empty() bool { return r.lines == 0 }

func (r *apkRecord) add(line []byte) {
	r.lines++
	if len(line) < 2 || line[1] != ':' || len(line) > maxPath {
		return
	}
	value := string(line[2:])
	switch line[0] {
	case 'P':
		r.pkg.Name = value
	case 'V':
		r.pkg.Version = value
	case 'A':
		r.pkg.Arch = value
	case 'o':
		r.origin = value
	case 'L':
		r.pkg.Licenses = splitLicenses(value)
	case 'F':
		r.folder = value
	case 'R':
		r.owned = appendOwned(r.owned, strings.TrimPrefix(r.folder+"/"+value, "/"))
	}
}

func (r *apkRecord) packageOf() scanners.Package {
	p := r.pkg
	p.Ecosystem = scanners.EcosystemAPK
	p.Source = scanners.SourcePackage{Name: p.Name, Version: p.Version}
	if r.origin != "" {
		p.Source.Name = r.origin
	}
	return p
}
