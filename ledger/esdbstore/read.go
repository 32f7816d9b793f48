package esdbstore

import (
	"context"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/metadata"

	"github.com/caseledger/caseledger/ledger"
)

const (
	firstPage = 500  // events of the first request of a read
	nextPage  = 4096 // of later requests: the read is a long one
	ahead     = 64   // events that may wait for their reader
)

// Read gives up to max events (0: all) from revision from on, in pages. See ledger.EventStore.
func (s *Store) Read(ctx context.Context, from int64, max int, yield func(revision int64, e ledger.StoredEvent) error) error {
	if from < 0 || max < 0 {
		return fmt.Errorf("read %s: %d events from revision %d cannot be asked for", s.stream, max, from)
	}
	p := &page{store: s, next: from, yield: yield, started: from > 0}
	for left := max; ; {
		want := nextPage
		if p.next == from {
			want = firstPage
		}
		if max > 0 {
			want = min(want, left)
		}
		got, err := p.read(ctx, want)
		if err != nil {
			return fmt.Errorf("read %s from revision %d: %w", s.stream, from, err)
		}
		if left -= got; got < want || max > 0 && left == 0 {
			return nil
		}
	}
}

// page reads one page after the other.
type page struct {
	store   *Store
	next    int64 // revision that must come next
	started bool  // revisions before next are known to exist
	yield   func(revision int64, e ledger.StoredEvent) error
}

// message is what the client's goroutine hands over: an event, an error, or the end.
type message struct {
	event *esdb.ResolvedEvent
	err   error
	end   bool // err is the server's own end of the page
}

// read asks for want events and passes on what comes. Fewer than want mean that the stream ends there: the end is only
// what the server says it is.
func (p *page) read(ctx context.Context, want int) (got int, err error) {
	s := p.store
	inner, cancel := context.WithCancel(metadata.AppendToOutgoingContext(ctx, s.header...))
	defer cancel()
	stop := context.AfterFunc(s.pool.life, cancel)
	defer stop()
	c, err := s.acquire(inner)
	if err != nil {
		return 0, err
	}
	messages := make(chan message, ahead)
	go s.pump(inner, c, uint64(p.next), uint64(want), messages)
	idle := time.NewTimer(s.timeout)
	defer idle.Stop()
	for {
		m, err := s.receive(inner, c, messages, idle)
		if err != nil || m.end {
			return got, err
		}
		if m.err != nil {
			if isAbsent(m.err) {
				return got, p.absent()
			}
			v := classify(m.err)
			if v.broken && ctx.Err() == nil {
				s.pool.retire(c)
			}
			return got, v.err
		}
		if got++; got > want {
			return got, fmt.Errorf("%w: the store sent more events than asked for", ledger.ErrDiverged)
		}
		if err := p.pass(m.event); err != nil {
			return got, err
		}
	}
}

// acquire bounds the wait for a connection.
func (s *Store) acquire(ctx context.Context) (*connection, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	return s.pool.acquire(ctx)
}

// receive waits for the next message, but not longer than the store's timeout. The time that the reader itself takes does
// not count.
func (s *Store) receive(ctx context.Context, c *connection, messages <-chan message, idle *time.Timer) (message, error) {
	select {
	case m := <-messages:
		return m, nil
	default:
	}
	idle.Reset(s.timeout)
	select {
	case m := <-messages:
		return m, nil
	case <-ctx.Done():
		return message{}, fmt.Errorf("%w: %w", ledger.ErrUnavailable, context.Cause(ctx))
	case <-idle.C:
		s.pool.retire(c)
		return message{}, fmt.Errorf("%w: no event for %v", ledger.ErrUnavailable, s.timeout)
	}
}

// pass checks the place of an event and yields it.
func (p *page) pass(e *esdb.ResolvedEvent) error {
	revision, err := revisionOf(e, p.store.stream)
	if err != nil {
		return err
	}
	if revision != p.next || revision == math.MaxInt64 {
		return fmt.Errorf("%w: revision %d is missing, %d came instead: events were truncated or deleted", ledger.ErrDiverged, p.next, revision)
	}
	p.next++
	p.started = true
	return p.yield(revision, ledger.StoredEvent{ID: e.Event.EventID, Kind: e.Event.EventType, Data: e.Event.Data, Meta: e.Event.UserMetadata})
}

// absent judges a stream that is not there: no events, unless there were some.
func (p *page) absent() error {
	if !p.started {
		return nil
	}
	return fmt.Errorf("%w: the stream is gone, though it had %d events", ledger.ErrDiverged, p.next)
}

// pump reads from the client on a goroutine of its own, since its calls may hang, and says how the page ended.
func (s *Store) pump(ctx context.Context, c *connection, from, count uint64, out chan<- message) {
	defer s.pool.release(c)
	send := func(m message) bool {
		select {
		case out <- m:
			return true
		case <-ctx.Done():
			return false
		}
	}
	ended := false
	err := guarded(func() error {
		options := esdb.ReadStreamOptions{Direction: esdb.Forwards, From: esdb.Revision(from), RequiresLeader: true}
		read, err := c.client.ReadStream(ctx, s.stream, options, count)
		if err != nil {
			return err
		}
		defer read.Close()
		for {
			e, err := read.Recv()
			if ended = err == io.EOF; err != nil { // bare: a broken connection may wrap one
				return err
			}
			if !send(message{event: e}) {
				return ctx.Err()
			}
		}
	})
	send(message{err: err, end: ended})
}
