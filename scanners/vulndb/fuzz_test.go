package vulndb

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
)

var ecosystems = []scanners.Ecosystem{
	scanners.EcosystemDeb, scanners.EcosystemAPK, scanners.EcosystemNPM, scanners.EcosystemPyPI, scanners.EcosystemGolang,
}

// FuzzCompare checks that every order is one: a version equals itself, and turning a comparison round turns its result.
func FuzzCompare(f *testing.F) {
	for i, pair := range [][2]string{
		{"1:1.0~rc1-1+b1", "1.0-1"}, {"1.0_rc1-r0", "1.0a~abc-r1"}, {"1.0.0-rc.1+b", "1.0.0"}, {"1!1.0rc1.post1.dev2+l", "1.0"}, {"go1.21rc2", "v0.0.0-20180523222229-09b5706aa936"},
	} {
		f.Add(uint8(i), pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, n uint8, a, b string) {
		eco := ecosystems[int(n)%len(ecosystems)]
		forth, err := Compare(eco, a, b)
		if err != nil {
			return
		}
		back, err := Compare(eco, b, a)
		if err != nil || (forth < 0) != (back > 0) || (forth > 0) != (back < 0) {
			t.Errorf("%s: %q against %q: %d forth, %d back, %v", eco, a, b, forth, back, err)
		}
		if same, err := Compare(eco, a, a); same != 0 || err != nil {
			t.Errorf("%s: %q against itself: %d, %v", eco, a, same, err)
		}
	})
}

// FuzzRecord decodes a record and judges a version by it: no input may end in a panic, and a fix must be after the
// installed version.
func FuzzRecord(f *testing.F) {
	f.Add(uint8(0), `{"FixedVersion":"1:2.0-1","Status":3,"Severity":2,"VendorIDs":["DSA-1"]}`, "1.0")
	f.Add(uint8(1), `{"FixedVersion":"1.2.3-r1","AffectedVersion":"1.0"}`, "1.1_rc1")
	f.Add(uint8(2), `{"VulnerableVersions":["<4.17.21 || ^5.0.0"],"PatchedVersions":["4.17.21"]}`, "4.17.20")
	f.Add(uint8(3), `{"VulnerableVersions":[">=1.0, <1!2","~=1.4.2"]}`, "1.0rc1")
	f.Add(uint8(4), `{"VulnerableVersions":[">=1.21.0-0, <1.21.5"],"UnaffectedVersions":["~> 1.0"]}`, "1.21.3")
	f.Fuzz(func(t *testing.T, n uint8, data, installed string) {
		eco := ecosystems[int(n)%len(ecosystems)]
		o, err := orderOf(eco)
		if err != nil {
			t.Fatal(err)
		}
		r, err := decodeRecord("CVE-1", []byte(data))
		slow := record{ID: "CVE-1"}
		slowErr := json.Unmarshal([]byte(data), &slow)
		if (err == nil) != (slowErr == nil) || (err == nil && !cmp.Equal(r, slow)) {
			t.Fatalf("%s: got %+v, %v, encoding/json %+v, %v", data, r, err, slow, slowErr)
		}
		if err != nil {
			return
		}
		var set ruleSet
		if err := set.add(r, eco, o); err != nil {
			return
		}
		v, err := o.read(installed)
		if err != nil {
			return
		}
		for _, rule := range set.all {
			if eco.OfDistribution() {
				rule.concerns(v)
				continue
			}
			if fix := rule.fix(v); rule.vulnerable(v) == yes && fix != "" {
				if d, err := Compare(eco, fix, installed); err != nil || d <= 0 {
					t.Errorf("the fix %q is not after %q: %d, %v", fix, installed, d, err)
				}
			}
		}
	})
}

func FuzzDetail(f *testing.F) {
	f.Add([]byte(`{"Title":"t","Description":"d. e","VendorSeverity":{"nvd":4},"CVSS":{"nvd":{"V3Vector":"CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}},"References":["https://x"],"PublishedDate":"2024-01-01T00:00:00Z"}`))
	f.Add([]byte(`{"CVSS":{"a":{"V2Vector":"AV:N","V40Vector":"CVSS:4.0/"}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := decodeDetail("CVE-1", data)
		if err != nil {
			return
		}
		d.rate("CVE-1", scanners.SeverityUnknown, origin{ID: "debian"}, false)
		for _, c := range d.cvss {
			if c.Score <= 0 || c.Score > 10 {
				t.Errorf("score %v", c.Score)
			}
		}
	})
}

func FuzzMetadata(f *testing.F) {
	f.Add([]byte(`{"Version":2,"NextUpdate":"2026-11-21T00:00:00Z","UpdatedAt":"2026-11-20T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if info, err := decodeMetadata(data); err == nil && info.Schema != schemaVersion {
			t.Errorf("read schema %d", info.Schema)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("\x1f\x8b"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_ = unpack(t.Context(), bytes.NewReader(data), t.TempDir())
	})
}
