package ledgertest_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// short is an event store whose stream ends early for as long as it is told so.
type short struct {
	ledger.EventStore
	end atomic.Int64 // 0: where it really ends
}

func (s *short) tune(c *ledger.Config) { s.EventStore, c.Events = c.Events, s }

func (s *short) Read(ctx context.Context, from int64, max int, yield func(int64, ledger.StoredEvent) error) error {
	end := s.end.Load()
	if end == 0 {
		return s.EventStore.Read(ctx, from, max, yield)
	}
	if from >= end {
		return nil
	}
	if left := int(end - from); max == 0 || left < max {
		max = left
	}
	return s.EventStore.Read(ctx, from, max, yield)
}

// TestLongStream: what is no longer in memory is read back. Content is served under an early view, and a stream that has
// lost events is noticed.
func TestLongStream(t *testing.T) {
	t.Parallel()
	store := &short{}
	n := ledgertest.New(t, store.tune)
	ctx, pc := context.Background(), ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, n.Ledger, pc, "01AB1234526")
	item := upload(t, n.Ledger, pc, caseID, "JS/1", "evidence")
	see := func(by ledger.User) predicate.UUID {
		return idOf(record(t, n.Ledger, by, caseID, &predicate.EvidenceViewedV1{Item: item}))
	}
	view := see(pc)
	keep := idOf(record(t, n.Ledger, pc, caseID, &predicate.EvidenceDownloadedV1{Item: item}))
	var load sync.WaitGroup
	for range 64 {
		load.Go(func() {
			for range 36 {
				see(ledgertest.Officer("PC 5678"))
			}
		})
	}
	load.Wait()
	if head, _ := n.Ledger.Integrated(); head.Size < 4+2048 {
		t.Fatalf("%d events are too few for this test", head.Size)
	}
	for id, download := range map[predicate.UUID]bool{view: false, keep: true} {
		blob, _, err := n.Ledger.Content(ctx, pc, caseID, id, item.Exhibit)
		if err != nil {
			t.Fatalf("content under a view that is read back: %v", err)
		}
		if got, err := io.ReadAll(blob); err != nil || string(got) != "evidence" {
			t.Errorf("%q %v", got, err)
		}
		blob.Close() // read only
		if v, ok := n.Ledger.View(ctx, id); !ok || v.Download != download || v.Item != item || v.Case != caseID {
			t.Errorf("the view is %v, %v", v, ok)
		}
	}
	if _, _, err := n.Ledger.Content(ctx, ledgertest.Officer("PC 5678"), caseID, view, item.Exhibit); !errors.Is(err, ledger.ErrViewRequired) {
		t.Errorf("content under somebody else's view: %v", err)
	}
	store.end.Store(2)
	next, err := n.Ledger.Follow(ctx, 0, 10, func(*ledger.Committed) error { return nil })
	if next != 2 || !errors.Is(err, ledger.ErrDiverged) {
		t.Errorf("a stream of 2 events is followed to %d: %v", next, err)
	}
}
