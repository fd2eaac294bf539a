package vulndb_test

import (
	"strings"
	"testing"

	"github.com/aquasecurity/trivy-db/pkg/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

// short writes what was found as "id fixed status" and the gaps' reasons.
func short(found []vulndb.Advisory, gaps []vulndb.Gap) []string {
	var lines []string
	for _, a := range found {
		lines = append(lines, strings.Join([]string{a.ID, a.FixedVersion, string(a.Status)}, " "))
	}
	for _, g := range gaps {
		lines = append(lines, "gap "+g.Subject+": "+g.Reason)
	}
	return lines
}

func TestMatchDistributions(t *testing.T) {
	db := open(t, content{
		"debian 12": {
			"openssl": {
				"CVE-1": types.Advisory{FixedVersion: "3.0.13-1~deb12u1", VendorIDs: []string{"DSA-1"}},
				"CVE-2": types.Advisory{Status: types.StatusWillNotFix},
				"CVE-3": types.Advisory{Status: types.StatusFixDeferred},
				"CVE-4": types.Advisory{Status: types.StatusEndOfLife},
				"CVE-5": types.Advisory{},
				"CVE-6": types.Advisory{Status: types.StatusNotAffected},
				"CVE-7": types.Advisory{Status: types.StatusUnderInvestigation},
			},
			"openssl1.1": {"CVE-8": types.Advisory{FixedVersion: "99"}},
			"zlib":       {"CVE-9": types.Advisory{FixedVersion: "1:1.2.13.dfsg-1+b1"}},
			"broken":     {"CVE-10": types.Advisory{FixedVersion: "x!y"}, "CVE-11": `{"FixedVersion":5}`, "CVE-12": types.Advisory{FixedVersion: "2"}},
		},
		"debian 11":    {"openssl": {"CVE-20": types.Advisory{FixedVersion: "99"}}},
		"ubuntu 22.04": {"openssl": {"CVE-1": types.Advisory{FixedVersion: "3.0.2-0ubuntu1.15"}, "CVE-30": types.Advisory{}}},
		"alpine 3.18": {
			"busybox": {
				"CVE-40": types.Advisory{FixedVersion: "1.36.1-r1"},
				"CVE-41": types.Advisory{FixedVersion: "0"},
				"CVE-42": types.Advisory{FixedVersion: "1.37.0", AffectedVersion: "1.36.1-r5"},
			},
			"curl": {"CVE-43": types.Advisory{FixedVersion: "8.0.0_rc1-r0"}},
		},
		"alpine edge": {"busybox": {"CVE-50": types.Advisory{FixedVersion: "1.37.0-r0"}}},
		"wolfi":       {"curl": {"CVE-60": types.Advisory{FixedVersion: "8.5.0-r0"}}},
		"chainguard":  {"curl": {"CVE-61": types.Advisory{FixedVersion: "8.5.0-r0"}}},
	}, nil)

	unfixed := []string{
		"CVE-2  will_not_fix", "CVE-3  fix_deferred", "CVE-4  end_of_life", "CVE-5  affected", "CVE-7  under_investigation",
	}
	ubuntu := scanners.Distribution{ID: "ubuntu", Version: "22.04"}
	alpine := scanners.Distribution{ID: "alpine", Version: "3.18.4"}
	apk := func(name, version, origin string) scanners.Package {
		return scanners.Package{
			Name: name, Version: version, Ecosystem: scanners.EcosystemAPK,
			Source: scanners.SourcePackage{Name: origin, Version: version},
		}
	}
	tests := []struct {
		name string
		dist scanners.Distribution
		pkg  scanners.Package
		want []string
	}{
		{
			"just below the fix, by source", debian("12"), deb("libssl3", "3.0.13-1~deb12u0", "openssl", "3.0.13-1~deb12u0"),
			append([]string{"CVE-1 3.0.13-1~deb12u1 fixed"}, unfixed...),
		},
		{"at the fix", debian("12"), deb("libssl3", "3.0.13-1~deb12u1", "openssl", "3.0.13-1~deb12u1"), unfixed},
		{"a tilde is older than the fix", debian("12"), deb("libssl3", "3.0.13-1~deb12u1~bpo", "openssl", ""), append([]string{"CVE-1 3.0.13-1~deb12u1 fixed"}, unfixed...)},
		{"without the tilde is newer", debian("12"), deb("libssl3", "3.0.13-1", "openssl", ""), unfixed},
		{"an epoch beats the fix", debian("12"), deb("libssl3", "1:1-1", "openssl", ""), unfixed},
		{"the source's version counts, not the package's", debian("12"), deb("zlib1g", "9", "zlib", "1:1.2.13.dfsg-1"), []string{"CVE-9 1:1.2.13.dfsg-1+b1 fixed"}},
		{"a missing epoch is older", debian("12"), deb("zlib1g", "1.2.13.dfsg-9", "zlib", ""), []string{"CVE-9 1:1.2.13.dfsg-1+b1 fixed"}},
		{"a name that begins alike is another package", debian("12"), deb("openssl1", "1", "openssl1", "1"), nil},
		{"no source: the package's own name", debian("12"), deb("openssl1.1", "1", "", ""), []string{"CVE-8 99 fixed"}},
		{"another release", debian("11"), deb("libssl3", "1", "openssl", "1"), []string{"CVE-20 99 fixed"}},
		{"a point release", debian("11.9"), deb("libssl3", "1", "openssl", "1"), []string{"CVE-20 99 fixed"}},
		{"a release that the database lacks", debian("13"), deb("libssl3", "1", "openssl", "1"), nil},
		{"no release", debian(""), deb("libssl3", "1", "openssl", "1"), nil},
		{
			"a version that cannot be read: unfixed ones are told all the same", debian("12"), deb("libssl3", "what", "openssl", "what"),
			append(append([]string{}, unfixed...), `gap libssl3 what: version "what" cannot be read: it does not begin with a digit; 1 advisories of openssl were not judged`),
		},
		{
			"damaged records", debian("12"), deb("broken", "1", "", ""),
			[]string{
				"CVE-12 2 fixed",
				`gap broken CVE-10: the fix of CVE-10: version "x!y" cannot be read: it does not begin with a digit`,
				"gap broken CVE-11: the record of CVE-11 is damaged: json: cannot unmarshal number into Go struct field record.FixedVersion of type string",
			},
		},
		{"an unreadable version without advisories is no gap", debian("12"), deb("nothing", "what", "", ""), nil},
		{"packages of another kind", debian("12"), apk("busybox", "1", "busybox"), []string{"gap busybox 1: debian 12 has no advisories for packages of kind apk"}},

		{"ubuntu below", ubuntu, deb("libssl3", "3.0.2-0ubuntu1.14", "openssl", ""), []string{"CVE-1 3.0.2-0ubuntu1.15 fixed", "CVE-30  affected"}},
		{"ubuntu at", ubuntu, deb("libssl3", "3.0.2-0ubuntu1.15", "openssl", ""), []string{"CVE-30  affected"}},

		{"alpine below, by origin", alpine, apk("ssl_client", "1.36.1-r0", "busybox"), []string{"CVE-40 1.36.1-r1 fixed"}},
		{"alpine at", alpine, apk("busybox", "1.36.1-r1", "busybox"), nil},
		{"alpine from the first affected", alpine, apk("busybox", "1.36.1-r5", "busybox"), []string{"CVE-42 1.37.0 fixed"}},
		{"alpine pre-release is older than the release", alpine, apk("curl", "8.0.0_beta1-r9", "curl"), []string{"CVE-43 8.0.0_rc1-r0 fixed"}},
		{"alpine release is newer than its pre-release", alpine, apk("curl", "8.0.0-r0", "curl"), nil},
		{"alpine edge by its snapshot's name", scanners.Distribution{ID: "alpine", Version: "3.22_alpha20250108"}, apk("busybox", "1.36.1-r9", "busybox"), []string{"CVE-50 1.37.0-r0 fixed"}},
		{"alpine other branch", scanners.Distribution{ID: "alpine", Version: "3.19.0"}, apk("busybox", "1", "busybox"), nil},

		{"wolfi", scanners.Distribution{ID: "wolfi", Version: "20230201"}, apk("libcurl", "8.4.0-r9", "curl"), []string{"CVE-60 8.5.0-r0 fixed"}},
		{"chainguard", scanners.Distribution{ID: "chainguard", Version: "20230214"}, apk("libcurl", "8.4.0-r9", "curl"), []string{"CVE-61 8.5.0-r0 fixed"}},
		{"wolfi at", scanners.Distribution{ID: "wolfi"}, apk("libcurl", "8.5.0-r0", "curl"), nil},
		{"unknown distribution", scanners.Distribution{ID: "gentoo", Version: "2"}, deb("openssl", "1", "", ""), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for range 2 { // the second time from the cache
				if diff := cmp.Diff(tt.want, short(db.Match(tt.dist, tt.pkg))); diff != "" {
					t.Fatalf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestMatchLanguages(t *testing.T) {
	db := open(t, content{
		"npm::GitHub": {
			"lodash": {
				"CVE-1": types.Advisory{VulnerableVersions: []string{"<4.17.21"}, PatchedVersions: []string{"4.17.21"}, VendorIDs: []string{"GHSA-1"}},
				"CVE-2": types.Advisory{VulnerableVersions: []string{">=3.0.0, <3.10.2", ">=4.0.0, <4.17.5"}},
			},
			"two-branches": {"CVE-3": types.Advisory{VulnerableVersions: []string{"<1.5.2", ">=2.0.0, <2.3.4"}, PatchedVersions: []string{"2.3.4", "1.5.2"}}},
			"pre":          {"CVE-4": types.Advisory{VulnerableVersions: []string{">=1.0.0-rc.1, <1.0.0"}}},
			"empty":        {"CVE-5": types.Advisory{VulnerableVersions: []string{"<2.0.0", ""}}, "CVE-6": types.Advisory{VulnerableVersions: []string{"<2.0.0"}, PatchedVersions: []string{""}}, "CVE-7": types.Advisory{}},
			"nonsense":     {"CVE-8": types.Advisory{VulnerableVersions: []string{"everything"}}},
			"wild":         {"CVE-9": types.Advisory{VulnerableVersions: []string{"1.2.x || ^3.0.0 || ~5.1.0"}, PatchedVersions: []string{">=6.0.0"}}},
			"nofix":        {"CVE-10": types.Advisory{VulnerableVersions: []string{"<=99.999.99999"}, PatchedVersions: []string{"<0.0.0"}}, "CVE-11": types.Advisory{VulnerableVersions: []string{"<999.999.999"}, PatchedVersions: []string{"999.999.999"}}},
			"chained":      {"CVE-12": types.Advisory{VulnerableVersions: []string{"<1.0.0", ">=1.0.0, <2.0.0"}}},
			"patchedonly":  {"CVE-13": types.Advisory{PatchedVersions: []string{">= 1.2.3"}, UnaffectedVersions: []string{"< 1.0.0"}}},
			"shared":       {"CVE-14": types.Advisory{VulnerableVersions: []string{"<2.0.0"}, VendorIDs: []string{"GHSA-14"}}},
			"namesake":     {"CVE-15": types.Advisory{VulnerableVersions: []string{"<2.0.0"}, VendorIDs: []string{"GHSA-15"}}, "CVE-16": types.Advisory{VulnerableVersions: []string{"<2.0.0"}, VendorIDs: []string{"GHSA-15"}}},
			"jsonstream":   {"CVE-17": types.Advisory{VulnerableVersions: []string{"<2.0.0"}}},
		},
		"npm::Other": {
			"lodash":   {"CVE-1": types.Advisory{VulnerableVersions: []string{"<4.17.20"}, PatchedVersions: []string{">=4.17.20"}, VendorIDs: []string{"NSWG-1"}}},
			"shared":   {"GHSA-14": types.Advisory{VulnerableVersions: []string{"<3.0.0"}, PatchedVersions: []string{"3.0.0"}}},
			"namesake": {"CVE-99": types.Advisory{VulnerableVersions: []string{"<1.0.0"}}},
		},
		"npmx::Other": {"lodash": {"CVE-98": types.Advisory{VulnerableVersions: []string{"<9.0.0"}}}},
		"pip::PyPA": {
			"django":         {"CVE-30": types.Advisory{VulnerableVersions: []string{">=3.2, <3.2.14", ">=4.0, <4.0.6"}, PatchedVersions: []string{"3.2.14", "4.0.6"}}},
			"ruamel-yaml":    {"CVE-31": types.Advisory{VulnerableVersions: []string{"<1!2.0"}}},
			"zope.interface": {"CVE-32": types.Advisory{VulnerableVersions: []string{"<6.0"}}},
			"post":           {"CVE-33": types.Advisory{VulnerableVersions: []string{"<=1.0"}}},
			"compatible":     {"CVE-34": types.Advisory{VulnerableVersions: []string{"~=1.4.2"}}},
		},
		"go::Vulndb": {
			"stdlib":                   {"CVE-50": types.Advisory{VulnerableVersions: []string{"<1.20.12", ">=1.21.0-rc.2, <1.21.5"}, PatchedVersions: []string{"1.20.12", "1.21.5"}}},
			"example.org/m":            {"CVE-51": types.Advisory{VulnerableVersions: []string{"<0.0.0-20180523222229-09b5706aa936"}, PatchedVersions: []string{"0.0.0-20180523222229-09b5706aa936"}}},
			"example.org/incompatible": {"CVE-52": types.Advisory{VulnerableVersions: []string{">=2.0.0+incompatible, <2.1.0+incompatible"}}},
			"Example.org/Case":         {"CVE-53": types.Advisory{VulnerableVersions: []string{"<1.0.0"}}},
		},
	}, nil)

	const npm, pip, golang = scanners.EcosystemNPM, scanners.EcosystemPyPI, scanners.EcosystemGolang
	tests := []struct {
		name         string
		eco          scanners.Ecosystem
		pkg, version string
		want         []string
	}{
		{"below both fixes", npm, "lodash", "4.17.4", []string{"CVE-1 4.17.21 fixed", "CVE-2 4.17.5 fixed"}},
		{"sources differ: the larger range counts", npm, "lodash", "4.17.20", []string{"CVE-1 4.17.21 fixed"}},
		{"at the fix", npm, "lodash", "4.17.21", nil},
		{"the branch's own fix", npm, "lodash", "3.10.1", []string{"CVE-1 4.17.21 fixed", "CVE-2 3.10.2 fixed"}},
		{"pre-release of the fix", npm, "lodash", "4.17.21-rc.1", []string{"CVE-1 4.17.21 fixed"}},
		{"a leading v", npm, "lodash", "v4.17.20", []string{"CVE-1 4.17.21 fixed"}},
		{"first branch", npm, "two-branches", "1.5.1", []string{"CVE-3 1.5.2 fixed"}},
		{"second branch", npm, "two-branches", "2.0.0", []string{"CVE-3 2.3.4 fixed"}},
		{"between the branches", npm, "two-branches", "1.9.0", nil},
		{"after the branches", npm, "two-branches", "2.3.4", nil},
		{"before the first pre-release", npm, "pre", "1.0.0-beta.9", nil},
		{"a pre-release inside", npm, "pre", "1.0.0-rc.2", []string{"CVE-4 1.0.0 fixed"}},
		{
			"empty ranges say nothing", npm, "empty", "1.0.0",
			[]string{
				"CVE-5  affected", // another range of it says so; whether 2.0.0 clears it, nobody can
				"gap empty CVE-7: CVE-7 names no versions",
				"gap empty 1.0.0: versions of CVE-6: a version range is empty",
			},
		},
		{
			"empty ranges and a version that only they could mean", npm, "empty", "3.0.0",
			[]string{"gap empty CVE-7: CVE-7 names no versions", "gap empty 3.0.0: versions of CVE-5: a version range is empty"},
		},
		{"a range that cannot be read", npm, "nonsense", "1.0.0", []string{`gap nonsense 1.0.0: versions of CVE-8: version range "everything" cannot be read`}},
		{"wildcard", npm, "wild", "1.2.9", []string{"CVE-9 6.0.0 fixed"}},
		{"wildcard's neighbour", npm, "wild", "1.3.0", nil},
		{"caret", npm, "wild", "3.9.9", []string{"CVE-9 6.0.0 fixed"}},
		{"after the caret", npm, "wild", "4.0.0", nil},
		{"tilde", npm, "wild", "5.1.7", []string{"CVE-9 6.0.0 fixed"}},
		{"after the tilde", npm, "wild", "5.2.0", nil},
		{"never fixed", npm, "nofix", "1.0.0", []string{"CVE-10  affected", "CVE-11  affected"}},
		{"a fix that is vulnerable itself is none", npm, "chained", "0.9.0", []string{"CVE-12 2.0.0 fixed"}},
		{"only patched versions known: below", npm, "patchedonly", "1.2.2", []string{"CVE-13 1.2.3 fixed"}},
		{"only patched versions known: at", npm, "patchedonly", "1.2.3", nil},
		{"only patched versions known: before it came", npm, "patchedonly", "0.9.9", nil},
		{"one advisory under two names", npm, "shared", "1.0.0", []string{"CVE-14 2.0.0 fixed"}},
		{"the second name alone", npm, "shared", "2.5.0", []string{"GHSA-14 3.0.0 fixed"}},
		{"two CVEs under one name", npm, "namesake", "1.0.0", []string{"CVE-15 2.0.0 fixed", "CVE-16 2.0.0 fixed"}},
		{"upper case", npm, "JSONStream", "1.0.0", []string{"CVE-17 2.0.0 fixed"}},
		{"a name that begins alike", npm, "lodas", "1.0.0", nil},
		{"a version that cannot be read", npm, "lodash", "latest", []string{`gap lodash latest: version "latest" cannot be read: invalid semantic version; 3 advisories of lodash were not judged`}},
		{"no version", npm, "lodash", "", []string{"gap lodash: the version is empty; 3 advisories of lodash were not judged"}},
		{"an unreadable version without advisories", npm, "unknown", "latest", nil},

		{"pip in a branch", pip, "Django", "4.0.5", []string{"CVE-30 4.0.6 fixed"}},
		{"pip at the fix", pip, "django", "4.0.6", nil},
		{"pip between", pip, "django", "3.2.14", nil},
		{"pip release candidate", pip, "django", "4.0.6rc1", []string{"CVE-30 4.0.6 fixed"}},
		{"pip before the first affected", pip, "django", "3.1", nil},
		{"pip local version", pip, "django", "4.0.5+debian1", []string{"CVE-30 4.0.6 fixed"}},
		{"pip epoch", pip, "ruamel.yaml", "99.0", []string{"CVE-31 1!2.0 fixed"}},
		{"pip at the epoch", pip, "ruamel_yaml", "1!2.0", nil},
		{"pip name with a dot", pip, "Zope.Interface", "5.5.2", []string{"CVE-32 6.0 fixed"}},
		{"pip post release", pip, "post", "1.0.post1", nil},
		{"pip last affected", pip, "post", "1.0", []string{"CVE-33  affected"}},
		{"pip compatible release", pip, "compatible", "1.4.9", []string{"CVE-34  affected"}},
		{"pip after the compatible release", pip, "compatible", "1.5.0", nil},
		{"pip unreadable", pip, "django", "unknown", []string{`gap django unknown: version "unknown" cannot be read: malformed version: unknown; 1 advisories of django were not judged`}},

		{"go below", golang, "stdlib", "v1.21.4", []string{"CVE-50 1.21.5 fixed"}},
		{"go at", golang, "stdlib", "1.21.5", nil},
		{"go toolchain's spelling", golang, "stdlib", "go1.20.11", []string{"CVE-50 1.20.12 fixed"}},
		{"go release candidate", golang, "stdlib", "go1.21rc2", []string{"CVE-50 1.21.5 fixed"}},
		{"go release candidate before", golang, "stdlib", "go1.21rc1", nil},
		{"go experiment", golang, "stdlib", "go1.21.4 X:boringcrypto", []string{"CVE-50 1.21.5 fixed"}},
		{"go pseudo-version below", golang, "example.org/m", "v0.0.0-20180523222228-ffffffffffff", []string{"CVE-51 0.0.0-20180523222229-09b5706aa936 fixed"}},
		{"go pseudo-version at", golang, "example.org/m", "v0.0.0-20180523222229-09b5706aa936", nil},
		{"go release after a pseudo-version", golang, "example.org/m", "v0.0.1", nil},
		{"go incompatible", golang, "example.org/incompatible", "v2.0.5+incompatible", []string{"CVE-52 2.1.0+incompatible fixed"}},
		{"go incompatible at", golang, "example.org/incompatible", "v2.1.0+incompatible", nil},
		{"go names have their case", golang, "example.org/case", "v0.1.0", nil},
		{"go same case", golang, "Example.org/Case", "v0.1.0", []string{"CVE-53 1.0.0 fixed"}},
		{"go working copy", golang, "example.org/m", "(devel)", []string{`gap example.org/m (devel): version "(devel)" cannot be read: the binary was built from a working copy and does not tell; 1 advisories of example.org/m were not judged`}},
		{"unknown ecosystem", "gem", "rails", "1", []string{`gap rails 1: versions of ecosystem "gem" cannot be compared`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := scanners.Package{Name: tt.pkg, Version: tt.version, Ecosystem: tt.eco}
			for range 2 {
				if diff := cmp.Diff(tt.want, short(db.Match(scanners.Distribution{}, p))); diff != "" {
					t.Fatalf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

func TestAdvisory(t *testing.T) {
	db := open(t, content{
		"debian 12":   {"zlib": {"CVE-1": types.Advisory{FixedVersion: "2", VendorIDs: []string{"DSA-1"}}}},
		"npm::GitHub": {"shared": {"GHSA-1": types.Advisory{VulnerableVersions: []string{"<2.0.0"}}}},
		"npm::Other":  {"shared": {"CVE-2": types.Advisory{VulnerableVersions: []string{"<2.1.0"}, VendorIDs: []string{"GHSA-1", "NSWG-1"}}}},
	}, map[string]any{
		"CVE-1": `{"Title":"a title","PublishedDate":"2024-02-29T10:00:00Z","VendorSeverity":{"debian":1,"nvd":3},
			"References":["https://example.org/1","javascript:alert(1)","ftp://x"],
			"CVSS":{"nvd":{"V2Vector":"AV:N/AC:L/Au:N/C:P/I:P/A:P","V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H","V2Score":7.5,"V3Score":9.8},
				"ghsa":{"V40Vector":"CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N"},
				"redhat":{"V3Vector":"CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H","V3Score":7.5},"odd":{"V3Vector":"nonsense"}}}`,
		"CVE-2": `{"Description":"First sentence of\na long text that goes on. Second sentence."}`,
	})
	found, gaps := db.Match(debian("12"), deb("zlib1g", "1", "zlib", "1"))
	want := []vulndb.Advisory{{
		ID: "CVE-1", Aliases: []string{"DSA-1"}, FixedVersion: "2", Status: scanners.StatusFixed,
		Severity: scanners.SeverityLow, SeveritySource: "debian", Title: "a title", Published: "2024-02-29",
		CVSS: []scanners.CVSS{
			{Source: "ghsa", Version: "4.0", Vector: "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N", Score: 9.3},
			{Source: "nvd", Version: "3.1", Vector: "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Score: 9.8},
			{Source: "redhat", Version: "3.0", Vector: "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Score: 7.5},
			{Source: "nvd", Version: "2.0", Vector: "AV:N/AC:L/Au:N/C:P/I:P/A:P", Score: 7.5},
		},
		References: []string{"https://example.org/1"},
		Source:     "Debian Security Tracker", SourceURL: "https://salsa.debian.org/security-tracker-team/security-tracker",
	}}
	if diff := cmp.Diff(want, found, cmpopts.EquateEmpty()); diff != "" || gaps != nil {
		t.Errorf("gaps %v, -want +got:\n%s", gaps, diff)
	}

	found, gaps = db.Match(scanners.Distribution{}, scanners.Package{Name: "shared", Version: "1.0.0", Ecosystem: scanners.EcosystemNPM})
	want = []vulndb.Advisory{{
		ID: "CVE-2", Aliases: []string{"GHSA-1", "NSWG-1"}, FixedVersion: "2.1.0", Status: scanners.StatusFixed,
		Title: "First sentence of a long text that goes on.", Source: "Node.js", SourceURL: "https://github.com/nodejs/security-wg",
	}}
	if diff := cmp.Diff(want, found, cmpopts.EquateEmpty()); diff != "" || gaps != nil {
		t.Errorf("gaps %v, -want +got:\n%s", gaps, diff)
	}
}

func TestSeveritySource(t *testing.T) {
	tests := []struct {
		name   string
		own    types.Severity
		bucket string
		id     string
		detail string
		want   string
	}{
		{"the package's own", types.SeverityHigh, "debian 12", "CVE-1", `{"VendorSeverity":{"debian":1,"nvd":4}}`, "high debian"},
		{"the data source's", 0, "debian 12", "CVE-1", `{"VendorSeverity":{"debian":1,"nvd":4}}`, "low debian"},
		{"the NVD's", 0, "debian 12", "CVE-1", `{"VendorSeverity":{"debian":0,"ghsa":1,"nvd":4}}`, "critical nvd"},
		{"GitHub's for its own ids", 0, "debian 12", "GHSA-1", `{"VendorSeverity":{"ghsa":1,"nvd":4}}`, "low ghsa"},
		{"the record's", 0, "debian 12", "CVE-1", `{"VendorSeverity":{"cisa-adp":1},"Severity":"MEDIUM"}`, "medium "},
		{"somebody's", 0, "debian 12", "CVE-1", `{"VendorSeverity":{"cisa-adp":2,"cve-cna":3},"Severity":"UNKNOWN"}`, "medium cisa-adp"},
		{"a score's", 0, "debian 12", "CVE-1", `{"CVSS":{"cve-cna":{"V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}}}`, "critical cvss:cve-cna"},
		{"nobody's", 0, "debian 12", "CVE-1", `{"VendorSeverity":{"nvd":99,"x":-1}}`, "unknown "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := open(t, content{tt.bucket: {"p": {tt.id: types.Advisory{Severity: tt.own}}}}, map[string]any{tt.id: tt.detail})
			found, _ := db.Match(debian("12"), deb("p", "1", "", ""))
			if len(found) != 1 {
				t.Fatalf("got %d advisories, want 1", len(found))
			}
			if got := found[0].Severity.String() + " " + found[0].SeveritySource; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestDamagedDetails(t *testing.T) {
	db := open(t, content{"debian 12": {"p": {"CVE-1": types.Advisory{}}}}, map[string]any{"CVE-1": `{"Title":`})
	want := []string{"CVE-1  affected", "gap CVE-1: the details of CVE-1 are damaged: unexpected end of JSON input"}
	if diff := cmp.Diff(want, short(db.Match(debian("12"), deb("p", "1", "", "")))); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMatchAfterClose(t *testing.T) {
	db, err := vulndb.Open(build(t, content{"debian 12": {"p": {"CVE-1": types.Advisory{}}}}, nil))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if found, gaps := db.Match(debian("12"), deb("p", "1", "", "")); len(found) != 0 || len(gaps) != 1 {
		t.Errorf("got %v and %v, want one gap", found, gaps)
	}
}
