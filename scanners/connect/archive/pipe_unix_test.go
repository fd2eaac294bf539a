//go:build unix

package archive_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"plimsoll/scanners"
)

// Opening a pipe waits for somebody to write to it: a layout must not make a scan hang.
func TestPipes(t *testing.T) {
	good := small("good", amd64)
	pipe := filepath.Join(t.TempDir(), "image.tar")
	must(syscall.Mkfifo(pipe, 0o600))
	_, _, err := read(t, pipe, scanners.Platform{})
	checkError(t, err, "is neither a file nor a folder")

	dir := layout(plain, good).folder(t)
	replace := func(name string) {
		must(os.Remove(filepath.Join(dir, name)))
		must(syscall.Mkfifo(filepath.Join(dir, name), 0o600))
	}
	replace(blobName(good.layers[0]))
	_, sink, err := read(t, dir, scanners.Platform{})
	checkError(t, err, "")
	if len(sink.failed) != 1 {
		t.Errorf("failed are %v, want the one layer", sink.failed)
	}
	replace("index.json")
	_, _, err = read(t, dir, scanners.Platform{})
	checkError(t, err, `"index.json" is not a regular file`)
}
