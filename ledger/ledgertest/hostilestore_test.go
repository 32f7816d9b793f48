package ledgertest_test

import (
	"context"
	"encoding/hex"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// hostile is an event store that can refuse, hold up or cut short what it is asked for.
type hostile struct {
	ledger.EventStore
	conflicts atomic.Int64 // so many appends answer that another writer was first
	cut       atomic.Bool  // the stream seems to end one event early
	held      atomic.Pointer[chan struct{}]
	read      atomic.Int64
}

func (h *hostile) Append(ctx context.Context, expected int64, events []ledger.StoredEvent) error {
	if h.conflicts.Load() > 0 {
		h.conflicts.Add(-1)
		return ledger.ErrConflict
	}
	if c := h.held.Load(); c != nil {
		<-*c
	}
	return h.EventStore.Append(ctx, expected, events)
}

func (h *hostile) Read(ctx context.Context, from int64, limit int, yield func(int64, ledger.StoredEvent) error) error {
	head, err := h.Head(ctx)
	if err != nil {
		return err
	}
	return h.EventStore.Read(ctx, from, limit, func(rev int64, e ledger.StoredEvent) error {
		if h.cut.Load() && rev == head {
			return nil
		}
		h.read.Add(1)
		return yield(rev, e)
	})
}

func newHostile(t *testing.T) (*hostile, *ledger.Ledger) {
	t.Helper()
	h := &hostile{}
	n := ledgertest.New(t, func(c *ledger.Config) { h.EventStore, c.Events = c.Events, h })
	return h, n.Ledger
}

func grantTo(org identifier.Org) *predicate.AccessGrantedV1 {
	return &predicate.AccessGrantedV1{
		Grant: predicate.UUID(uuid.NewString()), Organisation: org, Permissions: []predicate.Permission{"view"},
	}
}

func act(t *testing.T, l *ledger.Ledger, by ledger.User, caseID predicate.UUID, body predicate.Body) ledger.Recorded {
	t.Helper()
	r, err := l.Record(t.Context(), ledger.Act{User: by, Case: caseID, Policy: "test", Body: body})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// alarmed waits until writing has stopped, and says why.
func alarmed(t *testing.T, l *ledger.Ledger) error {
	t.Helper()
	for range 300 {
		if err := l.Healthy(); err != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no alarm within three seconds")
	return nil
}

// TestForgedEventIsNotTaken appends a right for another organisation in due order, under a signature that belongs to
// another event, as somebody could who may write to the event store.
func TestForgedEventIsNotTaken(t *testing.T) {
	h, l := newHostile(t)
	pc := ledgertest.Officer("PC 1234")
	id := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	given := act(t, l, pc, id, grantTo("force-12"))
	head, err := h.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var last ledger.StoredEvent
	if err := h.EventStore.Read(t.Context(), head, 1, func(_ int64, e ledger.StoredEvent) error { last = e; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := h.EventStore.Append(t.Context(), head, []ledger.StoredEvent{forge(t, given, last)}); err != nil {
		t.Fatal(err)
	}
	if err := alarmed(t, l); !errors.Is(err, ledger.ErrForeign) {
		t.Fatalf("alarm: %v", err)
	}
	if tree, _ := l.Integrated(); tree.Size != head+1 {
		t.Errorf("the tree has %d leaves: the forged event is one of them", tree.Size)
	}
	err = l.State(t.Context(), id, func(s *casefile.State) error {
		if s.TakesPart("force-13") {
			t.Error("the forged right is in force")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// forge makes the event that would follow, for another organisation, with the last event's signature.
func forge(t *testing.T, after ledger.Recorded, last ledger.StoredEvent) ledger.StoredEvent {
	t.Helper()
	env, err := statement.ParseEnvelope(last.Data)
	if err != nil {
		t.Fatal(err)
	}
	ev := *after.Event
	body := *ev.Predicate.Body.(*predicate.AccessGrantedV1)
	body.Organisation, body.Grant = "force-13", predicate.UUID(uuid.NewString())
	id := uuid.New()
	previous, err := hex.DecodeString(string(ev.Predicate.Previous))
	if err != nil {
		t.Fatal(err)
	}
	link := statement.Link([32]byte(previous), env.PAEDigest())
	ev.Predicate.Body, ev.Predicate.EventID, ev.Predicate.Previous = &body, predicate.UUID(id.String()), predicate.Hex32(hex.EncodeToString(link[:]))
	ev.Predicate.Sequence++
	payload, err := predicate.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	data, err := canonical.Marshal(statement.NewEnvelope(payload, env.Sig()))
	if err != nil {
		t.Fatal(err)
	}
	return ledger.StoredEvent{ID: id, Kind: ev.Kind, Data: data, Meta: last.Meta}
}

// TestStreamThatWentBack: an event that was committed is gone, as after restoring an old copy beneath a running ledger.
func TestStreamThatWentBack(t *testing.T) {
	h, l := newHostile(t)
	ledgertest.OpenCase(t, l, ledgertest.Officer("PC 1234"), "01AB1234526")
	h.cut.Store(true)
	if err := alarmed(t, l); !errors.Is(err, ledger.ErrDiverged) {
		t.Fatalf("alarm: %v", err)
	}
}

// TestConflictCostsNoFold: after a conflict the case is not read again from its beginning.
func TestConflictCostsNoFold(t *testing.T) {
	h, l := newHostile(t)
	pc := ledgertest.Officer("PC 1234")
	id := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	for range 300 {
		act(t, l, pc, id, grantTo("force-12"))
	}
	h.read.Store(0)
	h.conflicts.Store(3)
	act(t, l, pc, id, grantTo("force-12"))
	if n := h.read.Load(); n > 50 {
		t.Errorf("three conflicts cost %d reads of events in a case of 301", n)
	}
}

// TestNothingRestsOnUncommittedActs: a right whose event is still on its way to the store gives access to nothing.
func TestNothingRestsOnUncommittedActs(t *testing.T) {
	h, l := newHostile(t)
	pc := ledgertest.Officer("PC 1234")
	id := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	hold := make(chan struct{})
	h.held.Store(&hold)
	done := make(chan error, 1)
	go func() {
		_, err := l.Record(context.Background(), ledger.Act{User: pc, Case: id, Policy: "test", Body: grantTo("force-12")})
		done <- err
	}()
	time.Sleep(200 * time.Millisecond)
	takesPart := func() (is bool) {
		if err := l.State(t.Context(), id, func(s *casefile.State) error { is = s.TakesPart("force-12"); return nil }); err != nil {
			t.Fatal(err)
		}
		return is
	}
	if takesPart() {
		t.Error("a right is in force before its event is committed")
	}
	h.held.Store(nil)
	close(hold)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !takesPart() {
		t.Error("a recorded right is not in force")
	}
}
