package ledger

import (
	"context"
	"time"
)

// catchUpTime bounds the wait for events of other servers.
const catchUpTime = time.Second

// catchUp reads what other servers have recorded and waits until the tree covers it, or a short while.
func (l *Ledger) catchUp(ctx context.Context) {
	l.reach(ctx, func() int64 { return l.integrated.Load().Size }, 0)
}

// fresh reads what other servers have recorded. It reports whether anything has come since the cases in memory held the
// events below a revision: then what was found in them may no longer hold.
func (l *Ledger) fresh(ctx context.Context, since int64) bool {
	return l.reach(ctx, l.folded.Load, since)
}

// reach asks the sequencer to read the stream until what is covered reaches the end of the stream as it is now. It reports
// whether the stream holds anything from revision since on.
func (l *Ledger) reach(ctx context.Context, covered func() int64, since int64) bool {
	ctx, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	head, err := l.cfg.Events.Head(ctx)
	if err != nil || head < since {
		return false
	}
	for covered() <= head && ctx.Err() == nil && l.Healthy() == nil {
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
