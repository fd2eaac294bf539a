package app_test

import (
	"fmt"
	"os"
	"strconv"
	"syscall"

	"github.com/rogpeppe/go-internal/testscript"

	"plimsoll/app"
)

// nobody is a user without rights, by convention of all distributions.
const nobody = 65534

// addPrograms adds the programs that exist on Linux only. plimsoll-as-nobody is the program after root gave its rights
// up.
func addPrograms(programs map[string]func()) {
	programs["plimsoll-as-nobody"] = func() {
		for _, give := range []error{syscall.Setgroups(nil), syscall.Setgid(nobody), syscall.Setuid(nobody)} {
			if give != nil {
				fmt.Fprintln(os.Stderr, give)
				os.Exit(126)
			}
		}
		os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr))
	}
}

// missingMount says why this process cannot mount; "" when it can.
func missingMount(dir string) string {
	if err := mountSmall(dir, 1<<20); err != nil {
		return fmt.Sprintf("mount a file system: %v", err)
	}
	if err := syscall.Unmount(dir, 0); err != nil {
		return fmt.Sprintf("unmount a file system: %v", err)
	}
	return ""
}

func mountSmall(dir string, size int) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size))
}

// small-disk DIR BYTES makes a folder that is a disk of that size until the story ends.
func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: small-disk DIR BYTES")
	}
	dir := ts.MkAbs(args[0])
	size, err := strconv.Atoi(args[1])
	ts.Check(err)
	ts.Check(os.MkdirAll(dir, 0o777))
	ts.Check(mountSmall(dir, size))
	ts.Defer(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}
