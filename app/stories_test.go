package app_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"plimsoll/app"
	"plimsoll/testdata/need"
	"plimsoll/testdata/sample/images"
)

// TestMain makes the program a command of the stories in testdata/stories: this test's own binary under another name,
// so that coverage and the race detector see it.
func TestMain(m *testing.M) {
	programs := map[string]func(){
		"plimsoll":  func() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) },
		"interrupt": func() { os.Exit(interrupt(os.Args[1], os.Args[2:])) },
	}
	addPrograms(programs)
	testscript.Main(m, programs)
}

// Each folder of stories is what can be told with the same things at hand. A story is a transcript: what was typed, and
// what came of it.

func TestStories(t *testing.T) { tell(t, "", nil) }

func TestStoriesWithEngine(t *testing.T) {
	tell(t, "engine", []string{"DOCKER_HOST=" + need.Engine(t)})
}

func TestStoriesAsRoot(t *testing.T) {
	need.Root(t)
	need.Group(t, "mount", missingMount(t.TempDir()))
	tell(t, "root", nil)
}

func TestStoriesWithSharedDatabase(t *testing.T) {
	tell(t, "shared", []string{"DATABASE=" + filepath.Join(need.Shared(t), "vulndb", "db.tar.gz")})
}

// tell runs the stories of a folder. Each begins in a folder of its own, with an empty home and nothing of the
// environment but what env adds. In its folder lies debian: the files of a small Debian system with curl and zlib1g.
func tell(t *testing.T, folder string, env []string) {
	testscript.Run(t, testscript.Params{
		Dir:                filepath.Join("testdata", "stories", folder),
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			home := filepath.Join(e.WorkDir, "home")
			e.Vars = append(e.Vars, "HOME="+home, "DATA="+filepath.Join(home, ".local", "share", "plimsoll"),
				"XDG_DATA_HOME="+filepath.Join(home, ".local", "share"), "XDG_CONFIG_HOME="+filepath.Join(home, ".config"),
				"GORACE=atexit_sleep_ms=0")
			e.Vars = append(e.Vars, env...)
			debian := filepath.Join(e.WorkDir, "debian")
			return errors.Join(os.MkdirAll(home, 0o700), os.CopyFS(debian, os.DirFS(filepath.Join("testdata", "debian"))))
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits":        exits,
			"says":         says,
			"printable":    printable,
			"nothing-left": nothingLeft,
			"valid":        valid,
			"sample":       writeSample,
			"mkimage":      makeImage,
			"layer":        writeLayer,
			"pack":         pack,
			"truncate":     truncate,
			"corrupt":      corrupt,
			"database":     writeDatabase,
			"registry":     serveRegistry,
			"socket":       makeSocket,
			"load":         loadImage,
			"small-disk":   smallDisk,
		},
	})
}

// exits STATUS PROGRAM [ARG...] runs a program that has to end with that status.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM [ARG...]")
	}
	status := 0
	err := ts.Exec(args[1], args[2:]...)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		status = exit.ExitCode()
	default:
		ts.Check(err)
	}
	if want := args[0]; strconv.Itoa(status) != want {
		ts.Fatalf("exit status %d, want %s", status, want)
	}
}

// progress is the line that scans end with on standard error.
var progress = regexp.MustCompile(`^(\d+ of \d+ images · )?\d+ layers? read, \d+ known · .*\n`)

// says PATTERN demands that, besides the progress, the last command said one line on standard error, and that it fits.
func says(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: says PATTERN")
	}
	said := progress.ReplaceAllString(ts.ReadFile("stderr"), "")
	if lines := strings.Count(said, "\n"); lines != 1 || !strings.HasSuffix(said, "\n") {
		ts.Fatalf("%d lines on standard error, want one:\n%s", lines, said)
	}
	said = strings.TrimSuffix(said, "\n")
	pattern, err := regexp.Compile(args[0])
	ts.Check(err)
	if !strings.HasPrefix(said, "plimsoll: ") || !pattern.MatchString(said) {
		ts.Fatalf("standard error does not fit %q:\n%s", args[0], said)
	}
}

// printable FILE... demands that files (or stdout, stderr) hold no control characters besides line ends.
func printable(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: printable FILE...")
	}
	for _, name := range args {
		for line := range strings.Lines(ts.ReadFile(name)) {
			for _, r := range strings.TrimSuffix(line, "\n") {
				if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
					ts.Fatalf("%s: %q holds %U", name, line, r)
				}
			}
		}
	}
}

// unfinished are the names of files that the program works on before they get their own.
var unfinished = regexp.MustCompile(`^\.new-|^unpack-|^\..*-\d+$|\.partial$`)

// nothing-left demands that nothing unfinished lies in the story's folder, and nothing at all in the temporary one.
func nothingLeft(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: nothing-left")
	}
	temp := ts.Getenv("TMPDIR")
	ts.Check(filepath.WalkDir(ts.Getenv("WORK"), func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if path != temp && strings.HasPrefix(path, temp+string(filepath.Separator)) || unfinished.MatchString(filepath.Base(path)) {
			return fmt.Errorf("left behind: %s", path)
		}
		return nil
	}))
}

// valid json|sarif FILE demands that a file (or stdout) follows its schema.
func valid(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: valid json|sarif FILE")
	}
	text := ts.ReadFile(args[1])
	if args[0] == "sarif" {
		document, err := sarif.FromBytes([]byte(text), sarif.WithStrictValidation())
		ts.Check(err)
		ts.Check(document.Validate())
		return
	}
	schema, err := jsonschema.NewCompiler().Compile(filepath.Join(repository, "docs", "report.schema.json"))
	ts.Check(err)
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	ts.Check(err)
	ts.Check(schema.Validate(document))
}

// repository is where the tests of this package find the repository: go test runs them in the package's folder.
const repository = ".."

// sample DIR writes the sample images.
func writeSample(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: sample DIR")
	}
	ts.Check(images.Write(ts.MkAbs(args[0])))
}

// truncate FILE BYTES cuts a file short.
func truncate(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: truncate FILE BYTES")
	}
	size, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if size >= info.Size() {
		ts.Fatalf("%s has %d bytes only", args[0], info.Size())
	}
	ts.Check(os.Truncate(ts.MkAbs(args[0]), size))
}

// corrupt FILE OFFSET [COUNT] turns every bit of COUNT bytes (1) around. A negative offset counts from the end.
func corrupt(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: corrupt FILE OFFSET [COUNT]")
	}
	name := ts.MkAbs(args[0])
	data, err := os.ReadFile(name)
	ts.Check(err)
	offset, err := strconv.Atoi(args[1])
	ts.Check(err)
	count := 1
	if len(args) == 3 {
		count, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	if offset < 0 {
		offset += len(data)
	}
	changed := slices.Clone(data)
	for i := offset; i < min(offset+count, len(data)); i++ {
		changed[i] = ^changed[i]
	}
	if bytes.Equal(data, changed) {
		ts.Fatalf("%s has no byte %d", args[0], offset)
	}
	ts.Check(os.WriteFile(name, changed, 0o600))
}
