package vulndb_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	debversion "github.com/knqyf263/go-deb-version"

	"plimsoll/scanners"
	"plimsoll/scanners/vulndb"
)

func sign(n int) int { return min(1, max(-1, n)) }

// ascending lists versions of which each is older than the next.
var ascending = map[scanners.Ecosystem][]string{
	scanners.EcosystemDeb: {
		"0~~", "0~~a", "0~", "0", "0a", "0a+", "0+", "0.", "0.1", "1.0~beta1~svn1245", "1.0~beta1", "1.0~rc1-1", "1.0-0.1", "1.0-1~bpo1", "1.0-1",
		"1.0-1+b1", "1.0-1+deb12u1", "1.0-1.1", "1.0-2", "1.0-10", "1.0a-1", "1.0+dfsg-1", "1.0.1-1", "1.2", "1.10", "9",
		"20180523222229000000001", "20180523222229000000002", "1:0.1", "2:0~1", "10:0",
	},
	scanners.EcosystemAPK: {
		"0.1_pre2", "0.1", "0.9", "0.10", "1_alpha", "1", "1.0_alpha_pre2", "1.0_alpha", "1.0_alpha1", "1.0_alpha2", "1.0_alpha10",
		"1.0_beta", "1.0_pre", "1.0_rc", "1.0_rc1", "1.0_rc1-r3", "1.0", "1.0-r0", "1.0-r1", "1.0-r10", "1.0~abc1234", "1.0_cvs1",
		"1.0_svn", "1.0_git20240101", "1.0_hg", "1.0_p", "1.0_p0", "1.0_p1", "1.0_p1~aa", "1.0a", "1.0b", "1.0b_p1", "1.0.1", "1.01",
		"1.1", "1.2.3-r0", "1.10", "2", "10", "20180523222229000000001", "20180523222229000000002",
	},
	scanners.EcosystemNPM: {
		"0.0.0", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.2.0", "1.10.0", "2.0.0",
	},
	scanners.EcosystemPyPI: {
		"1.0.dev1", "1.0a1.dev1", "1.0a1", "1.0a2", "1.0b1", "1.0rc1", "1.0", "1.0.post1", "1.0.1", "1.1.dev0", "1.1", "1.10", "2013.10", "1!0.1",
	},
	scanners.EcosystemGolang: {
		"v0.0.0-20170915032832-14c0d48ead0c", "v0.0.0-20180523222229-09b5706aa936", "v0.0.0", "v0.0.1", "v1.2.3-rc.1", "v1.2.3", "v1.2.4-0.20191109021931-daa7c04131f5",
		"v1.2.4", "v1.10.0", "go1.20beta1", "go1.20rc1", "go1.20rc2", "go1.20", "go1.20.1", "v2.0.0+incompatible",
	},
}

func TestCompareAscending(t *testing.T) {
	for eco, versions := range ascending {
		t.Run(string(eco), func(t *testing.T) {
			for i, a := range versions {
				for j, b := range versions {
					got, err := vulndb.Compare(eco, a, b)
					if err != nil {
						t.Fatal(err)
					}
					want := sign(i - j)
					if sign(got) != want {
						t.Errorf("%q against %q: got %d, want %d", a, b, got, want)
					}
				}
			}
		})
	}
}

func TestCompareEqual(t *testing.T) {
	for eco, pairs := range map[scanners.Ecosystem][][2]string{
		scanners.EcosystemDeb:    {{"1.0-0", "1.0"}, {"0:1.0", "1.0"}, {"1.00", "1.0"}, {" 1.0 ", "1.0"}, {"1.0~", "1.0~"}},
		scanners.EcosystemAPK:    {{"01", "1"}, {"1.0-r01", "1.0-r1"}},
		scanners.EcosystemNPM:    {{"v1.0.0", "1.0.0"}, {"1.0.0+build", "1.0.0"}},
		scanners.EcosystemPyPI:   {{"1.0", "1.0.0"}, {"1.0RC1", "1.0c1"}, {"1.0+local", "1.0"}},
		scanners.EcosystemGolang: {{"v1.0.0", "1.0"}, {"v2.0.0+incompatible", "2.0.0"}, {"go1.20rc1", "1.20.0-rc.1"}},
	} {
		for _, p := range pairs {
			if got, err := vulndb.Compare(eco, p[0], p[1]); got != 0 || err != nil {
				t.Errorf("%s: %q against %q: got %d, %v, want 0", eco, p[0], p[1], got, err)
			}
		}
	}
}

func TestCompareUnreadable(t *testing.T) {
	long := strings.Repeat("1", 1000)
	for eco, versions := range map[scanners.Ecosystem][]string{
		scanners.EcosystemDeb:    {"", "a1", "x:1", "-1:1", "99999999999:1", "1-", "1:", "1 2", "1\x1b[31m", "1é", "1-1:1", long},
		scanners.EcosystemAPK:    {"", "a", "23_foo", "1.0bc", "1.", "1..2", "1-2", "1-r", "1.0_", "1.0~", "1.0~x", "1.0-r1.1", "1.0-r1_p1", "1.0a1", long},
		scanners.EcosystemNPM:    {"", "1.0", "latest", "^1.0.0", "git+https://example.org", "99999999999999999999.0.0"},
		scanners.EcosystemPyPI:   {"", "latest", "1.0-x", long + "x"},
		scanners.EcosystemGolang: {"", "(devel)", "devel go1.23-abc", "1.x", "99999999999999999999.0"},
		"gem":                    {"1.0"},
	} {
		for _, v := range versions {
			if _, err := vulndb.Compare(eco, v, "1.0.0"); err == nil {
				t.Errorf("%s: %q was read", eco, v)
			}
			if _, err := vulndb.Compare(eco, "1.0.0", v); err == nil {
				t.Errorf("%s: %q was read as the second version", eco, v)
			}
		}
	}
}

// TestCompareLikeLibrary compares random Debian versions with an independent implementation.
func TestCompareLikeLibrary(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	pieces := []string{"0", "1", "9", "10", "00", "a", "b", "~", "~~", "+", ".", "rc", "dfsg", "-", "ubuntu", "deb12u"}
	for range 20_000 {
		a, b := randomVersion(random, pieces), randomVersion(random, pieces)
		theirs, errA := debversion.NewVersion(a)
		other, errB := debversion.NewVersion(b)
		ours, err := vulndb.Compare(scanners.EcosystemDeb, a, b)
		if errA != nil || errB != nil || err != nil {
			continue
		}
		if want := sign(theirs.Compare(other)); sign(ours) != want {
			t.Fatalf("%q against %q: got %d, want %d", a, b, ours, want)
		}
	}
}

func randomVersion(random *rand.Rand, pieces []string) string {
	v := "1"
	for range random.IntN(6) {
		v += pieces[random.IntN(len(pieces))]
	}
	return v
}
