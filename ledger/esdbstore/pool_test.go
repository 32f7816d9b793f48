package esdbstore

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/caseledger/caseledger/ledger"
)

// TestCallThatIgnoresItsContext: it is left behind with its client, which is closed when it returns at last.
func TestCallThatIgnoresItsContext(t *testing.T) {
	conf, err := esdb.ParseConnectionString("esdb://127.0.0.1:1?tls=false")
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(conf, slog.New(slog.DiscardHandler), nil)
	c := &connection{client: client, calls: 1}
	p.open.Add(1)
	p.current = c
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	hang := make(chan struct{})
	err = p.run(ctx, c, func(context.Context, *esdb.Client) error { <-hang; return nil })
	if v := classify(err); !errors.Is(v.err, ledger.ErrUnavailable) || !errors.Is(err, errIgnored) {
		t.Errorf("error is %v", err)
	}
	if p.current != nil || c.closed {
		t.Errorf("current is %v, closed is %v: want a client that is retired and open", p.current, c.closed)
	}
	close(hang)
	if err := p.close(); err != nil {
		t.Error(err)
	}
	if !c.closed {
		t.Error("the client is still open")
	}
}

// TestClosedUnderACall: a client that is closed although a call has not returned panics in that call only.
func TestClosedUnderACall(t *testing.T) {
	err := guarded(func() error {
		c := make(chan int)
		close(c)
		c <- 1
		return nil
	})
	if v := classify(err); !errors.Is(v.err, ledger.ErrUnavailable) || !v.broken {
		t.Errorf("verdict is %v", v)
	}
}
