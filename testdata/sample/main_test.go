package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "sample")
	occupied := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(occupied, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name   string
		args   []string
		status int
		stderr string
	}{
		{"a folder that is not there yet", []string{folder}, 0, ""},
		{"the same folder again", []string{folder}, 0, ""},
		{"a file stands there", []string{occupied}, 1, "make the layout folder"},
		{"no folder", nil, 2, "usage"},
		{"two folders", []string{folder, folder}, 2, "usage"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if status := run(test.args, &stderr); status != test.status {
				t.Errorf("status %d, want %d", status, test.status)
			}
			if got := stderr.String(); !strings.Contains(got, test.stderr) || test.stderr == "" && got != "" {
				t.Errorf("stderr %q, want something with %q", got, test.stderr)
			}
		})
	}
	if _, err := os.Stat(filepath.Join(folder, "oci-layout")); err != nil {
		t.Error(err)
	}
}
