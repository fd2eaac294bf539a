package assess

import "sync/atomic"

// Progress is how far a run is.
type Progress struct {
	Images, ImagesDone  int64 // sources asked for, and done with
	Layers, LayersKnown int64 // analysed now, and known from before
	Bytes               int64 // of layer content that passed
}

// progress counts while a run goes on.
type progress struct{ images, imagesDone, layers, known, bytes atomic.Int64 }

func (p *progress) layerDone()   { p.layers.Add(1) }
func (p *progress) layerKnown()  { p.known.Add(1) }
func (p *progress) read(n int64) { p.bytes.Add(n) }
func (p *progress) imageDone()   { p.imagesDone.Add(1) }

// start begins a new count.
func (p *progress) start(images int) {
	for _, n := range []*atomic.Int64{&p.imagesDone, &p.layers, &p.known, &p.bytes} {
		n.Store(0)
	}
	p.images.Store(int64(images))
}

func (p *progress) now() Progress {
	return Progress{Images: p.images.Load(), ImagesDone: p.imagesDone.Load(), Layers: p.layers.Load(), LayersKnown: p.known.Load(), Bytes: p.bytes.Load()}
}
