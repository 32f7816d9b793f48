package esdbserver

import (
	"context"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

// subscription follows a stream or $all: first from the database until it has caught up, then from memory as events
// are committed. One that is too slow for the memory goes back to the database.
type subscription struct {
	s      *service
	out    sender
	at     int64 // everything up to this n has been considered
	filter *filter
	since  int // events considered since the last checkpoint

	stream string // "": $all
	id     int64  // of the stream, 0 while it has no events
	rev    int64  // last revision considered
	oldest int64  // creation time below which catching up skips events
}

func (s *service) subscribeAll(out sender, o *streams.ReadReq_Options_AllOptions, f *filter) error {
	sub := &subscription{s: s, out: out, filter: f}
	top := s.writer.recent.top()
	switch {
	case o.GetEnd() != nil:
		sub.at = top
	case o.GetPosition() != nil:
		n, _ := placeOf(o.GetPosition().GetCommitPosition())
		sub.at = min(max(n, 0), top)
	}
	return sub.run()
}

func (s *service) subscribeStream(out sender, name string, o *streams.ReadReq_Options_StreamOptions) error {
	st, head, err := s.state(out.call.Context(), name)
	if err != nil {
		return err
	}
	if st.tombstoned() {
		return streamDeleted(name)
	}
	first, oldest := st.window(time.Now())
	sub := &subscription{s: s, out: out, stream: name, id: st.id, oldest: oldest, rev: max(first, 0) - 1}
	switch {
	case o.GetEnd() != nil:
		sub.at, sub.rev = head, -1
	case o.GetStart() == nil:
		sub.rev = max(sub.rev, int64(min(o.GetRevision(), math.MaxInt64-1)))
	}
	if st.deleted() {
		sub.at, sub.rev = head, -1 // its old events are hidden, new ones go on above them
	}
	return sub.run()
}

func (sub *subscription) run() error {
	ctx := sub.out.call.Context()
	if err := sub.out.confirmation(uuid.NewString()); err != nil {
		return err
	}
	if err := sub.catchUp(ctx); err != nil {
		return err
	}
	for {
		events, changed, ok := sub.s.writer.recent.after(sub.at, nextPage)
		switch {
		case !ok:
			if err := sub.out.fellBehind(); err != nil {
				return err
			}
			if err := sub.catchUp(ctx); err != nil {
				return err
			}
		case len(events) == 0:
			select {
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			case <-sub.s.stopping:
				return shuttingDown()
			}
		default:
			for _, e := range events {
				if err := sub.consider(e); err != nil {
					return err
				}
			}
		}
	}
}

// catchUp reads from the database up to what is committed, and says so.
func (sub *subscription) catchUp(ctx context.Context) error {
	for head := sub.s.writer.recent.top(); sub.at < head; head = sub.s.writer.recent.top() {
		select {
		case <-sub.s.stopping:
			return shuttingDown()
		default:
		}
		var events []*event
		var full bool
		var err error
		if sub.stream == "" {
			events, full, err = page(ctx, sub.s.store.all, nextPage, sub.at, head)
		} else {
			events, full, err = sub.streamPage(ctx, head)
		}
		if err != nil {
			return err
		}
		for _, e := range events {
			if e.created < sub.oldest {
				sub.rev = e.rev
				continue
			}
			if err := sub.consider(e); err != nil {
				return err
			}
		}
		if !full {
			sub.at = head
		}
	}
	if sub.filter != nil && sub.at > 0 {
		sub.since = 0
		if err := sub.out.checkpoint(sub.at); err != nil {
			return err
		}
	}
	return sub.out.caughtUp()
}

// streamPage reads one stream by revision; at moves only when the stream has been read to the head.
func (sub *subscription) streamPage(ctx context.Context, head int64) ([]*event, bool, error) {
	if sub.id == 0 {
		st, _, err := sub.s.state(ctx, sub.stream)
		if err != nil || st.id == 0 {
			return nil, false, err
		}
		sub.id = st.id
	}
	return page(ctx, sub.s.store.fwd, nextPage, sub.id, sub.rev+1, int64(math.MaxInt64), head)
}

// consider sends an event if the subscription wants it. Events come in order.
func (sub *subscription) consider(e *event) error {
	if sub.stream != "" {
		sub.at = max(sub.at, e.n)
		if e.stream != sub.stream || e.rev <= sub.rev {
			return nil
		}
		if e.rev == tombstoneRevision {
			return streamDeleted(sub.stream)
		}
		sub.rev = e.rev
		return sub.out.event(e)
	}
	sub.at = e.n
	if sub.filter.match(e) {
		if err := sub.out.event(e); err != nil {
			return err
		}
	}
	if sub.filter == nil {
		return nil
	}
	if sub.since++; sub.since < sub.filter.interval {
		return nil
	}
	sub.since = 0
	return sub.out.checkpoint(sub.at)
}
