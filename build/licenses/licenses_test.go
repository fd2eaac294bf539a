package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const isc = `Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby
granted, provided that the above copyright notice and this permission notice appear in all copies.

THE SOFTWARE IS PROVIDED "AS IS" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL
IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT,
INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN
ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF
THIS SOFTWARE.
`

func TestJudge(t *testing.T) {
	for _, test := range []struct {
		name    string
		files   []file
		allowed string
		want    []string
	}{
		{"allowed", []file{{"LICENSE", isc}}, "ISC", nil},
		{"not allowed", []file{{"LICENSE", isc}}, "MIT", []string{"m v1: LICENSE is under ISC, which is not allowed"}},
		{"not known", []file{{"LICENSE", "Ask the author, who lives by the sea."}}, "ISC", []string{"m v1: LICENSE is not a known licence (0 % of it is)"}},
		{"mostly something else", []file{{"COPYING", isc + strings.Repeat("You shall not use it on Sundays. ", 40)}}, "ISC", []string{"m v1: COPYING is not a known licence (29 % of it is)"}},
		{"none", nil, "ISC", []string{"m v1: there is no licence file"}},
		{"a notice is no licence", []file{{"NOTICE.txt", "made by us"}}, "ISC", []string{"m v1: there is no licence file"}},
		{"a notice beside a licence", []file{{"LICENSE", isc}, {"sub/NOTICE", "made by us"}}, "ISC", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := judge([]module{{path: "m", version: "v1", files: test.files}}, allowed(test.allowed))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAllowed(t *testing.T) {
	want := map[string]bool{"MIT": true, "ISC": true}
	if diff := cmp.Diff(want, allowed("# all\nMIT # short\n\n ISC\n")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, never := range []string{"GPL-3.0", "AGPL-3.0", "SSPL-1.0", ""} {
		if allowed(allowedText)[never] {
			t.Errorf("%q is allowed", never)
		}
	}
}

func TestLicenseFiles(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{
		"LICENSE", "NOTICE", "LICENSE.docs", "license.go", "README.md",
		"used/LICENSE-MIT", "used/deep/COPYING", "unused/LICENSE", "license/readme",
	} {
		path := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := licenseFiles(map[string]string{root: root, filepath.Join(root, "used", "deep"): root})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.name)
	}
	want := []string{"LICENSE", "NOTICE", "used/LICENSE-MIT", "used/deep/COPYING"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// The command itself is made of one module besides Go's own packages.
func TestRun(t *testing.T) {
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"."}, &stdout, &stderr); status != 0 {
		t.Fatalf("exit status %d: %s", status, &stderr)
	}
	for _, want := range []string{"github.com/google/licensecheck", "BSD-3-Clause"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("the table does not show %q:\n%s", want, &stdout)
		}
	}
	stdout.Reset()
	if status := run(t.Context(), []string{"-list", "."}, &stdout, &stderr); status != 0 || !strings.Contains(stdout.String(), "Redistribution and use") {
		t.Errorf("-list gives exit status %d and:\n%s", status, &stdout)
	}
	if status := run(t.Context(), []string{"./nowhere"}, &stdout, &stderr); status != 2 {
		t.Errorf("a package that does not exist gives exit status %d, want 2", status)
	}
}
