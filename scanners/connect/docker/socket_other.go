//go:build !unix

package docker

import "io/fs"

// groupID is the group that owns a file; only Unix has one.
func groupID(fs.FileInfo) (int, bool) { return 0, false }
