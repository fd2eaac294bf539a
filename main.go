// Plimsoll is a container security console: it shows what risk containers carry, why, and what to fix first.
package main

import (
	"os"

	"plimsoll/app"
)

func main() { os.Exit(app.Main(os.Args[1:], os.Stdout, os.Stderr)) }
