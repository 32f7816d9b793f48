package ledger

import (
	"context"
	"time"
)

// catchUpTime bounds the wait for events of other servers.
const catchUpTime = time.Second

// catchUp reads what other servers have recorded and waits until the tree covers it, or a short while.
func (l *Ledger) catchUp(ctx context.Context) {
	l.reach(ctx, func(head int64) bool { return l.integrated.Load().Size > head })
}

// fresh reads what other servers have recorded since this one looked last. It reports whether there was anything: then what
// was found before may no longer hold.
func (l *Ledger) fresh(ctx context.Context) bool {
	return l.reach(ctx, func(head int64) bool { return l.folded.Load() > head })
}

// reach asks the sequencer to read the stream until there is what the stream holds now. It reports whether it had to.
func (l *Ledger) reach(ctx context.Context, there func(head int64) bool) bool {
	ctx, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	head, err := l.cfg.Events.Head(ctx)
	if err != nil || there(head) {
		return false
	}
	for !there(head) && ctx.Err() == nil && l.Healthy() == nil {
		select {
		case l.poke <- struct{}{}:
		default:
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
		case <-l.ended:
			return false
		}
	}
	return true
}
