package image

import (
	"context"
	"fmt"
	"runtime"

	"plimsoll/scanners"
)

// Version is the version of what Analyse finds. It is part of the key under which layer facts are kept, so it goes up
// whenever the same layer would give other facts.
const Version = 1

// Analyser turns the content of layers into facts. It is safe for concurrent use; the zero value is ready.
type Analyser struct {
	// Walkers bounds how many folders are walked at the same time over all layers; nil means one layer at a time
	// uses all processors.
	Walkers chan struct{}
	// Progress is told of content as it passes, in bytes; nil when nobody wants to know.
	Progress func(bytes int64)
}

// Analyse reads one layer. A layer read as a tar is verified: content whose digest is not the expected diff id is an
// error, because facts are kept under it. What can't be understood inside a sound layer is a gap in the facts.
func (a *Analyser) Analyse(ctx context.Context, content scanners.LayerContent) (scanners.LayerFacts, error) {
	c := newCollector(content.DiffID, a.Progress)
	if content.Dir != "" {
		if err := walkDir(ctx, content.Dir, a.walkers(), c); err != nil {
			return scanners.LayerFacts{}, fmt.Errorf("read layer folder: %w", err)
		}
		return c.facts(), nil
	}
	c.read = make(map[string]parsed)
	id, err := walkStream(ctx, content.Tar, c)
	if err != nil {
		return scanners.LayerFacts{}, fmt.Errorf("read layer %s: %w", short(content.DiffID), err)
	}
	if content.DiffID != "" && id != content.DiffID {
		return scanners.LayerFacts{}, fmt.Errorf("read layer %s: its content has the digest %s: the archive is damaged or was tampered with; pull or save the image again", short(content.DiffID), short(id))
	}
	c.layer.DiffID = id
	return c.facts(), nil
}

func (a *Analyser) walkers() chan struct{} {
	if a.Walkers != nil {
		return a.Walkers
	}
	return make(chan struct{}, runtime.GOMAXPROCS(0))
}

// short is a digest as people read it: its first twelve hexadecimal digits.
func short(digest string) string {
	const prefix = len("sha256:")
	if len(digest) > prefix+12 {
		return digest[prefix : prefix+12]
	}
	if digest == "" {
		return "(not named)"
	}
	return digest
}
