package esdbserver

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

// firstPage is smaller than later pages: most reads want a few events.
const (
	firstPage = 32
	nextPage  = 256
)

// service is the Streams service of the protocol.
type service struct {
	streams.UnimplementedStreamsServer
	log      *slog.Logger
	guard    guard
	store    *store
	writer   *writer
	stopping chan struct{} // closed when subscriptions must end
}

// Read serves counted reads and subscriptions, of one stream and of $all.
func (s *service) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	return s.answer(call.Context(), s.read(req.GetOptions(), call))
}

func (s *service) read(o *streams.ReadReq_Options, call streams.Streams_ReadServer) error {
	trusted, err := s.guard.trusted(call.Context())
	if err != nil {
		return err
	}
	out := sender{call: call, asText: o.GetUuidOption().GetString_() != nil}
	backwards := o.GetReadDirection() == streams.ReadReq_Options_Backwards
	_, subscribe := o.GetCountOption().(*streams.ReadReq_Options_Subscription)
	if subscribe && backwards {
		return badRequest("a subscription reads forwards only")
	}
	switch {
	case o.GetStream() != nil:
		name, err := streamName(o.GetStream().GetStreamIdentifier())
		if err != nil {
			return err
		}
		if err := s.guard.mayRead(trusted, name); err != nil {
			return err
		}
		if subscribe {
			return s.subscribeStream(out, name, o.GetStream())
		}
		return s.readStream(out, name, o.GetStream(), backwards, o.GetCount())
	case o.GetAll() != nil:
		if err := s.guard.mayReadAll(trusted); err != nil {
			return err
		}
		f, err := parseFilter(o)
		if err != nil {
			return err
		}
		if subscribe {
			return s.subscribeAll(out, o.GetAll(), f)
		}
		return s.readAll(out, o.GetAll(), f, backwards, o.GetCount())
	}
	return badRequest("the read names neither a stream nor $all")
}

// state gives a stream as committed, and a head that is not newer than what the state counts.
func (s *service) state(ctx context.Context, name string) (streamState, int64, error) {
	st, head, ok := s.writer.recent.state(name)
	if ok {
		return st, head, nil
	}
	st, err := s.store.state(ctx, name)
	if err == nil && st.id != 0 {
		s.writer.recent.offer(name, st, head)
	}
	return st, head, err
}

func (s *service) readStream(out sender, name string, o *streams.ReadReq_Options_StreamOptions, backwards bool, count uint64) error {
	ctx := out.call.Context()
	st, head, err := s.state(ctx, name)
	if err != nil {
		return err
	}
	switch {
	case st.tombstoned():
		return streamDeleted(name)
	case !st.readable():
		return out.notFound(name)
	}
	first, oldest := st.window(time.Now())
	low, high := streamRange(o, backwards)
	low = max(low, first)
	stmt := s.store.fwd
	if backwards {
		stmt = s.store.back
	}
	for limit := firstPage; count > 0 && low <= high; limit = nextPage {
		events, full, err := page(ctx, stmt, int(min(count, uint64(limit))), st.id, low, high, head)
		if err != nil {
			return err
		}
		for _, e := range events {
			if backwards {
				high = e.rev - 1
			} else {
				low = e.rev + 1
			}
			if e.created < oldest {
				continue
			}
			if err := out.event(e); err != nil {
				return err
			}
			count--
		}
		if !full {
			return nil
		}
	}
	return nil
}

// streamRange gives the revisions that a read may reach, both included.
func streamRange(o *streams.ReadReq_Options_StreamOptions, backwards bool) (low, high int64) {
	from := int64(min(o.GetRevision(), math.MaxInt64))
	switch {
	case backwards && o.GetStart() != nil:
		return 0, 0
	case backwards && o.GetEnd() == nil:
		return 0, from
	case !backwards && o.GetEnd() != nil:
		return math.MaxInt64, 0 // nothing
	case !backwards && o.GetStart() == nil:
		return from, math.MaxInt64
	}
	return 0, math.MaxInt64
}

func (s *service) readAll(out sender, o *streams.ReadReq_Options_AllOptions, f *filter, backwards bool, count uint64) error {
	low, high := int64(0), s.writer.recent.top() // low is excluded, high included
	switch {
	case backwards && o.GetStart() != nil, !backwards && o.GetEnd() != nil:
		return nil
	case o.GetPosition() != nil:
		n, exact := placeOf(o.GetPosition().GetCommitPosition())
		if exact {
			n-- // forwards includes the event at the position, backwards does not
		}
		if backwards {
			high = min(high, n)
		} else {
			low = n
		}
	}
	stmt := s.store.all
	if backwards {
		stmt = s.store.allBack
	}
	for limit := firstPage; count > 0 && low < high; limit = nextPage {
		if f == nil {
			limit = int(min(count, uint64(limit)))
		}
		events, full, err := page(out.call.Context(), stmt, limit, low, high)
		if err != nil {
			return err
		}
		for _, e := range events {
			if backwards {
				high = e.n - 1
			} else {
				low = e.n
			}
			if count == 0 || !f.match(e) {
				continue
			}
			if err := out.event(e); err != nil {
				return err
			}
			count--
		}
		if !full {
			return nil
		}
	}
	return nil
}

// sender writes the messages of one read. A counted read sends events or one stream-not-found and nothing else: the
// Go client panics on other messages.
type sender struct {
	call   streams.Streams_ReadServer
	asText bool
}

func (o sender) event(e *event) error { return o.call.Send(e.wire(o.asText)) }

func (o sender) notFound(stream string) error {
	return o.call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{StreamNotFound: &streams.ReadResp_StreamNotFound{
		StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)}}}})
}

func (o sender) confirmation(id string) error {
	return o.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Confirmation{
		Confirmation: &streams.ReadResp_SubscriptionConfirmation{SubscriptionId: id}}})
}

func (o sender) checkpoint(n int64) error {
	p := position(n)
	return o.call.Send(&streams.ReadResp{Content: &streams.ReadResp_Checkpoint_{
		Checkpoint: &streams.ReadResp_Checkpoint{CommitPosition: p, PreparePosition: p}}})
}

func (o sender) caughtUp() error {
	return o.call.Send(&streams.ReadResp{Content: &streams.ReadResp_CaughtUp_{CaughtUp: &streams.ReadResp_CaughtUp{}}})
}

func (o sender) fellBehind() error {
	return o.call.Send(&streams.ReadResp{Content: &streams.ReadResp_FellBehind_{FellBehind: &streams.ReadResp_FellBehind{}}})
}
