package trillianserver

import (
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/trillian/util/clock"
)

// setClock is a time source that a test sets.
type setClock struct {
	clock.TimeSource
	mu  sync.Mutex
	now time.Time
}

func (c *setClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *setClock) set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// TestClockSetBack adds leaves while the clock stands still and after it was set back, also before a
// restart. Roots must keep coming, each later than the last, and follow the clock when it is right again.
func TestClockSetBack(t *testing.T) {
	noon := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	c := &setClock{TimeSource: clock.System, now: noon}
	tree := openTree(t, filepath.Join(t.TempDir(), "tree.db"), c)
	t.Cleanup(func() { tree.close() })
	last := tree.root().TimestampNanos
	for i, now := range []time.Time{noon, noon.Add(-time.Hour), noon.Add(-24 * time.Hour), time.Unix(0, 0), noon.Add(time.Minute)} {
		c.set(now)
		tree.grow(1)
		if i == 2 {
			tree.reopen()
			tree.grow(1)
		}
		root := tree.root()
		if root.TimestampNanos <= last {
			t.Fatalf("step %d: root time %d is not after %d", i, root.TimestampNanos, last)
		}
		last = root.TimestampNanos
	}
	if got := time.Unix(0, int64(last)).UTC(); !got.Equal(noon.Add(time.Minute)) {
		t.Errorf("root time is %v with the clock right again, want %v", got, noon.Add(time.Minute))
	}
}
