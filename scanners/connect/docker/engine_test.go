package docker_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"plimsoll/scanners"
	"plimsoll/scanners/connect/docker"
	"plimsoll/testdata/need"
)

// sink notes what it is given. Layers in known are never claimed; those in broken fail as folders.
type sink struct {
	known, broken map[string]bool
	mu            sync.Mutex
	folders, tars []string
	failed        map[string]error
}

func (s *sink) Claim(diffID string) bool { return !s.known[diffID] }

func (s *sink) Read(_ context.Context, c scanners.LayerContent) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.Dir != "" {
		if s.broken[c.DiffID] {
			return scanners.ErrFolder
		}
		s.folders = append(s.folders, c.DiffID)
		return nil
	}
	s.tars = append(s.tars, c.DiffID)
	_, err := io.Copy(io.Discard, c.Tar)
	return err
}

func (s *sink) Fail(diffID string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed == nil {
		s.failed = make(map[string]error)
	}
	s.failed[diffID] = err
}

// tinyImage builds an image of three layers and gives its name.
func tinyImage(t *testing.T, host string) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{"Dockerfile": "FROM scratch\nCOPY a /a\nCOPY b /b\nENV X=y\nCOPY c /c\n", "a": "first " + dir, "b": "second", "c": "third"}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	ref := "plimsoll-test/tiny:" + strings.ToLower(filepath.Base(filepath.Dir(dir)))
	cmd := exec.Command("docker", "-H", host, "build", "-t", ref, dir)
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("docker build: %v\n%s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("docker", "-H", host, "rmi", "-f", ref).Run() })
	return ref
}

func connect(t *testing.T, host string) *docker.Engine {
	t.Helper()
	endpoint, err := docker.Discover(context.Background(), docker.Choice{Host: host, Getenv: os.Getenv})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := docker.Connect(context.Background(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	return engine
}

// noArchive fails the test when the engine is asked to stream.
func noArchive(t *testing.T) docker.ReadArchive {
	return func(context.Context, io.Reader, map[string]string, scanners.LayerSink) ([]scanners.Image, error) {
		t.Error("the image was streamed")
		return nil, nil
	}
}

func TestFoldersAreReadInPlace(t *testing.T) {
	host := need.EngineFolders(t)
	s := &sink{}
	images, err := connect(t, host).Image(tinyImage(t, host), docker.WayAuto, scanners.Platform{}, noArchive(t)).Read(context.Background(), s)
	if err != nil {
		t.Fatal(err)
	}
	if len(s.folders) != 3 || len(images[0].Layers) != 3 {
		t.Errorf("%d folders read of %d layers", len(s.folders), len(images[0].Layers))
	}
	if got := images[0].Layers[2].Instruction; !strings.HasPrefix(got, "COPY file:") {
		t.Errorf("the third layer's instruction is %q", got)
	}
}

func TestKnownImageCostsNoBytes(t *testing.T) {
	host := need.Engine(t)
	ref := tinyImage(t, host)
	engine := connect(t, host)
	var first sink
	images, err := engine.Image(ref, docker.WayStream, scanners.Platform{}, drain).Read(context.Background(), &first)
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, l := range images[0].Layers {
		known[l.DiffID] = true
	}
	if _, err := engine.Image(ref, docker.WayStream, scanners.Platform{}, noArchive(t)).Read(context.Background(), &sink{known: known}); err != nil {
		t.Fatal(err)
	}
}

// drain reads an export to its end without looking at it.
func drain(_ context.Context, r io.Reader, _ map[string]string, _ scanners.LayerSink) ([]scanners.Image, error) {
	_, err := io.Copy(io.Discard, r)
	return nil, err
}

func TestLayerThatIsNotInTheExportFails(t *testing.T) {
	host := need.Engine(t)
	var s sink
	if _, err := connect(t, host).Image(tinyImage(t, host), docker.WayStream, scanners.Platform{}, drain).Read(context.Background(), &s); err != nil {
		t.Fatal(err)
	}
	if len(s.failed) != 3 {
		t.Errorf("%d layers failed, want 3", len(s.failed))
	}
}

func TestFolderThatCannotBeReadIsStreamed(t *testing.T) {
	host := need.EngineFolders(t)
	ref := tinyImage(t, host)
	engine := connect(t, host)
	var plain sink
	images, err := engine.Image(ref, docker.WayAuto, scanners.Platform{}, drain).Read(context.Background(), &plain)
	if err != nil {
		t.Fatal(err)
	}
	broken := images[0].Layers[1].DiffID
	s := &sink{broken: map[string]bool{broken: true}}
	streamed := false
	read := func(_ context.Context, _ io.Reader, _ map[string]string, wanted scanners.LayerSink) ([]scanners.Image, error) {
		streamed = true
		for _, l := range images[0].Layers {
			if claimed := wanted.Claim(l.DiffID); claimed != (l.DiffID == broken) {
				t.Errorf("layer %d claimed for the stream: %v", l.Index, claimed)
			}
		}
		return nil, errors.Join(wanted.Read(context.Background(), scanners.LayerContent{DiffID: broken, Tar: strings.NewReader("")}))
	}
	if _, err := engine.Image(ref, docker.WayAuto, scanners.Platform{}, read).Read(context.Background(), s); err != nil {
		t.Fatal(err)
	}
	if !streamed || len(s.folders) != 2 || len(s.tars) != 1 || len(s.failed) != 0 {
		t.Errorf("streamed %v, folders %d, tars %d, failed %v", streamed, len(s.folders), len(s.tars), s.failed)
	}
}

// TestNamesOfOldExports holds the computed names of layers against a real export, on engines that still use them.
func TestNamesOfOldExports(t *testing.T) {
	host := need.Engine(t)
	var known map[string]string
	names := make(map[string]bool)
	read := func(_ context.Context, r io.Reader, k map[string]string, _ scanners.LayerSink) ([]scanners.Image, error) {
		known = k
		return nil, tarNames(r, names)
	}
	if _, err := connect(t, host).Image(tinyImage(t, host), docker.WayStream, scanners.Platform{}, read).Read(context.Background(), &sink{}); err != nil {
		t.Fatal(err)
	}
	if names["index.json"] {
		t.Skip("this engine exports OCI layouts, where the names are digests")
	}
	if len(known) != 2 {
		t.Fatalf("%d names computed, want those of the two lower layers", len(known))
	}
	for name := range known {
		if !names[name] {
			t.Errorf("the export has no member %q; it has %v", name, names)
		}
	}
}

func TestMistakes(t *testing.T) {
	host := need.Engine(t)
	engine := connect(t, host)
	ref := tinyImage(t, host)
	tests := []struct {
		name, ref, want string
		platform        scanners.Platform
	}{
		{name: "NoSuchImage", ref: "plimsoll-test/none:1", want: "docker pull plimsoll-test/none:1"},
		{name: "NoReference", ref: "UPPER CASE", want: "is not an image reference"},
		{name: "Option", ref: "--help", want: "is not an image reference"},
		{name: "OtherPlatform", ref: ref, platform: scanners.Platform{OS: "linux", Architecture: "s390x"}, want: "not for linux/s390x"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := engine.Image(tt.ref, docker.WayAuto, tt.platform, drain).Read(context.Background(), &sink{})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want one with %q", err, tt.want)
			}
		})
	}
}

func TestNoEngine(t *testing.T) {
	dir := t.TempDir()
	refused := filepath.Join(dir, "refused.sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: refused, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	_ = l.Close()
	for socket, want := range map[string]string{filepath.Join(dir, "none.sock"): "the socket does not exist", refused: "connection refused"} {
		endpoint, err := docker.Discover(context.Background(), docker.Choice{Host: "unix://" + socket, Getenv: os.Getenv})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := docker.Connect(context.Background(), endpoint); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want one with %q", socket, err, want)
		}
	}
}
