//go:build !linux

package image

import (
	"context"
	"errors"
)

// walkDir exists on Linux only: no other system has overlayfs.
func walkDir(context.Context, string, chan struct{}, *collector) error {
	return errors.ErrUnsupported
}
