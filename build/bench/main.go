// Command bench measures how long `plimsoll scan image` takes, and how much processor time and memory, beside syft, grype
// and trivy where they are on PATH. It prints Markdown.
//
// All ways of looking at an image are run in turn, round after round, so that a machine that is busy for a while is
// busy for all of them. A row shows the medians of its rounds, and the median of its ratios to ours within each round.
// Processor time is that of the command and what it started, not of the engine, so it hides what an engine does to
// export an image. Files that were read before are in the machine's memory for everyone.
//
// A row or an image that cannot be measured says why, and is no failure.
//
// usage: bench [-program FILE] [-runs N] [-vulndb FOLDER] IMAGE…
//
// FOLDER holds a vulnerability database (trivy.db and metadata.json) that Plimsoll and trivy then use both. grype uses its
// own, and syft lists packages only.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	program := flags.String("program", filepath.Join("build", "bin", "plimsoll"), "the program to measure")
	runs := flags.Int("runs", 5, "measured runs of each way")
	database := flags.String("vulndb", "", "folder with trivy.db and metadata.json")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 1 {
		return errors.New("-runs must be at least 1")
	}
	work, err := os.MkdirTemp("", "plimsoll-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)

	bench := bench{program: *program, runs: *runs, database: *database, work: work, out: out}
	printMachine(ctx, out, *program)
	if *database == "" {
		fmt.Fprint(out, "\nNo vulnerability database: Plimsoll uses the advisories it brings, trivy is left out. `VULNDB=FOLDER` names one.\n")
	}
	for _, image := range flags.Args() {
		if err := bench.image(ctx, image); err != nil {
			return fmt.Errorf("measure %s: %w", image, err)
		}
	}
	return nil
}

// bench is one call of the command.
type bench struct {
	program  string
	runs     int
	database string // folder, "" for none
	work     string // folder for all that is made on the way
	out      io.Writer
}

// image measures all ways of looking at one image and prints their table.
func (b bench) image(ctx context.Context, image string) error {
	fmt.Fprintf(b.out, "\n## %s\n\n", image)
	if _, err := output(ctx, "docker", "image", "inspect", image); err != nil {
		fmt.Fprintf(b.out, "Not measured: %v. `build/bench/images.sh` makes bench/small:1 and bench/mid:1.\n", err)
		return nil
	}
	work, err := os.MkdirTemp(b.work, "image")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	archive := filepath.Join(work, "image.tar")
	if _, err := output(ctx, "docker", "save", "-o", archive, image); err != nil {
		return fmt.Errorf("save it as an archive: %w", err)
	}
	ways := append(b.ours(image, archive, work), b.peers(ctx, image, archive, work)...)
	results := race(ctx, ways, b.runs)
	if err := ctx.Err(); err != nil {
		return err
	}
	fmt.Fprint(b.out, table(ways, results))
	return nil
}
