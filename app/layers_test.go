package app_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const module = "plimsoll"

// imported is one import of one file. Packages of this module are named by their folder, "." is the program's own.
type imported struct {
	file string // from the repository's root
	from string // the package that the file belongs to
	path string // what is imported
	ours bool   // whether path is a package of this module
	test bool   // whether the file is a test
}

// layers say which of our packages a folder's packages may import besides those of the same folder. The first row that
// matches counts; * stands for one folder's name. In folder and may, "=" means the package itself without those below
// it. Tests may also import what is below testdata.
var layers = []struct {
	folder  string
	may     []string
	because string
}{
	{"=scanners", nil, "the vocabulary knows nobody"},
	{"scanners/compression", nil, "how content is compressed has to do with nothing else"},
	{"scanners/connect/archive", []string{"=scanners", "scanners/compression"}, "archives are compressed, and so are the layers in them"},
	{"scanners/connect/*", []string{"=scanners"}, "a connector talks to one kind of place and judges nothing"},
	{"scanners/assess", []string{"scanners"}, "assess alone puts connectors and judges together"},
	{"scanners/image", []string{"=scanners", "scanners/compression", "scanners/vulndb", "scanners/policy"}, "a judge knows facts, policies and advisories"},
	{"scanners/config", []string{"=scanners", "scanners/policy"}, "a judge knows facts and policies"},
	{"scanners/live", []string{"=scanners", "scanners/policy"}, "a judge knows facts and policies"},
	{"scanners/network", []string{"=scanners", "scanners/policy"}, "a judge knows facts and policies"},
	{"scanners/*", []string{"=scanners"}, "the parts below scanners share the vocabulary only"},
	{"storage", []string{"=scanners"}, "history keeps what scanners speak of, whoever asks"},
	{"backend", []string{"scanners", "storage"}, "the service stands on scanners and history, and is put together by app"},
	{"app", []string{"scanners", "storage", "backend", "frontend"}, "app puts the program together"},
	{"=.", []string{"app"}, "main calls app and nothing else"},
	{"frontend", nil, "the page reaches the service over HTTP only"},
	{"build", []string{"testdata/need"}, "tools that build and test are no part of the program"},
	{"testdata/*", []string{"=scanners"}, "fixtures are made from facts"},
}

// stories are tests that play a whole story across two packages.
var stories = []struct{ folder, with, because string }{
	{"scanners/connect/registry", "scanners/vulndb", "a database is updated from a registry that breaks off"},
}

// owners say which packages alone may import a library.
var owners = []struct {
	library string
	only    []string
	tests   bool // whether tests elsewhere may import it
	because string
}{
	{"github.com/aquasecurity/trivy-db", []string{"scanners/vulndb"}, false, "one package knows the advisory database's format"},
	{"github.com/docker/docker", []string{"scanners/connect/docker"}, false, "the module is frozen and must stay replaceable in one place"},
	{"github.com/docker/cli", []string{"scanners/connect/docker"}, false, "contexts of the engine's client are the connector's matter"},
	{"github.com/moby/moby", []string{"scanners/connect/docker"}, false, "one package talks to engines"},
	{"github.com/google/go-containerregistry", []string{"scanners/connect/registry"}, true, "one package talks to registries"},
	{"database/sql", []string{"storage"}, false, "SQL is written in storage only"},
	{"github.com/wailsapp/wails", []string{"app"}, false, "the window is app's matter (desktop.go)"},
	{"github.com/gorilla/websocket", []string{"backend"}, false, "the live stream is the service's"},
	{"github.com/riverqueue/river", []string{"backend"}, false, "jobs are the service's"},
}

func TestLayers(t *testing.T) {
	imports := readImports(t, "..")
	if len(imports) < 10 {
		t.Fatalf("only %d imports found: the test does not see the packages", len(imports))
	}
	for _, i := range imports {
		for _, reason := range broken(i) {
			t.Errorf("%s imports %q: %s", i.file, i.path, reason)
		}
	}
}

// broken names the rules that an import breaks.
func broken(i imported) []string {
	var reasons []string
	if i.ours {
		reasons = append(reasons, brokenLayer(i)...)
	} else if i.from == "scanners" && !i.test && !standard(i.path) {
		reasons = append(reasons, "scanners imports the standard library only: the vocabulary knows nobody")
	}
	for _, o := range owners {
		if within(i.path, o.library) && !i.ours && (!i.test || !o.tests) && !isOrBelow(i.from, o.only...) {
			reasons = append(reasons, fmt.Sprintf("only %s may: %s", strings.Join(o.only, ", "), o.because))
		}
	}
	if within(i.path, "github.com/wailsapp/wails") && filepath.Base(i.file) != "desktop.go" {
		reasons = append(reasons, "only desktop.go may: without the desktop tag there is no window")
	}
	return reasons
}

func brokenLayer(i imported) []string {
	for _, story := range stories {
		if i.test && i.from == story.folder && i.path == story.with {
			return nil
		}
	}
	for _, layer := range layers {
		folder, ok := matches(i.from, layer.folder)
		if !ok {
			continue
		}
		if isOrBelow(i.path, folder) || i.test && (i.path == i.from || within(i.path, "testdata")) || isOrBelow(i.path, layer.may...) {
			return nil
		}
		return []string{fmt.Sprintf("%s may not: %s", strings.TrimPrefix(folder, "="), layer.because)}
	}
	return []string{"its folder " + i.from + " is in no layer: add a row to layers in app/layers_test.go"}
}

// matches gives the folder of a layer that a package is in.
func matches(pkg, layer string) (folder string, ok bool) {
	if exact, one := strings.CutPrefix(layer, "="); one {
		return layer, pkg == exact
	}
	pattern, names := strings.Split(layer, "/"), strings.Split(pkg, "/")
	if len(names) < len(pattern) {
		return "", false
	}
	for n, name := range pattern {
		if name != "*" && name != names[n] {
			return "", false
		}
	}
	return strings.Join(names[:len(pattern)], "/"), true
}

// isOrBelow says whether a package is one of the folders or below it; just the folder itself where it starts with "=".
func isOrBelow(pkg string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(folder string) bool {
		exact, one := strings.CutPrefix(folder, "=")
		return one && pkg == exact || !one && within(pkg, folder)
	})
}

// within says whether a package is the folder or library itself, or below it.
func within(path, root string) bool {
	return path == root || strings.HasPrefix(path, root+"/")
}

// standard says whether a package is of Go's own library: its first element has no dot.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// readImports reads the imports of all Go files below root, whatever build tags they have.
func readImports(t *testing.T, root string) []imported {
	t.Helper()
	var imports []imported
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		file, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		file = filepath.ToSlash(file)
		if entry.IsDir() {
			return skipFolder(file)
		}
		if filepath.Ext(file) != ".go" {
			return nil
		}
		found, err := importsOf(path, file)
		imports = append(imports, found...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

// skipFolder leaves out what is no package of ours.
func skipFolder(folder string) error {
	base := filepath.Base(folder)
	switch {
	case folder == ".":
		return nil
	case strings.HasPrefix(base, "."), base == "node_modules", folder == "build/cache", folder == "build/bin", folder == "tmpdeps":
		return fs.SkipDir
	case base == "testdata" && folder != "testdata": // fixtures, not packages
		return fs.SkipDir
	}
	return nil
}

func importsOf(path, file string) ([]imported, error) {
	source, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, source, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var imports []imported
	for _, spec := range parsed.Imports {
		target, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		i := imported{file: file, from: filepath.ToSlash(filepath.Dir(file)), path: target, test: strings.HasSuffix(file, "_test.go")}
		if within(target, module) {
			i.ours, i.path = true, strings.TrimPrefix(strings.TrimPrefix(target, module), "/")
		}
		imports = append(imports, i)
	}
	return imports, nil
}

func TestRulesOfLayers(t *testing.T) {
	const ours, theirs = true, false
	for _, test := range []struct {
		file, path string
		ours       bool
		want       []string
	}{
		{"scanners/asset.go", "strings", theirs, nil},
		{"scanners/asset.go", "golang.org/x/sync/errgroup", theirs, []string{"scanners imports the standard library only: the vocabulary knows nobody"}},
		{"scanners/asset_test.go", "github.com/google/go-cmp/cmp", theirs, nil},
		{"scanners/asset.go", "scanners/image", ours, []string{"scanners may not: the vocabulary knows nobody"}},
		{"scanners/image/walk.go", "scanners", ours, nil},
		{"scanners/image/walk.go", "scanners/image/dpkg", ours, nil},
		{"scanners/image/walk.go", "scanners/vulndb", ours, nil},
		{"scanners/image/walk.go", "scanners/assess", ours, []string{"scanners/image may not: a judge knows facts, policies and advisories"}},
		{"scanners/image/walk_test.go", "testdata/need", ours, nil},
		{"scanners/image/walk.go", "testdata/need", ours, []string{"scanners/image may not: a judge knows facts, policies and advisories"}},
		{"scanners/connect/docker/a.go", "scanners/connect/archive", ours, []string{"scanners/connect/docker may not: a connector talks to one kind of place and judges nothing"}},
		{"scanners/connect/docker/a.go", "scanners/connect/docker/overlay", ours, nil},
		{"scanners/asset_test.go", "scanners", ours, nil},
		{"scanners/vulndb/open.go", "scanners/image", ours, []string{"scanners/vulndb may not: the parts below scanners share the vocabulary only"}},
		{"scanners/assess/assess.go", "scanners/connect/docker", ours, nil},
		{"scanners/assess/assess.go", "storage", ours, []string{"scanners/assess may not: assess alone puts connectors and judges together"}},
		{"scanners/vulndb/open.go", "github.com/aquasecurity/trivy-db/pkg/types", theirs, nil},
		{"scanners/image/match_test.go", "github.com/aquasecurity/trivy-db/pkg/types", theirs, []string{"only scanners/vulndb may: one package knows the advisory database's format"}},
		{"app/scan.go", "github.com/docker/docker/client", theirs, []string{"only scanners/connect/docker may: the module is frozen and must stay replaceable in one place"}},
		{"scanners/vulndb/pull.go", "github.com/google/go-containerregistry/pkg/v1", theirs, []string{"only scanners/connect/registry may: one package talks to registries"}},
		{"app/story_test.go", "github.com/google/go-containerregistry/pkg/registry", theirs, nil},
		{"backend/report/sarif.go", "scanners", ours, nil},
		{"backend/report/sarif.go", "app", ours, []string{"backend may not: the service stands on scanners and history, and is put together by app"}},
		{"backend/api.go", "database/sql/driver", theirs, []string{"only storage may: SQL is written in storage only"}},
		{"storage/asset.go", "scanners", ours, nil},
		{"storage/asset.go", "scanners/image", ours, []string{"storage may not: history keeps what scanners speak of, whoever asks"}},
		{"app/scan.go", "scanners/assess", ours, nil},
		{"app/window.go", "github.com/wailsapp/wails/v2", theirs, []string{"only desktop.go may: without the desktop tag there is no window"}},
		{"app/desktop.go", "github.com/wailsapp/wails/v2", theirs, nil},
		{"main.go", "app", ours, nil},
		{"main.go", "scanners", ours, []string{". may not: main calls app and nothing else"}},
		{"helpers/a.go", "scanners", ours, []string{"its folder helpers is in no layer: add a row to layers in app/layers_test.go"}},
	} {
		i := imported{file: test.file, from: filepath.ToSlash(filepath.Dir(test.file)), path: test.path, ours: test.ours, test: strings.HasSuffix(test.file, "_test.go")}
		if diff := cmp.Diff(test.want, broken(i)); diff != "" {
			t.Errorf("%s imports %q (-want +got)\n%s", test.file, test.path, diff)
		}
	}
}
