package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Times of the removal of what a key.destroyed is about.
const (
	erasureTime     = 10 * time.Second      // for one event, and for all that is left when the ledger closes
	erasureRetry    = 20 * time.Millisecond // the first pause after a failure; it doubles
	erasureMaxRetry = 30 * time.Second
	erasureWait     = 5 * time.Second // how long whoever destroys keys waits for it
)

// ErrErasing: a key.destroyed is recorded and its keys are refused from now on, but not all of it is removed yet.
var ErrErasing = errors.New("the destruction is recorded and the keys are refused from now on, but keys or content are not yet removed; it is tried again until they are, also after a restart")

// errNotFolded: the case does not hold the event yet.
var errNotFolded = errors.New("the case does not hold the event yet")

// erasures removes keys and content once their key.destroyed is committed, whoever recorded it and whether or not that
// caller still waits. From the commit on the process refuses the keys; the removal is repeated until it succeeds, and begun
// again at the next start. Nothing but the committed event says what is to go.
type erasures struct {
	l    *Ledger
	mu   sync.Mutex
	owed map[int64]*erasure // by revision
	kick chan struct{}
}

// erasure is one key.destroyed that is not carried out yet.
type erasure struct {
	index   int64
	caseID  predicate.UUID
	body    *predicate.KeyDestroyedV1
	keyless bool          // its keys are removed
	done    chan struct{} // closed when all is removed
}

func newErasures(l *Ledger) *erasures {
	return &erasures{l: l, owed: map[int64]*erasure{}, kick: make(chan struct{}, 1)}
}

// note does what a committed event asks of the keyring.
func (e *erasures) note(c *Committed) {
	b, ok := c.Event.Predicate.Body.(*predicate.KeyDestroyedV1)
	if !ok {
		return
	}
	for _, id := range b.Keys {
		e.l.cfg.Keyring.Forget(id)
	}
	e.owe(c, b, false)
}

func (e *erasures) owe(c *Committed, b *predicate.KeyDestroyedV1, keyless bool) {
	e.mu.Lock()
	if _, ok := e.owed[c.Index]; !ok {
		e.owed[c.Index] = &erasure{index: c.Index, caseID: c.Event.Predicate.Case, body: b, keyless: keyless, done: make(chan struct{})}
	}
	e.mu.Unlock()
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

// run carries out what is owed until ctx ends, and then once more what is left.
func (e *erasures) run(ctx context.Context) {
	for wait := erasureRetry; ; wait = min(2*wait, erasureMaxRetry) {
		var again <-chan time.Time
		if e.settle(ctx) {
			wait = erasureRetry
		} else {
			again = time.After(wait)
		}
		select {
		case <-e.kick:
			wait = erasureRetry
		case <-again:
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), erasureTime)
			defer cancel()
			e.settle(last)
			return
		}
	}
}

// settle removes what is owed and reports whether nothing is left.
func (e *erasures) settle(ctx context.Context) bool {
	e.mu.Lock()
	owed := slices.SortedFunc(maps.Values(e.owed), func(a, b *erasure) int { return cmp.Compare(a.index, b.index) })
	e.mu.Unlock()
	left := 0
	var last error
	for _, x := range owed {
		if err := e.erase(ctx, x); err != nil {
			if left++; !errors.Is(err, errNotFolded) {
				last = err
			}
			continue
		}
		e.mu.Lock()
		delete(e.owed, x.index)
		e.mu.Unlock()
		close(x.done)
	}
	if last != nil && !errors.Is(ctx.Err(), context.Canceled) {
		e.l.cfg.Logger.Error("keys recorded as destroyed are refused, but they or their content are not yet removed; it is tried again", "events", left, "error", last)
	}
	return left == 0
}

// erase removes the keys that an event names and the content that they protected. What is gone already is no error.
func (e *erasures) erase(ctx context.Context, x *erasure) error {
	ctx, cancel := context.WithTimeout(ctx, erasureTime)
	defer cancel()
	if !x.keyless {
		if _, err := e.l.cfg.Keyring.Replay(ctx, x.body.Keys); err != nil {
			return fmt.Errorf("keys named by event %d: %w", x.index, err)
		}
		x.keyless = true
	}
	blobs, err := e.blobs(ctx, x)
	if err != nil {
		return fmt.Errorf("content erased by event %d: %w", x.index, err)
	}
	for _, id := range blobs {
		if err := e.l.cfg.Vault.Delete(ctx, string(id)); err != nil {
			return fmt.Errorf("content erased by event %d: %w", x.index, err)
		}
	}
	return nil
}

// blobs lists the stored content that has lost its key by an event: without the key it is noise, so it goes too.
func (e *erasures) blobs(ctx context.Context, x *erasure) ([]predicate.BlobID, error) {
	if x.body.Scope == predicate.ScopePerson {
		return nil, nil
	}
	of, err := e.l.cases.get(ctx, x.caseID)
	if err != nil {
		return nil, err
	}
	of.mu.RLock()
	defer of.mu.RUnlock()
	if of.last < x.index {
		return nil, errNotFolded
	}
	var out []predicate.BlobID
	for _, ex := range of.state.Exhibits() { // what came into the case after its erasure is not erased
		if ex.Erased && (x.body.Scope == predicate.ScopeCase || ex.ID == x.body.Exhibit) {
			out = append(out, ex.Content.Blob)
		}
	}
	return out, nil
}

// wait waits a while until an event is carried out; ErrErasing if it is not by then.
func (e *erasures) wait(ctx context.Context, index int64) error {
	e.mu.Lock()
	x, ok := e.owed[index]
	e.mu.Unlock()
	if !ok {
		return nil
	}
	select {
	case <-x.done:
		return nil
	case <-time.After(erasureWait):
	case <-ctx.Done():
	}
	return fmt.Errorf("%w: event %d", ErrErasing, index)
}
