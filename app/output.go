package app

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// output is where results go: standard output, or a file that appears when it is complete.
type output struct {
	io.Writer
	temp *os.File // nil for standard output
	name string
}

// openOutput opens the file, or standard output when there is no name or "-". What is no ordinary file, a device for
// example, is written to as it stands and never replaced.
func openOutput(c *cobra.Command, name string) (*output, error) {
	if name == "" || name == "-" {
		return &output{Writer: c.OutOrStdout()}, nil
	}
	info, err := os.Stat(name)
	switch {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("write results to %q: it is a folder; name a file with --output", name)
	case err == nil && !info.Mode().IsRegular():
		device, err := os.OpenFile(name, os.O_WRONLY, 0)
		if err != nil {
			return nil, unwritable(name, err)
		}
		return &output{Writer: device}, nil
	}
	temp, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+"-*")
	if err != nil {
		return nil, unwritable(name, err)
	}
	return &output{Writer: temp, temp: temp, name: name}, nil
}

// checkOutput finds out whether results can be written to the file, and leaves nothing behind.
func checkOutput(c *cobra.Command, name string) error {
	out, err := openOutput(c, name)
	if err != nil || out.temp == nil {
		return err
	}
	if err := errors.Join(out.temp.Close(), os.Remove(out.temp.Name())); err != nil {
		return unwritable(name, err)
	}
	return nil
}

// unwritable tells why a file can't be written, without the name of the temporary one beside it.
func unwritable(name string, err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	next := "name another file with --output"
	if errors.Is(err, syscall.ENOSPC) {
		next = "make room, or " + next
	}
	return fmt.Errorf("write results to %q: %w; %s", name, err, next)
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
		return unwritable(o.name, err)
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
