package keyring

import "sync"

// lru is a bounded map of values that are wiped when they leave it. Values go in and out by copy under its lock,
// so wiping one never disturbs a reader.
type lru[K comparable, V any] struct {
	mu    sync.Mutex
	max   int
	items map[K]*node[K, V]
	root  node[K, V] // ring; root.next is the most recently used
}

type node[K comparable, V any] struct {
	prev, next *node[K, V]
	key        K
	value      V
}

func newLRU[K comparable, V any](limit int) *lru[K, V] {
	c := &lru[K, V]{max: limit, items: make(map[K]*node[K, V])}
	c.root.prev, c.root.next = &c.root, &c.root
	return c
}

func (c *lru[K, V]) get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, ok := c.items[key]
	if !ok {
		return value, false
	}
	c.unlink(n)
	c.linkFront(n)
	return n.value, true
}

func (c *lru[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if n, ok := c.items[key]; ok {
		n.value = value
		return
	}
	if len(c.items) >= c.max {
		c.remove(c.root.prev)
	}
	n := &node[K, V]{key: key, value: value}
	c.items[key] = n
	c.linkFront(n)
}

// dropIf removes every entry that match accepts.
func (c *lru[K, V]) dropIf(match func(*K, *V) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for n := c.root.next; n != &c.root; {
		next := n.next
		if match(&n.key, &n.value) {
			c.remove(n)
		}
		n = next
	}
}

func (c *lru[K, V]) remove(n *node[K, V]) {
	c.unlink(n)
	delete(c.items, n.key)
	var zero V
	n.value = zero
}

func (c *lru[K, V]) unlink(n *node[K, V]) { n.prev.next, n.next.prev = n.next, n.prev }
func (c *lru[K, V]) linkFront(n *node[K, V]) {
	n.prev, n.next = &c.root, c.root.next
	n.prev.next, n.next.prev = n, n
}
