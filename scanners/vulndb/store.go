package vulndb

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"plimsoll/scanners"
)

// ErrNone says that no database is installed.
var ErrNone = errors.New("no vulnerability database is installed: fetch one with `plimsoll vulndb update`")

// Store keeps the databases of one data folder:
//
//	<Dir>/current                   names the folder in use
//	<Dir>/<12 digits>/              trivy.db, metadata.json, digest: one database, never changed once it is there
//	<Dir>/<64 digits>.partial       a download that was interrupted; the next update continues it
//	<Dir>/lock                      locked while a process changes the folder
//
// A new database becomes the current one by renaming one small file, so that a reader sees the old one or the new one
// and never a mixture. Who has the old one open goes on reading it. Any number of processes may use a Store.
type Store struct {
	Dir string // made when it is missing

	// FreeSpace tells how many bytes can be written to a folder; nil asks the operating system.
	FreeSpace func(dir string) (uint64, error)
}

const (
	currentFile   = "current"
	lockFile      = "lock"
	partialSuffix = ".partial"
	workPrefix    = "unpack-" // of temporary folders
)

// folderDigits is how much of a digest names a folder.
const folderDigits = 12

// Status is what a Store holds.
type Status struct {
	Installed bool
	Info      scanners.DatabaseInfo // of the installed database
	Dir       string                // its folder
	Size      int64                 // of its files in bytes
	Partial   int64                 // bytes of interrupted downloads
}

// Open opens the installed database; ErrNone when there is none. The caller closes it.
func (s Store) Open() (*Database, error) {
	for {
		folder, err := s.current()
		if err != nil {
			return nil, err
		}
		db, err := Open(folder)
		if err == nil {
			return db, nil
		}
		// An update may have replaced the folder since its name was read.
		if now, again := s.current(); again == nil && now != folder {
			continue
		}
		return nil, err
	}
}

// Status tells what is installed. An installed database that cannot be opened is an error.
func (s Store) Status() (Status, error) {
	status := Status{Partial: s.partialBytes()}
	db, err := s.Open()
	if errors.Is(err, ErrNone) {
		return status, nil
	}
	if err != nil {
		return status, err
	}
	status.Installed, status.Info = true, db.Info()
	if status.Dir, err = s.current(); err != nil {
		return status, errors.Join(err, db.Close())
	}
	for _, name := range []string{factsFile, metadataFile} {
		if info, err := os.Stat(filepath.Join(status.Dir, name)); err == nil {
			status.Size += info.Size()
		}
	}
	return status, db.Close()
}

// Import installs the database at path: Trivy's db.tar.gz, or a folder with trivy.db and metadata.json. Nothing
// changes when it cannot be used.
func (s Store) Import(ctx context.Context, path string) (scanners.DatabaseInfo, error) {
	var installed scanners.DatabaseInfo
	info, err := os.Stat(path)
	if err == nil {
		err = s.locked(func() (err error) {
			if info.IsDir() {
				installed, err = s.importFolder(ctx, path)
			} else {
				installed, err = s.importArchive(ctx, path, info.Size())
			}
			return err
		})
	}
	if err != nil {
		return scanners.DatabaseInfo{}, fmt.Errorf("import vulnerability database %q: %w", path, err)
	}
	return installed, nil
}

func (s Store) importArchive(ctx context.Context, path string, size int64) (scanners.DatabaseInfo, error) {
	if err := s.needSpace(size * unpackedRatio); err != nil {
		return scanners.DatabaseInfo{}, err
	}
	digest, err := fileDigest(ctx, path)
	if err != nil {
		return scanners.DatabaseInfo{}, err
	}
	return s.install(ctx, digest, func(work string) error { return unpackFile(ctx, path, work) })
}

func (s Store) importFolder(ctx context.Context, path string) (scanners.DatabaseInfo, error) {
	folder, err := folderOf(path)
	if err != nil {
		return scanners.DatabaseInfo{}, err
	}
	info, err := os.Stat(filepath.Join(folder, factsFile))
	if err != nil {
		return scanners.DatabaseInfo{}, err
	}
	if err := s.needSpace(info.Size()); err != nil {
		return scanners.DatabaseInfo{}, err
	}
	sum, err := fileDigest(ctx, filepath.Join(folder, factsFile))
	if err != nil {
		return scanners.DatabaseInfo{}, err
	}
	return s.installFolder(sum, "", func(work string) error {
		for _, name := range []string{factsFile, metadataFile} {
			if err := copyFile(ctx, filepath.Join(folder, name), filepath.Join(work, name)); err != nil {
				return err
			}
		}
		return nil
	})
}

// install makes the database that fill writes into a temporary folder the current one, under the artifact's digest.
func (s Store) install(ctx context.Context, digest string, fill func(work string) error) (scanners.DatabaseInfo, error) {
	return s.installFolder(digest, digest, func(work string) error {
		if err := fill(work); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(work, digestFile), []byte(digest+"\n"), 0o600)
	})
}

// installFolder names the folder by named and checks the database before it becomes the current one.
func (s Store) installFolder(named, digest string, fill func(work string) error) (info scanners.DatabaseInfo, err error) {
	work, err := os.MkdirTemp(s.Dir, workPrefix)
	if err != nil {
		return info, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := fill(work); err != nil {
		return info, err
	}
	if info, err = check(work); err != nil {
		return info, err
	}
	info.Digest = digest
	name := strings.TrimPrefix(named, "sha256:")[:folderDigits]
	if err := s.replaceFolder(work, name); err != nil {
		return info, err
	}
	if err := s.setCurrent(name); err != nil {
		return info, err
	}
	s.removeOthers(name)
	return info, nil
}

// check opens the database in a folder once.
func check(folder string) (scanners.DatabaseInfo, error) {
	db, err := Open(folder)
	if err != nil {
		return scanners.DatabaseInfo{}, err
	}
	return db.Info(), db.Close()
}

// replaceFolder gives the folder work its name. A folder of that name, left by an import of the same database, goes.
func (s Store) replaceFolder(work, name string) error {
	target := filepath.Join(s.Dir, name)
	if _, err := check(target); err == nil {
		return nil
	}
	if err := os.RemoveAll(target); err != nil {
		return err
	}
	return os.Rename(work, target)
}

func (s Store) setCurrent(name string) error {
	f, err := os.CreateTemp(s.Dir, workPrefix)
	if err != nil {
		return err
	}
	_, err = f.WriteString(name + "\n")
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(s.Dir, currentFile))
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// removeOthers removes older databases and what interrupted updates left. What cannot be removed now (Windows keeps
// open files) goes the next time.
func (s Store) removeOthers(keep string) {
	entries, err := os.ReadDir(s.Dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		name := e.Name()
		stale := strings.HasPrefix(name, workPrefix) || strings.HasSuffix(name, partialSuffix) ||
			(e.IsDir() && len(name) == folderDigits && isHex(name))
		if stale && name != keep {
			_ = os.RemoveAll(filepath.Join(s.Dir, name))
		}
	}
}

// current is the folder in use; ErrNone when there is none.
func (s Store) current() (string, error) {
	text, err := os.ReadFile(filepath.Join(s.Dir, currentFile))
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrNone
	}
	if err != nil {
		return "", fmt.Errorf("open vulnerability database: %w", err)
	}
	name := strings.TrimSpace(string(text))
	if len(name) != folderDigits || !isHex(name) {
		return "", fmt.Errorf("open vulnerability database: %q does not name a database: fetch it again with `plimsoll vulndb update`",
			filepath.Join(s.Dir, currentFile))
	}
	return filepath.Join(s.Dir, name), nil
}

// installedDigest is the digest of the installed artifact; "" when there is none or it cannot be opened.
func (s Store) installedDigest() string {
	folder, err := s.current()
	if err != nil {
		return ""
	}
	if _, err := check(folder); err != nil {
		return ""
	}
	return readDigest(folder)
}

func (s Store) partialBytes() int64 {
	partials, err := filepath.Glob(filepath.Join(s.Dir, "*"+partialSuffix))
	if err != nil {
		return 0
	}
	var sum int64
	for _, p := range partials {
		if info, err := os.Stat(p); err == nil {
			sum += info.Size()
		}
	}
	return sum
}

// locked runs change while no other process changes the store.
func (s Store) locked(change func() error) (err error) {
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return err
	}
	unlock, err := lock(filepath.Join(s.Dir, lockFile))
	if errors.Is(err, errLocked) {
		return fmt.Errorf("another update of %q is running: wait for it to end", s.Dir)
	}
	if err != nil {
		return fmt.Errorf("lock %q: %w", s.Dir, err)
	}
	defer func() { err = errors.Join(err, unlock()) }()
	return change()
}

// errNoSpace says that the disk is too full.
var errNoSpace = errors.New("not enough space")

// needSpace checks that n more bytes can be written.
func (s Store) needSpace(n int64) error {
	free := s.FreeSpace
	if free == nil {
		free = freeSpace
	}
	left, err := free(s.Dir)
	if errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look how much space is left in %q: %w", s.Dir, err)
	}
	if n > 0 && left < uint64(n) {
		return fmt.Errorf("%w: %q has %d MB left and %d MB are needed; make room, or choose another data folder",
			errNoSpace, s.Dir, left>>20, uint64(n)>>20+1)
	}
	return nil
}
