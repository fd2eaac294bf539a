package main

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

func TestCheck(t *testing.T) {
	if err := check("main.go"); err == nil {
		t.Error("a text file passes for a static program")
	}
	if runtime.GOOS != "linux" {
		t.Skip("programs that are not static are looked for on Linux only")
	}
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	if check(shell) == nil {
		t.Skip("sh is static on this machine")
	}
}

func TestCheckOfStaticProgram(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".")
	build.Env = append(build.Environ(), "GOOS=linux", "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	if err := check(program); err != nil {
		t.Errorf("a program without C: %v", err)
	}
}
