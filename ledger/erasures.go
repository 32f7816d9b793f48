package ledger

import (
	"context"
	"sync"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Times of the removal of keys whose destruction is recorded.
const (
	erasureTime  = 10 * time.Second
	erasureRetry = time.Second
)

// erasures removes keys from the keyring once their key.destroyed is committed, whoever recorded it and whether or not
// that caller still waits. From the commit on the process refuses the keys; removing them is repeated until it succeeds.
type erasures struct {
	l    *Ledger
	mu   sync.Mutex
	owed []predicate.KeyID
	kick chan struct{}
}

func newErasures(l *Ledger) *erasures { return &erasures{l: l, kick: make(chan struct{}, 1)} }

// note does what a committed event asks of the keyring.
func (e *erasures) note(c *Committed) {
	b, ok := c.Event.Predicate.Body.(*predicate.KeyDestroyedV1)
	if !ok {
		return
	}
	for _, id := range b.Keys {
		e.l.cfg.Keyring.Forget(id)
	}
	e.mu.Lock()
	e.owed = append(e.owed, b.Keys...)
	e.mu.Unlock()
	select {
	case e.kick <- struct{}{}:
	default:
	}
}

func (e *erasures) run(ctx context.Context) {
	for {
		var again <-chan time.Time
		if !e.settle(ctx) {
			again = time.After(erasureRetry)
		}
		select {
		case <-e.kick:
		case <-again:
		case <-ctx.Done():
			e.settle(ctx)
			return
		}
	}
}

// settle removes what is owed and reports whether nothing is left. It is finished even while the ledger closes; what
// remains all the same is removed at the next start.
func (e *erasures) settle(ctx context.Context) bool {
	e.mu.Lock()
	owed := e.owed
	e.owed = nil
	e.mu.Unlock()
	if len(owed) == 0 {
		return true
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), erasureTime)
	defer cancel()
	if _, err := e.l.cfg.Keyring.Replay(ctx, owed); err != nil {
		e.l.cfg.Logger.Error("keys recorded as destroyed are refused but not yet removed; it is tried again", "keys", len(owed), "error", err)
		e.mu.Lock()
		e.owed = append(owed, e.owed...)
		e.mu.Unlock()
		return false
	}
	return true
}
