// Package need is what a test calls first when it depends on something that not every machine has: a Docker engine,
// root, debootstrap, npm, fixtures beside the repository.
//
// Each such thing is a group. A test of a group either runs, or is skipped and says why:
//
//	func TestScanOnRealEngine(t *testing.T) {
//		engine := need.Engine(t)
//		…
//	}
//
// Every call leaves one line in the test's log, `group NAME: ran` or `group NAME: skipped: WHY`, from which `make test`
// makes the table at its end. A group that the environment variable PLIMSOLL_REQUIRE names (comma separated; `all` is
// every group but shared) fails instead of being skipped, so that no build server goes green by looking away.
//
// The functions may be called from parallel tests. None of them changes anything on the machine.
package need

import (
	"os"
	"strings"
	"testing"
)

// The groups. A test may add one of its own with [Group].
const (
	GroupEngine      = "engine"      // a Docker engine answers
	GroupFolders     = "folders"     // and its layer folders can be read
	GroupDebootstrap = "debootstrap" // a Debian system can be made
	GroupNPM         = "npm"         // npm is installed
	GroupRoot        = "root"        // the process is root
	GroupShared      = "shared"      // fixtures that are not part of the product
)

// Require is the environment variable that names the groups that must run.
const Require = "PLIMSOLL_REQUIRE"

// Group says whether the test belongs to a group that can run here. An empty missing lets the test go on. Anything else
// is the reason, told in one line, for which the test is skipped, or fails when the group is required.
func Group(t testing.TB, name, missing string) {
	t.Helper()
	missing = strings.Join(strings.Fields(missing), " ")
	switch {
	case missing == "":
		t.Logf("group %s: ran", name)
	case Required(os.Getenv(Require), name):
		t.Fatalf("group %s: %s names it, and it cannot run: %s", name, Require, missing)
	default:
		t.Skipf("group %s: skipped: %s", name, missing)
	}
}

// Required says whether a list of groups as it stands in PLIMSOLL_REQUIRE names the group.
func Required(list, group string) bool {
	for name := range strings.SplitSeq(list, ",") {
		name = strings.TrimSpace(name)
		if name == group || name == "all" && group != GroupShared {
			return true
		}
	}
	return false
}
