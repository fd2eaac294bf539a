// Command static fails unless each program it is given is a Linux program that needs no library of the machine it runs
// on: an ELF file that names neither an interpreter nor a shared library.
//
// usage: static FILE…
package main

import (
	"debug/elf"
	"errors"
	"fmt"
	"os"
)

func main() {
	for _, path := range os.Args[1:] {
		if err := check(path); err != nil {
			fmt.Fprintf(os.Stderr, "%s is not static: %v\n", path, err)
			os.Exit(1)
		}
	}
}

// check says why the program at path is not static.
func check(path string) error {
	file, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP {
			return errors.New("it asks for an interpreter")
		}
	}
	libraries, err := file.ImportedLibraries()
	if err != nil {
		return err
	}
	if len(libraries) > 0 {
		return fmt.Errorf("it needs %v", libraries)
	}
	return nil
}
