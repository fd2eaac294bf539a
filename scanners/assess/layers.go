package assess

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"plimsoll/scanners"
	"plimsoll/scanners/image"
)

// LayerStore keeps what layers hold from one run to the next.
type LayerStore interface {
	Has(diffID string) bool
	Get(diffID string) (scanners.LayerFacts, error)
	Put(facts scanners.LayerFacts) error
}

// layers is where all sources of a run hand their layers to. It makes sure that each is analysed once, and no more than
// slots at a time.
type layers struct {
	store    LayerStore
	analyser *image.Analyser
	slots    chan struct{}
	progress *progress

	mu       sync.Mutex
	entries  map[string]*layerEntry
	storeErr error // the first failure to keep facts
}

// layerEntry is one layer's state. done closes when it is known or has failed.
type layerEntry struct {
	done  chan struct{}
	facts *scanners.LayerFacts // kept here only when the store could not take them
	err   error
}

func newLayers(store LayerStore, analyser *image.Analyser, slots int, p *progress) *layers {
	return &layers{store: store, analyser: analyser, slots: make(chan struct{}, slots), progress: p, entries: make(map[string]*layerEntry)}
}

// Claim implements scanners.LayerSink.
func (l *layers) Claim(diffID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, known := l.entries[diffID]; known && e.err == nil {
		return false
	}
	e := &layerEntry{done: make(chan struct{})}
	l.entries[diffID] = e
	if l.store.Has(diffID) {
		close(e.done)
		l.progress.layerKnown()
		return false
	}
	return true
}

// Read implements scanners.LayerSink.
func (l *layers) Read(ctx context.Context, content scanners.LayerContent) error {
	select {
	case l.slots <- struct{}{}:
		defer func() { <-l.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	facts, err := l.analyser.Analyse(ctx, content)
	if err != nil {
		return err
	}
	l.keep(facts)
	l.progress.layerDone()
	return nil
}

// keep files the facts and wakes who waits for them. Facts that can't be stored stay in memory for this run.
func (l *layers) keep(facts scanners.LayerFacts) {
	err := l.store.Put(facts)
	l.mu.Lock()
	defer l.mu.Unlock()
	e, known := l.entries[facts.DiffID]
	if !known {
		e = &layerEntry{done: make(chan struct{})}
		l.entries[facts.DiffID] = e
	}
	if err != nil {
		e.facts = &facts
		l.storeErr = cmp.Or(l.storeErr, err)
	}
	e.finish(nil)
}

// Fail implements scanners.LayerSink.
func (l *layers) Fail(diffID string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, known := l.entries[diffID]; known {
		e.finish(err)
	}
}

// finish ends a layer's state once; the caller holds the lock.
func (e *layerEntry) finish(err error) {
	select {
	case <-e.done:
	default:
		e.err = err
		close(e.done)
	}
}

// wait gives the facts of a layer that was claimed, by whomever, once they are there.
func (l *layers) wait(ctx context.Context, diffID string) (scanners.LayerFacts, error) {
	l.mu.Lock()
	e, known := l.entries[diffID]
	l.mu.Unlock()
	if !known {
		return scanners.LayerFacts{}, fmt.Errorf("layer %s was not read", diffID)
	}
	select {
	case <-e.done:
	case <-ctx.Done():
		return scanners.LayerFacts{}, ctx.Err()
	}
	if e.err != nil {
		return scanners.LayerFacts{}, e.err
	}
	if e.facts != nil {
		return *e.facts, nil
	}
	facts, err := l.store.Get(diffID)
	if errors.Is(err, fs.ErrNotExist) {
		l.forget(diffID)
	}
	return facts, err
}

// forget makes a layer claimable again whose stored facts turned out to be damaged.
func (l *layers) forget(diffID string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.entries, diffID)
}

// sourceSink is the run's layers as one source sees them. It remembers which layers this source itself gave up.
type sourceSink struct {
	*layers
	own    sync.Mutex
	failed map[string]bool
}

// Fail implements scanners.LayerSink.
func (s *sourceSink) Fail(diffID string, err error) {
	s.own.Lock()
	s.failed[diffID] = true
	s.own.Unlock()
	s.layers.Fail(diffID, err)
}

func (s *sourceSink) hasFailed(diffID string) bool {
	s.own.Lock()
	defer s.own.Unlock()
	return s.failed[diffID]
}
