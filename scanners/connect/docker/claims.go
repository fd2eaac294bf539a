package docker

import (
	"context"
	"sync"

	"plimsoll/scanners"
)

// claims are the layers of one image that the sink wants from this source. It is itself the sink of the engine's
// export, where it claims those layers and no others.
type claims struct {
	sink   scanners.LayerSink
	mu     sync.Mutex
	wanted map[string]bool
}

func newClaims(layers []scanners.Layer, sink scanners.LayerSink) *claims {
	c := &claims{sink: sink, wanted: make(map[string]bool)}
	for _, layer := range layers {
		if !c.wanted[layer.DiffID] && sink.Claim(layer.DiffID) {
			c.wanted[layer.DiffID] = true
		}
	}
	return c
}

func (c *claims) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.wanted) == 0
}

func (c *claims) has(diffID string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wanted[diffID]
}

// settle ends a claim: with the layer read, or with the reason why it can't be.
func (c *claims) settle(diffID string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.wanted, diffID)
	if err != nil {
		c.sink.Fail(diffID, err)
	}
}

// giveUp ends all claims that are left. The sink ignores it for layers that were read under a name of their own.
func (c *claims) giveUp(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for diffID := range c.wanted {
		c.sink.Fail(diffID, err)
	}
	clear(c.wanted)
}

// Claim says whether the layer is one of those that are wanted.
func (c *claims) Claim(diffID string) bool { return c.has(diffID) }

// Read hands a layer on.
func (c *claims) Read(ctx context.Context, content scanners.LayerContent) error {
	err := c.sink.Read(ctx, content)
	if err == nil && content.DiffID != "" {
		c.settle(content.DiffID, nil)
	}
	return err
}

// Fail gives a layer up.
func (c *claims) Fail(diffID string, err error) { c.settle(diffID, err) }
