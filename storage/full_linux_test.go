package storage_test

import (
	"errors"
	"syscall"
	"testing"

	"plimsoll/storage"
	"plimsoll/testdata/need"
)

// A disk of 64 KiB stands for one that is full.
func TestFullDiskLeavesNothingBehind(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, 0) })

	store := storage.OpenLayers(dir, 1)
	if err := store.Put(large(40_000, 10)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("error is %v, want ENOSPC", err)
	}
	if left := files(t, dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	put(t, store, filled(t))
	if !store.Has(diffID) {
		t.Error("a layer that fits is not kept")
	}
}
