package need_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"plimsoll/testdata/need"
)

// recorder is a test that only takes down what happens to it.
type recorder struct {
	testing.TB
	said []string
}

func (r *recorder) Helper() {}

func (r *recorder) Logf(format string, args ...any) {
	r.said = append(r.said, "log: "+fmt.Sprintf(format, args...))
}

func (r *recorder) Skipf(format string, args ...any) {
	r.said = append(r.said, "skip: "+fmt.Sprintf(format, args...))
	runtime.Goexit()
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.said = append(r.said, "fail: "+fmt.Sprintf(format, args...))
	runtime.Goexit()
}

// record runs the body of a test and gives what it said.
func record(t *testing.T, body func(testing.TB)) string {
	t.Helper()
	r := &recorder{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		body(r)
	}()
	<-done
	return strings.Join(r.said, "\n")
}

func TestGroup(t *testing.T) {
	for _, test := range []struct {
		name, require, group, missing, want string
	}{
		{"there", "", "engine", "", "log: group engine: ran"},
		{"required and there", "engine", "engine", "", "log: group engine: ran"},
		{"missing", "", "engine", "no engine", "skip: group engine: skipped: no engine"},
		{"another is required", "npm,root", "engine", "no engine", "skip: group engine: skipped: no engine"},
		{"required", "npm, engine", "engine", "no engine", "fail: group engine: PLIMSOLL_REQUIRE names it, and it cannot run: no engine"},
		{"all are required", "all", "npm", "no npm", "fail: group npm: PLIMSOLL_REQUIRE names it, and it cannot run: no npm"},
		{"all leaves shared out", "all", "shared", "no folder", "skip: group shared: skipped: no folder"},
		{"shared by its name", "shared", "shared", "no folder", "fail: group shared: PLIMSOLL_REQUIRE names it, and it cannot run: no folder"},
		{"several lines become one", "", "engine", "no\n  engine\n", "skip: group engine: skipped: no engine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv(need.Require, test.require)
			got := record(t, func(t testing.TB) { need.Group(t, test.group, test.missing) })
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// serveEngine answers as an engine does, on a socket of its own, and gives its address. The folder is short because a
// socket's path may have 100 bytes or so.
func serveEngine(t *testing.T, info string) string {
	t.Helper()
	folder, err := os.MkdirTemp("", "need") //nolint:usetesting // t.TempDir's are too long
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	socket := filepath.Join(folder, "s")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("/_ping", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "OK") })
	mux.HandleFunc("/info", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, info) })
	server := &http.Server{Handler: mux}
	go server.Serve(listener)
	t.Cleanup(func() { server.Close() })
	return "unix://" + socket
}

func TestEngine(t *testing.T) {
	t.Setenv(need.Require, "")
	address := serveEngine(t, "")
	t.Setenv("DOCKER_HOST", address)
	var got string
	said := record(t, func(t testing.TB) { got = need.Engine(t) })
	if got != address || said != "log: group engine: ran" {
		t.Errorf("Engine gives %q and says %q, want %q", got, said, address)
	}
}

func TestEngineThatDoesNotAnswer(t *testing.T) {
	t.Setenv(need.Require, "")
	for _, address := range []string{"unix:///nowhere/docker.sock", "tcp://127.0.0.1:1", "ssh://somewhere", "::"} {
		t.Setenv("DOCKER_HOST", address)
		said := record(t, func(t testing.TB) { need.Engine(t) })
		if !strings.HasPrefix(said, "skip: group engine: skipped: DOCKER_HOST is "+address) {
			t.Errorf("DOCKER_HOST=%s: %q", address, said)
		}
	}
}

func TestEngineFolders(t *testing.T) {
	t.Setenv(need.Require, "")
	root := t.TempDir()
	if err := os.Mkdir(filepath.Join(root, "overlay2"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ name, info, want string }{
		{"overlay2", fmt.Sprintf(`{"Driver":"overlay2","DockerRootDir":%q}`, root), "log: group folders: ran\nlog: group engine: ran"},
		{"another driver", fmt.Sprintf(`{"Driver":"vfs","DockerRootDir":%q}`, root), `skip: group folders: skipped: the engine stores layers by "vfs"`},
		{"no folder", `{"Driver":"overlay2","DockerRootDir":"/nowhere"}`, "skip: group folders: skipped: the engine's folders: "},
		{"no sense", `<html>`, "skip: group folders: skipped: the engine's description of itself: "},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("DOCKER_HOST", serveEngine(t, test.info))
			said := record(t, func(t testing.TB) { need.EngineFolders(t) })
			if !strings.HasPrefix(said, test.want) {
				t.Errorf("said %q, want %q", said, test.want)
			}
		})
	}
}

func TestToolsThatAreMissing(t *testing.T) {
	t.Setenv(need.Require, "")
	t.Setenv("PATH", t.TempDir())
	for group, body := range map[string]func(testing.TB){"npm": need.NPM, "debootstrap": need.Debootstrap} {
		want := fmt.Sprintf("skip: group %s: skipped: %s is not installed (build/dev-deps.sh installs it)", group, group)
		if diff := cmp.Diff(want, record(t, body)); diff != "" {
			t.Errorf("%s (-want +got)\n%s", group, diff)
		}
	}
}

func TestShared(t *testing.T) {
	t.Setenv(need.Require, "")
	parent := t.TempDir()
	inside := filepath.Join(parent, "repository", "a", "b")
	if err := os.MkdirAll(inside, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(parent, "repository", "go.mod"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(inside)

	var folder string
	body := func(t testing.TB) { folder = need.Shared(t) }
	if diff := cmp.Diff("skip: group shared: skipped: no folder ../shared beside the repository", record(t, body)); diff != "" {
		t.Errorf("without the folder (-want +got)\n%s", diff)
	}
	if err := os.Mkdir(filepath.Join(parent, "shared"), 0o700); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("log: group shared: ran", record(t, body)); diff != "" {
		t.Errorf("with the folder (-want +got)\n%s", diff)
	}
	if info, err := os.Stat(folder); err != nil || info.Name() != "shared" {
		t.Errorf("Shared gives %q: %v", folder, err)
	}
}
