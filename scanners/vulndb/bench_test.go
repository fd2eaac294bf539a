package vulndb_test

import (
	"fmt"
	"testing"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

// installation is a list of packages as a large image has it: Debian's, some of them with thousands of advisories
// (most of them unfixed in the image when it is outdated), and language packages, of which some have advisories.
func installation(b *testing.B, outdated bool) []scanners.Package {
	b.Helper()
	packages := dpkgStatus(b, shared(b, "bookworm-min.dpkg-status.gz"))
	large := map[string]string{
		"linux": "6.1.112-1", "chromium": "129.0.6668.58-1~deb12u1", "imagemagick": "8:6.9.11.60+dfsg-1.6+deb12u1", "vim": "2:9.0.1378-2",
		"ffmpeg": "7:5.1.5-0+deb12u1", "curl": "7.88.1-10+deb12u7", "php8.2": "8.2.20-1~deb12u1", "python3.11": "3.11.2-6+deb12u2",
	}
	for source, version := range large {
		if !outdated {
			version = "99:1" // past every fix
		}
		packages = append(packages, deb(source, version, source, version))
	}
	names := map[scanners.Ecosystem][]string{
		scanners.EcosystemNPM:    {"lodash", "axios", "express", "minimist", "qs", "ws", "angular", "jquery"},
		scanners.EcosystemPyPI:   {"django", "requests", "urllib3", "jinja2", "pillow", "cryptography", "flask"},
		scanners.EcosystemGolang: {"stdlib", "golang.org/x/net", "golang.org/x/crypto", "github.com/docker/docker"},
	}
	for eco, known := range names {
		for i := range 432 {
			name := known[i%len(known)]
			if i >= 3*len(known) {
				name = fmt.Sprintf("%s-%d", name, i)
			}
			packages = append(packages, scanners.Package{Name: name, Version: "1.5.0", Ecosystem: eco})
		}
	}
	return packages
}

// BenchmarkMatch matches all packages of an image with a database that was just opened (cold), and with one that has
// matched the same packages before (warm).
func BenchmarkMatch(b *testing.B) {
	dir := realDatabase(b)
	match := func(db *vulndb.Database, packages []scanners.Package) (found int) {
		for _, p := range packages {
			advisories, _ := db.Match(debian("12"), p)
			found += len(advisories)
		}
		return found
	}
	for _, outdated := range []bool{false, true} {
		packages := installation(b, outdated)
		b.Run(fmt.Sprintf("outdated=%t/cold", outdated), func(b *testing.B) {
			b.ReportAllocs()
			found := 0
			for b.Loop() {
				db, err := vulndb.Open(dir)
				if err != nil {
					b.Fatal(err)
				}
				found = match(db, packages)
				if err := db.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(found), "findings")
			b.ReportMetric(float64(len(packages)), "packages")
		})
		b.Run(fmt.Sprintf("outdated=%t/warm", outdated), func(b *testing.B) {
			db := openDir(b, dir)
			match(db, packages)
			b.ReportAllocs()
			for b.Loop() {
				match(db, packages)
			}
		})
	}
}

func BenchmarkOpen(b *testing.B) {
	dir := realDatabase(b)
	for b.Loop() {
		db, err := vulndb.Open(dir)
		if err != nil {
			b.Fatal(err)
		}
		if err := db.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkStarter(b *testing.B) {
	for b.Loop() {
		vulndb.Starter()
	}
}

func BenchmarkCompare(b *testing.B) {
	for eco, pair := range map[scanners.Ecosystem][2]string{
		scanners.EcosystemDeb: {"1:2.38.1-5+deb12u3", "1:2.38.1-5+deb12u4"},
		scanners.EcosystemAPK: {"1.36.1_p20240101-r5", "1.36.1_p20240101-r6"},
	} {
		b.Run(string(eco), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := vulndb.Compare(eco, pair[0], pair[1]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
