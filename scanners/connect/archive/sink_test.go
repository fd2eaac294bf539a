package archive_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/opencontainers/go-digest"

	"plimsoll/scanners"
)

// recorder is a sink that reads layers to their end, verifies them, and takes down what happened.
type recorder struct {
	known map[string]bool                           // diff ids that are not wanted
	seen  func(content scanners.LayerContent) error // called before a layer is read; nil: nothing

	mu      sync.Mutex
	open    map[string]bool   // claimed, and neither read nor given up
	layers  map[string]string // names of the files, by diff id
	failed  map[string]string // reasons, by diff id
	reads   int
	bytes   int64
	misused []string
}

func newRecorder(known ...string) *recorder {
	r := &recorder{known: make(map[string]bool), open: make(map[string]bool), layers: make(map[string]string), failed: make(map[string]string)}
	for _, id := range known {
		r.known[id] = true
	}
	return r
}

func (r *recorder) Claim(diffID string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, read := r.layers[diffID]
	if r.known[diffID] || r.open[diffID] || read {
		return false
	}
	r.open[diffID] = true
	delete(r.failed, diffID)
	return true
}

func (r *recorder) Read(ctx context.Context, content scanners.LayerContent) error {
	r.mu.Lock()
	r.reads++
	if content.DiffID != "" && !r.open[content.DiffID] {
		r.misused = append(r.misused, "read without a claim: "+content.DiffID)
	}
	r.mu.Unlock()
	if r.seen != nil {
		if err := r.seen(content); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	id, names, err := r.read(content.Tar)
	if err != nil {
		return err
	}
	if content.DiffID != "" && id != content.DiffID {
		return fmt.Errorf("content has the digest %s", id)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.layers[id] = names
	delete(r.open, id)
	return nil
}

// read gives a layer's digest and the names of its files.
func (r *recorder) read(content io.Reader) (id, names string, err error) {
	in := bufio.NewReader(&meter{r: content, recorder: r})
	unpacked, err := unpack(in)
	if err != nil {
		return "", "", err
	}
	sum := digest.Canonical.Digester()
	tee := io.TeeReader(unpacked, sum.Hash())
	var list []string
	archive := tar.NewReader(tee)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return "", "", err
		}
		list = append(list, header.Name)
	}
	if _, err := io.Copy(io.Discard, tee); err != nil {
		return "", "", err
	}
	return sum.Digest().String(), strings.Join(list, " "), nil
}

func unpack(in *bufio.Reader) (io.Reader, error) {
	head, err := in.Peek(4)
	switch {
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return gzip.NewReader(in)
	case bytes.HasPrefix(head, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		return zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxMemory(64<<20))
	case err != nil && !errors.Is(err, io.EOF):
		return nil, err
	default:
		return in, nil
	}
}

func (r *recorder) Fail(diffID string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.open[diffID] {
		r.misused = append(r.misused, "given up without a claim: "+diffID)
	}
	delete(r.open, diffID)
	r.failed[diffID] = err.Error()
}

// check holds the source to its part of the contract: every claim ended.
func (r *recorder) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, m := range r.misused {
		t.Error(m)
	}
	for id := range r.open {
		t.Errorf("layer %s was claimed, and neither read nor given up", id)
	}
}

// meter counts the bytes of layers.
type meter struct {
	r        io.Reader
	recorder *recorder
}

func (m *meter) Read(p []byte) (int, error) {
	n, err := m.r.Read(p)
	m.recorder.mu.Lock()
	m.recorder.bytes += int64(n)
	m.recorder.mu.Unlock()
	return n, err
}
