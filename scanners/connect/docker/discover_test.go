package docker

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/docker/docker/api/types/image"
	"github.com/google/go-cmp/cmp"

	"plimsoll/scanners"
)

func listen(t *testing.T, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
}

func getenv(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// writeContext stores a Docker context as the Docker command line does: under the SHA-256 of its name.
func writeContext(t *testing.T, home, current string) {
	t.Helper()
	write := func(name, text string) {
		path := filepath.Join(home, ".docker", name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("config.json", `{"currentContext":"`+current+`"}`)
	sum := strings.TrimPrefix(sha("%s", "remote"), "sha256:")
	write("contexts/meta/"+sum+"/meta.json", `{"Name":"remote","Metadata":{},"Endpoints":{"docker":{"Host":"tcp://192.0.2.7:2376","SkipTLSVerify":false}}}`)
}

func TestDiscover(t *testing.T) {
	tests := []struct {
		name, current  string
		choice         Choice
		env            []string
		sockets        []string
		host, contains string // contains: of the error
	}{
		{name: "HostFirst", choice: Choice{Host: "tcp://192.0.2.1:2375"}, env: []string{"DOCKER_HOST", "unix:///env.sock"}, host: "tcp://192.0.2.1:2375"},
		{name: "ContextBeforeEnvironment", choice: Choice{Context: "remote"}, env: []string{"DOCKER_HOST", "unix:///env.sock"}, host: "tcp://192.0.2.7:2376"},
		{name: "Environment", current: "remote", env: []string{"DOCKER_HOST", "unix:///env.sock"}, host: "unix:///env.sock"},
		{name: "ContextOfEnvironment", env: []string{"DOCKER_CONTEXT", "remote"}, host: "tcp://192.0.2.7:2376"},
		{name: "CurrentContext", current: "remote", host: "tcp://192.0.2.7:2376"},
		{name: "RootlessSocket", sockets: []string{"run/docker.sock"}, host: "unix://HOME/run/docker.sock"},
		{name: "DesktopSocket", sockets: []string{".docker/desktop/docker.sock"}, host: "unix://HOME/.docker/desktop/docker.sock"},
		{name: "ColimaSocket", sockets: []string{".colima/work/docker.sock"}, host: "unix://HOME/.colima/work/docker.sock"},
		{name: "PodmanSocket", sockets: []string{"run/podman/podman.sock"}, host: "unix://HOME/run/podman/podman.sock"},
		{name: "UnknownContext", choice: Choice{Context: "gone"}, contains: "docker context ls"},
		{name: "NoAddress", choice: Choice{Host: "nonsense"}, contains: "write unix:///path/to/docker.sock"},
		{name: "SSH", choice: Choice{Host: "ssh://me@192.0.2.1"}, contains: "forward the socket first"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			home := t.TempDir()
			writeContext(t, home, tt.current)
			for _, s := range tt.sockets {
				listen(t, filepath.Join(home, s))
			}
			if len(tt.sockets) > 0 && pathExists("/var/run/docker.sock") {
				t.Skip("this machine's own engine is found first")
			}
			c := tt.choice
			c.Home, c.Getenv = home, getenv(append(tt.env, "XDG_RUNTIME_DIR", filepath.Join(home, "run"))...)
			got, err := Discover(context.Background(), c)
			if tt.contains != "" {
				if err == nil || !strings.Contains(err.Error(), tt.contains) {
					t.Fatalf("error is %v, want one with %q", err, tt.contains)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Replace(tt.host, "HOME", home, 1); got.Host != want {
				t.Errorf("host %q, want %q", got.Host, want)
			}
		})
	}
}

func pathExists(path string) bool { _, err := os.Stat(path); return err == nil }

func TestAlignHistory(t *testing.T) {
	step := func(by string, size int64) image.HistoryResponseItem {
		return image.HistoryResponseItem{CreatedBy: by, Size: size}
	}
	tests := []struct {
		name   string
		newest []image.HistoryResponseItem
		layers int
		want   []string
	}{
		{"BytesTell", []image.HistoryResponseItem{step(`/bin/sh -c #(nop)  CMD ["x"]`, 0), step("/bin/sh -c apt-get update", 100), step("/bin/sh -c #(nop) ADD file:1 in /", 200)}, 2,
			[]string{"/bin/sh -c #(nop) ADD file:1 in /", "/bin/sh -c apt-get update"}},
		{"EmptyRunIsALayer", []image.HistoryResponseItem{step("RUN /bin/sh -c true # buildkit", 0), step("ENV A=b", 0), step("COPY a b # buildkit", 1)}, 2,
			[]string{"COPY a b # buildkit", "RUN /bin/sh -c true # buildkit"}},
		{"WorkdirMadeAFolder", []image.HistoryResponseItem{step("/bin/sh -c #(nop) WORKDIR /app", 0), step("/bin/sh -c #(nop)  ENV A=b", 0), step("/bin/sh -c make", 5)}, 2,
			[]string{"/bin/sh -c make", "/bin/sh -c #(nop) WORKDIR /app"}},
		{"NothingFits", []image.HistoryResponseItem{step("/bin/sh -c make", 5)}, 3, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for _, h := range alignHistory(tt.newest, tt.layers) {
				got = append(got, h.CreatedBy)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrefer(t *testing.T) {
	tests := []struct {
		ref  string
		tags []string
		want []string
	}{
		{"app", []string{"other:1", "app:latest"}, []string{"app:latest", "other:1"}},
		{"host:5000/app", nil, []string{"host:5000/app:latest"}},
		{"app@sha256:ab", []string{"app:1"}, []string{"app@sha256:ab", "app:1"}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.want, prefer(tt.ref, tt.tags)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.ref, diff)
		}
	}
}

func TestLayerFolders(t *testing.T) {
	got := layerFolders(map[string]string{"UpperDir": "/top/diff", "LowerDir": "/middle/diff:/base/diff"})
	if diff := cmp.Diff([]string{"/base/diff", "/middle/diff", "/top/diff"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

var _ scanners.LayerSink = (*claims)(nil)
