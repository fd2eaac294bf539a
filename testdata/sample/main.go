// Command sample writes the sample images as an OCI image layout folder:
//
//	go run ./testdata/sample FOLDER
//
// What the images hold is told by package images beside it.
package main

import (
	"fmt"
	"io"
	"os"

	"plimsoll/testdata/sample/images"
)

func main() {
	os.Exit(run(os.Args[1:], os.Stderr))
}

// run returns the exit status: 0 done, 1 not written, 2 wrong usage.
func run(args []string, stderr io.Writer) int {
	if len(args) != 1 {
		fmt.Fprintln(stderr, "usage: sample FOLDER")
		return 2
	}
	if err := images.Write(args[0]); err != nil {
		fmt.Fprintf(stderr, "sample: %v\n", err)
		return 1
	}
	return 0
}
