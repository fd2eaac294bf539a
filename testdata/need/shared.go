package need

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared is the absolute path of the folder "shared" beside the repository. It holds fixtures that are not part of the
// product, so a fresh clone has none of them.
func Shared(t testing.TB) string {
	t.Helper()
	root := repository(t)
	folder := filepath.Join(filepath.Dir(root), "shared")
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		Group(t, GroupShared, "no folder ../shared beside the repository")
	}
	Group(t, GroupShared, "")
	return folder
}

// repository is the folder that holds go.mod: the nearest one up from where the test runs, its package's folder.
func repository(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatalf("find the repository: %v", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		parent := filepath.Dir(folder)
		if parent == folder {
			t.Fatal("find the repository: no go.mod above the test's folder")
		}
		folder = parent
	}
}
