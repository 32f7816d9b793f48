package esdbstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"golang.org/x/sync/singleflight"

	"github.com/caseledger/caseledger/ledger"
)

const (
	// connectTimeout bounds the making of a connection, discovery included.
	connectTimeout = 10 * time.Second
	// grace is how long a call may take to notice that its context has ended.
	grace = 500 * time.Millisecond
	// linger is how long a retired client waits for its calls before it is closed beside them; those that then still wait
	// inside the client panic there, which is recovered.
	linger = 30 * time.Second
	// closeWait bounds how long close waits for calls in flight.
	closeWait = 5 * time.Second
)

// errClosed is what calls after Close get.
var errClosed = errors.New("the event store's client is closed")

// connection is a client for as long as its one connection works. Its counters are guarded by the pool.
type connection struct {
	client  *esdb.Client
	calls   int
	retired bool
	closed  bool
	timer   *time.Timer // closes a retired connection whose calls do not return
}

// pool has at most one connection that takes new calls, and any number of retired ones.
type pool struct {
	conf       *esdb.Configuration
	log        *slog.Logger
	probe      func(context.Context, *esdb.Client) error
	life       context.Context // ends with close
	end        context.CancelFunc
	connecting singleflight.Group

	mu      sync.Mutex
	current *connection
	closed  bool
	open    sync.WaitGroup // connections and goroutines of calls that are not yet over
}

func newPool(conf *esdb.Configuration, log *slog.Logger, probe func(context.Context, *esdb.Client) error) *pool {
	p := &pool{conf: conf, log: log, probe: probe}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// acquire gives the current connection, or a new one; the caller must hand it to run or release it.
func (p *pool) acquire(ctx context.Context) (*connection, error) {
	for {
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, errClosed
		}
		if c := p.current; c != nil {
			c.calls++
			p.mu.Unlock()
			return c, nil
		}
		p.mu.Unlock()
		made := p.connecting.DoChan("", func() (any, error) { return nil, p.connect() })
		select {
		case result := <-made:
			if result.Err != nil {
				return nil, result.Err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: connecting: %w", ledger.ErrUnavailable, context.Cause(ctx))
		}
	}
}

// connect makes a client and probes it with one call, before others can queue behind a connection that never comes.
func (p *pool) connect() error {
	client, err := esdb.NewClient(p.conf)
	if err != nil {
		return fmt.Errorf("configuration of the event store's client: %w", err)
	}
	c := &connection{client: client, calls: 1}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return errors.Join(errClosed, client.Close())
	}
	p.open.Add(1)
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(p.life, connectTimeout)
	defer cancel()
	if err := p.run(ctx, c, p.greet); err != nil {
		p.retire(c)
		err = classify(err).err
		p.log.Debug("event store: no connection", "error", err)
		return err
	}
	p.mu.Lock()
	closed := p.closed
	if !closed {
		p.current = c
	}
	p.mu.Unlock()
	if closed {
		p.retire(c)
		return errClosed
	}
	return nil
}

// greet looks at who answers, and at the stream.
func (p *pool) greet(ctx context.Context, client *esdb.Client) error {
	version, err := client.GetServerVersion()
	if err != nil {
		return err
	}
	if version.Major < 21 {
		return errors.New("the server does not say that it is an EventStoreDB of version 21.10 or later: check the connection string")
	}
	return p.probe(ctx, client)
}

// errIgnored: a call went on after its context had ended; it was left behind.
var errIgnored = errors.New("the call does not return")

// run calls f and releases the connection when f returns. It returns at the latest a moment after ctx has ended.
func (p *pool) run(ctx context.Context, c *connection, f func(context.Context, *esdb.Client) error) error {
	result := make(chan error, 1)
	go func() {
		defer p.release(c)
		result <- guarded(func() error { return f(ctx, c.client) })
	}()
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case err := <-result:
		return err
	case <-late.C:
		p.retire(c)
		return fmt.Errorf("%w: %w", errIgnored, context.Cause(ctx))
	}
}

// errPanic: the client could not deal with an answer.
var errPanic = errors.New("the client gave up on the answer")

func guarded(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errPanic, r)
		}
	}()
	return f()
}

func (p *pool) release(c *connection) {
	p.mu.Lock()
	c.calls--
	over := c.retired && c.calls == 0
	p.mu.Unlock()
	if over {
		p.shut(c)
	}
}

// retire keeps new calls away from a connection, and closes it once its calls are over.
func (p *pool) retire(c *connection) {
	p.mu.Lock()
	if c.retired {
		p.mu.Unlock()
		return
	}
	c.retired = true
	if p.current == c {
		p.current = nil
	}
	over := c.calls == 0
	if !over {
		c.timer = time.AfterFunc(linger, func() { p.shut(c) })
	}
	p.mu.Unlock()
	if over {
		p.shut(c)
	}
}

func (p *pool) shut(c *connection) {
	p.mu.Lock()
	was := c.closed
	c.closed = true
	if c.timer != nil {
		c.timer.Stop()
	}
	p.mu.Unlock()
	if was {
		return
	}
	if err := c.client.Close(); err != nil {
		p.log.Debug("event store: closing a connection", "error", err)
	}
	p.open.Done()
}

// close ends all calls and waits for their connections to be closed.
func (p *pool) close() error {
	p.mu.Lock()
	current := p.current
	p.closed = true
	p.mu.Unlock()
	p.end()
	if current != nil {
		p.retire(current)
	}
	over := make(chan struct{})
	go func() { p.open.Wait(); close(over) }()
	select {
	case <-over:
		return nil
	case <-time.After(closeWait):
		return errors.New("close the event store's client: a call in flight does not return")
	}
}
