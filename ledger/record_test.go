package ledger_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

func newID() predicate.UUID { return predicate.UUID(uuid.NewString()) }

// note is an act that any open case accepts.
func note(by ledger.User, caseID predicate.UUID, key, request string) ledger.Act {
	return ledger.Act{
		User: by, Case: caseID, Policy: "test", Body: &predicate.CaseLinkedV1{Linked: "00000000-0000-4000-8000-000000000001", Relation: "related"},
		IdempotencyKey: key, Request: []byte(request),
	}
}

func refusal(err error) casefile.Code {
	var r *casefile.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// TestReplay: the same key and request is the same event, at once, concurrently and after a restart; another request under
// the key is refused, and another person's key is another key.
func TestReplay(t *testing.T) {
	dir, ctx := t.TempDir(), context.Background()
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir)
	pc, sgt := ledgertest.Officer("PC 1234"), ledgertest.Officer("Sgt 5")
	caseID := ledgertest.OpenCase(t, n.Ledger, pc, "01AB1234526")
	events := int64(1)
	var first ledger.Recorded
	check := func(l *ledger.Ledger, again bool) {
		t.Helper()
		r, err := l.Record(ctx, note(pc, caseID, "key", "request"))
		if err != nil || r.Replayed != again || again && r.Index != first.Index {
			t.Fatalf("event %d, replayed %v, %v", r.Index, r.Replayed, err)
		}
		first = r
		if _, err := l.Record(ctx, note(pc, caseID, "key", "other request")); !errors.Is(err, ledger.ErrKeyReused) {
			t.Fatalf("another request under the same key: %v", err)
		}
	}
	check(n.Ledger, false)
	check(n.Ledger, true)
	if r, err := n.Ledger.Record(ctx, note(sgt, caseID, "key", "request")); err != nil || r.Replayed {
		t.Fatalf("another person's key: %v, %v", r.Replayed, err)
	}
	events += 2
	for round := range 10 {
		var all sync.WaitGroup
		var mu sync.Mutex
		got, fresh := map[int64]int{}, 0
		for range 16 {
			all.Go(func() {
				r, err := n.Ledger.Record(ctx, note(pc, caseID, fmt.Sprint("round ", round), "request"))
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Errorf("one of many: %v", err)
				}
				if got[r.Index]++; !r.Replayed {
					fresh++
				}
			})
		}
		all.Wait()
		if events++; len(got) != 1 || fresh != 1 {
			t.Fatalf("one request became events %v, %d of them new", got, fresh)
		}
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = ledgertest.Open(t, dir)
	check(n.Ledger, true)
	if got := ledgertest.CheckLedger(t, n); got != events {
		t.Errorf("%d events, want %d", got, events)
	}
}

// TestReplayOfUpload: a repeated upload is the first exhibit with the first content, and leaves no other content behind.
func TestReplayOfUpload(t *testing.T) {
	n := ledgertest.New(t)
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	exhibit := l.EventIDFor("exhibit", pc, caseID, "key", 0)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := l.Upload(ctx, caseID, exhibit, strings.NewReader("evidence"), func(b ledger.StoredBlob) (ledger.Act, error) {
				return ledger.Act{User: pc, Case: caseID, Policy: "test", IdempotencyKey: "key", Request: b.SHA256[:], Body: &predicate.EvidenceUploadedV1{
					Exhibit: exhibit, Ref: "JS/1", Handling: "standard", Schedule: "used", Content: ledger.ContentOf(b, "text/plain"),
				}}, nil
			})
			if err != nil {
				t.Errorf("one of many: %v", err)
			}
		})
	}
	all.Wait()
	if events := ledgertest.CheckLedger(t, n); events != 2 {
		t.Errorf("%d events", events)
	}
	var item predicate.Item
	if err := l.State(ctx, caseID, func(s *casefile.State) error { item = s.Exhibits()[0].Item(); return nil }); err != nil {
		t.Fatal(err)
	}
	view, err := l.Record(ctx, ledger.Act{User: pc, Case: caseID, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item}})
	if err != nil {
		t.Fatal(err)
	}
	blob, _, err := l.Content(ctx, pc, caseID, predicate.UUID(view.EventID.String()), exhibit)
	if err != nil {
		t.Fatalf("the exhibit lost its content: %v", err)
	}
	blob.Close() // read only
}

// TestGivenUp: callers give up at random moments. Whatever they are told, the repeated request is one event.
func TestGivenUp(t *testing.T) {
	n := ledgertest.New(t)
	l, pc := n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	ended, end := context.WithCancel(context.Background())
	end()
	if _, err := l.Record(ended, note(pc, caseID, "never", "")); err == nil {
		t.Fatal("recorded for a caller who had gone")
	}
	const workers, acts = 8, 40
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for k := range acts {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(4000))*time.Microsecond)
				key := fmt.Sprint(w, " ", k)
				r, err := l.Record(ctx, note(pc, caseID, key, ""))
				cancel()
				if err != nil && !errors.Is(err, ledger.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("act %s: %v", key, err)
				}
				again, err2 := l.Record(context.Background(), note(pc, caseID, key, ""))
				if err2 != nil || err == nil && again.Index != r.Index {
					t.Errorf("act %s: event %d (%v), then %d (%v)", key, r.Index, err, again.Index, err2)
				}
			}
		})
	}
	all.Wait()
	if events := ledgertest.CheckLedger(t, n); events != 1+workers*acts {
		t.Errorf("%d events for %d acts", events, 1+workers*acts)
	}
}

// TestClosing: every act that is under way when the ledger closes is answered, and what was acknowledged is there afterwards.
func TestClosing(t *testing.T) {
	dir := t.TempDir()
	ledgertest.Init(t, dir)
	for range 3 {
		n := ledgertest.Open(t, dir)
		l, pc, caseID := n.Ledger, ledgertest.Officer("PC 1234"), newID()
		if _, err := l.Record(context.Background(), ledger.Act{User: pc, Case: caseID, Policy: "test",
			Body: &predicate.CaseOpenedV1{URN: identifier.URN("U" + string(caseID[:8])), Stage: "trial"}}); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		var mu sync.Mutex
		acked := map[int64]uuid.UUID{}
		for range 16 {
			all.Go(func() {
				for {
					r, err := l.Record(context.Background(), note(pc, caseID, "", ""))
					if err != nil {
						if !errors.Is(err, ledger.ErrStopped) && !errors.Is(err, ledger.ErrUnavailable) {
							t.Errorf("while closing: %v", err)
						}
						return
					}
					mu.Lock()
					acked[r.Index] = r.EventID
					mu.Unlock()
				}
			})
		}
		time.Sleep(50 * time.Millisecond)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		all.Wait()
		for range 20 {
			if _, err := l.Record(context.Background(), note(pc, caseID, "", "")); !errors.Is(err, ledger.ErrStopped) {
				t.Fatalf("after closing: %v", err)
			}
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		n = ledgertest.Open(t, dir)
		for index, id := range acked {
			if r, err := n.Ledger.Recorded(context.Background(), index); err != nil || r.EventID != id {
				t.Errorf("event %d: %s, acknowledged was %s (%v)", index, r.EventID, id, err)
			}
		}
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFewCases works on many more cases than are kept in memory.
func TestFewCases(t *testing.T) {
	n := ledgertest.New(t)
	ctx, l := context.Background(), n.Ledger
	const limit, many, workers, acts = 3, 12, 8, 60
	l.LimitCases(limit)
	pc := ledgertest.Officer("PC 1234")
	var ids [many]predicate.UUID
	for i := range ids {
		ids[i] = ledgertest.OpenCase(t, l, pc, fmt.Sprintf("01AB%05d26", i))
	}
	var all sync.WaitGroup
	for range workers {
		all.Go(func() {
			for range acts {
				caseID := ids[rand.IntN(many)]
				if _, err := l.Record(ctx, note(pc, caseID, "", "")); err != nil {
					t.Error(err)
					return
				}
				if err := l.State(ctx, ids[rand.IntN(many)], func(s *casefile.State) error { return nil }); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := l.CasesInMemory(); got > limit {
		t.Errorf("%d cases in memory, the limit is %d", got, limit)
	}
	if events := ledgertest.CheckLedger(t, n); events != many+workers*acts {
		t.Errorf("%d events", events)
	}
}

// TestAdmission: acts that cannot become an event are refused, and nothing is recorded.
func TestAdmission(t *testing.T) {
	n := ledgertest.New(t)
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	denied := &predicate.AccessDeniedV1{Attempted: "view", Count: 1, Target: predicate.Hex32(strings.Repeat("0a", 32))}
	with := func(change func(*ledger.Act)) ledger.Act {
		a := note(pc, caseID, "", "")
		change(&a)
		return a
	}
	for name, a := range map[string]ledger.Act{
		"nothing":              {},
		"no body":              with(func(a *ledger.Act) { a.Body = nil }),
		"no case":              with(func(a *ledger.Act) { a.Case = "" }),
		"no case to open":      with(func(a *ledger.Act) { a.Case, a.Body = "", &predicate.CaseOpenedV1{URN: "01AB7654326", Stage: "trial"} }),
		"denial in a case":     with(func(a *ledger.Act) { a.Body = denied }),
		"nobody":               with(func(a *ledger.Act) { a.User.Subject = "" }),
		"unknown field":        with(func(a *ledger.Act) { a.Fields = []ledger.Field{{Name: "colour", Value: "blue"}} }),
		"field too long":       with(func(a *ledger.Act) { a.Fields = []ledger.Field{{Name: "note", Value: strings.Repeat("x", 4001)}} }),
		"field not a text":     with(func(a *ledger.Act) { a.Fields = []ledger.Field{{Name: "note", Value: 5}} }),
		"policy with spaces":   with(func(a *ledger.Act) { a.Policy = "Jane Smith" }),
		"role that is none":    with(func(a *ledger.Act) { a.User.Role = "king" }),
		"body out of its list": with(func(a *ledger.Act) { a.Body = &predicate.CaseLinkedV1{Linked: newID(), Relation: "friend of Jane"} }),
	} {
		if _, err := l.Record(ctx, a); !errors.Is(err, ledger.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		} else if strings.Contains(err.Error(), "Jane") || strings.Contains(err.Error(), "blue") {
			t.Errorf("%s: the error repeats what was given: %v", name, err)
		}
	}
	if _, err := l.Record(ctx, note(pc, newID(), "", "")); refusal(err) != casefile.CaseUnknown {
		t.Errorf("an unknown case: %v", err)
	}
	if h, _ := l.Integrated(); h.Size != 1 {
		t.Errorf("%d events", h.Size)
	}
}

// TestIntent: what an actor's device signs goes into the event in clear, so it may hold nothing else.
func TestIntent(t *testing.T) {
	n := ledgertest.New(t)
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	good := predicate.Intent{
		Act: "case.linked", Case: caseID, Domain: predicate.IntentDomain, Nonce: strings.Repeat("0a", 16), Origin: ledgertest.Origin, Time: predicate.At(l.Now()),
	}
	try := func(text []byte) error {
		a := note(pc, caseID, "", "")
		a.Proof = &predicate.ActorProof{
			Intent: predicate.Base64(base64.StdEncoding.EncodeToString(text)), Scheme: predicate.ProofP256,
			Signature: predicate.Base64(base64.StdEncoding.EncodeToString(make([]byte, 64))),
		}
		_, err := l.Record(ctx, a)
		return err
	}
	encode := func(in predicate.Intent) []byte {
		text, err := canonical.Marshal(&in)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	if err := try(encode(good)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*predicate.Intent){
		"another act":        func(in *predicate.Intent) { in.Act = "case.closed" },
		"a name as act":      func(in *predicate.Intent) { in.Act = "Jane Smith" },
		"another case":       func(in *predicate.Intent) { in.Case = newID() },
		"no case":            func(in *predicate.Intent) { in.Case = "" },
		"another domain":     func(in *predicate.Intent) { in.Domain = "Jane Smith" },
		"an exhibit":         func(in *predicate.Intent) { in.Exhibit = "JS/1" },
		"another log":        func(in *predicate.Intent) { in.Origin = "other.example" },
		"a name as nonce":    func(in *predicate.Intent) { in.Nonce = "Jane Smith of 1 High Street, London" },
		"no nonce":           func(in *predicate.Intent) { in.Nonce = "" },
		"a short nonce":      func(in *predicate.Intent) { in.Nonce = strings.Repeat("0a", 15) },
		"a long nonce":       func(in *predicate.Intent) { in.Nonce = strings.Repeat("0a", 33) },
		"half a byte more":   func(in *predicate.Intent) { in.Nonce = strings.Repeat("a", 33) },
		"a nonce in capital": func(in *predicate.Intent) { in.Nonce = strings.Repeat("0A", 16) },
	} {
		in := good
		change(&in)
		if err := try(encode(in)); !errors.Is(err, ledger.ErrInvalid) || strings.Contains(err.Error(), "Jane") {
			t.Errorf("%s: %v", name, err)
		}
	}
	text := string(encode(good))
	for name, bad := range map[string]string{
		"nothing": "", "no JSON": "Jane Smith", "white space": text + "\n", "one member more": strings.Replace(text, `"nonce"`, `"name":"Jane","nonce"`, 1),
	} {
		if err := try([]byte(bad)); !errors.Is(err, ledger.ErrInvalid) || strings.Contains(err.Error(), "Jane") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if h, _ := l.Integrated(); h.Size != 2 {
		t.Errorf("%d events", h.Size)
	}
}
