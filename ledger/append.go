package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// append stores the events of a batch. While the answer is unknown it repeats the same call: the same ids at the same
// expected revision are stored once. Meanwhile no other acts are accepted.
func (s *sequencer) append(ctx context.Context, batch []*pending, events []StoredEvent) error {
	defer s.l.storeDown.Store(false)
	repeated := false
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		err := s.l.cfg.Events.Append(ctx, s.next-1, events)
		if err == nil {
			err = s.ours(ctx, batch, events)
		}
		switch {
		case err == nil, errors.Is(err, ErrConflict):
			return err
		case !errors.Is(err, ErrUnavailable):
			if repeated || errors.Is(err, ErrDiverged) {
				err = unanswered(err)
			}
			return err
		}
		repeated = true
		s.l.storeDown.Store(true)
		s.l.cfg.Logger.Warn("event store does not answer; the append is repeated", "events", len(events), "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return err
		}
	}
}

// ours makes sure that the stored events are these. An event store takes the ids of other bytes at the expected revision for
// a repeat and says that all is well: so it is where another server recorded the same requests at the same moment. Ids that
// no client's key makes are never equal, so a batch with one of them needs no look.
func (s *sequencer) ours(ctx context.Context, batch []*pending, events []StoredEvent) error {
	if slices.ContainsFunc(batch, func(p *pending) bool { return !p.keyed }) {
		return nil
	}
	seen := 0
	err := s.l.cfg.Events.Read(ctx, s.next, len(events), func(rev int64, e StoredEvent) error {
		i := int(rev - s.next)
		if i != seen || e.ID != events[i].ID || !bytes.Equal(e.Data, events[i].Data) {
			return fmt.Errorf("%w: revision %d holds the same request as recorded by another server", ErrConflict, rev)
		}
		seen++
		return nil
	})
	if err == nil && seen < len(events) {
		return fmt.Errorf("%w: the stream ends at revision %d, before what was just stored", ErrUnavailable, s.next+int64(seen)-1)
	}
	return err
}
