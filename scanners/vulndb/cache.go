package vulndb

import "sync"

// cache remembers what was decoded, up to a limit; when that is reached it forgets everything. It is safe for
// concurrent use, and what it holds is read-only.
type cache[K comparable, V any] struct {
	limit int // in units of weight

	mu      sync.RWMutex
	weight  int
	entries map[K]V
}

func newCache[K comparable, V any](limit int) *cache[K, V] {
	return &cache[K, V]{limit: limit, entries: map[K]V{}}
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	v, ok := c.entries[key]
	return v, ok
}

// put keeps v; weight is its share of the limit.
func (c *cache[K, V]) put(key K, v V, weight int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.weight+weight > c.limit {
		clear(c.entries)
		c.weight = 0
	}
	c.entries[key] = v
	c.weight += weight
}
