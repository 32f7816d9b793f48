package ledger

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// TestViewsAreBounded: a generation that is full is turned early, and what is past its time or no id is not found.
func TestViewsAreBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	v := newViews(time.Minute)
	v.most = 10
	seen := func(i int64) *Committed {
		c := &Committed{Index: i, EventID: uuid.New(), Event: &predicate.Event{Predicate: predicate.Predicate{Body: &predicate.EvidenceViewedV1{}}}}
		c.Event.Predicate.RecordedAt = predicate.At(now)
		v.note(c, now)
		return c
	}
	first := seen(0)
	id := predicate.UUID(first.EventID.String())
	if index, ok := v.get(id, now); !ok || index != 0 {
		t.Fatalf("a view just noted: event %d, %v", index, ok)
	}
	for _, other := range []predicate.UUID{"", "urn:uuid:" + id, "{" + id + "}", id[:35]} {
		if _, ok := v.get(other, now); ok {
			t.Errorf("%q is taken for a view's id", other)
		}
	}
	if _, ok := v.get(id, now.Add(time.Minute)); ok {
		t.Error("a view is found after its time")
	}
	for i := range int64(100) {
		c := seen(i + 1)
		if n := len(v.young) + len(v.old); n > 2*v.most {
			t.Fatalf("%d views are kept, at most %d may be", n, 2*v.most)
		}
		if index, ok := v.get(predicate.UUID(c.EventID.String()), now); !ok || index != i+1 {
			t.Fatalf("view %d just noted: event %d, %v", i+1, index, ok)
		}
	}
	if _, ok := v.get(id, now); ok {
		t.Error("the oldest view is kept")
	}
}
