package image

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
)

// stackOf analyses layers, base first.
func stackOf(t *testing.T, layers ...[]member) []scanners.LayerFacts {
	t.Helper()
	var facts []scanners.LayerFacts
	for _, members := range layers {
		f, err := new(Analyser).Analyse(context.Background(), scanners.LayerContent{Tar: bytes.NewReader(tarOf(t, members...))})
		if err != nil {
			t.Fatal(err)
		}
		facts = append(facts, f)
	}
	return facts
}

// where lists packages as "name version @layer", with "<owner" when they are owned.
func where(facts []scanners.LayerFacts, packages []scanners.Package) string {
	var lines []string
	for _, p := range packages {
		for i, f := range facts {
			if f.DiffID != p.Layer {
				continue
			}
			line := p.Name + " " + p.Version + " @" + string(rune('0'+i))
			if p.OwnedBy != "" {
				line += " <" + p.OwnedBy
			}
			lines = append(lines, line)
			break
		}
	}
	return strings.Join(lines, "\n")
}

func npmFile(path, name, version string) member {
	return file(path+"/package.json", `{"name":"`+name+`","version":"`+version+`"}`)
}

const debian12 = "ID=debian\nVERSION_ID=\"12\"\n"

func status(packages ...string) member {
	text := ""
	for _, p := range packages {
		name, version, _ := strings.Cut(p, " ")
		text += "Package: " + name + "\nStatus: install ok installed\nArchitecture: amd64\nVersion: " + version + "\n\n"
	}
	return file("var/lib/dpkg/status", text)
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name   string
		layers [][]member
		want   string
	}{
		{"WhiteoutOfAFile", [][]member{
			{npmFile("app/node_modules/a", "a", "1"), npmFile("app/node_modules/b", "b", "1")},
			{file("app/node_modules/a/.wh.package.json", "")},
		}, "b 1 @0"},
		{"WhiteoutOfAFolder", [][]member{
			{npmFile("app/node_modules/a", "a", "1"), npmFile("app/node_modules/b", "b", "1")},
			{file("app/node_modules/.wh.a", "")},
		}, "b 1 @0"},
		{"WhiteoutIsForLowerLayersOnly", [][]member{
			{npmFile("app/node_modules/a", "a", "1")},
			{file("app/node_modules/.wh.a", ""), npmFile("app/node_modules/a", "a", "2")},
		}, "a 2 @1"},
		{"OpaqueFolder", [][]member{
			{npmFile("app/node_modules/a", "a", "1"), npmFile("other", "o", "1")},
			{file("app/.wh..wh..opq", ""), npmFile("app/node_modules/b", "b", "1")},
		}, "b 1 @1\no 1 @0"},
		{"OpaqueRoot", [][]member{
			{npmFile("app", "a", "1")},
			{file(".wh..wh..opq", ""), npmFile("b", "b", "1")},
		}, "b 1 @1"},
		{"FolderReplacedByAFile", [][]member{
			{npmFile("app/node_modules/a", "a", "1")},
			{file("app/node_modules/a", "now a file")},
		}, ""},
		{"FolderReplacedByALink", [][]member{
			{npmFile("app/node_modules/a", "a", "1"), npmFile("opt/a", "a", "2")},
			{symlink("app/node_modules/a", "../../opt/a")},
		}, "a 2 @0"},
		{"FolderReplacedFarAbove", [][]member{
			{npmFile("app/node_modules/a", "a", "1")},
			{symlink("app", "elsewhere")},
		}, ""},
		{"FileReplacedByALink", [][]member{
			{npmFile("app/node_modules/a", "a", "1")},
			{symlink("app/node_modules/a/package.json", "other.json")},
		}, ""},
		{"BroughtByTheFirst", [][]member{
			{status("curl 1", "zlib 1")},
			{status("curl 1", "zlib 1", "bash 5")},
			{status("curl 2", "zlib 1", "bash 5")},
		}, "bash 5 @1\ncurl 2 @2\nzlib 1 @0"},
		{"RemovedAndBroughtAgain", [][]member{
			{status("curl 1", "zlib 1")}, {status("zlib 1")}, {status("curl 1", "zlib 1"), dir("new")},
		}, "curl 1 @2\nzlib 1 @0"},
		{"LayersBetweenDoNotMatter", [][]member{
			{status("curl 1")}, {file("app/x", "x")}, {status("curl 1", "zlib 1")},
		}, "curl 1 @0\nzlib 1 @2"},
		{"RewrittenManifest", [][]member{
			{npmFile("app/node_modules/a", "a", "1")}, {npmFile("app/node_modules/a", "a", "1")},
		}, "a 1 @0"},
		{"DatabaseMovedByALink", [][]member{
			{symlink("var/lib", "../data/lib"), file("data/lib/dpkg/status", "Package: curl\nVersion: 1\n")},
		}, "curl 1 @0"},
		{"DatabaseElsewhereIsNotTheSystems", [][]member{
			{status("curl 1"), file("srv/chroot/var/lib/dpkg/status", "Package: wget\nVersion: 1\n")},
		}, "curl 1 @0"},
		{"Distroless", [][]member{
			{file("var/lib/dpkg/status.d/base", "Package: base-files\nVersion: 12\n"), file("var/lib/dpkg/status.d/base.md5sums", "0123  usr/bin/x\n")},
			{file("var/lib/dpkg/status.d/libc6", "Package: libc6\nVersion: 2\n")},
		}, "base-files 12 @0\nlibc6 2 @1"},
		{"LinksInACircle", [][]member{
			{symlink("var", "opt"), symlink("opt", "var"), npmFile("app", "a", "1")},
		}, "a 1 @0"},
		{"HardLinkToAContentStore", [][]member{
			{file("a-store/4c/0ffee", `{"name":"lodash","version":"4.17.15"}`), link("app/node_modules/lodash/package.json", "a-store/4c/0ffee")},
		}, "lodash 4.17.15 @0"},
		{"HardLinkChain", [][]member{
			{npmFile("app/node_modules/a", "a", "1"), link("b/x", "app/node_modules/a/package.json"), link("c/package.json", "b/x")},
		}, "a 1 @0\na 1 @0"},
		{"OwnedByDpkg", [][]member{
			{file("etc/os-release", debian12), status("python3-yaml 6.0"), symlink("lib", "usr/lib"),
				file("var/lib/dpkg/info/python3-yaml.list", "/.\n/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO\n"),
				file("usr/lib/python3/dist-packages/PyYAML-6.0.egg-info/PKG-INFO", "Name: PyYAML\nVersion: 6.0\n")},
			{file("usr/local/lib/python3/site-packages/b-1.dist-info/METADATA", "Name: b\nVersion: 1\n")},
		}, "python3-yaml 6.0 @0\nPyYAML 6.0 @0 <pkg:deb/debian/python3-yaml@6.0?arch=amd64&distro=debian-12\nb 1 @1"},
		{"OwnedByAPK", [][]member{
			{file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n"),
				file("lib/apk/db/installed", "P:npm\nV:9-r0\nA:x86_64\nF:usr/lib/node_modules/npm\nR:package.json\n\n"),
				npmFile("usr/lib/node_modules/npm", "npm", "9")},
		}, "npm 9-r0 @0\nnpm 9 @0 <pkg:apk/alpine/npm@9-r0?arch=x86_64&distro=alpine-3.18.4"},
		{"OwnerWasRemoved", [][]member{
			{file("etc/os-release", debian12), status("node-a 1"), file("var/lib/dpkg/info/node-a.list", "/usr/share/nodejs/a/package.json\n"), npmFile("usr/share/nodejs/a", "a", "1")},
			{status("other 1"), file("var/lib/dpkg/info/.wh.node-a.list", "")},
		}, "other 1 @1\na 1 @0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			facts := stackOf(t, tt.layers...)
			if diff := cmp.Diff(tt.want, where(facts, Merge(facts).Packages)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestMergeDistribution(t *testing.T) {
	tests := []struct {
		name    string
		layer   []member
		release string
	}{
		{"EtcBeforeUsr", []member{file("etc/os-release", debian12), file("usr/lib/os-release", "ID=other\n")}, "debian 12"},
		{"UsrWhenEtcIsALink", []member{symlink("etc/os-release", "../usr/lib/os-release"), file("usr/lib/os-release", debian12)}, "debian 12"},
		{"UsrAlone", []member{file("usr/lib/os-release", debian12)}, "debian 12"},
		{"PackageSourcesDecide", []member{file("etc/os-release", "ID=alpine\nVERSION_ID=3.18.4\n"), file("etc/apk/repositories", "https://h/alpine/v3.19/main\n")}, "alpine 3.19"},
		{"SourcesOfAnotherDistributionDoNot", []member{file("etc/os-release", "ID=wolfi\nVERSION_ID=2023\n"), file("etc/apk/repositories", "https://h/alpine/v3.19/main\n")}, "wolfi 2023"},
		{"None", []member{file("bin/x", "")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Merge(stackOf(t, tt.layer)).Distribution.String(); got != tt.release {
				t.Errorf("got %q, want %q", got, tt.release)
			}
		})
	}
}

func TestMergeLicenses(t *testing.T) {
	facts := stackOf(t, []member{
		status("libfoo 1", "libfoo-dev 1"),
		file("usr/share/doc/libfoo/copyright", "License: MIT\n"),
		symlink("usr/share/doc/libfoo-dev", "libfoo"),
	})
	for _, p := range Merge(facts).Packages {
		if diff := cmp.Diff([]string{"MIT"}, p.Licenses); diff != "" {
			t.Errorf("%s (-want +got):\n%s", p.Name, diff)
		}
	}
}

func TestMergeTellsOnlyVisibleGaps(t *testing.T) {
	facts := stackOf(t,
		[]member{file("app/node_modules/a/package.json", "{"), file("app/node_modules/b/package.json", "{")},
		[]member{file("app/node_modules/.wh.a", "")})
	gaps := Merge(facts).Gaps
	if len(gaps) != 1 || gaps[0].Path != "app/node_modules/b/package.json" {
		t.Errorf("gaps are %v, want that of b only", gaps)
	}
}

func TestPackageURLs(t *testing.T) {
	tests := []struct {
		name string
		p    scanners.Package
		want string
	}{
		{"Deb", scanners.Package{Name: "libc6", Version: "1:2.36-9+deb12u1", Arch: "amd64", Ecosystem: scanners.EcosystemDeb}, "pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12"},
		{"Scoped", scanners.Package{Name: "@types/node", Version: "1.0.0", Ecosystem: scanners.EcosystemNPM}, "pkg:npm/%40types/node@1.0.0"},
		{"Python", scanners.Package{Name: "Ruamel.YAML_x", Version: "1", Ecosystem: scanners.EcosystemPyPI}, "pkg:pypi/ruamel-yaml-x@1"},
		{"Go", scanners.Package{Name: "golang.org/x/net", Version: "v0.1.0", Ecosystem: scanners.EcosystemGolang}, "pkg:golang/golang.org/x/net@v0.1.0"},
		{"GoStdlib", scanners.Package{Name: "stdlib", Version: "v1.22.1", Ecosystem: scanners.EcosystemGolang}, "pkg:golang/stdlib@v1.22.1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			describe(&tt.p, scanners.Distribution{ID: "debian", Version: "12"})
			if tt.p.PURL != tt.want {
				t.Errorf("got %s, want %s", tt.p.PURL, tt.want)
			}
		})
	}
}
