package need

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Root lets a test go on only when the process is root.
func Root(t testing.TB) {
	t.Helper()
	Group(t, GroupRoot, missingRoot())
}

// NPM lets a test go on only when npm is on PATH.
func NPM(t testing.TB) {
	t.Helper()
	Group(t, GroupNPM, missingTool("npm"))
}

// Debootstrap lets a test go on only when debootstrap can make a system: it is on PATH, the process is root, and
// Debian's mirror answers within 5 s.
func Debootstrap(t testing.TB) {
	t.Helper()
	missing := missingTool("debootstrap")
	if missing == "" {
		missing = missingRoot()
	}
	if missing == "" {
		missing = missingMirror(t.Context())
	}
	Group(t, GroupDebootstrap, missing)
}

func missingRoot() string {
	if os.Geteuid() == 0 {
		return ""
	}
	return "the tests do not run as root"
}

func missingTool(name string) string {
	if _, err := exec.LookPath(name); err != nil {
		return name + " is not installed (build/dev-deps.sh installs it)"
	}
	return ""
}

// missingMirror asks the first mirror that apt itself is set up to use.
func missingMirror(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, "apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages").Output()
	mirror, _, _ := strings.Cut(string(out), "\n")
	if err != nil || mirror == "" {
		return "apt knows no mirror of Debian"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodHead, mirror, nil)
	if err != nil {
		return err.Error()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "Debian's mirror does not answer: " + err.Error()
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return "Debian's mirror answers " + response.Status
	}
	return ""
}
