//go:build !linux && !darwin

package vulndb

import "errors"

// freeSpace is not known here: a full disk shows while writing.
func freeSpace(string) (uint64, error) { return 0, errors.ErrUnsupported }
