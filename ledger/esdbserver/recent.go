package esdbserver

import "sync"

const (
	recentEvents = 4096
	recentBytes  = 16 << 20
	knownStreams = 1 << 16
)

// recent is what the committed end of the store looks like: the newest events for live subscriptions, the state of
// the streams in use, and a signal for those who wait. Only the writer changes it, after a commit.
type recent struct {
	mu      sync.RWMutex
	head    int64    // n of the newest committed event
	ring    []*event // event n is at n % recentEvents
	low     int64    // n of the oldest event kept
	bytes   int
	streams map[string]streamState
	changed chan struct{} // closed at the next publication
}

func newRecent(head int64) *recent {
	return &recent{head: head, low: head + 1, ring: make([]*event, recentEvents),
		streams: map[string]streamState{}, changed: make(chan struct{})}
}

// publish makes committed events and stream states visible and wakes all who wait. It returns the events that fell
// out of memory.
func (r *recent) publish(events []*event, states map[string]streamState) (dropped []*event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range events {
		for r.low <= r.head && (r.head-r.low+1 >= recentEvents || r.bytes+e.size() > recentBytes) {
			old := r.ring[r.low%recentEvents]
			r.ring[r.low%recentEvents] = nil
			r.bytes -= old.size()
			r.low++
			dropped = append(dropped, old)
		}
		r.ring[e.n%recentEvents] = e
		r.bytes += e.size()
		r.head = e.n
	}
	for name, st := range states {
		r.remember(name, st)
	}
	close(r.changed)
	r.changed = make(chan struct{})
	return dropped
}

// remember keeps a stream state and forgets some other one when there are too many. Callers hold mu.
func (r *recent) remember(name string, st streamState) {
	if _, there := r.streams[name]; !there && len(r.streams) >= knownStreams {
		for other := range r.streams {
			delete(r.streams, other)
			break
		}
	}
	r.streams[name] = st
}

// forget drops all stream states, after a failed write.
func (r *recent) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.streams)
}

func (r *recent) top() int64 {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.head
}

// state gives the published state of a stream, if it is in memory, and the head that goes with it.
func (r *recent) state(name string) (st streamState, head int64, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	st, ok = r.streams[name]
	return st, r.head, ok
}

// offer keeps a state that was loaded from the database, unless something has been committed since head was seen.
func (r *recent) offer(name string, st streamState, head int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.head == head {
		r.remember(name, st)
	}
}

// after gives up to limit events that follow n, oldest first. ok is false if some of them are no longer in memory.
// Where there are none yet, changed is closed when there may be.
func (r *recent) after(n int64, limit int) (events []*event, changed <-chan struct{}, ok bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if n+1 < r.low {
		return nil, nil, false
	}
	for i := n + 1; i <= r.head && len(events) < limit; i++ {
		events = append(events, r.ring[i%recentEvents])
	}
	return events, r.changed, true
}
