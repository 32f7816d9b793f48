package ledgertest_test

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// TestForeignEvent: an event that another client puts into the stream stops writing at both servers and is never skipped.
func TestForeignEvent(t *testing.T) {
	p := newPair(t)
	ctx, pc := context.Background(), ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, p.a.Ledger, pc, "01AB1234526")
	item := upload(t, p.a.Ledger, pc, caseID, "JS/1", "evidence")
	eventually(t, "what A recorded", func() bool { h, _ := p.b.Ledger.Integrated(); return h.Size == 2 })
	conf, err := esdb.ParseConnectionString(p.events.ConnectionString())
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = esdb.NoopLogging()
	client, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close() // the test is over
	if _, err := client.AppendToStream(ctx, "ledger-"+ledgertest.Origin, esdb.AppendToStreamOptions{}, esdb.EventData{
		EventID: uuid.New(), EventType: "evidence.viewed", ContentType: esdb.ContentTypeJson, Data: []byte(`{}`), Metadata: []byte(`{}`),
	}); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]*node.Node{"A": p.a, "B": p.b} {
		eventually(t, "the alarm at "+name, func() bool { return errors.Is(n.Ledger.Healthy(), ledger.ErrForeign) })
		if _, err := n.Ledger.Record(ctx, viewUnder(pc, caseID, item, name)); !errors.Is(err, ledger.ErrStopped) {
			t.Errorf("writing goes on at %s: %v", name, err)
		}
		if h, _ := n.Ledger.Integrated(); h.Size != 2 {
			t.Errorf("%d leaves at %s", h.Size, name)
		}
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}
	if n, err := node.Open(ctx, p.config("b")); !errors.Is(err, ledger.ErrForeign) {
		if err == nil {
			n.Close() // the test has failed
		}
		t.Errorf("a ledger with a foreign event starts: %v", err)
	}
}

// journal picks the ledger's stream.
const journal = `stream = (SELECT id FROM stream WHERE name = 'ledger-` + ledgertest.Origin + `')`

// alter changes what the event store's file holds at a revision, as an intruder on the machine could.
func alter(t *testing.T, data string, revision int64, change func([]byte) []byte) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "events", "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // a failure shows in the test
	var old []byte
	if err := db.QueryRow(`SELECT data FROM event WHERE rev = ? AND `+journal, revision).Scan(&old); err != nil {
		t.Fatal(err)
	}
	if got, err := db.Exec(`UPDATE event SET data = ? WHERE rev = ? AND `+journal, change(old), revision); err != nil {
		t.Fatal(err)
	} else if n, err := got.RowsAffected(); err != nil || n != 1 {
		t.Fatalf("%d rows changed (%v)", n, err)
	}
}

// flip changes one character in the middle of the payload, so that it is another statement or none.
func flip(data []byte) []byte {
	out := append([]byte(nil), data...)
	if i := len(out) / 3; out[i] == 'A' {
		out[i] = 'B'
	} else {
		out[i] = 'A'
	}
	return out
}

// resigned changes the last byte of the signature, which leaves the envelope well-formed.
func resigned(t *testing.T, data []byte) []byte {
	t.Helper()
	var e statement.Envelope
	if err := json.Unmarshal(data, &e); err != nil {
		t.Fatal(err)
	}
	sig := append([]byte(nil), e.Sig()...)
	sig[len(sig)-1] ^= 1
	out, err := canonical.Marshal(statement.NewEnvelope(e.Payload, sig))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestAlteredEventIsRead: an event altered beneath a running ledger is noticed when it is read, and stops writing.
func TestAlteredEventIsRead(t *testing.T) {
	const more = 2200 // beyond those that are kept in memory
	dir := t.TempDir()
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir)
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	item := upload(t, l, pc, caseID, "JS/1", "evidence")
	one := record(t, l, pc, caseID, &predicate.EvidenceViewedV1{Item: item})
	other := record(t, l, pc, caseID, &predicate.EvidenceViewedV1{Item: item})
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range more / 50 {
				if _, err := l.Record(ctx, ledger.Act{User: pc, Case: caseID, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item}}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if _, err := l.Recorded(ctx, one.Index); err != nil {
		t.Fatal(err)
	}
	alter(t, dir, one.Index, func(data []byte) []byte { return resigned(t, data) })
	if _, err := l.Recorded(ctx, one.Index); !errors.Is(err, ledger.ErrDiverged) {
		t.Errorf("an event with another signature is read: %v", err)
	}
	alter(t, dir, other.Index, flip)
	if _, err := l.Recorded(ctx, other.Index); !errors.Is(err, ledger.ErrDiverged) && !errors.Is(err, ledger.ErrForeign) {
		t.Errorf("an altered event is read: %v", err)
	}
	if l.Healthy() == nil {
		t.Error("no alarm")
	}
	if _, err := l.Record(ctx, viewUnder(pc, caseID, item, "after")); !errors.Is(err, ledger.ErrStopped) {
		t.Errorf("writing goes on: %v", err)
	}
}

// TestAlteredEventsAtStart: whatever is altered, cut off or restored in the event store, a ledger that published a
// checkpoint over it does not start, with its tree or without.
func TestAlteredEventsAtStart(t *testing.T) {
	base := t.TempDir()
	dir := filepath.Join(base, "data")
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir)
	pc := ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, n.Ledger, pc, "01AB1234526")
	item := upload(t, n.Ledger, pc, caseID, "JS/1", "evidence")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	yesterday := contents(t, filepath.Join(dir, "events"))
	n = ledgertest.Open(t, dir)
	for range 5 {
		record(t, n.Ledger, pc, caseID, &predicate.EvidenceViewedV1{Item: item})
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	good := contents(t, dir)
	restore := func(files map[string][]byte, to string) {
		t.Helper()
		if err := os.RemoveAll(to); err != nil {
			t.Fatal(err)
		}
		for name, data := range files {
			path := filepath.Join(to, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, c := range []struct {
		name    string
		damage  func()
		without []string // folders that are gone too
		want    string
	}{
		{"yesterday's events", func() { restore(yesterday, filepath.Join(dir, "events")) }, nil, "last good size 2"},
		{"yesterday's events, new tree", func() { restore(yesterday, filepath.Join(dir, "events")) }, []string{"tree"}, "last good size 2"},
		{"yesterday's events, new tree and read models", func() { restore(yesterday, filepath.Join(dir, "events")) }, []string{"tree", "read"}, "last good size 2"},
		{"altered event", func() { alter(t, dir, 2, flip) }, nil, ""},
		{"other signature", func() { alter(t, dir, 2, func(b []byte) []byte { return resigned(t, b) }) }, nil, ""},
		{"other signature, new tree", func() { alter(t, dir, 2, func(b []byte) []byte { return resigned(t, b) }) }, []string{"tree", "read"}, ""},
		{"altered event, new tree", func() { alter(t, dir, 2, flip) }, []string{"tree", "read"}, ""},
		{"events exchanged", func() { exchange(t, dir, 3, 4) }, []string{"tree", "read"}, ""},
		{"no events at all", func() {}, []string{"events"}, "last good size 0"},
		{"no events, new tree", func() {}, []string{"events", "tree", "read"}, "last good size 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			restore(good, dir)
			c.damage()
			for _, folder := range c.without {
				if err := os.RemoveAll(filepath.Join(dir, folder)); err != nil {
					t.Fatal(err)
				}
			}
			n, err := node.Open(context.Background(), node.Config{Data: dir})
			if err == nil {
				n.Close() // the test has failed
			}
			if !errors.Is(err, ledger.ErrDiverged) && !errors.Is(err, ledger.ErrForeign) {
				t.Fatalf("the ledger starts: %v", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v; want %q in it", err, c.want)
			}
		})
	}
	restore(good, dir)
	ledgertest.CheckLedger(t, ledgertest.Open(t, dir))
}

// exchange swaps two stored events whole.
func exchange(t *testing.T, data string, one, other int64) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "events", "events.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // a failure shows in the test
	for _, step := range [][2]int64{{one, 1 << 40}, {other, one}, {1 << 40, other}} {
		if _, err := db.Exec(`UPDATE event SET rev = ? WHERE rev = ? AND `+journal, step[1], step[0]); err != nil {
			t.Fatal(err)
		}
	}
}
