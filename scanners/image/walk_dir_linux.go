package image

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"sync"

	"golang.org/x/sys/unix"

	"plimsoll/scanners"
)

// walkDir reads a layer from a folder in the format of overlayfs upper directories: a character device 0/0 is a
// whiteout, the extended attribute overlay.opaque=y hides a folder's lower content. Folders are walked in parallel, as
// many as walkers has room for over all layers.
func walkDir(ctx context.Context, root string, walkers chan struct{}, c *collector) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &dirWalk{ctx: ctx, cancel: cancel, root: root, walkers: walkers, c: c}
	w.folder("")
	w.running.Wait()
	return context.Cause(ctx)
}

type dirWalk struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	root    string
	walkers chan struct{}
	running sync.WaitGroup
	c       *collector
}

// folder walks one folder and what is below it. Its subfolders go to other goroutines while there is room.
func (w *dirWalk) folder(dir string) {
	if w.ctx.Err() != nil {
		return
	}
	items, err := w.list(dir)
	if err != nil {
		w.cancel(err)
		return
	}
	for _, item := range items {
		name := path.Join(dir, item.Name())
		if !item.IsDir() {
			if err := w.entry(name, item); err != nil {
				w.cancel(fmt.Errorf("%q: %w", name, err))
				return
			}
			continue
		}
		select {
		case w.walkers <- struct{}{}:
			w.running.Go(func() {
				w.folder(name)
				<-w.walkers
			})
		default:
			w.folder(name)
		}
	}
}

// list reads a folder's entries and its overlay attributes.
func (w *dirWalk) list(dir string) ([]fs.DirEntry, error) {
	full := w.root + "/" + dir
	f, err := os.OpenFile(full, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if err := w.attributes(f, dir); err != nil {
		return nil, err
	}
	return f.ReadDir(-1)
}

// attributes looks for overlayfs' marks on a folder. Nearly all folders have none, which costs one system call.
func (w *dirWalk) attributes(f *os.File, dir string) error {
	var names [1024]byte
	n, err := unix.Flistxattr(int(f.Fd()), names[:])
	if errors.Is(err, unix.ENOTSUP) || n == 0 && err == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read attributes of %q: %w", dir, err)
	}
	for name := range strings.SplitSeq(string(names[:n]), "\x00") {
		switch name {
		case "trusted.overlay.redirect", "user.overlay.redirect":
			return scanners.ErrFolder
		case "trusted.overlay.opaque", "user.overlay.opaque":
			var value [8]byte
			if n, err := unix.Fgetxattr(int(f.Fd()), name, value[:]); err == nil && string(value[:n]) == "y" {
				w.c.opaque(dir)
			}
		}
	}
	return nil
}

func (w *dirWalk) entry(name string, item fs.DirEntry) error {
	switch kind := item.Type(); {
	case kind.IsRegular():
		return w.file(name)
	case kind&fs.ModeSymlink != 0:
		target := ""
		if isRoad(name) {
			var err error
			if target, err = os.Readlink(w.root + "/" + name); err != nil {
				return err
			}
		}
		w.c.symlink(name, target)
	case kind&fs.ModeCharDevice != 0 && w.isWhiteout(name):
		w.c.removed(name)
	default:
		w.c.other(name)
	}
	return nil
}

func (w *dirWalk) isWhiteout(name string) bool {
	var stat unix.Stat_t
	return unix.Lstat(w.root+"/"+name, &stat) == nil && stat.Mode&unix.S_IFMT == unix.S_IFCHR && stat.Rdev == 0
}

// file opens a regular file only when its name says that it may tell something.
func (w *dirWalk) file(name string) error {
	w.c.shadow(name)
	k := kindOf(name)
	if k == kindNone {
		return nil
	}
	full := w.root + "/" + name
	var stat unix.Stat_t
	if err := unix.Lstat(full, &stat); err != nil {
		return err
	}
	e := entry{name: name, size: stat.Size, executable: stat.Mode&0o111 != 0}
	if !wanted(k, e) {
		return nil
	}
	f, err := os.OpenFile(full, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	if hasMetacopy(f) {
		return scanners.ErrFolder
	}
	w.c.progress(e.size)
	return w.c.parse(k, e, f)
}

// hasMetacopy says whether overlayfs keeps only a file's metadata here and its content elsewhere.
func hasMetacopy(f *os.File) bool {
	var value [1]byte
	_, trusted := unix.Fgetxattr(int(f.Fd()), "trusted.overlay.metacopy", value[:])
	_, user := unix.Fgetxattr(int(f.Fd()), "user.overlay.metacopy", value[:])
	return exists(trusted) || exists(user)
}

func exists(err error) bool { return err == nil || errors.Is(err, unix.ERANGE) }
