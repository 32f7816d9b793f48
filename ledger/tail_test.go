package ledger

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// plain makes a committed event of a case; a URN makes it a case.opened.
func plain(index int64, caseID predicate.UUID, keyed bool, urn identifier.URN) *Committed {
	ev := &predicate.Event{Predicate: predicate.Predicate{Slots: predicate.Slots{Case: caseID}, Body: &predicate.CaseClosedV1{}}}
	if urn != "" {
		ev.Predicate.Body = &predicate.CaseOpenedV1{URN: urn}
	}
	if keyed {
		ev.Predicate.Idempotency = &predicate.Idempotency{}
	}
	return &Committed{Index: index, EventID: uuid.New(), Event: ev}
}

// TestTail compares with a slice of all events and the position of the index.
func TestTail(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tl := newTail()
		var all []*Committed
		var position int64
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			caseID := predicate.UUID(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "case"))
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0:
				position = max(position, rapid.Int64Range(0, int64(len(all))+3).Draw(t, "position"))
				tl.trim(position)
				position = min(position, int64(len(all)))
			case 1:
				all = append(all, plain(int64(len(all)), caseID, true, identifier.URN(fmt.Sprintf("01AB%d", len(all)))))
				tl.add(all[len(all)-1])
			default:
				all = append(all, plain(int64(len(all)), caseID, rapid.Bool().Draw(t, "keyed"), ""))
				tl.add(all[len(all)-1])
			}
			sameTail(t, tl, all, position)
		}
	})
}

func sameTail(t *rapid.T, tl *tail, all []*Committed, position int64) {
	if tl.head() != int64(len(all)) {
		t.Fatalf("head %d of %d events", tl.head(), len(all))
	}
	for _, last := range []int64{-1, 0, position, int64(len(all)) - 2} {
		for _, caseID := range []predicate.UUID{"a", "b", "c"} {
			var want []int64
			for _, c := range all {
				if c.Index >= position && c.Index > last && c.Event.Predicate.Case == caseID {
					want = append(want, c.Index)
				}
			}
			if got, next := tl.after(caseID, last); !slices.Equal(got, want) || next != int64(len(all)) {
				t.Fatalf("case %s after %d: %v, want %v; next %d", caseID, last, got, want, next)
			}
			if got, _, complete := tl.since(caseID, last+1); !slices.Equal(got, want) || complete != (position <= last+1) {
				t.Fatalf("case %s since %d: %v, want %v; complete %v", caseID, last+1, got, want, complete)
			}
		}
	}
	for _, c := range all {
		covered := c.Index >= position
		if rev, ok := tl.byID(c.EventID); ok != (covered && c.Event.Predicate.Idempotency != nil) || ok && rev != c.Index {
			t.Fatalf("event %d by id: %d %v", c.Index, rev, ok)
		}
		if open, is := c.Event.Predicate.Body.(*predicate.CaseOpenedV1); is && tl.hasURN(open.URN.Key()) != covered {
			t.Fatalf("URN of event %d is known: %v", c.Index, !covered)
		}
		if got, ok := tl.recent(c.Index); !ok || got != c {
			t.Fatalf("event %d is not in memory", c.Index)
		}
		if got, ok := tl.committed(c.EventID, c.Index); !ok || got != c {
			t.Fatalf("event %d is not found by its id", c.Index)
		}
		if _, ok := tl.committed(c.EventID, c.Index+1); ok {
			t.Fatalf("event %d is found after itself", c.Index)
		}
	}
}

// TestRing: only the newest events are in memory, and no other event is taken for one.
func TestRing(t *testing.T) {
	tl := newTail()
	const more = 10
	for i := range int64(ringSize + more) {
		tl.add(plain(i, "a", false, ""))
	}
	for rev, want := range map[int64]bool{-1: false, 0: false, more - 1: false, more: true, ringSize: true, ringSize + more - 1: true, ringSize + more: false} {
		if c, ok := tl.recent(rev); ok != want || ok && c.Index != rev {
			t.Errorf("revision %d: %v", rev, ok)
		}
	}
}

// TestViewsWindow: a view counts for its window, at least and at most, however many others there are.
func TestViewsWindow(t *testing.T) {
	const window = 10 * time.Minute
	begin := time.Date(2026, 11, 18, 9, 0, 0, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		v, now := newViews(window), begin
		recorded := map[uuid.UUID]time.Time{}
		for i := range rapid.IntRange(1, 40).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "seconds")) * time.Second)
			c := plain(int64(i), "a", false, "")
			age := time.Duration(rapid.IntRange(0, 900).Draw(t, "age")) * time.Second // an event read at start may be old
			c.Event.Predicate.Body, c.Event.Predicate.RecordedAt = &predicate.EvidenceViewedV1{}, predicate.At(now.Add(-age))
			recorded[c.EventID] = now.Add(-age)
			v.note(c, now)
			for id, at := range recorded {
				_, ok := v.get(predicate.UUID(id.String()), now)
				if until := at.Add(window); ok != now.Before(until) {
					t.Fatalf("a view of %v counts at %v: %v", at, now, ok)
				}
			}
			if _, ok := v.get(predicate.UUID(uuid.NewString()), now); ok {
				t.Fatal("a view that was never recorded counts")
			}
		}
	})
}
