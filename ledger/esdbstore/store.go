// Package esdbstore is the journal stream of a ledger in EventStoreDB, through the official client. The same code speaks to
// the in-process server, to a single node and to a cluster; only the connection string differs.
//
// # What the client gets wrong, and what is done about it
//
//	after an outage it is dead for good, and      a client lives as long as one connection: at the first sign of
//	callers hang ignoring their context           trouble it is retired and the next call makes a new one; every call
//	                                              runs under a deadline of its own and is abandoned if it ignores it
//	                                              (an outage may leave one idle connection behind, which it forgets)
//	Close panics beside calls in flight           a retired client is closed when its last call has returned
//	RequiresLeader sets no header                 the header is put into the outgoing context here
//	credentials are dropped where TLS is off      likewise, on sockets and loopback addresses only
//	it panics on answers that it does not know    recovered, and reported as ledger.ErrUnavailable
//	it ends the process on events without time    a server that does not say it is an EventStoreDB is refused
//
// # What an answer means
//
//	nil                    stored, in order, durable as the server promises it
//	ledger.ErrConflict     nothing stored: the stream is elsewhere
//	ledger.ErrUnavailable  not known: repeat the same call
//	ledger.ErrDiverged     the stream lacks events that it had, or counts otherwise than we do
//	any other error        refused, nothing stored; it says what to change
package esdbstore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/metadata"

	"github.com/caseledger/caseledger/ledger"
)

const (
	// callTimeout bounds an append, a look at the head, and the wait for the next event of a read.
	callTimeout = 10 * time.Second
	// maxEvents bounds one append.
	maxEvents = 4096
	// absent is the head of an empty stream.
	absent = -1
)

// Config says which stream of which server. URL and Stream are required.
type Config struct {
	URL                string // esdb:// or esdb+discover://, as the official clients read it
	Address            string // where to dial instead of the URL's host: "unix:/path" for a socket
	Stream             string // "ledger-" and the origin
	Username, Password string // both or neither; they replace those of the URL
	Logger             *slog.Logger
}

// Store is one journal stream. It is safe for concurrent use. It implements ledger.EventStore.
type Store struct {
	stream  string
	header  []string // for the outgoing context of each call: key, value, …
	timeout time.Duration
	pool    *pool
}

// Open connects and looks at the stream's head once. The error says what to change; it holds no password.
func Open(ctx context.Context, cfg Config) (*Store, error) {
	conf, err := cfg.parse()
	if err != nil {
		return nil, err
	}
	s := &Store{stream: cfg.Stream, header: []string{"requires-leader", "true"}, timeout: callTimeout}
	if conf.Username != "" && conf.DisableTLS {
		token := base64.StdEncoding.EncodeToString([]byte(conf.Username + ":" + conf.Password))
		s.header = append(s.header, "authorization", "Basic "+token)
	}
	s.pool = newPool(conf, cfg.logger(), func(ctx context.Context, c *esdb.Client) error {
		_, err := head(metadata.AppendToOutgoingContext(ctx, s.header...), c, cfg.Stream)
		return err
	})
	if _, err := s.Head(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Close ends the calls in flight and waits a few seconds for them. It may be called more than once.
func (s *Store) Close() error { return s.pool.close() }

// Append stores events directly after revision expected. See ledger.EventStore.
func (s *Store) Append(ctx context.Context, expected int64, events []ledger.StoredEvent) error {
	if expected < absent || expected > math.MaxInt64-maxEvents {
		return fmt.Errorf("append to %s: revision %d cannot be expected", s.stream, expected)
	}
	if len(events) == 0 || len(events) > maxEvents {
		return fmt.Errorf("append to %s: %d events in one call: give 1 to %d", s.stream, len(events), maxEvents)
	}
	options := esdb.AppendToStreamOptions{ExpectedRevision: esdb.NoStream{}, RequiresLeader: true, Deadline: &s.timeout}
	if expected >= 0 {
		options.ExpectedRevision = esdb.Revision(uint64(expected))
	}
	data := make([]esdb.EventData, len(events))
	for i, e := range events {
		data[i] = esdb.EventData{EventID: e.ID, EventType: e.Kind, ContentType: esdb.ContentTypeJson, Data: e.Data, Metadata: e.Meta}
	}
	var last uint64
	err := s.call(ctx, func(ctx context.Context, c *esdb.Client) error {
		result, err := c.AppendToStream(ctx, s.stream, options, data...)
		if err == nil {
			last = result.NextExpectedVersion
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("append %d events to %s after revision %d: %w", len(events), s.stream, expected, err)
	}
	if want := uint64(expected + int64(len(events))); last != want {
		return fmt.Errorf("append to %s: %w: the events should end at revision %d, the store says %d", s.stream, ledger.ErrDiverged, want, last)
	}
	return nil
}

// Head is the last revision, -1 for an empty stream.
func (s *Store) Head(ctx context.Context) (int64, error) {
	var at int64
	err := s.call(ctx, func(ctx context.Context, c *esdb.Client) error {
		revision, err := head(ctx, c, s.stream)
		if err == nil {
			at = revision
		}
		return err
	})
	if err != nil {
		return absent, fmt.Errorf("head of %s: %w", s.stream, err)
	}
	return at, nil
}

// head looks again at a stream that is there but shows nothing: its first event may be on its way in.
func head(ctx context.Context, c *esdb.Client, stream string) (int64, error) {
	for wait := time.Millisecond; ; wait *= 4 {
		revision, err := lookAtHead(ctx, c, stream)
		if err != io.EOF {
			return revision, err
		}
		if wait > 256*time.Millisecond {
			return absent, fmt.Errorf("%w: the stream exists but all its events are hidden: look at its metadata", ledger.ErrDiverged)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return absent, ctx.Err()
		}
	}
}

// lookAtHead returns a bare io.EOF for a stream without a visible event.
func lookAtHead(ctx context.Context, c *esdb.Client, stream string) (int64, error) {
	options := esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}, RequiresLeader: true}
	read, err := c.ReadStream(ctx, stream, options, 1)
	if err != nil {
		return absent, err
	}
	defer read.Close()
	e, err := read.Recv()
	if isAbsent(err) {
		return absent, nil
	}
	if err != nil {
		return absent, err
	}
	return revisionOf(e, stream)
}

// revisionOf checks that an event is one of the stream itself.
func revisionOf(e *esdb.ResolvedEvent, stream string) (int64, error) {
	if e.Event == nil || e.Event.StreamID != stream || e.Event.EventNumber > math.MaxInt64 {
		return absent, fmt.Errorf("%w: the store answered with an event of another stream", ledger.ErrDiverged)
	}
	return int64(e.Event.EventNumber), nil
}

// call runs f on a client, under the store's own deadline, and classifies its error.
func (s *Store) call(ctx context.Context, f func(context.Context, *esdb.Client) error) error {
	bounded, cancel := context.WithTimeout(metadata.AppendToOutgoingContext(ctx, s.header...), s.timeout)
	defer cancel()
	stop := context.AfterFunc(s.pool.life, cancel)
	defer stop()
	c, err := s.pool.acquire(bounded)
	if err != nil {
		return err
	}
	err = s.pool.run(bounded, c, f)
	if err == nil {
		return nil
	}
	v := classify(err)
	if v.broken && ctx.Err() == nil {
		s.pool.retire(c)
	}
	return v.err
}
