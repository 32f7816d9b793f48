package ledgertest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/esdbserver"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// pair is two nodes on one event store, with the same keys, keyring and blobs and a tree each.
type pair struct {
	dir    string
	events *esdbserver.Server
	a, b   *node.Node
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{dir: t.TempDir()}
	ledgertest.Init(t, filepath.Join(p.dir, "a"))
	p.serveEvents(t, "127.0.0.1:0")
	t.Cleanup(func() {
		if err := p.events.Close(); err != nil {
			t.Errorf("close event store: %v", err)
		}
	})
	p.a, p.b = p.open(t, "a"), p.open(t, "b")
	return p
}

func (p *pair) serveEvents(t *testing.T, listen string) {
	t.Helper()
	var err error
	for range 50 { // the port of a server just closed may take a moment
		p.events, err = esdbserver.Start(context.Background(), esdbserver.Config{Dir: filepath.Join(p.dir, "events"), Listen: listen})
		if err == nil {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal(err)
}

func (p *pair) config(name string) node.Config {
	shared := filepath.Join(p.dir, "a")
	return node.Config{
		Data: filepath.Join(p.dir, name), EventStore: p.events.ConnectionString(), Keys: filepath.Join(shared, "keys"),
		Keyring: filepath.Join(shared, "keyring"), Blobs: filepath.Join(shared, "blobs"), PassphraseFile: filepath.Join(shared, "passphrase"),
	}
}

func (p *pair) open(t *testing.T, name string) *node.Node {
	t.Helper()
	n, err := node.Open(context.Background(), p.config(name))
	if err != nil {
		t.Fatalf("open %s: %v", name, err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close %s: %v", name, err)
		}
	})
	return n
}

// agree waits until both trees cover the stream and checks both worlds, which must be one.
func (p *pair) agree(t *testing.T) int64 {
	t.Helper()
	for range 400 {
		a, _ := p.a.Ledger.Integrated()
		if b, _ := p.b.Ledger.Integrated(); a.Size == b.Size {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	a, textA := p.a.Ledger.Integrated()
	b, textB := p.b.Ledger.Integrated()
	if a != b || textA != textB {
		t.Fatalf("the trees have %d and %d leaves, or other roots or checkpoints", a.Size, b.Size)
	}
	if err := errors.Join(p.a.Ledger.Healthy(), p.b.Ledger.Healthy()); err != nil {
		t.Fatal(err)
	}
	if n, m := ledgertest.CheckLedger(t, p.a), ledgertest.CheckLedger(t, p.b); n != m || n != a.Size {
		t.Fatalf("%d and %d events, %d leaves", n, m, a.Size)
	}
	return a.Size
}

// TestTwoServers lets both servers record at full speed in the same and in different cases.
func TestTwoServers(t *testing.T) {
	p := newPair(t)
	pc := ledgertest.Officer("PC 1234")
	hot := ledgertest.OpenCase(t, p.a.Ledger, pc, "01HOT000026")
	item := upload(t, p.a.Ledger, pc, hot, "JS/1", "evidence")
	const workers, acts = 6, 40
	var acked sync.Map // index → event id
	var total atomic.Int64
	total.Store(2)
	keep := func(r ledger.Recorded) {
		total.Add(1)
		if other, taken := acked.LoadOrStore(r.Index, r.EventID); taken {
			t.Errorf("event %d was given to %s and %s", r.Index, other, r.EventID)
		}
	}
	var all sync.WaitGroup
	for i := range workers {
		for name, n := range map[string]*node.Node{"A": p.a, "B": p.b} {
			all.Go(func() {
				ctx, by := context.Background(), ledgertest.Officer(fmt.Sprint(name, i))
				own := newID()
				r, err := n.Ledger.Record(ctx, ledger.Act{User: by, Case: own, Policy: "test",
					Body: &predicate.CaseOpenedV1{URN: identifier.URN(fmt.Sprintf("01%s%07d26", name, i)), Stage: "pre-charge"}})
				if err != nil {
					t.Error(err)
					return
				}
				keep(r)
				for k := range acts {
					var err error
					if k%8 == 0 {
						r, err = tryUpload(n.Ledger, by, own, fmt.Sprintf("JS/%d", k+1), "content")
					} else {
						r, err = n.Ledger.Record(ctx, ledger.Act{User: by, Case: hot, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item}})
					}
					if err != nil {
						t.Error(err)
						return
					}
					keep(r)
				}
			})
		}
	}
	all.Wait()
	if size := p.agree(t); size != total.Load() {
		t.Errorf("%d events in the stream, %d acknowledged", size, total.Load())
	}
	acked.Range(func(index, id any) bool {
		for _, n := range []*node.Node{p.a, p.b} {
			if r, err := n.Ledger.Recorded(context.Background(), index.(int64)); err != nil || r.EventID != id {
				t.Errorf("event %d is %s, acknowledged was %s (%v)", index, r.EventID, id, err)
			}
		}
		return true
	})
}

// both runs one function on each server at the same moment.
func (p *pair) both(f func(*ledger.Ledger, int)) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for i, n := range []*node.Node{p.a, p.b} {
		all.Go(func() {
			<-begin
			f(n.Ledger, i)
		})
	}
	close(begin)
	all.Wait()
}

// TestTwoServersCollide: what may happen only once happens once, whichever server it is asked of.
func TestTwoServersCollide(t *testing.T) {
	p := newPair(t)
	ctx, pc := context.Background(), ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, p.a.Ledger, pc, "01AB1234526")
	item := upload(t, p.a.Ledger, pc, caseID, "JS/0", "evidence")
	for round := range 12 {
		// The same idempotency key at both: one event.
		var got [2]ledger.Recorded
		var errs [2]error
		p.both(func(l *ledger.Ledger, i int) {
			got[i], errs[i] = l.Record(ctx, ledger.Act{User: pc, Case: caseID, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item},
				IdempotencyKey: fmt.Sprint("key ", round), Request: []byte("same")})
		})
		if errs[0] != nil || errs[1] != nil || got[0].Index != got[1].Index || got[0].Replayed == got[1].Replayed {
			t.Fatalf("one key at both: %v, %v; events %d and %d, replayed %v and %v", errs[0], errs[1], got[0].Index, got[1].Index,
				got[0].Replayed, got[1].Replayed)
		}
		// The same reference from one producer at both: one exhibit.
		ref := fmt.Sprintf("JS/%d", round+1)
		p.both(func(l *ledger.Ledger, i int) {
			got[i], errs[i] = tryUpload(l, pc, caseID, ref, fmt.Sprint("content ", i))
		})
		if (errs[0] == nil) == (errs[1] == nil) || code(errors.Join(errs[0], errs[1])) != casefile.ReferenceTaken {
			t.Fatalf("one reference at both: %v, %v", errs[0], errs[1])
		}
		// Two approvals of one redaction: one is told that it is done.
		r := propose(t, p.a.Ledger, ledgertest.Officer("maker"), caseID, item, fmt.Sprintf("RD/%d", round), "redacted")
		approve := &predicate.RedactionApprovedV1{Item: itemOf(r), Parent: item, Proposal: idOf(r)}
		p.both(func(l *ledger.Ledger, i int) {
			got[i], errs[i] = l.Record(ctx, ledger.Act{User: ledgertest.Officer(fmt.Sprint("approver ", i)), Case: caseID, Policy: "test", Body: new(*approve)})
		})
		if (errs[0] == nil) == (errs[1] == nil) || code(errors.Join(errs[0], errs[1])) != casefile.AlreadyDone {
			t.Fatalf("two approvals: %v, %v", errs[0], errs[1])
		}
		// The same URN at both: one case.
		urn := identifier.URN(fmt.Sprintf("01TWIN%03d26", round))
		p.both(func(l *ledger.Ledger, i int) {
			got[i], errs[i] = l.Record(ctx, ledger.Act{User: pc, Case: newID(), Policy: "test", Body: &predicate.CaseOpenedV1{URN: urn, Stage: "pre-charge"}})
		})
		if (errs[0] == nil) == (errs[1] == nil) || code(errors.Join(errs[0], errs[1])) != casefile.CaseExists {
			t.Fatalf("two cases under one URN: %v, %v", errs[0], errs[1])
		}
	}
	p.agree(t)
}

// TestTwoServersShare: a view recorded at one allows content at the other, and a key destroyed at one is unusable there.
func TestTwoServersShare(t *testing.T) {
	p := newPair(t)
	ctx, pc, sgt := context.Background(), ledgertest.Officer("PC 1234"), ledgertest.Officer("Sgt 5")
	caseID := ledgertest.OpenCase(t, p.a.Ledger, pc, "01AB1234526")
	up, err := tryUpload(p.a.Ledger, pc, caseID, "JS/1", "evidence", func(a *ledger.Act) {
		a.Fields = []ledger.Field{{Name: "fileName", Value: "statement.txt"}}
	})
	if err != nil {
		t.Fatal(err)
	}
	item := itemOf(up)
	view := idOf(record(t, p.a.Ledger, pc, caseID, &predicate.EvidenceViewedV1{Item: item}))
	blob, _, err := p.b.Ledger.Content(ctx, pc, caseID, view, item.Exhibit)
	if err != nil {
		t.Fatalf("content at B under a view of A: %v", err)
	}
	if got, err := io.ReadAll(blob); err != nil || string(got) != "evidence" {
		t.Fatalf("%q %v", got, err)
	}
	blob.Close() // read only
	if e, err := p.b.Ledger.Event(ctx, up.Index); err != nil {
		t.Fatal(err)
	} else if open, err := p.b.Ledger.Openings(e); err != nil || len(open.Disclosures()) == 0 {
		t.Fatalf("nothing opens at B: %v", err)
	}
	destroyed := destroyExhibit(t, p.a.Ledger, pc, sgt, caseID, item.Exhibit)
	for range 200 {
		if h, _ := p.b.Ledger.Integrated(); h.Size > destroyed.Index {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, _, err := p.b.Ledger.Content(ctx, pc, caseID, view, item.Exhibit); code(err) != casefile.ExhibitErased {
		t.Errorf("content of an erased exhibit at B: %v", err)
	}
	e, err := p.b.Ledger.Event(ctx, up.Index)
	if err != nil {
		t.Fatal(err)
	}
	open, err := p.b.Ledger.Openings(e)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := open.Get("fileName"); ok {
		t.Error("an opening under a key destroyed at A opens at B")
	}
	p.agree(t)
}

// TestOneServerEnds: one node goes while the other goes on, and comes back to the same tree.
func TestOneServerEnds(t *testing.T) {
	p := newPair(t)
	ctx, pc := context.Background(), ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, p.a.Ledger, pc, "01AB1234526")
	item := upload(t, p.a.Ledger, pc, caseID, "JS/1", "evidence")
	stop := make(chan struct{})
	var load sync.WaitGroup
	for _, n := range []*node.Node{p.a, p.b} {
		for range 2 {
			load.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					_, err := n.Ledger.Record(ctx, ledger.Act{User: pc, Case: caseID, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item}})
					if n == p.b && err != nil && (errors.Is(err, ledger.ErrStopped) || errors.Is(err, ledger.ErrUnavailable)) {
						return // it is the one that ends
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	time.Sleep(150 * time.Millisecond)
	if err := p.b.Close(); err != nil {
		t.Error(err)
	}
	time.Sleep(100 * time.Millisecond)
	close(stop)
	load.Wait()
	p.b = p.open(t, "b")
	p.agree(t)
}

// TestEventStoreRestarts under load: acts succeed or fail as unavailable, nothing acknowledged is lost, nothing is recorded
// twice, and both servers go on by themselves.
func TestEventStoreRestarts(t *testing.T) {
	p := newPair(t)
	pc := ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, p.a.Ledger, pc, "01AB1234526")
	item := upload(t, p.a.Ledger, pc, caseID, "JS/1", "evidence")
	stop := make(chan struct{})
	var load sync.WaitGroup
	var acked sync.Map // idempotency key → index
	for i, n := range []*node.Node{p.a, p.b} {
		for w := range 4 {
			load.Go(func() {
				for k := 0; ; k++ {
					select {
					case <-stop:
						return
					default:
					}
					key := fmt.Sprintf("%d-%d-%d", i, w, k)
					ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
					r, err := n.Ledger.Record(ctx, viewUnder(pc, caseID, item, key))
					cancel()
					if err != nil && !errors.Is(err, ledger.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("act %s: %v", key, err)
						return
					}
					index := r.Index
					if err != nil {
						index = -1
						time.Sleep(20 * time.Millisecond)
					}
					acked.Store(key, index)
				}
			})
		}
	}
	address := p.events.Address()
	for range 3 {
		time.Sleep(250 * time.Millisecond)
		if err := p.events.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(250 * time.Millisecond)
		p.serveEvents(t, address)
	}
	time.Sleep(500 * time.Millisecond)
	close(stop)
	load.Wait()
	p.settle(t, pc, caseID, item, &acked)
}

func viewUnder(by ledger.User, caseID predicate.UUID, item predicate.Item, key string) ledger.Act {
	return ledger.Act{User: by, Case: caseID, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item}, IdempotencyKey: key, Request: []byte(key)}
}

// settle repeats every request at the other server: what was acknowledged is there, the rest is recorded at most once.
func (p *pair) settle(t *testing.T, by ledger.User, caseID predicate.UUID, item predicate.Item, acked *sync.Map) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	seen := map[int64]string{}
	count, lost := int64(2), 0
	acked.Range(func(key, index any) bool {
		var r ledger.Recorded
		var err error
		for r, err = p.b.Ledger.Record(ctx, viewUnder(by, caseID, item, key.(string))); errors.Is(err, ledger.ErrUnavailable) && ctx.Err() == nil; {
			time.Sleep(50 * time.Millisecond)
			r, err = p.b.Ledger.Record(ctx, viewUnder(by, caseID, item, key.(string)))
		}
		if err != nil {
			t.Errorf("act %s: %v", key, err)
			return false
		}
		if index.(int64) >= 0 && index.(int64) != r.Index {
			t.Errorf("act %s was acknowledged as event %d and is event %d", key, index, r.Index)
		}
		if other, twice := seen[r.Index]; twice {
			t.Errorf("acts %s and %s are one event", key, other)
		}
		if index.(int64) < 0 {
			lost++
		}
		seen[r.Index] = key.(string)
		count++
		return true
	})
	if size := p.agree(t); size != count {
		t.Errorf("%d events for %d acts", size, count)
	}
	t.Logf("%d acts, %d of them not acknowledged at first", count, lost)
}
