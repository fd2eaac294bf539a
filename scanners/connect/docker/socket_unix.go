//go:build unix

package docker

import (
	"io/fs"
	"syscall"
)

// groupID is the group that owns a file.
func groupID(info fs.FileInfo) (int, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(stat.Gid), true
}
