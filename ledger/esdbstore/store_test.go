package esdbstore_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/esdbserver"
	"github.com/caseledger/caseledger/ledger/esdbstore"
	"github.com/caseledger/caseledger/ledger/ledgertest"
)

// TestMain looks for goroutines that were left behind. When a call meets a broken connection while another begins, the
// official client may find a new connection and forget the old: those that a forgotten connection has are its own. A client
// that was not closed would show its state machine besides.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("google.golang.org/grpc/internal/grpcsync.(*CallbackSerializer).run"),
		goleak.IgnoreTopFunction("google.golang.org/grpc.(*addrConn).resetTransportAndUnlock"))
}

// serve starts a server on a socket in temporary folders.
func serve(t testing.TB, cfg esdbserver.Config) *esdbserver.Server {
	t.Helper()
	if cfg.Dir == "" {
		cfg.Dir = filepath.Join(t.TempDir(), "store")
	}
	if cfg.Listen == "" {
		cfg.Listen = "unix:" + filepath.Join(t.TempDir(), "run", "s")
	}
	s, err := esdbserver.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func open(t testing.TB, cfg esdbstore.Config) *esdbstore.Store {
	t.Helper()
	s, err := esdbstore.Open(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// streamOf is a stream of one test of one run.
func streamOf(t testing.TB, run string) string { return fmt.Sprintf("ledger-%s/%s", t.Name(), run) }

func TestEmbeddedServer(t *testing.T) {
	server := serve(t, esdbserver.Config{})
	ledgertest.TestEventStore(t, func(t *testing.T) ledger.EventStore {
		return open(t, esdbstore.Config{URL: server.ConnectionString(), Address: server.Address(), Stream: streamOf(t, "")})
	})
}

func TestEmbeddedServerWithCredentials(t *testing.T) {
	server := serve(t, esdbserver.Config{Listen: "127.0.0.1:0", User: "ledger", Password: "a b:c%"})
	cfg := esdbstore.Config{URL: server.ConnectionString(), Username: "ledger", Password: "a b:c%"}
	ledgertest.TestEventStore(t, func(t *testing.T) ledger.EventStore {
		cfg.Stream = streamOf(t, "")
		return open(t, cfg)
	})
}

// TestRealServer runs on the server that TEST_ESDB_URL names.
func TestRealServer(t *testing.T) {
	url := os.Getenv("TEST_ESDB_URL")
	if url == "" {
		t.Skip("no real EventStoreDB: set TEST_ESDB_URL to its connection string")
	}
	run := uuid.NewString()
	ledgertest.TestEventStore(t, func(t *testing.T) ledger.EventStore {
		return open(t, esdbstore.Config{URL: url, Stream: streamOf(t, run)})
	})
}

// BenchmarkAppend measures appends of one caller: data and metadata are 4.5 KB an event.
func BenchmarkAppend(b *testing.B) {
	server := serve(b, esdbserver.Config{})
	for _, count := range []int{1, 16, 64, 200} {
		b.Run(fmt.Sprintf("events=%d", count), func(b *testing.B) {
			s := open(b, esdbstore.Config{URL: server.ConnectionString(), Address: server.Address(), Stream: streamOf(b, uuid.NewString())})
			events, at := ledgertest.Events(count, 4400), int64(-1)
			for b.Loop() {
				for i := range events {
					events[i].ID = uuid.New()
				}
				if err := s.Append(context.Background(), at, events); err != nil {
					b.Fatal(err)
				}
				at += int64(count)
			}
			b.ReportMetric(float64(b.N*count)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkRead measures a read of a whole stream of 20,000 events of 4.5 KB.
func BenchmarkRead(b *testing.B) {
	server := serve(b, esdbserver.Config{})
	s := open(b, esdbstore.Config{URL: server.ConnectionString(), Address: server.Address(), Stream: streamOf(b, "")})
	const count, step = 20_000, 200
	for at := 0; at < count; at += step {
		if err := s.Append(context.Background(), int64(at)-1, ledgertest.Events(step, 4400)); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		if err := s.Read(context.Background(), 0, 0, func(int64, ledger.StoredEvent) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*count)/b.Elapsed().Seconds(), "events/s")
}
