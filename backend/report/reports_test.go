package report_test

import (
	"fmt"
	"strings"
	"time"

	"plimsoll/scanners"
)

// The reports that the tests write, built by hand the way a run builds them.

var started = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const webKey = "docker:local/shop/web:1.4"

func emptyReport() scanners.Report {
	return scanners.Report{
		Schema: scanners.ReportSchema,
		Run: scanners.Run{
			ID: "0195", Kind: "image", Version: "0.1.0", Request: []string{"shop/web:1.4"},
			StartedAt: started, EndedAt: started.Add(2 * time.Second),
			Database: scanners.DatabaseInfo{
				Kind: "trivy-db", Schema: 2, UpdatedAt: started.Add(-7 * time.Hour), NextUpdate: started.Add(17 * time.Hour),
				Digest: "sha256:" + strings.Repeat("d", 64),
			},
		},
		Targets: []scanners.Target{{Key: "docker:local", Kind: scanners.TargetDocker, Name: "local Docker", Address: "unix:///run/docker.sock"}},
	}
}

func layerID(n int) string { return fmt.Sprintf("sha256:%064d", n) }

func webAsset() scanners.Asset {
	return scanners.Asset{
		Key: webKey, Kind: scanners.AssetImage, Name: "shop/web:1.4", Target: "docker:local", Revision: "sha256:" + strings.Repeat("a", 64),
		Platform: scanners.Platform{OS: "linux", Architecture: "amd64"}, Created: "2026-02-01T08:00:00Z",
		Distribution: scanners.Distribution{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"},
		Layers: []scanners.Layer{
			{DiffID: layerID(1), Index: 0, Instruction: `ADD rootfs.tar.xz /`},
			{DiffID: layerID(2), Index: 1, Instruction: "RUN apt-get update && apt-get install -y --no-install-recommends ca-certificates curl nodejs npm python3-pip && rm -rf /var/lib/apt/lists/*"},
			{DiffID: layerID(3), Index: 2, Instruction: "RUN npm ci --omit=dev"},
		},
		Packages: []scanners.Package{
			pkg("libssl3", "3.0.11-1~deb12u2", scanners.EcosystemDeb, "var/lib/dpkg/status", 1),
			pkg("openssl", "3.0.11-1~deb12u2", scanners.EcosystemDeb, "var/lib/dpkg/status", 2),
			pkg("libsystemd0", "252.22-1~deb12u1", scanners.EcosystemDeb, "var/lib/dpkg/status", 1),
			pkg("python3-urllib3", "1.26.12-1", scanners.EcosystemDeb, "var/lib/dpkg/status", 2),
			pkg("lodash", "4.17.15", scanners.EcosystemNPM, "srv/app/node_modules/lodash/package.json", 3),
			pkg("semver", "7.3.4", scanners.EcosystemNPM, "srv/app/node_modules/semver/package.json", 3),
			owned(pkg("urllib3", "1.26.12", scanners.EcosystemPyPI, "usr/lib/python3/dist-packages/urllib3-1.26.12.egg-info/PKG-INFO", 2), "pkg:deb/debian/python3-urllib3@1.26.12-1"),
			pkg("stdlib", "1.21.4", scanners.EcosystemGolang, "usr/local/bin/healthcheck", 3),
		},
	}
}

func pkg(name, version string, eco scanners.Ecosystem, path string, layer int) scanners.Package {
	return scanners.Package{
		Name: name, Version: version, Ecosystem: eco, Path: path, Layer: layerID(layer), PURL: purl(eco, name, version),
		Licenses: []string{"MIT"},
	}
}

func owned(p scanners.Package, by string) scanners.Package {
	p.OwnedBy = by
	return p
}

func purl(eco scanners.Ecosystem, name, version string) string {
	if eco == scanners.EcosystemDeb {
		return "pkg:deb/debian/" + name + "@" + version + "?arch=amd64&distro=debian-12"
	}
	return "pkg:" + string(eco) + "/" + name + "@" + version
}

// finding makes a vulnerability of one of the packages of webAsset.
func finding(check string, severity scanners.Severity, p scanners.Package, source, fixed string, status scanners.FixStatus) scanners.Finding {
	return scanners.Finding{
		ID: scanners.FindingID(webKey, check, p.PURL, p.Path), Kind: scanners.KindVulnerability, Check: check, Severity: severity,
		Title: "made-up flaw in " + p.Name, Asset: webKey,
		Location: scanners.Location{Path: p.Path, Layer: p.Layer},
		Package:  scanners.FindingPackage{Name: p.Name, Version: p.Version, PURL: p.PURL, Ecosystem: p.Ecosystem, Source: source},
		Status:   status, FixedVersion: fixed,
		References: []string{"https://example.org/" + check}, Evidence: p.Name + " " + p.Version + " is older than the fix.",
		Published: "2025-11-02T10:00:00Z",
	}
}

func done(asset, subject string) []scanners.Coverage {
	return []scanners.Coverage{
		{Scanner: scanners.ScannerPackages, Asset: asset, Subject: subject, State: scanners.CoverageDone},
		{Scanner: scanners.ScannerVulnerabilities, Asset: asset, Subject: subject, State: scanners.CoverageDone},
	}
}

func cleanReport() scanners.Report {
	r := emptyReport()
	r.Assets = []scanners.Asset{webAsset()}
	r.Coverage = done(webKey, "shop/web:1.4")
	return r
}

func typicalReport() scanners.Report {
	r := cleanReport()
	p := r.Assets[0].Packages
	libssl, openssl, systemd, lodash, semver, stdlib := p[0], p[1], p[2], p[4], p[5], p[7]
	r.Findings = []scanners.Finding{
		finding("CVE-2031-0001", scanners.SeverityCritical, libssl, "openssl", "3.0.13-1~deb12u1", scanners.StatusFixed),
		finding("CVE-2031-0001", scanners.SeverityCritical, openssl, "openssl", "3.0.13-1~deb12u1", scanners.StatusFixed),
		finding("CVE-2031-0002", scanners.SeverityHigh, libssl, "openssl", "3.0.12-1~deb12u1", scanners.StatusFixed),
		finding("CVE-2031-0003", scanners.SeverityMedium, libssl, "openssl", "3.0.12-1~deb12u1", scanners.StatusFixed),
		finding("CVE-2031-0004", scanners.SeverityLow, libssl, "openssl", "3.0.12-1~deb12u1", scanners.StatusFixed),
		finding("CVE-2031-0100", scanners.SeverityHigh, lodash, "", "4.17.21", scanners.StatusFixed),
		finding("GHSA-aaaa-bbbb-cccc", scanners.SeverityMedium, semver, "", "7.5.2", scanners.StatusFixed),
		finding("CVE-2031-0200", scanners.SeverityUnknown, stdlib, "", "1.21.5", scanners.StatusFixed),
		finding("CVE-2031-0300", scanners.SeverityMedium, systemd, "systemd", "", scanners.StatusAffected),
		finding("CVE-2031-0301", scanners.SeverityLow, systemd, "systemd", "", scanners.StatusWillNotFix),
		finding("CVE-2031-0302", scanners.SeverityLow, systemd, "systemd", "", scanners.StatusWillNotFix),
	}
	r.Findings[0].CVSS = []scanners.CVSS{
		{Source: "nvd", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8},
		{Source: "ghsa", Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Score: 9.3},
	}
	ids := func(places ...int) []string {
		var list []string
		for _, i := range places {
			list = append(list, r.Findings[i].ID)
		}
		return list
	}
	r.Fixes = []scanners.FixAction{
		{
			Title: "Upgrade openssl to 3.0.13-1~deb12u1", Asset: webKey, Package: "openssl", From: []string{"3.0.11-1~deb12u2"}, To: "3.0.13-1~deb12u1",
			Command:  "apt-get update && apt-get install --only-upgrade libssl3=3.0.13-1~deb12u1 openssl=3.0.13-1~deb12u1",
			Severity: scanners.SeverityCritical, Findings: ids(0, 1, 2, 3, 4), Layer: layerID(2), Eco: scanners.EcosystemDeb,
		},
		{
			Title: "Upgrade lodash to 4.17.21", Asset: webKey, Package: "lodash", From: []string{"4.17.15"}, To: "4.17.21",
			Command: "npm install lodash@4.17.21", Severity: scanners.SeverityHigh, Findings: ids(5), Layer: layerID(3),
			Paths: []string{"srv/app/node_modules/lodash", "srv/app/node_modules/grunt/node_modules/lodash"}, Eco: scanners.EcosystemNPM,
		},
		{
			Title: "Upgrade semver to 7.5.2", Asset: webKey, Package: "semver", From: []string{"7.3.4"}, To: "7.5.2",
			Command: "npm install semver@7.5.2", Severity: scanners.SeverityMedium, Findings: ids(6), Layer: layerID(3),
			Paths: []string{"srv/app/node_modules/semver"}, Eco: scanners.EcosystemNPM,
		},
		{
			Title: "Build usr/local/bin/healthcheck with Go 1.21.5 or newer", Asset: webKey, Package: "stdlib", From: []string{"1.21.4"}, To: "1.21.5",
			Severity: scanners.SeverityUnknown, Findings: ids(7), Layer: layerID(3), Paths: []string{"usr/local/bin/healthcheck"}, Eco: scanners.EcosystemGolang,
		},
		{
			Title: "No fix for systemd yet", Asset: webKey, Package: "systemd", From: []string{"252.22-1~deb12u1"},
			Severity: scanners.SeverityMedium, Findings: ids(8, 9, 10), Layer: layerID(1), Status: scanners.StatusAffected, Eco: scanners.EcosystemDeb,
		},
	}
	r.Coverage = append(r.Coverage, scanners.Coverage{
		Scanner: scanners.ScannerVulnerabilities, Asset: webKey, Subject: "leftpad 1.x.beta (srv/app/node_modules/leftpad/package.json)",
		State: scanners.CoveragePartial, Reason: "its version is not one that npm can compare; check it by hand",
	})
	return r
}

func starterReport() scanners.Report {
	r := cleanReport()
	r.Run.Database = scanners.DatabaseInfo{Kind: scanners.DatabaseStarter, UpdatedAt: started.Add(-40 * 24 * time.Hour), Advisories: 312}
	return r
}

func canceledReport() scanners.Report {
	r := cleanReport()
	r.Run.Canceled = true
	r.Coverage = []scanners.Coverage{
		{Scanner: scanners.ScannerPackages, Asset: webKey, Subject: "shop/web:1.4", State: scanners.CoveragePartial, Reason: "stopped after 2 of 3 layers; run it again"},
		{Scanner: scanners.ScannerVulnerabilities, Asset: webKey, Subject: "shop/web:1.4", State: scanners.CoverageSkipped, Reason: "the run was stopped before its packages were known; run it again"},
	}
	return r
}

func failedReport() scanners.Report {
	r := typicalReport()
	r.Run.Request = []string{"shop/web:1.4", "shop/api:2"}
	r.Run.Database.NextUpdate = started.Add(-time.Hour)
	r.Coverage = append(r.Coverage, scanners.Coverage{
		Scanner: scanners.ScannerPackages, Subject: "shop/api:2", State: scanners.CoverageFailed,
		Reason: "no such image in the local engine; pull it with `docker pull shop/api:2`, or name an archive with --archive",
	})
	return r
}

func ignoredReport() scanners.Report {
	r := typicalReport()
	r.Ignored = []scanners.Ignored{
		{Finding: finding("CVE-2031-0400", scanners.SeverityHigh, r.Assets[0].Packages[4], "", "4.17.20", scanners.StatusFixed), Reason: "templates never come from users", Until: "2026-12-31"},
		{Finding: finding("CVE-2031-0401", scanners.SeverityLow, r.Assets[0].Packages[4], "", "4.17.20", scanners.StatusFixed), Reason: "templates never come from users", Until: "2026-12-31"},
		{Finding: finding("CVE-2031-0402", scanners.SeverityLow, r.Assets[0].Packages[5], "", "7.5.2", scanners.StatusFixed), Reason: "build tool only"},
	}
	return r
}

// longReport has more of everything than is shown.
func longReport() scanners.Report {
	r := cleanReport()
	for i := range 40 {
		p := pkg(fmt.Sprintf("part%02d", i), "1.0", scanners.EcosystemNPM, fmt.Sprintf("srv/app/node_modules/part%02d/package.json", i), 3)
		fixed, status := "1.1", scanners.StatusFixed
		if i%2 == 1 {
			fixed, status = "", scanners.StatusAffected
		}
		action := scanners.FixAction{
			Title: "Upgrade " + p.Name + " to 1.1", Command: "npm install " + p.Name + "@1.1", Asset: webKey, Package: p.Name,
			From: []string{"1.0"}, To: fixed, Severity: scanners.SeverityHigh, Layer: p.Layer, Eco: p.Ecosystem, Paths: []string{p.Path},
		}
		for j := range 5 {
			f := finding(fmt.Sprintf("CVE-2031-%02d%02d", i, j), scanners.SeverityHigh, p, "", fixed, status)
			r.Findings = append(r.Findings, f)
			action.Findings = append(action.Findings, f.ID)
		}
		if fixed != "" {
			r.Fixes = append(r.Fixes, action)
		}
		r.Assets[0].Packages = append(r.Assets[0].Packages, p)
		r.Coverage = append(r.Coverage, scanners.Coverage{
			Scanner: scanners.ScannerVulnerabilities, Asset: webKey, Subject: p.Name, State: scanners.CoverageSkipped, Reason: "its version is not known; see " + p.Path,
		})
	}
	return r
}

func manyReport() scanners.Report {
	r := typicalReport()
	for i, name := range []string{"shop/api:2", "registry.example.org/platform/infrastructure/observability/collector:2026.03.01-distroless"} {
		a := webAsset()
		a.Key, a.Name = "docker:local/"+name, name
		r.Assets = append(r.Assets, a)
		r.Coverage = append(r.Coverage, done(a.Key, name)[:2-i]...)
	}
	return r
}

// hostileReport carries what an attacker may put into an image.
func hostileReport() scanners.Report {
	r := typicalReport()
	evil := "\x1b]0;owned\x07\x1b[2J\u202egpj.exe\r\nFAKE: ✓ No known vulnerabilities.\u200b\xff\u009b31m z" + strings.Repeat("\u0301", 40)
	a := &r.Assets[0]
	a.Name += evil
	a.Distribution.Name = evil
	a.Layers[1].Instruction = evil + strings.Repeat("A", 5000)
	r.Fixes[0].Title = "Upgrade " + evil
	r.Fixes[0].Command = "apt-get install '" + evil + "'"
	r.Fixes[1].Command = "npm install " + strings.Repeat("x", 2000)
	r.Fixes[1].Paths = []string{strings.Repeat("deep/", 4000) + "x"}
	r.Fixes[2].From = []string{evil, "2", "3"}
	for i := range r.Findings {
		r.Findings[i].Title = evil
		r.Findings[i].Check += evil
	}
	r.Findings[8].Package.Source = evil + strings.Repeat("日本", 300)
	r.Findings[9].References = []string{"javascript:alert(1)", evil}
	r.Findings[10].Location.Path = "../../a b:c/%41/" + evil
	r.Coverage[2].Reason = evil
	return r
}
