package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"
)

// patience is how long one run may take.
const patience = 10 * time.Minute

// partial is Plimsoll's exit status when something could not be assessed and the rest was.
const partial = 3

// sample is what one run took.
type sample struct {
	wall time.Duration
	cpu  time.Duration // user and system time
	peak int64         // most memory that one process held, in bytes; 0 when the system does not tell
}

// result is what became of one way.
type result struct {
	samples []sample // one a round
	err     error    // why it could not be measured
}

// race runs all ways in turn, as often as asked. A way that fails once is left out from then on.
func race(ctx context.Context, ways []way, runs int) []result {
	results := make([]result, len(ways))
	for i, w := range ways {
		if w.missing != "" {
			results[i].err = errors.New(w.missing)
		} else if w.warm {
			_, results[i].err = measure(ctx, w)
		}
	}
	for range runs {
		for i, w := range ways {
			if results[i].err != nil || ctx.Err() != nil {
				continue
			}
			s, err := measure(ctx, w)
			if err != nil {
				results[i] = result{err: err}
				continue
			}
			results[i].samples = append(results[i].samples, s)
		}
	}
	return results
}

// measure runs a way once.
//
// On Linux a process inherits the peak of the process that started it, so no peak is below the few megabytes of this one.
func measure(ctx context.Context, w way) (sample, error) {
	for _, path := range w.forget {
		if err := os.RemoveAll(path); err != nil {
			return sample{}, fmt.Errorf("prepare: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var stderr bytes.Buffer
	command := exec.CommandContext(ctx, w.command[0], w.command[1:]...)
	command.Env = append(os.Environ(), w.env...)
	command.Stderr = &stderr
	start := time.Now()
	err := command.Run()
	wall := time.Since(start)
	if err := verdict(w, err, stderr.String()); err != nil {
		return sample{}, err
	}
	state := command.ProcessState
	return sample{wall: wall, cpu: state.UserTime() + state.SystemTime(), peak: peak(state)}, nil
}

// verdict says whether a run did its job.
func verdict(w way, err error, said string) error {
	var exit *exec.ExitError
	tolerated := w.result != "" && errors.As(err, &exit) && exit.ExitCode() == partial
	if err != nil && !tolerated {
		return explained(err, said)
	}
	if w.result == "" {
		return nil
	}
	if info, err := os.Stat(w.result); err != nil || info.Size() == 0 {
		return explained(errors.New("it wrote no result"), said)
	}
	return nil
}

// explained adds the last line of what a program said, which is where errors stand.
func explained(err error, said string) error {
	if line := lastLine(said); line != "" {
		return fmt.Errorf("%w: %s", err, line)
	}
	return err
}

func lastLine(said string) string {
	lines := strings.Split(strings.TrimSpace(said), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

// output gives what a command prints on its standard output.
func output(ctx context.Context, name string, args ...string) (string, error) {
	var stdout, stderr bytes.Buffer
	command := exec.CommandContext(ctx, name, args...)
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Run(); err != nil {
		return "", explained(fmt.Errorf("%s: %w", name, err), stderr.String())
	}
	return strings.TrimSpace(stdout.String()), nil
}
