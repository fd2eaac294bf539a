package image

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

func finding(check string, severity scanners.Severity, eco scanners.Ecosystem, name, version, source, fixed, path string) scanners.Finding {
	return scanners.Finding{
		ID: check + "/" + name, Check: check, Severity: severity, Asset: "a", FixedVersion: fixed,
		Package:  scanners.FindingPackage{Name: name, Version: version, Ecosystem: eco, Source: source},
		Location: scanners.Location{Path: path, Layer: "sha256:1"},
	}
}

func TestFixes(t *testing.T) {
	tests := []struct {
		name     string
		findings []scanners.Finding
		want     []scanners.FixAction
	}{
		{"OneUpgradeForAllPackagesOfASource", []scanners.Finding{
			finding("CVE-1", scanners.SeverityHigh, scanners.EcosystemDeb, "openssl", "3.0.1", "openssl", "3.0.9", "var/lib/dpkg/status"),
			finding("CVE-1", scanners.SeverityHigh, scanners.EcosystemDeb, "libssl3", "3.0.1", "openssl", "3.0.9", "var/lib/dpkg/status"),
			finding("CVE-2", scanners.SeverityLow, scanners.EcosystemDeb, "libssl3", "3.0.1", "openssl", "3.0.10", "var/lib/dpkg/status"),
		}, []scanners.FixAction{{
			Title: "Upgrade openssl to 3.0.10", Command: "apt-get update && apt-get install --only-upgrade -y libssl3 openssl", Asset: "a", Package: "openssl",
			From: []string{"3.0.1"}, To: "3.0.10", Severity: scanners.SeverityHigh, Findings: []string{"CVE-1/openssl", "CVE-1/libssl3", "CVE-2/libssl3"}, Layer: "sha256:1", Eco: scanners.EcosystemDeb,
		}}},
		{"TheVersionThatClearsAll", []scanners.Finding{
			finding("CVE-1", scanners.SeverityHigh, scanners.EcosystemNPM, "minimist", "0.0.8", "", "0.2.4", "a/package.json"),
			finding("CVE-2", scanners.SeverityHigh, scanners.EcosystemNPM, "minimist", "1.2.0", "", "1.2.6", "b/package.json"),
		}, []scanners.FixAction{{
			Title: "Upgrade minimist to 1.2.6 in 2 places", Command: "npm install minimist@1.2.6", Asset: "a", Package: "minimist", From: []string{"0.0.8", "1.2.0"}, To: "1.2.6",
			Severity: scanners.SeverityHigh, Findings: []string{"CVE-1/minimist", "CVE-2/minimist"}, Paths: []string{"a/package.json", "b/package.json"}, Layer: "sha256:1", Eco: scanners.EcosystemNPM,
		}}},
		{"NoFixNoAction", []scanners.Finding{finding("CVE-1", scanners.SeverityHigh, scanners.EcosystemDeb, "zlib1g", "1", "zlib", "", "")}, nil},
		{"StandardLibrary", []scanners.Finding{finding("CVE-1", scanners.SeverityHigh, scanners.EcosystemGolang, "stdlib", "v1.20.1", "", "1.20.5", "bin/x")}, []scanners.FixAction{{
			Title: "Rebuild bin/x with Go 1.20.5", Asset: "a", Package: "stdlib", From: []string{"v1.20.1"}, To: "1.20.5", Severity: scanners.SeverityHigh,
			Findings: []string{"CVE-1/stdlib"}, Paths: []string{"bin/x"}, Layer: "sha256:1", Eco: scanners.EcosystemGolang,
		}}},
		{"HostileNameGetsNoCommand", []scanners.Finding{finding("CVE-1", scanners.SeverityHigh, scanners.EcosystemNPM, "$(reboot)", "1", "", "2", "x")}, []scanners.FixAction{{
			Title: "Upgrade $(reboot) to 2", Asset: "a", Package: "$(reboot)", From: []string{"1"}, To: "2", Severity: scanners.SeverityHigh,
			Findings: []string{"CVE-1/$(reboot)"}, Paths: []string{"x"}, Layer: "sha256:1", Eco: scanners.EcosystemNPM,
		}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, Fixes(tt.findings)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFixesRankTheWorstFirst(t *testing.T) {
	actions := Fixes([]scanners.Finding{
		finding("CVE-1", scanners.SeverityLow, scanners.EcosystemNPM, "a", "1", "", "2", "x"),
		finding("CVE-2", scanners.SeverityHigh, scanners.EcosystemNPM, "b", "1", "", "2", "x"),
		finding("CVE-3", scanners.SeverityHigh, scanners.EcosystemNPM, "c", "1", "", "2", "x"),
		finding("CVE-4", scanners.SeverityMedium, scanners.EcosystemNPM, "c", "1", "", "2", "x"),
	})
	var order []string
	for _, a := range actions {
		order = append(order, a.Package)
	}
	if diff := cmp.Diff([]string{"c", "b", "a"}, order); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOwnedPackagesAreJudgedByTheirOwner holds the promise against double findings: the same old library is a finding
// when it was installed by hand, and none of its own when the distribution patches it.
func TestOwnedPackagesAreJudgedByTheirOwner(t *testing.T) {
	lodash := scanners.Package{Name: "lodash", Version: "4.17.15", Ecosystem: scanners.EcosystemNPM, PURL: "pkg:npm/lodash@4.17.15", Path: "usr/share/nodejs/lodash/package.json"}
	asset := scanners.Asset{Key: "k", Name: "n", Packages: []scanners.Package{lodash}}
	at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	if findings, _ := Match(vulndb.Starter(), asset, at); len(findings) == 0 {
		t.Fatal("the starter advisories do not know lodash 4.17.15: this test says nothing")
	}
	asset.Packages[0].OwnedBy = "pkg:deb/debian/node-lodash@4.17.15"
	if findings, _ := Match(vulndb.Starter(), asset, at); len(findings) != 0 {
		t.Errorf("%d findings of a package that the distribution owns", len(findings))
	}
}

func TestTwoArchitecturesAreTwoFindings(t *testing.T) {
	curl := func(arch string) scanners.Package {
		return scanners.Package{
			Name: "libcurl4", Version: "7.88.1-10", Arch: arch, Ecosystem: scanners.EcosystemDeb, PURL: "pkg:deb/debian/libcurl4@7.88.1-10?arch=" + arch,
			Source: scanners.SourcePackage{Name: "curl", Version: "7.88.1-10"}, Path: "var/lib/dpkg/status",
		}
	}
	asset := scanners.Asset{Key: "k", Name: "n", Distribution: scanners.Distribution{ID: "debian", Version: "12"}, Packages: []scanners.Package{curl("amd64"), curl("i386")}}
	findings, _ := Match(vulndb.Starter(), asset, time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC))
	ids := make(map[string]bool)
	for _, f := range findings {
		ids[f.ID] = true
	}
	if len(findings) < 2 || len(ids) != len(findings) {
		t.Errorf("%d findings with %d identities", len(findings), len(ids))
	}
}
