package images

import (
	"crypto/sha1" // apk's database has SHA-1 sums
	"encoding/base64"
	"path"
	"slices"
	"strings"

	"plimsoll/scanners"
)

const apkInstalled = "lib/apk/db/installed"

// apk is one package in apk's database.
type apk struct {
	name, version string
	origin        string // name of the source package
	license       string
	files         []string
}

func (a apk) fact() Package {
	source := scanners.SourcePackage{Name: a.origin, Version: a.version}
	return Package{Ecosystem: scanners.EcosystemAPK, Name: a.name, Version: a.version, Source: source, Path: apkInstalled}
}

// apkDatabase is the list of installed packages, apk-installed(5).
func apkDatabase(packages []apk) tree {
	sorted := slices.SortedFunc(slices.Values(packages), func(a, b apk) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for _, a := range sorted {
		b.WriteString(a.record())
	}
	return tree{apkInstalled: text(b.String())}
}

func (a apk) record() string {
	lines := []string{
		"C:" + apkSum(a.name+"-"+a.version), "P:" + a.name, "V:" + a.version, "A:x86_64", "L:" + a.license,
		"o:" + a.origin, "m:Plimsoll sample <sample@example.com>",
	}
	folder := ""
	for _, f := range slices.Sorted(slices.Values(a.files)) {
		if dir := path.Dir(f); dir != folder {
			folder = dir
			lines = append(lines, "F:"+dir)
		}
		lines = append(lines, "R:"+path.Base(f), "a:0:0:755", "Z:"+apkSum(f))
	}
	return strings.Join(lines, "\n") + "\n\n"
}

// apkSum is a checksum as apk writes it: Q1 and the SHA-1 in base64.
func apkSum(text string) string {
	sum := sha1.Sum([]byte(text))
	return "Q1" + base64.StdEncoding.EncodeToString(sum[:])
}
