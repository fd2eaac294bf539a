package vulndb

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"plimsoll/scanners"
)

// layerType is the media type of the artifact's one layer: a gzipped tar with trivy.db and metadata.json.
const layerType = "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip"

// unpackedRatio is how many times its compressed size a database needs at most.
const unpackedRatio = 10

// largestArtifact bounds the compressed size that a registry may announce, in bytes.
const largestArtifact = 4 << 30

// retries is how often a download is taken up again at one registry.
const retries = 3

// Registry is a container registry, as far as an update needs one. It is safe for concurrent use.
type Registry interface {
	// Layer finds the layer with the media type in the artifact: its digest (sha256:…) and size in bytes.
	Layer(ctx context.Context, ref, mediaType string) (digest string, size int64, err error)
	// Blob streams the blob of that size from offset, or from start when the registry can't begin there. The caller
	// closes the body.
	Blob(ctx context.Context, ref, digest string, offset, size int64) (body io.ReadCloser, start int64, err error)
}

// Update installs the newest database that the first reachable of refs has, and tells which one is installed then. An
// interrupted download is continued, by the next reference or by the next call. Nothing is downloaded when that
// database is installed already. Progress, which may be nil, is called with the bytes that are there and their total.
func (s Store) Update(ctx context.Context, from Registry, refs []string, progress func(done, total int64)) (scanners.DatabaseInfo, error) {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	var installed scanners.DatabaseInfo
	if len(refs) == 0 {
		return installed, errors.New("update vulnerability database: no registry is configured")
	}
	err := s.locked(func() error {
		var u unreachable
		for _, ref := range refs {
			info, err := s.updateFrom(ctx, from, ref, progress)
			if err == nil {
				installed = info
				return nil
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if isLocal(err) {
				return err
			}
			u.failures = append(u.failures, fmt.Errorf("%s: %w", ref, err))
		}
		return u
	})
	if err != nil {
		return scanners.DatabaseInfo{}, fmt.Errorf("update vulnerability database: %w", err)
	}
	return installed, nil
}

// unreachable is what every registry failed with.
type unreachable struct{ failures []error }

func (u unreachable) Error() string {
	texts := make([]string, len(u.failures))
	for i, f := range u.failures {
		texts[i] = f.Error()
	}
	return strings.Join(texts, "; ") + "; without a network, get db.tar.gz elsewhere and run `plimsoll vulndb import FILE`"
}

func (u unreachable) Unwrap() []error { return u.failures }

func (s Store) updateFrom(ctx context.Context, from Registry, ref string, progress func(done, total int64)) (scanners.DatabaseInfo, error) {
	digest, size, err := from.Layer(ctx, ref, layerType)
	if err != nil {
		return scanners.DatabaseInfo{}, err
	}
	if !isDigest(digest) {
		return scanners.DatabaseInfo{}, fmt.Errorf("the registry names the layer %q, which is no SHA-256 digest", digest)
	}
	if size <= 0 || size > largestArtifact {
		return scanners.DatabaseInfo{}, fmt.Errorf("the registry announces a layer of %d bytes", size)
	}
	if s.installedDigest() == digest {
		folder, err := s.current()
		if err != nil {
			return scanners.DatabaseInfo{}, err
		}
		return check(folder)
	}
	d := download{
		registry: from, ref: ref, digest: digest, size: size, progress: progress,
		path: filepath.Join(s.Dir, strings.TrimPrefix(digest, "sha256:")+partialSuffix),
	}
	if err := s.needSpace(size*(unpackedRatio+1) - d.have()); err != nil {
		return scanners.DatabaseInfo{}, err
	}
	if err := d.run(ctx); err != nil {
		return scanners.DatabaseInfo{}, err
	}
	info, err := s.install(ctx, digest, func(work string) error { return unpackFile(ctx, d.path, work) })
	if err != nil && ctx.Err() == nil && !isLocal(err) {
		err = errors.Join(err, os.RemoveAll(d.path)) // whole and verified: downloading the same again won't help
	}
	return info, err
}

// download brings one blob into a file that survives interruptions.
type download struct {
	registry    Registry
	ref, digest string
	size        int64
	path        string
	progress    func(done, total int64)
}

// have is how many bytes are there.
func (d download) have() int64 {
	info, err := os.Stat(d.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// run completes the file and verifies its digest. A file that fails the verification is removed; one that is cut short
// stays, for the next attempt.
func (d download) run(ctx context.Context) error {
	if d.have() > d.size {
		if err := os.Remove(d.path); err != nil {
			return err
		}
	}
	d.progress(d.have(), d.size)
	var err error
	for attempt := 0; attempt <= retries && d.have() < d.size; attempt++ {
		if err = d.fetch(ctx); err == nil || ctx.Err() != nil || isLocal(err) {
			break
		}
	}
	if have := d.have(); have < d.size {
		if err == nil {
			err = errors.New("the registry ended the download early")
		}
		return fmt.Errorf("download: %w (%d of %d bytes are kept and will be continued)", err, have, d.size)
	}
	sum, err := fileDigest(ctx, d.path)
	if err != nil {
		return err
	}
	if sum != d.digest {
		return errors.Join(fmt.Errorf("the download has the digest %s instead of %s", sum, d.digest), os.Remove(d.path))
	}
	return nil
}

// isLocal says whether an error comes from this machine's disk, where another attempt or registry is of no use.
func isLocal(err error) bool {
	var path *os.PathError
	var link *os.LinkError
	return errors.As(err, &path) || errors.As(err, &link) || errors.Is(err, errNoSpace)
}

// fetch takes the download up where it stands.
func (d download) fetch(ctx context.Context) (err error) {
	body, start, err := d.registry.Blob(ctx, d.ref, d.digest, d.have(), d.size)
	if err != nil {
		return err
	}
	defer body.Close() //nolint:errcheck // what was read is verified by digest
	f, err := os.OpenFile(d.path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if start > d.have() {
		return fmt.Errorf("the registry continues at byte %d instead of %d", start, d.have())
	}
	if err := f.Truncate(start); err != nil {
		return err
	}
	if _, err := f.Seek(start, io.SeekStart); err != nil {
		return err
	}
	counted := &counter{to: f, done: start, total: d.size, progress: d.progress}
	_, err = copyContext(ctx, counted, io.LimitReader(body, d.size-start))
	return err
}

// counter tells how much was written.
type counter struct {
	to          io.Writer
	done, total int64
	progress    func(done, total int64)
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.done += int64(n)
	c.progress(c.done, c.total)
	return n, err
}

// fileDigest is the digest of a file's content.
func fileDigest(ctx context.Context, path string) (digest string, err error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close() //nolint:errcheck // opened for reading
	hash := sha256.New()
	if _, err := copyContext(ctx, hash, f); err != nil {
		return "", fmt.Errorf("read %q: %w", path, err)
	}
	return digestOf(hash.Sum(nil)), nil
}
