package app_test

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// interrupt runs a program (interrupt PATTERN PROGRAM [ARG...]), sends it what Ctrl-C sends as soon as a file fits the
// pattern, and gives its exit status. A program that has not ended after 20 s is killed.
func interrupt(pattern string, command []string) int {
	program := exec.Command(command[0], command[1:]...)
	program.Stdout, program.Stderr = os.Stdout, os.Stderr
	if err := program.Start(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 126
	}
	ended := make(chan error, 1)
	go func() { ended <- program.Wait() }()
	tick, timeout := time.NewTicker(5*time.Millisecond), time.NewTimer(20*time.Second)
	sent := false
	for {
		select {
		case err := <-ended:
			return statusOf(err)
		case <-timeout.C:
			_ = program.Process.Kill()
		case <-tick.C:
			if found, _ := filepath.Glob(pattern); len(found) > 0 && !sent {
				sent = true
				_ = program.Process.Signal(os.Interrupt)
			}
		}
	}
}

func statusOf(err error) int {
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	default:
		return 126
	}
}
