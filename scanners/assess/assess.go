package assess

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"plimsoll/scanners"
	"plimsoll/scanners/image"
	"plimsoll/scanners/vulndb"
)

// Assessor runs assessments. One Assessor does one run at a time; Progress may be called meanwhile.
type Assessor struct {
	Store    LayerStore
	Database *vulndb.Database
	Workers  int              // layers analysed at the same time; 0: one for each processor
	Now      func() time.Time // the clock
	Version  string           // of Plimsoll, for the record

	progress progress
}

// Progress tells how far the run is.
func (a *Assessor) Progress() Progress { return a.progress.now() }

// Images assesses what the sources hold. It always gives a report: what could not be assessed is coverage in it, and
// when ctx ends, what was found until then.
func (a *Assessor) Images(ctx context.Context, sources []scanners.ImageSource) scanners.Report {
	r := &run{
		assessor: a,
		sources:  len(sources),
		keys:     make(map[string]string),
		layers:   newLayers(a.Store, a.analyser(), a.workers(), &a.progress),
		report: scanners.Report{
			Schema: scanners.ReportSchema,
			Run:    scanners.Run{ID: newID(), Kind: "image", Version: a.Version, StartedAt: a.Now().UTC(), Database: a.Database.Info()},
		},
	}
	a.progress.start(len(sources))
	r.all(ctx, sources)
	r.finish(ctx, sources)
	return r.report
}

func (a *Assessor) workers() int {
	if a.Workers > 0 {
		return a.Workers
	}
	return runtime.GOMAXPROCS(0)
}

func (a *Assessor) analyser() *image.Analyser {
	return &image.Analyser{Walkers: make(chan struct{}, a.workers()), Progress: a.progress.read}
}

// newID names a run: random, 128 bits.
func newID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, see crypto/rand
	return hex.EncodeToString(id[:])
}

// run is one assessment in the making.
type run struct {
	assessor *Assessor
	sources  int // how many
	layers   *layers

	mu     sync.Mutex
	report scanners.Report
	keys   map[string]string // of assets, each with the revision it stands for
	late   []func()          // judge the images that lacked a layer, once all sources have been read
}

// all assesses the sources, as many at a time as there are workers.
func (r *run) all(ctx context.Context, sources []scanners.ImageSource) {
	slots := make(chan struct{}, r.assessor.workers())
	var running sync.WaitGroup
	for _, s := range sources {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			defer r.assessor.progress.imageDone()
			r.source(ctx, s)
		})
	}
	running.Wait()
	for _, judge := range r.late {
		judge()
	}
}

// source assesses the images of one source, unless the run was stopped.
func (r *run) source(ctx context.Context, s scanners.ImageSource) {
	if err := ctx.Err(); err != nil {
		r.unreached(ctx, s, err)
		return
	}
	sink := &sourceSink{layers: r.layers, failed: make(map[string]error)}
	images, err := s.Read(ctx, sink)
	if err != nil {
		r.unreached(ctx, s, err)
		if len(images) == 0 {
			return
		}
	}
	for _, img := range images {
		key, isNew := r.assetKey(s.Target(), img)
		if !isNew {
			continue
		}
		facts, gaps := r.facts(ctx, s, sink, img)
		if len(gaps) > 0 { // another source may still provide what is missing
			r.mu.Lock()
			r.late = append(r.late, func() {
				facts, gaps := r.collect(ctx, sink, img)
				r.image(ctx, s, key, img, facts, gaps)
			})
			r.mu.Unlock()
			continue
		}
		r.image(ctx, s, key, img, facts, nil)
	}
}

// facts gathers what the image's layers hold. Another source may have had a layer in hand and given it up, or stored
// facts may have turned out damaged: then the source is asked again. With each round another source has given the layer
// up, so there are no more rounds than sources.
func (r *run) facts(ctx context.Context, s scanners.ImageSource, sink *sourceSink, img scanners.Image) ([]scanners.LayerFacts, []layerGap) {
	facts, gaps := r.collect(ctx, sink, img)
	for range r.sources {
		retry := slices.ContainsFunc(gaps, func(g layerGap) bool { return sink.failure(g.layer.DiffID) == nil })
		if !retry || ctx.Err() != nil {
			break
		}
		if images, _ := s.Read(ctx, sink); len(images) == 0 { // what could not be read besides was told the first time
			break
		}
		facts, gaps = r.collect(ctx, sink, img)
	}
	return facts, gaps
}

// layerGap is a layer that could not be read.
type layerGap struct {
	layer scanners.Layer
	err   error
}

// collect waits for the layers of an image. What the source itself said of a layer that is missing counts most.
func (r *run) collect(ctx context.Context, sink *sourceSink, img scanners.Image) ([]scanners.LayerFacts, []layerGap) {
	var facts []scanners.LayerFacts
	var gaps []layerGap
	for _, layer := range img.Layers {
		f, err := r.layers.wait(ctx, layer.DiffID)
		if err != nil {
			gaps = append(gaps, layerGap{layer, cmp.Or(sink.failure(layer.DiffID), err)})
			continue
		}
		facts = append(facts, f)
	}
	return facts, gaps
}

// image judges one image and adds it to the report.
func (r *run) image(ctx context.Context, s scanners.ImageSource, key string, img scanners.Image, facts []scanners.LayerFacts, gaps []layerGap) {
	inventory := image.Merge(facts)
	asset := scanners.Asset{
		Key:      key,
		Kind:     scanners.AssetImage,
		Name:     img.Name(),
		Target:   s.Target().Key,
		Revision: img.ID,
		Platform: img.Platform,
		Created:  img.Created,

		Distribution: inventory.Distribution,
		Layers:       img.Layers,
		Packages:     inventory.Packages,
	}
	coverage := packageCoverage(ctx, asset, inventory, gaps)
	findings, judged := image.Match(r.assessor.Database, asset, r.report.Run.StartedAt)

	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Assets = append(r.report.Assets, asset)
	r.report.Findings = append(r.report.Findings, findings...)
	r.report.Coverage = append(append(r.report.Coverage, coverage...), judged...)
}

// assetKey is an image's identity in a target: its name, so that a rebuild keeps its history; untagged, its digest. Of
// several images with one name in one archive, the later ones are told apart by their digests. isNew is false for an
// image that was asked for twice.
func (r *run) assetKey(t scanners.Target, img scanners.Image) (key string, isNew bool) {
	key = "image:" + t.Key + ":" + img.Name()
	r.mu.Lock()
	defer r.mu.Unlock()
	if revision, taken := r.keys[key]; taken && revision != img.ID {
		key += "@" + img.ID
	}
	if _, taken := r.keys[key]; taken {
		return key, false
	}
	r.keys[key] = img.ID
	return key, true
}

// packageCoverage says how completely the packages are known.
func packageCoverage(ctx context.Context, asset scanners.Asset, inventory image.Inventory, gaps []layerGap) []scanners.Coverage {
	var coverage []scanners.Coverage
	add := func(state scanners.CoverageState, subject, reason string) {
		coverage = append(coverage, scanners.Coverage{Scanner: scanners.ScannerPackages, Asset: asset.Key, Subject: subject, State: state, Reason: reason})
	}
	if len(asset.Layers) == 0 {
		add(scanners.CoverageFailed, asset.Name, "the image has no layers, so there is nothing to assess; check that the right image was built")
	}
	for _, g := range gaps {
		state := scanners.CoverageFailed
		if stopped(ctx, g.err) {
			state = scanners.CoverageSkipped
		}
		add(state, fmt.Sprintf("layer %d of %s", g.layer.Index+1, asset.Name), g.err.Error()+"; what this layer added or removed is not accounted for")
	}
	for _, g := range inventory.Gaps {
		add(scanners.CoveragePartial, g.Path, g.Reason+"; packages may be missing from the list: check that file and rebuild the image")
	}
	if len(coverage) == 0 {
		add(scanners.CoverageDone, asset.Name, "")
	}
	return coverage
}

// unreached covers a source that could not be read, or not all of it.
func (r *run) unreached(ctx context.Context, s scanners.ImageSource, err error) {
	c := scanners.Coverage{Scanner: scanners.ScannerPackages, Subject: s.Name(), State: scanners.CoverageFailed, Reason: err.Error()}
	if stopped(ctx, err) {
		c.State, c.Reason = scanners.CoverageSkipped, "stopped before all of it was looked at"
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.report.Coverage = append(r.report.Coverage, c)
}

// stopped says whether an error only means that the run was stopped, and is no failure of its own.
func stopped(ctx context.Context, err error) bool {
	return ctx.Err() != nil && errors.Is(err, ctx.Err())
}

// finish puts the report in order, so that the same facts give the same report however the work was spread.
func (r *run) finish(ctx context.Context, sources []scanners.ImageSource) {
	report := &r.report
	for _, s := range sources {
		report.Run.Request = append(report.Run.Request, s.Name())
		if t := s.Target(); !slices.Contains(report.Targets, t) {
			report.Targets = append(report.Targets, t)
		}
	}
	slices.SortFunc(report.Assets, func(a, b scanners.Asset) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Key, b.Key)) })
	slices.SortStableFunc(report.Findings, func(a, b scanners.Finding) int {
		return cmp.Or(image.CompareFindings(a, b), cmp.Compare(a.Asset, b.Asset))
	})
	slices.SortStableFunc(report.Coverage, func(a, b scanners.Coverage) int {
		return cmp.Or(cmp.Compare(a.Asset, b.Asset), cmp.Compare(a.Scanner, b.Scanner), cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.Reason, b.Reason))
	})
	report.Fixes = image.Fixes(report.Findings)
	if err := r.layers.storeErr; err != nil {
		report.Coverage = append(report.Coverage, scanners.Coverage{
			Scanner: scanners.ScannerPackages, Subject: "layer store", State: scanners.CoveragePartial,
			Reason: fmt.Sprintf("what the layers hold could not be kept for the next run: %v; make room, or choose another folder with --data", err),
		})
	}
	report.Run.Canceled = ctx.Err() != nil
	report.Run.EndedAt = r.assessor.Now().UTC()
}
