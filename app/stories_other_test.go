//go:build !linux

package app_test

import "github.com/rogpeppe/go-internal/testscript"

func addPrograms(map[string]func()) {}

func missingMount(string) string { return "mounting is told on Linux only" }

func smallDisk(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Fatalf("there are small disks on Linux only")
}
