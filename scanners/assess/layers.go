package assess

import (
	"cmp"
	"context"
	"fmt"
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
	damaged  map[string]bool // layers whose stored facts could not be read
	storeErr error           // the first failure to keep facts
}

// layerEntry is one layer's state. done closes when it is known or has failed; nothing changes after that.
type layerEntry struct {
	done  chan struct{}
	facts *scanners.LayerFacts // nil when the store has them
	err   error
}

func newLayers(store LayerStore, analyser *image.Analyser, slots int, p *progress) *layers {
	return &layers{
		store: store, analyser: analyser, slots: make(chan struct{}, slots), progress: p,
		entries: make(map[string]*layerEntry), damaged: make(map[string]bool),
	}
}

// Claim implements scanners.LayerSink. A layer that one source gave up can be claimed by another.
func (l *layers) Claim(diffID string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, known := l.entries[diffID]; known && e.err == nil {
		return false
	}
	e := &layerEntry{done: make(chan struct{})}
	l.entries[diffID] = e
	if !l.damaged[diffID] && l.store.Has(diffID) {
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
	l.storeErr = cmp.Or(l.storeErr, err)
	if err != nil || l.damaged[facts.DiffID] {
		l.settle(facts.DiffID, &facts, nil)
		return
	}
	l.settle(facts.DiffID, nil, nil)
}

// Fail implements scanners.LayerSink.
func (l *layers) Fail(diffID string, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settle(diffID, nil, err)
}

// settle ends a layer's state, once: only a failure can be followed by something else. The caller holds the lock.
func (l *layers) settle(diffID string, facts *scanners.LayerFacts, err error) {
	e, known := l.entries[diffID]
	if !known || e.err != nil {
		e = &layerEntry{done: make(chan struct{})}
		l.entries[diffID] = e
	}
	if e.isDone() {
		return
	}
	e.facts, e.err = facts, err
	close(e.done)
}

func (e *layerEntry) isDone() bool {
	select {
	case <-e.done:
		return true
	default:
		return false
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
	if !e.isDone() { // what is there counts, even when the context has ended
		select {
		case <-e.done:
		case <-ctx.Done():
			return scanners.LayerFacts{}, ctx.Err()
		}
	}
	if e.err != nil {
		return scanners.LayerFacts{}, e.err
	}
	if e.facts != nil {
		return *e.facts, nil
	}
	facts, err := l.store.Get(diffID)
	if err != nil {
		l.forget(diffID, e)
	}
	return facts, err
}

// forget makes a layer claimable again whose stored facts could not be read, unless that happened already. The store is
// not asked for it again in this run.
func (l *layers) forget(diffID string, e *layerEntry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.damaged[diffID] = true
	if l.entries[diffID] == e {
		delete(l.entries, diffID)
	}
}

// sourceSink is the run's layers as one source sees them. It remembers which layers this source itself gave up.
type sourceSink struct {
	*layers
	own    sync.Mutex
	failed map[string]error
}

// Fail implements scanners.LayerSink.
func (s *sourceSink) Fail(diffID string, err error) {
	s.own.Lock()
	s.failed[diffID] = err
	s.own.Unlock()
	s.layers.Fail(diffID, err)
}

// failure is why the source gave a layer up; nil when it did not.
func (s *sourceSink) failure(diffID string) error {
	s.own.Lock()
	defer s.own.Unlock()
	return s.failed[diffID]
}
