package image

import (
	"path"
	"strings"
)

// kind is what a file can tell, judged by its path alone.
type kind uint8

const (
	kindNone          kind = iota
	kindOSRelease          // etc/os-release and its like
	kindAPKSources         // etc/apk/repositories
	kindDpkgStatus         // …/dpkg/status
	kindDpkgStatusDir      // …/dpkg/status.d/NAME, as distroless images have it
	kindDpkgList           // …/dpkg/info/NAME.list: the files that a package owns
	kindDpkgMD5Sums        // …/dpkg/status.d/NAME.md5sums: the same without info/
	kindCopyright          // usr/share/doc/NAME/copyright
	kindAPKInstalled       // …/apk/db/installed
	kindNPM                // package.json of an installed package
	kindPython             // METADATA of a wheel, PKG-INFO of an egg
	kindPythonEgg          // zipped egg
	kindBinary             // perhaps a Go program; only executables are looked at
)

// kindOf says what a regular file can tell. It looks at the name only, so that the same file gives the same answer
// from a folder, a tar and a database's list of files.
func kindOf(name string) kind {
	dir, base := path.Split(name)
	dir = strings.TrimSuffix(dir, "/")
	switch base {
	case "package.json":
		if isInstalledNPM(dir) {
			return kindNPM
		}
		return kindNone
	case "METADATA":
		if strings.HasSuffix(dir, ".dist-info") {
			return kindPython
		}
	case "PKG-INFO":
		if strings.HasSuffix(dir, ".egg-info") || path.Base(dir) == "EGG-INFO" {
			return kindPython
		}
	case "status":
		if path.Base(dir) == "dpkg" {
			return kindDpkgStatus
		}
	case "installed":
		if strings.HasSuffix("/"+dir, "/apk/db") {
			return kindAPKInstalled
		}
	case "os-release":
		return kindOSRelease
	case "repositories":
		if dir == "etc/apk" {
			return kindAPKSources
		}
	case "copyright":
		if path.Dir(dir) == "usr/share/doc" {
			return kindCopyright
		}
		return kindNone
	}
	return kindOfExtension(dir, base)
}

func kindOfExtension(dir, base string) kind {
	switch path.Base(dir) {
	case "info":
		if strings.HasSuffix(base, ".list") && path.Base(path.Dir(dir)) == "dpkg" {
			return kindDpkgList
		}
	case "status.d":
		if strings.HasSuffix(base, ".md5sums") {
			return kindDpkgMD5Sums
		}
		return kindDpkgStatusDir
	}
	switch ext := path.Ext(base); {
	case ext == ".egg-info":
		return kindPython
	case ext == ".egg":
		return kindPythonEgg
	case neverBinary[ext] || strings.HasPrefix(dir, "usr/share/doc/") || strings.HasPrefix(dir, "usr/share/man/"):
		return kindNone
	}
	return kindBinary
}

// neverBinary are extensions of files that are no programs. Everything else may be one, whatever its name.
var neverBinary = map[string]bool{
	".c": true, ".cc": true, ".cjs": true, ".conf": true, ".cpp": true, ".css": true, ".csv": true, ".d": true, ".gif": true,
	".go": true, ".gz": true, ".h": true, ".hpp": true, ".htm": true, ".html": true, ".ico": true, ".jar": true, ".java": true,
	".jpg": true, ".js": true, ".json": true, ".jsx": true, ".list": true, ".lua": true, ".map": true, ".markdown": true,
	".md": true, ".md5sums": true, ".mjs": true, ".mo": true, ".o": true, ".pem": true, ".php": true, ".pl": true, ".pm": true,
	".png": true, ".po": true, ".ps1": true, ".py": true, ".pyc": true, ".pyi": true, ".rb": true, ".rst": true, ".scss": true,
	".sh": true, ".svg": true, ".toml": true, ".ts": true, ".tsx": true, ".ttf": true, ".txt": true, ".woff": true,
	".woff2": true, ".xml": true, ".xz": true, ".yaml": true, ".yml": true, ".zip": true, ".zst": true,
}

// isInstalledNPM says whether a package.json in this folder describes a package as npm installs them. Inside
// node_modules that is node_modules/NAME and node_modules/@SCOPE/NAME only: what lies deeper is test data or built
// output that npm itself does not count. Outside it is an application or a distribution's own layout.
func isInstalledNPM(dir string) bool {
	i := strings.LastIndex("/"+dir, "/node_modules/")
	if i < 0 {
		return true
	}
	inside := ("/" + dir)[i+len("/node_modules/"):]
	if scope, name, scoped := strings.Cut(inside, "/"); scoped {
		return strings.HasPrefix(scope, "@") && name != "" && !strings.Contains(name, "/")
	}
	return true
}

// tellsOfPackage says whether a file of another package's metadata could stand at the path; those are the paths whose
// owner matters.
func tellsOfPackage(name string) bool {
	switch kindOf(name) {
	case kindNPM, kindPython, kindPythonEgg, kindBinary:
		return true
	default:
		return false
	}
}

// databaseRoads are the folders that lead to a package database. Images move them by symbolic links.
var databaseRoads = map[string]bool{
	"var/lib/dpkg": true, "var/lib/dpkg/status": true, "var/lib/dpkg/status.d": true, "var/lib/dpkg/info": true,
	"lib/apk/db": true, "lib/apk/db/installed": true, "usr/lib/apk": true, "usr/lib/apk/db": true,
	"usr/lib/apk/db/installed": true, "etc/os-release": true, "usr/lib/os-release": true,
}

// isRoad says whether a symbolic link at the path can lead to a package database or to a package's documentation.
// Links near the root are all kept: /bin → usr/bin, /var/lib → /data/lib.
func isRoad(name string) bool {
	return strings.Count(name, "/") <= 1 || databaseRoads[name] || path.Dir(name) == "usr/share/doc"
}
