package main

import (
	"context"
	"debug/buildinfo"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
)

// printMachine tells what the figures were measured on and with.
func printMachine(ctx context.Context, out io.Writer, program string) {
	fmt.Fprintf(out, "# Figures\n\n* machine: %d cores, %s, %s\n", runtime.NumCPU(), said(ctx, "uname", "-srm"), runtime.Version())
	fmt.Fprintf(out, "* engine: %s\n", said(ctx, "docker", "info", "--format", "Docker {{.ServerVersion}}, storage {{.Driver}}"))
	fmt.Fprintf(out, "* plimsoll: %s\n", said(ctx, program, "version"))
	for _, peer := range []string{"syft", "grype", "trivy"} {
		fmt.Fprintf(out, "* %s: %s\n", peer, version(ctx, peer))
	}
}

// version is the module version that a Go program was built from, or what it says itself when it was built otherwise.
func version(ctx context.Context, name string) string {
	path, err := exec.LookPath(name)
	if err != nil {
		return "not on PATH"
	}
	if info, err := buildinfo.ReadFile(path); err == nil && strings.HasPrefix(info.Main.Version, "v") {
		return info.Main.Version
	}
	return said(ctx, path, "--version")
}

// said is the first line that a command prints, or why there is none.
func said(ctx context.Context, name string, args ...string) string {
	text, err := output(ctx, name, args...)
	if err != nil {
		return cell(err.Error())
	}
	line, _, _ := strings.Cut(text, "\n")
	return line
}
