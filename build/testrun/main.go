// Command testrun is what `make test` runs: every test that this machine can run, with the race detector where there is
// one. It shows one line a package, the whole output of what fails, a table of the groups of plimsoll/testdata/need (what
// ran, what was skipped and why), and a last line
//
//	N passed, N failed, N skipped
//
// in which every test, subtest, example and fuzz target's seed counts once, as go test itself reports them. A package
// that does not build, panics, times out or never reports counts as failed, and so does a group named in
// PLIMSOLL_REQUIRE that no test ran for. The exit status is 1 when anything failed, 2 when the tests could not be started.
//
// usage: testrun [package pattern…]      (default ./...)
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"

	"plimsoll/testdata/need"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Getenv(need.Require), os.Stdout, os.Stderr))
}

// run tests the packages that the patterns name and gives the exit status.
func run(ctx context.Context, patterns []string, required string, stdout, stderr io.Writer) int {
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	packages, err := list(ctx, patterns)
	if err != nil {
		fmt.Fprintln(stderr, "testrun:", err)
		return 2
	}
	flags := []string{"test", "-json", "-count=1"}
	if missing := missingForRace(ctx); missing == "" {
		flags = append(flags, "-race")
	} else {
		fmt.Fprintln(stdout, "without the race detector:", missing)
	}
	tally := newTally(stdout)
	if err := test(ctx, append(flags, packages...), tally, stderr); err != nil {
		fmt.Fprintln(stderr, "testrun:", err)
		return 2
	}
	tally.finish(packages, strings.Split(required, ","))
	tally.print()
	if tally.failed > 0 {
		return 1
	}
	return 0
}

// list names the packages that the patterns stand for.
func list(ctx context.Context, patterns []string) ([]string, error) {
	output, err := golang(ctx, append([]string{"list"}, patterns...)...)
	if err != nil {
		return nil, fmt.Errorf("list the packages: %w", err)
	}
	packages := strings.Fields(output)
	if len(packages) == 0 {
		return nil, errors.New("list the packages: there are none")
	}
	return packages, nil
}

// test runs go with the arguments and feeds what it reports to the tally. A test that fails is not an error of this
// function.
func test(ctx context.Context, args []string, tally *tally, stderr io.Writer) error {
	command := exec.CommandContext(ctx, "go", args...)
	command.Stderr = stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return fmt.Errorf("start the tests: %w", err)
	}
	if err := command.Start(); err != nil {
		return fmt.Errorf("start the tests: %w", err)
	}
	readErr := tally.read(output)
	err = command.Wait()
	if readErr != nil {
		return fmt.Errorf("read what the tests report: %w", readErr)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return fmt.Errorf("wait for the tests: %w", err)
	}
	if err != nil {
		tally.exited(err.Error())
	}
	return nil
}

// missingForRace says why the race detector cannot be used; empty when it can.
func missingForRace(ctx context.Context) string {
	if _, err := golang(ctx, "list", "-race", "errors"); err != nil {
		return err.Error()
	}
	compiler, err := golang(ctx, "env", "CC")
	if err != nil {
		return err.Error()
	}
	words := strings.Fields(compiler)
	if len(words) == 0 {
		return "go knows no C compiler"
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return "there is no C compiler " + words[0]
	}
	return ""
}

// golang gives the standard output of one go command. The error holds what the command said.
func golang(ctx context.Context, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, "go", args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", args[0], err, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), nil
}
