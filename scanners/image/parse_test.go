package image

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
)

func deb(name, version, arch, source, sourceVersion string) scanners.Package {
	return scanners.Package{
		Name: name, Version: version, Arch: arch, Ecosystem: scanners.EcosystemDeb,
		Source: scanners.SourcePackage{Name: source, Version: sourceVersion},
	}
}

func TestParseDpkg(t *testing.T) {
	tests := []struct {
		name, in, wantErr string
		want              []scanners.Package
	}{
		{name: "Installed", in: "Package: adduser\nStatus: install ok installed\nArchitecture: all\nVersion: 3.134\nDescription: add\n users: no field\n .\n Version: 9\n",
			want: []scanners.Package{deb("adduser", "3.134", "all", "adduser", "3.134")}},
		{name: "SourceWithVersion", in: "Package: libc6\nStatus: install ok installed\nSource: glibc (2.36-9)\nVersion: 2.36-9+b1\n",
			want: []scanners.Package{deb("libc6", "2.36-9+b1", "", "glibc", "2.36-9")}},
		{name: "SourceWithoutVersion", in: "Package: libc6\nSource: glibc\nVersion: 1\n",
			want: []scanners.Package{deb("libc6", "1", "", "glibc", "1")}},
		{name: "UnpackedCounts", in: "Package: a\nStatus: install ok unpacked\nVersion: 1\n\n\nPackage: b\nStatus: install reinstreq half-configured\nVersion: 2\n",
			want: []scanners.Package{deb("a", "1", "", "a", "1"), deb("b", "2", "", "b", "2")}},
		{name: "RemovedDoesNot", in: "Package: a\nStatus: deinstall ok config-files\nVersion: 1\n\nPackage: b\nStatus: purge ok not-installed\n"},
		{name: "CarriageReturns", in: "Package: a\r\nVersion: 1\r\n\r\nPackage: b\r\nVersion: 2\r\n",
			want: []scanners.Package{deb("a", "1", "", "a", "1"), deb("b", "2", "", "b", "2")}},
		{name: "CutShort", in: "Package: a\nVersion: 1\n\nPackage: b\nStatus: install ok installed\nVers", wantErr: `1 entries without a readable name and version: "b"`,
			want: []scanners.Package{deb("a", "1", "", "a", "1")}},
		{name: "NotADatabase", in: "\x00\x01\x02 rubbish", wantErr: "not a dpkg database"},
		{name: "Empty"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseDpkg([]byte(tt.in))
			checkParsed(t, got, tt.want, err, tt.wantErr)
		})
	}
}

func checkParsed(t *testing.T, got, want []scanners.Package, err error, wantErr string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("packages (-want +got):\n%s", diff)
	}
	switch {
	case wantErr == "" && err != nil:
		t.Errorf("error: %v", err)
	case wantErr != "" && (err == nil || !strings.Contains(err.Error(), wantErr)):
		t.Errorf("error is %v, want one with %q", err, wantErr)
	}
}

func TestParseAPK(t *testing.T) {
	const database = "C:Q1\nP:libcrypto3\nV:3.1.0-r4\nA:x86_64\nL:Apache-2.0 AND (MIT OR BSD-2-Clause)\no:openssl\nF:lib\nR:libcrypto.so.3\nF:usr/lib/node_modules/npm\nR:package.json\n\nP:musl\nV:1.2.4-r0\nA:x86_64\nL:MIT\n\n"
	packages, owners, err := parseAPK([]byte(database))
	want := []scanners.Package{
		{Name: "libcrypto3", Version: "3.1.0-r4", Arch: "x86_64", Ecosystem: scanners.EcosystemAPK, Source: scanners.SourcePackage{Name: "openssl", Version: "3.1.0-r4"}, Licenses: []string{"Apache-2.0", "MIT", "BSD-2-Clause"}},
		{Name: "musl", Version: "1.2.4-r0", Arch: "x86_64", Ecosystem: scanners.EcosystemAPK, Source: scanners.SourcePackage{Name: "musl", Version: "1.2.4-r0"}, Licenses: []string{"MIT"}},
	}
	checkParsed(t, packages, want, err, "")
	if !owners[0].Files.Has(scanners.PathHash("usr/lib/node_modules/npm/package.json")) {
		t.Error("libcrypto3 does not own the package.json that the database lists for it")
	}
	_, _, err = parseAPK([]byte("P:only-a-name\n\nP:b\nV:1\n"))
	if err == nil || !strings.Contains(err.Error(), "1 records without a readable name and version") {
		t.Errorf("a record without a version: %v", err)
	}
	if _, _, err = parseAPK([]byte("rubbish")); err == nil {
		t.Error("rubbish passed for an apk database")
	}
}

func TestParseNPM(t *testing.T) {
	npm := func(name, version string, licenses ...string) []scanners.Package {
		return []scanners.Package{{Name: name, Version: version, Ecosystem: scanners.EcosystemNPM, Licenses: licenses}}
	}
	tests := []struct {
		name, in, wantErr string
		want              []scanners.Package
	}{
		{name: "Plain", in: `{"name":"@a/b","version":"1.0.0","license":"(MIT OR Apache-2.0)"}`, want: npm("@a/b", "1.0.0", "MIT", "Apache-2.0")},
		{name: "ByteOrderMark", in: "\xef\xbb\xbf" + `{"name":"a","version":"1"}`, want: npm("a", "1")},
		{name: "OldLicenses", in: `{"name":"a","version":"1","license":{"type":"MIT"},"licenses":[{"type":"BSD"},"ISC"]}`, want: npm("a", "1", "MIT", "BSD", "ISC")},
		{name: "ContributorsAsText", in: `{"name":"parse5","version":"6.0.1","contributors":"https://example.com/graphs"}`, want: npm("parse5", "6.0.1")},
		{name: "NoVersion", in: `{"name":"a","private":true}`},
		{name: "VersionIsANumber", in: `{"name":"a","version":1}`},
		{name: "NotAnObject", in: `[1,2]`, wantErr: "not a readable package.json"},
		{name: "CutShort", in: `{"name":"a","vers`, wantErr: "not a readable package.json"},
		{name: "NestedLicenses", in: `{"name":"a","version":"1","licenses":[[[["MIT"]]]]}`, want: npm("a", "1")},
		{name: "EndlessName", in: `{"name":"` + strings.Repeat("a", 5000) + `","version":"1"}`, wantErr: "longer than npm allows"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parseNPM([]byte(tt.in))
			checkParsed(t, got, tt.want, err, tt.wantErr)
		})
	}
}

func TestParsePython(t *testing.T) {
	pypi := func(name, version string, licenses ...string) []scanners.Package {
		return []scanners.Package{{Name: name, Version: version, Ecosystem: scanners.EcosystemPyPI, Licenses: licenses}}
	}
	tests := []struct {
		name, in, wantErr string
		want              []scanners.Package
	}{
		{name: "Wheel", in: "Metadata-Version: 2.1\nName: Jinja2\nVersion: 3.1.2\nLicense: BSD-3-Clause\nClassifier: License :: OSI Approved :: BSD License\n\nName: not this\n", want: pypi("Jinja2", "3.1.2", "BSD-3-Clause")},
		{name: "Expression", in: "Name: a\nVersion: 1\nLicense-Expression: MIT OR Apache-2.0\nLicense: ignored\n", want: pypi("a", "1", "MIT", "Apache-2.0")},
		{name: "ClassifierOnly", in: "Name: a\nVersion: 1\nLicense: UNKNOWN\nClassifier: License :: OSI Approved :: MIT License\n", want: pypi("a", "1", "MIT License")},
		{name: "NoVersion", in: "Name: a\n\nVersion: 1\n", wantErr: "without a name or a version"},
		{name: "Empty", wantErr: "without a name or a version"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := parsePython([]byte(tt.in))
			checkParsed(t, got, tt.want, err, tt.wantErr)
		})
	}
}

func TestParsePythonEgg(t *testing.T) {
	var egg bytes.Buffer
	w := zip.NewWriter(&egg)
	f, err := w.Create("EGG-INFO/PKG-INFO")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte("Name: zipped\nVersion: 2.0\n")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := parsePythonEgg(bytes.NewReader(egg.Bytes()), int64(egg.Len()))
	checkParsed(t, got, []scanners.Package{{Name: "zipped", Version: "2.0", Ecosystem: scanners.EcosystemPyPI}}, err, "")
	_, err = parsePythonEgg(strings.NewReader("no zip"), 6)
	checkParsed(t, nil, nil, err, "not a readable egg")
}

func TestParseOSRelease(t *testing.T) {
	got := parseOSRelease([]byte("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID='12'\nBROKEN\nHOME_URL=x\n"))
	want := scanners.Distribution{ID: "debian", Version: "12", Name: "Debian GNU/Linux 12 (bookworm)"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseAPKSources(t *testing.T) {
	tests := []struct{ name, in, want string }{
		{"Release", "https://host/alpine/v3.19/main\nhttps://host/alpine/v3.19/community\n", "3.19"},
		{"Edge", "https://host/alpine/edge/main\n", "edge"},
		{"CommentedAndTagged", "#https://host/alpine/v3.1/main\n@edge https://host/alpine/edge/main\nhttps://host/alpine/v3.20/main\n", "3.20"},
		{"Mixed", "https://host/alpine/v3.19/main\nhttps://host/alpine/edge/main\n", ""},
		{"Mirror", "https://internal/packages\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := parseAPKSources([]byte(tt.in)).Version; got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestParseCopyright(t *testing.T) {
	tests := []struct {
		name, in string
		want     []string
	}{
		{"MachineReadable", "Format: https://x\n\nFiles: *\nLicense: GPL-2+ and MIT\n text\n\nLicense: MIT\n", []string{"GPL-2+", "MIT"}},
		{"Reference", "see /usr/share/common-licenses/GPL-3. Also /usr/share/common-licenses/Apache-2.0,\n", []string{"GPL-3", "Apache-2.0"}},
		{"Nothing", "free as in beer\n", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, parseCopyright([]byte(tt.in))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestKindOf(t *testing.T) {
	tests := []struct {
		path string
		want kind
	}{
		{"app/node_modules/a/package.json", kindNPM},
		{"app/node_modules/@s/a/package.json", kindNPM},
		{"app/node_modules/a/node_modules/b/package.json", kindNPM},
		{"app/node_modules/a/test/fixtures/b/package.json", kindNone},
		{"app/node_modules/@s/a/dist/package.json", kindNone},
		{"app/package.json", kindNPM},
		{"package.json", kindNPM},
		{"usr/lib/python3/dist-packages/a-1.dist-info/METADATA", kindPython},
		{"usr/lib/python3/dist-packages/a.egg-info/PKG-INFO", kindPython},
		{"usr/lib/python3/dist-packages/a-1.egg-info", kindPython},
		{"usr/lib/a-1.egg/EGG-INFO/PKG-INFO", kindPython},
		{"usr/lib/a-1.egg", kindPythonEgg},
		{"var/lib/dpkg/status", kindDpkgStatus},
		{"var/lib/dpkg/status.d/libc6", kindDpkgStatusDir},
		{"var/lib/dpkg/status.d/libc6.md5sums", kindDpkgMD5Sums},
		{"var/lib/dpkg/info/libc6:amd64.list", kindDpkgList},
		{"var/lib/dpkg/info/libc6:amd64.md5sums", kindNone},
		{"lib/apk/db/installed", kindAPKInstalled},
		{"usr/lib/apk/db/installed", kindAPKInstalled},
		{"etc/apk/repositories", kindAPKSources},
		{"etc/os-release", kindOSRelease},
		{"usr/share/doc/libc6/copyright", kindCopyright},
		{"usr/share/doc/libc6/README", kindNone},
		{"usr/local/bin/server", kindBinary},
		{"usr/lib/libx.so.1", kindBinary},
		{"app/index.js", kindNone},
	}
	for _, tt := range tests {
		if got := kindOf(tt.path); got != tt.want {
			t.Errorf("kindOf(%q) = %d, want %d", tt.path, got, tt.want)
		}
	}
}
