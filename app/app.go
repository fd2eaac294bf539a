// Package app puts the program together: command line, configuration, wiring. [Main] is the whole program as a
// function; each command is a file of its own.
//
// Results go to standard output, progress and errors to standard error. The exit status is 0 when done, 1 when there are
// findings at or above --fail-on, 2 for wrong usage, and 3 when something that was asked for could not be assessed.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plimsoll/backend/report"
)

// The program's exit statuses.
const (
	exitDone        = 0
	exitFindings    = 1
	exitUsage       = 2
	exitNotAssessed = 3
)

// exitError ends the program with a status. An empty message means that everything has been said already.
type exitError struct {
	status  int
	message string
}

func (e *exitError) Error() string { return e.message }

// usageError is a mistake in how the program was called.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Sprintf(format, args...)}
}

// Main runs the program and gives its exit status. An interrupt (Ctrl-C, SIGTERM) ends it early with what was found; a
// second one ends it at once.
func Main(args []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)

	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		unquoteUsage(root)
	}
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	var exit *exitError
	if !errors.As(err, &exit) {
		exit = &exitError{exitNotAssessed, err.Error()}
		if ctx.Err() != nil {
			exit.message = "stopped"
		}
	}
	if exit.message != "" {
		fmt.Fprintln(stderr, "plimsoll: "+report.Visible(exit.message))
	}
	return exit.status
}

func newRoot(stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use:   "plimsoll",
		Short: "Shows how much risk your containers carry, why, and what to fix first",
		Long: `Plimsoll shows how much risk your containers carry, why, and what to fix first.

Every option can also be set by an environment variable (--fail-on is
PLIMSOLL_FAIL_ON) or by a key in the configuration file (fail-on: high). What is
typed counts first, then the environment, then the file.

Exit status: 0 done, 1 findings at or above --fail-on, 2 wrong usage,
3 something that was asked for could not be assessed.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noArguments,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError("%s; see %s --help", misfit(err), c.CommandPath())
	})
	var s settings
	s.register(root)
	root.PersistentPreRunE = func(c *cobra.Command, _ []string) error { return s.load(c) }
	root.AddCommand(newScan(&s), newVulndb(&s), newVersion())
	setHelp(root)
	return root
}

// misfit tells what is wrong with an option, without the words of the library that read it.
func misfit(err error) string {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err.Error()
	}
	use := "a value of another kind"
	switch invalid.GetFlag().Value.Type() {
	case "int":
		use = "a whole number"
	case "bool":
		use = "true or false"
	}
	return fmt.Sprintf("--%s %q: use %s", invalid.GetFlag().Name, invalid.GetValue(), use)
}

// noArguments refuses arguments, naming the subcommands that there are.
func noArguments(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var names []string
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() {
			names = append(names, sub.Name())
		}
	}
	if len(names) == 0 {
		return usageError("%s takes no arguments, but got %q", c.CommandPath(), args[0])
	}
	return usageError("no command %q: use %s", c.CommandPath()+" "+args[0], strings.Join(names, ", "))
}
