package ledger_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// slowIndex lets something happen between the index's answer and its arrival, once.
type slowIndex struct {
	ledger.CaseIndex
	meanwhile atomic.Pointer[func()]
}

func (s *slowIndex) Revisions(ctx context.Context, caseID string) ([]int64, error) {
	revs, err := s.CaseIndex.Revisions(ctx, caseID)
	if f := s.meanwhile.Swap(nil); f != nil {
		(*f)()
	}
	return revs, err
}

// TestFoldMissesNothing: while a case is read from the stream it is pushed out of memory, gets an event, and the event leaves
// the tail for the index.
func TestFoldMissesNothing(t *testing.T) {
	index := &slowIndex{}
	n := ledgertest.New(t, func(c *ledger.Config) {
		index.CaseIndex, c.Index, c.FollowEvery = c.Index, index, 5*time.Millisecond
	})
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	l.LimitCases(1)
	caseID, other := ledgertest.OpenCase(t, l, pc, "01AB1234526"), ledgertest.OpenCase(t, l, pc, "01AB7654326")
	settle := func() {
		t.Helper()
		if err := n.WaitForReadModels(ctx); err != nil {
			t.Fatal(err)
		}
		time.Sleep(100 * time.Millisecond) // until the tail has been trimmed
	}
	push := func() {
		t.Helper()
		if err := l.State(ctx, other, func(*casefile.State) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	settle()
	push()
	happen := func() {
		push()
		if _, err := l.Record(ctx, note(pc, caseID, "", "")); err != nil {
			t.Error(err)
		}
		push()
		settle()
	}
	index.meanwhile.Store(&happen)
	err := l.State(ctx, caseID, func(s *casefile.State) error {
		if got := s.Head(predicate.ChainID(caseID) + "/main").Count; got != 2 {
			t.Errorf("the case has %d events, want 2", got)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if index.meanwhile.Load() != nil {
		t.Error("the case was in memory all the time")
	}
	if err := l.Healthy(); err != nil {
		t.Error(err)
	}
}
