package app

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// output is where results go: standard output, or a file that appears when it is complete.
type output struct {
	io.Writer
	temp *os.File // nil for standard output
	name string
}

// openOutput opens the file, or standard output when there is no name or "-".
func openOutput(c *cobra.Command, name string) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: c.OutOrStdout()}, nil
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return nil, fmt.Errorf("write results to %q: %w", name, err)
	}
	return &output{Writer: temp, temp: temp, name: name}, nil
}

// finish makes the file appear, or removes what was written when err says that it is not complete.
func (o *output) finish(err error) error {
	if o.temp == nil {
		return err
	}
	if closeErr := o.temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Chmod(o.temp.Name(), 0o644) //nolint:gosec // a report is for others to read, as the shell's > would make it
	}
	if err == nil {
		err = os.Rename(o.temp.Name(), o.name)
	}
	if err != nil {
		_ = os.Remove(o.temp.Name())
		return fmt.Errorf("write results to %q: %w", o.name, err)
	}
	return nil
}

// terminal says how wide a writer's terminal is, and whether it is one.
func terminal(w io.Writer) (columns int, ok bool) {
	file, isFile := w.(*os.File)
	if !isFile || !term.IsTerminal(int(file.Fd())) {
		return 0, false
	}
	columns, _, err := term.GetSize(int(file.Fd()))
	if err != nil || columns <= 0 {
		columns = 80
	}
	return columns, true
}
