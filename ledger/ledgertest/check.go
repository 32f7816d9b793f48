package ledgertest

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/projections/sqlstore"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// CheckLedger verifies the world: every event is signed and under the newest checkpoint at the index that is its
// revision, every chain closes, and rebuilt read models equal the kept ones. It returns the number of events.
func CheckLedger(t testing.TB, n *node.Node) int64 {
	t.Helper()
	ctx := context.Background()
	head, _ := n.Ledger.Integrated()
	states := map[predicate.UUID]*casefile.State{}
	var next int64
	for next < head.Size {
		var err error
		next, err = n.Ledger.Follow(ctx, next, 1000, func(c *ledger.Committed) error {
			r, err := n.Ledger.Recorded(ctx, c.Index)
			if err != nil {
				return err
			}
			if _, err := n.Trust.Receipt(r.Receipt); err != nil {
				return err
			}
			p := &c.Event.Predicate
			scope := p.Case
			if scope == "" {
				scope = predicate.UUID("org/" + string(p.Actor.Organisation))
			}
			if states[scope] == nil {
				states[scope] = casefile.New(scope)
			}
			return states[scope].Apply(c.Event, c.PAE)
		})
		if err != nil {
			t.Fatalf("event %d: %v", next, err)
		}
	}
	checkReadModels(t, n)
	return next
}

func checkReadModels(t testing.TB, n *node.Node) {
	t.Helper()
	ctx := context.Background()
	if err := n.WaitForReadModels(ctx); err != nil {
		t.Fatal(err)
	}
	kept, _, err := n.Read.Digest(ctx)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "rebuilt.db")
	if _, err := sqlstore.Rebuild(ctx, n.Source(), path); err != nil {
		t.Fatal(err)
	}
	st, err := sqlstore.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close() // read only
	if fresh, _, err := st.Digest(ctx); err != nil || fresh != kept {
		t.Fatalf("rebuilt read models have digest %s, the kept ones %s (%v)", fresh, kept, err)
	}
}
