// Command licenses makes sure that every module compiled into Plimsoll may be: it reads the licence files beside each
// package that the program is made of, on Linux, macOS and Windows, with and without C, and compares what they say
// with the list in allowed.txt.
//
// It prints a table, and ends with exit status 1 when a module has no licence file, or one that is not recognised or not
// allowed. With -list it prints the licences and notices in full instead: the text that goes out with the program.
//
// usage: licenses [-list] [package]      (default the program, .)
package main

import (
	"context"
	_ "embed"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"text/tabwriter"
)

//go:embed allowed.txt
var allowedText string

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("licenses", flag.ContinueOnError)
	flags.SetOutput(stderr)
	full := flags.Bool("list", false, "print licences and notices in full")
	if err := flags.Parse(args); err != nil {
		return 2
	}
	program := "."
	if flags.NArg() > 0 {
		program = flags.Arg(0)
	}
	modules, err := compiled(ctx, program)
	if err != nil {
		fmt.Fprintln(stderr, "licenses:", err)
		return 2
	}
	if *full {
		err = printFull(stdout, modules)
	} else {
		err = printTable(stdout, modules)
	}
	if err != nil {
		fmt.Fprintln(stderr, "licenses:", err)
		return 2
	}
	return report(stderr, judge(modules, allowed(allowedText)))
}

// allowed reads the list of licences: one a line, # starts a comment.
func allowed(text string) map[string]bool {
	list := map[string]bool{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		if id := strings.TrimSpace(line); id != "" {
			list[id] = true
		}
	}
	return list
}

// report shows what is wrong and gives the exit status.
func report(stderr io.Writer, problems []string) int {
	for _, problem := range problems {
		fmt.Fprintln(stderr, "licenses:", problem)
	}
	if len(problems) > 0 {
		fmt.Fprintln(stderr, "licenses: choose another module, or add the licence to build/licenses/allowed.txt with care")
		return 1
	}
	return 0
}

func printTable(out io.Writer, modules []module) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "module\tversion\tlicences")
	for _, m := range modules {
		fmt.Fprintf(table, "%s\t%s\t%s\n", m.path, m.version, strings.Join(m.ids(), ", "))
	}
	return table.Flush()
}

func printFull(out io.Writer, modules []module) error {
	for _, m := range modules {
		for _, f := range m.files {
			if _, err := fmt.Fprintf(out, "==== %s %s: %s\n\n%s\n\n", m.path, m.version, f.name, strings.TrimSpace(f.text)); err != nil {
				return fmt.Errorf("print: %w", err)
			}
		}
	}
	return nil
}
