package docker_test

import (
	"archive/tar"
	"errors"
	"io"
)

// tarNames notes the names of an archive's members.
func tarNames(r io.Reader, names map[string]bool) error {
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		names[header.Name] = true
	}
}
