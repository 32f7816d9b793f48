package esdbstore_test

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/esdbserver"
	"github.com/caseledger/caseledger/ledger/esdbstore"
	"github.com/caseledger/caseledger/ledger/ledgertest"
)

// proxy stands between a client and a server. It can swallow the server's answers, and cut all connections.
type proxy struct {
	net.Listener
	target string

	mu    sync.Mutex
	mute  bool
	conns []net.Conn
	tasks sync.WaitGroup
}

func newProxy(t *testing.T, target string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{Listener: ln, target: target}
	p.tasks.Go(p.serve)
	t.Cleanup(func() {
		ln.Close()
		p.cut()
		p.tasks.Wait()
	})
	return p
}

func (p *proxy) serve() {
	for {
		near, err := p.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", p.target)
		if err != nil {
			near.Close()
			continue
		}
		p.mu.Lock()
		p.conns = append(p.conns, near, far)
		p.mu.Unlock()
		p.tasks.Go(func() { _, _ = io.Copy(far, near); far.Close() })
		p.tasks.Go(func() { _, _ = io.Copy(answers{p, near}, far); near.Close() })
	}
}

// answers passes on what the server says, unless the proxy is mute.
type answers struct {
	p    *proxy
	near net.Conn
}

func (a answers) Write(b []byte) (int, error) {
	a.p.mu.Lock()
	mute := a.p.mute
	a.p.mu.Unlock()
	if mute {
		return len(b), nil
	}
	return a.near.Write(b)
}

func (p *proxy) setMute(mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute = mute
}

func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

// TestAnswerLost cuts the connection after the server has stored the events and before its answer arrives.
func TestAnswerLost(t *testing.T) {
	server := serve(t, esdbserver.Config{Listen: "127.0.0.1:0"})
	direct := open(t, esdbstore.Config{URL: server.ConnectionString(), Stream: streamOf(t, "")})
	p := newProxy(t, server.Address())
	s := open(t, esdbstore.Config{URL: "esdb://" + p.Addr().String() + "?tls=false", Stream: streamOf(t, "")})
	head := int64(-1)
	for range 5 {
		events := ledgertest.Events(3, 300)
		p.setMute(true)
		result := make(chan error, 1)
		go func() { result <- s.Append(context.Background(), head, events) }()
		waitForHead(t, direct, head+3)
		p.cut()
		if err := <-result; !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatalf("error is %v, want unavailable", err)
		}
		p.setMute(false)
		if err := s.Append(context.Background(), head, events); err != nil {
			t.Fatalf("the same append again: %v", err)
		}
		head += 3
		waitForHead(t, direct, head)
	}
}

func waitForHead(t *testing.T, s *esdbstore.Store, want int64) {
	t.Helper()
	for {
		got, err := s.Head(context.Background())
		if err != nil || got > want {
			t.Fatalf("head is %d (%v), want %d", got, err, want)
		}
		if got == want {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// TestReadCut: a connection that breaks in the middle of a read is an error, not the end.
func TestReadCut(t *testing.T) {
	server := serve(t, esdbserver.Config{Listen: "127.0.0.1:0"})
	p := newProxy(t, server.Address())
	s := open(t, esdbstore.Config{URL: "esdb://" + p.Addr().String() + "?tls=false", Stream: streamOf(t, "")})
	const step = 100
	for at := int64(0); at < 30*step; at += step {
		if err := s.Append(context.Background(), at-1, ledgertest.Events(step, 4000)); err != nil {
			t.Fatal(err)
		}
	}
	seen := 0
	err := s.Read(context.Background(), 0, 0, func(int64, ledger.StoredEvent) error {
		if seen++; seen == 600 {
			p.cut()
		}
		return nil
	})
	if !errors.Is(err, ledger.ErrUnavailable) || seen == 30*step {
		t.Fatalf("read of %d events ended with %v, want unavailable", seen, err)
	}
	waitForHead(t, s, 30*step-1)
}

// TestOutage: the official client gives up for good when its server stays away; the store does not.
func TestOutage(t *testing.T) {
	cfg := esdbserver.Config{Dir: filepath.Join(t.TempDir(), "store"), Listen: "unix:" + filepath.Join(t.TempDir(), "run", "s")}
	server := serve(t, cfg)
	s := open(t, esdbstore.Config{URL: server.ConnectionString(), Address: server.Address(), Stream: streamOf(t, "")})
	events := ledgertest.Events(3, 100)
	if err := s.Append(context.Background(), -1, events[:1]); err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Append(context.Background(), 0, events[1:]); !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatalf("error is %v, want unavailable", err)
		}
	}
	serve(t, cfg)
	if err := s.Append(context.Background(), 0, events[1:]); err != nil {
		t.Fatalf("the server is back: %v", err)
	}
	waitForHead(t, s, 2)
}

// TestServerKilledUnderTraffic restarts the server again and again while readers and one writer work.
func TestServerKilledUnderTraffic(t *testing.T) {
	cfg := esdbserver.Config{Dir: filepath.Join(t.TempDir(), "store"), Listen: "unix:" + filepath.Join(t.TempDir(), "run", "s")}
	server := serve(t, cfg)
	s := open(t, esdbstore.Config{URL: server.ConnectionString(), Address: server.Address(), Stream: streamOf(t, "")})
	traffic := newTraffic(t, s)
	for round := range 3 {
		traffic.progress(t)
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		traffic.failure(t)
		if round%2 == 1 {
			time.Sleep(time.Second) // long enough for every attempt of a discovery to fail
		}
		server = serve(t, cfg)
	}
	traffic.progress(t)
	stored := traffic.stop()
	i := 0
	err := s.Read(context.Background(), 0, 0, func(revision int64, e ledger.StoredEvent) error {
		if e.ID != stored[i].ID || revision != int64(i) {
			t.Fatalf("revision %d holds event %s, want %s", revision, e.ID, stored[i].ID)
		}
		i++
		return nil
	})
	if err != nil || i != len(stored) {
		t.Fatalf("read %d events (%v), %d were acknowledged", i, err, len(stored))
	}
}

// traffic is one writer, which repeats what is unavailable, and some readers.
type traffic struct {
	quit             chan struct{}
	tasks            sync.WaitGroup
	stored           []ledger.StoredEvent
	succeeded, fails chan struct{}
}

func newTraffic(t *testing.T, s *esdbstore.Store) *traffic {
	tr := &traffic{quit: make(chan struct{}), succeeded: make(chan struct{}), fails: make(chan struct{})}
	tr.tasks.Go(func() { tr.write(t, s) })
	for range 4 {
		tr.tasks.Go(func() { tr.read(t, s) })
	}
	return tr
}

func (tr *traffic) write(t *testing.T, s *esdbstore.Store) {
	events := ledgertest.Events(4, 200)
	for !tr.over() {
		err := s.Append(context.Background(), int64(len(tr.stored))-1, events)
		if err == nil {
			tr.stored = append(tr.stored, events...)
			events = ledgertest.Events(4, 200)
			tr.tell(tr.succeeded)
			continue
		}
		tr.check(t, err)
		tr.tell(tr.fails)
	}
}

func (tr *traffic) read(t *testing.T, s *esdbstore.Store) {
	for !tr.over() {
		_, err := s.Head(context.Background())
		if err == nil {
			err = s.Read(context.Background(), 0, 0, func(int64, ledger.StoredEvent) error { return nil })
		}
		tr.check(t, err)
	}
}

func (tr *traffic) check(t *testing.T, err error) {
	if err != nil && !errors.Is(err, ledger.ErrUnavailable) {
		t.Errorf("error is %v, want unavailable", err)
	}
}

func (tr *traffic) over() bool {
	select {
	case <-tr.quit:
		return true
	default:
		return false
	}
}

func (tr *traffic) tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (tr *traffic) progress(t *testing.T) { wait(t, tr.succeeded, "an append to succeed") }
func (tr *traffic) failure(t *testing.T)  { wait(t, tr.fails, "an append to fail") }

func wait(t *testing.T, c chan struct{}, what string) {
	t.Helper()
	for range 3 {
		select {
		case <-c:
		case <-time.After(30 * time.Second):
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func (tr *traffic) stop() []ledger.StoredEvent {
	close(tr.quit)
	tr.tasks.Wait()
	return tr.stored
}
