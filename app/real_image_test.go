package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"plimsoll/app"
	"plimsoll/scanners"
	"plimsoll/testdata/need"
)

// TestRealImage builds an image from a real Debian, real npm and Python packages and a real Go program in a real engine,
// and holds what Plimsoll lists against what the native tools list in it, by every way of reading it.
func TestRealImage(t *testing.T) {
	need.Root(t)
	need.EngineFolders(t)
	need.Debootstrap(t)
	need.NPM(t)
	lab := newLab(t)
	lab.build()
	data := t.TempDir()

	want := lab.scan(data, lab.ref, "--read", "directories")
	t.Run("DebianPackages", func(t *testing.T) { lab.sameAsDpkg(t, want) })
	t.Run("NPMPackages", func(t *testing.T) { lab.sameAsNPM(t, want) })
	t.Run("PythonPackages", func(t *testing.T) { lab.sameAsPython(t, want) })
	t.Run("GoModules", func(t *testing.T) { lab.sameAsGo(t, want) })
	t.Run("Layers", func(t *testing.T) { lab.layersTell(t, want) })

	archive := filepath.Join(lab.dir, "image.tar")
	lab.run("docker", "save", "-o", archive, lab.ref)
	packed := filepath.Join(lab.dir, "image.tar.gz")
	lab.run("sh", "-c", fmt.Sprintf("gzip -1 <%s >%s", archive, packed))
	oci := lab.layout(archive)
	for name, args := range map[string][]string{
		"Stream":      {lab.ref, "--read", "stream"},
		"Archive":     {"--archive", archive},
		"GzipArchive": {"--archive", packed},
		"OCILayout":   {"--oci-layout", oci},
		"KnownLayers": {lab.ref, "--read", "stream", "--data", data},
	} {
		t.Run(name, func(t *testing.T) {
			got := lab.scan(t.TempDir(), args...)
			ignore := cmp.Options{
				cmpopts.IgnoreFields(scanners.Finding{}, "ID", "Asset"), cmpopts.IgnoreFields(scanners.Coverage{}, "Asset", "Subject"),
			}
			if diff := cmp.Diff(want.Assets[0].Packages, got.Assets[0].Packages); diff != "" {
				t.Errorf("packages (-directories +%s):\n%s", name, diff)
			}
			if diff := cmp.Diff(want.Assets[0].Layers, got.Assets[0].Layers); diff != "" {
				t.Errorf("layers (-directories +%s):\n%s", name, diff)
			}
			if diff := cmp.Diff(want.Findings, got.Findings, ignore); diff != "" {
				t.Errorf("findings (-directories +%s):\n%s", name, diff)
			}
			if diff := cmp.Diff(want.Coverage, got.Coverage, ignore); diff != "" {
				t.Errorf("coverage (-directories +%s):\n%s", name, diff)
			}
		})
	}
}

// lab is a real image and the folder it is made in.
type lab struct {
	t        *testing.T
	dir, ref string
}

func newLab(t *testing.T) *lab {
	dir := t.TempDir()
	l := &lab{t: t, dir: dir, ref: "plimsoll-test/real:" + strings.ToLower(filepath.Base(filepath.Dir(dir)))}
	t.Cleanup(func() {
		_ = exec.Command("docker", "rmi", "-f", l.ref, l.ref+"-base").Run()
	})
	return l
}

func (l *lab) run(name string, args ...string) string {
	l.t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = l.dir
	cmd.Env = append(os.Environ(), "DOCKER_BUILDKIT=0")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		l.t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out, stderr.String())
	}
	return string(out)
}

// The image has what real ones have: packages installed in one layer and removed in another, a folder that is emptied
// and filled again, a folder replaced by a link, hard links, a program without debug information.
const dockerfile = `FROM %s-base
ENV DEBIAN_FRONTEND=noninteractive API_TOKEN=not-a-real-secret
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-yaml python3-requests less && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY node_modules /app/node_modules
COPY tool /usr/local/bin/tool
RUN apt-get purge -y less && ln /usr/local/bin/tool /usr/local/bin/tool-again
RUN rm -rf /app/node_modules/ms && cp -a /app/node_modules/debug /opt/debug && rm -rf /app/node_modules/debug && ln -s /opt/debug /app/node_modules/debug
RUN rm -rf /app/node_modules/send && mkdir /app/node_modules/send && echo gone >/app/node_modules/send/README
CMD ["tool"]
`

func (l *lab) build() {
	l.run("debootstrap", "--variant=minbase", "bookworm", "rootfs")
	l.run("sh", "-c", "tar -C rootfs -c . | docker import - "+l.ref+"-base")
	l.run("rm", "-rf", "rootfs")
	l.write("package.json", `{"name":"app","version":"1.0.0","private":true,"dependencies":{"express":"4.17.1","lodash":"4.17.15","@types/node":"18.0.0"}}`)
	l.run("npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--cache", filepath.Join(l.dir, "npm-cache"))
	root, err := filepath.Abs("..")
	if err != nil {
		l.t.Fatal(err)
	}
	l.run("go", "build", "-C", root, "-buildvcs=false", "-ldflags", "-s -w", "-o", filepath.Join(l.dir, "tool"), ".")
	l.write("Dockerfile", fmt.Sprintf(dockerfile, l.ref))
	l.write(".dockerignore", "npm-cache\n")
	l.run("docker", "build", "--network", "host", "-t", l.ref, ".")
}

func (l *lab) write(name, text string) {
	if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o644); err != nil {
		l.t.Fatal(err)
	}
}

// inside runs a command in the image.
func (l *lab) inside(args ...string) string {
	return l.run("docker", append([]string{"run", "--rm", "--network", "none", l.ref}, args...)...)
}

// layout makes an OCI layout with compressed layers of a docker-archive, by a library that is not ours.
func (l *lab) layout(archive string) string {
	img, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		l.t.Fatal(err)
	}
	dir := filepath.Join(l.dir, "oci")
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		l.t.Fatal(err)
	}
	if err := path.AppendImage(img); err != nil {
		l.t.Fatal(err)
	}
	return dir
}

func (l *lab) scan(data string, args ...string) scanners.Report {
	l.t.Helper()
	var stdout, stderr bytes.Buffer
	if !slices.Contains(args, "--data") {
		args = append(args, "--data", data)
	}
	status := app.Main(append([]string{"scan", "image", "--format", "json"}, args...), &stdout, &stderr)
	if status != 0 {
		l.t.Fatalf("scan %v: exit status %d\n%s", args, status, stderr.String())
	}
	var r scanners.Report
	if err := json.Unmarshal(stdout.Bytes(), &r); err != nil {
		l.t.Fatal(err)
	}
	if len(r.Assets) != 1 {
		l.t.Fatalf("%d assets", len(r.Assets))
	}
	return r
}

// listed are the packages of an ecosystem in the words that describe gives them, sorted.
func listed(r scanners.Report, eco scanners.Ecosystem, describe func(scanners.Package) string) []string {
	var lines []string
	for _, p := range r.Assets[0].Packages {
		if p.Ecosystem != eco {
			continue
		}
		if line := describe(p); line != "" {
			lines = append(lines, line)
		}
	}
	slices.Sort(lines)
	return lines
}

func sortedLines(text string) []string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	slices.Sort(lines)
	return lines
}

func same(t *testing.T, want, got []string) {
	t.Helper()
	if len(want) < 2 {
		t.Fatalf("the native tool lists %d packages: that is no comparison", len(want))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-native tool +Plimsoll):\n%s", diff)
	}
}

func (l *lab) sameAsDpkg(t *testing.T, r scanners.Report) {
	native := l.inside("dpkg-query", "-W", "-f", `${Package} ${Version} ${Architecture} ${source:Package} ${source:Version}\n`)
	same(t, sortedLines(native), listed(r, scanners.EcosystemDeb, func(p scanners.Package) string {
		return strings.Join([]string{p.Name, p.Version, p.Arch, p.Source.Name, p.Source.Version}, " ")
	}))
}

// sameAsNPM compares with what npm itself installed, less what the image removed, plus what it copied elsewhere.
func (l *lab) sameAsNPM(t *testing.T, r scanners.Report) {
	var lock struct {
		Packages map[string]struct{ Version string }
	}
	data, err := os.ReadFile(filepath.Join(l.dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &lock); err != nil {
		t.Fatal(err)
	}
	var native []string
	for path, p := range lock.Packages {
		place := "app/" + path
		switch path {
		case "", "node_modules/ms", "node_modules/send":
			continue
		case "node_modules/debug":
			place = "opt/debug"
		}
		if strings.HasPrefix(path, "node_modules/send/") {
			continue
		}
		native = append(native, place+" "+p.Version)
	}
	slices.Sort(native)
	same(t, native, listed(r, scanners.EcosystemNPM, func(p scanners.Package) string {
		return strings.TrimSuffix(p.Path, "/package.json") + " " + p.Version
	}))
}

func (l *lab) sameAsPython(t *testing.T, r scanners.Report) {
	native := l.inside("python3", "-c", "import importlib.metadata as m\nfor d in m.distributions(): print(d.metadata['Name'], d.version)")
	same(t, sortedLines(native), listed(r, scanners.EcosystemPyPI, func(p scanners.Package) string {
		if !strings.HasPrefix(p.OwnedBy, "pkg:deb/debian/python3-") {
			t.Errorf("%s is owned by %q", p.Name, p.OwnedBy)
		}
		return p.Name + " " + p.Version
	}))
}

func (l *lab) sameAsGo(t *testing.T, r scanners.Report) {
	var native []string
	for line := range strings.Lines(l.run("go", "version", "-m", filepath.Join(l.dir, "tool"))) {
		if f := strings.Fields(line); len(f) > 2 && (f[0] == "mod" || f[0] == "dep") {
			native = append(native, f[1]+" "+f[2])
		}
	}
	slices.Sort(native)
	for _, name := range []string{"usr/local/bin/tool", "usr/local/bin/tool-again"} {
		same(t, native, listed(r, scanners.EcosystemGolang, func(p scanners.Package) string {
			if p.Path != name || p.Name == "stdlib" {
				return ""
			}
			return p.Name + " " + p.Version
		}))
	}
}

// layersTell checks which layer and instruction packages are attributed to, and that the instruction holds no secret.
func (l *lab) layersTell(t *testing.T, r scanners.Report) {
	instructions := make(map[string]string)
	for _, layer := range r.Assets[0].Layers {
		instructions[layer.DiffID] = layer.Instruction
	}
	want := map[string]string{"python3-yaml": "RUN apt-get update", "express": "COPY dir:", "dpkg": "", "plimsoll": "COPY file:"}
	for _, p := range r.Assets[0].Packages {
		if prefix, ok := want[p.Name]; ok && p.Path != "usr/local/bin/tool-again" && !strings.HasPrefix(instructions[p.Layer], prefix) {
			t.Errorf("%s comes from %q, want %q…", p.Name, instructions[p.Layer], prefix)
		}
	}
	if text := fmt.Sprint(r); strings.Contains(text, "not-a-real-secret") {
		t.Error("the report holds a secret")
	}
}
