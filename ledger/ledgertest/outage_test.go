package ledgertest_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// brokenTree is a tree that can be made to fail; integrations fail before or after they were carried out.
type brokenTree struct {
	ledger.Tree
	fail  atomic.Pointer[error]
	after atomic.Bool
}

func (b *brokenTree) with(err error) { b.fail.Store(&err) }
func (b *brokenTree) mend()          { b.fail.Store(nil) }

func (b *brokenTree) Head(ctx context.Context) (ledger.Head, error) {
	if err := b.fail.Load(); err != nil {
		return ledger.Head{}, *err
	}
	return b.Tree.Head(ctx)
}

func (b *brokenTree) Integrate(ctx context.Context, first int64, bodies [][]byte) (ledger.Integrated, error) {
	if err := b.fail.Load(); err != nil {
		return ledger.Integrated{}, *err
	}
	return b.Tree.Integrate(ctx, first, bodies)
}

func breakable(b *brokenTree) func(*ledger.Config) {
	return func(c *ledger.Config) { b.Tree, c.Tree = c.Tree, b }
}

// eventually waits until what should come has come.
func eventually(t *testing.T, what string, there func() bool) {
	t.Helper()
	for range 1000 {
		if there() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%s did not come", what)
}

// TestTreeUnreachable: nothing is recorded or shown while the tree is away; what was committed meanwhile is integrated when
// it is back, and only then shown under.
func TestTreeUnreachable(t *testing.T) {
	tree := &brokenTree{}
	n := ledgertest.New(t, breakable(tree))
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	item := upload(t, l, pc, caseID, "JS/1", "evidence")
	earlier := idOf(record(t, l, pc, caseID, &predicate.EvidenceViewedV1{Item: item}))
	tree.with(fmt.Errorf("%w: for a test", ledger.ErrUnavailable))
	// The first act is committed, since nobody knows yet; its view must not open anything.
	act := viewUnder(pc, caseID, item, "first")
	if _, err := l.Record(ctx, act); !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("recorded without a tree: %v", err)
	}
	viewID := l.EventIDFor("event", pc, caseID, "first", 0)
	for range 3 {
		if _, err := l.Record(ctx, act); !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatalf("recorded without a tree: %v", err)
		}
		for _, view := range []predicate.UUID{viewID, earlier} {
			if _, _, err := l.Content(ctx, pc, caseID, view, item.Exhibit); !errors.Is(err, ledger.ErrUnavailable) {
				t.Fatalf("content without a tree: %v", err)
			}
		}
	}
	if _, err := tryUpload(l, pc, caseID, "JS/2", "more"); !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("uploaded without a tree: %v", err)
	}
	if h, _ := l.Integrated(); h.Size != 3 {
		t.Fatalf("%d leaves are called integrated", h.Size)
	}
	if v, ok := l.View(ctx, viewID); ok {
		t.Fatalf("a view that is not integrated counts: %+v", v)
	}
	tree.mend()
	eventually(t, "integration of what was committed", func() bool { h, _ := l.Integrated(); return h.Size == 4 })
	r, err := l.Record(ctx, act)
	if err != nil || !r.Replayed || r.Index != 3 {
		t.Fatalf("the repeated act is event %d (replayed %v, %v)", r.Index, r.Replayed, err)
	}
	blob, _, err := l.Content(ctx, pc, caseID, viewID, item.Exhibit)
	if err != nil {
		t.Fatal(err)
	}
	blob.Close() // read only
	upload(t, l, pc, caseID, "JS/2", "more")
	ledgertest.CheckLedger(t, n)
}

// TestTreeDiverges: a tree that contradicts the events stops writing for good, even if it thinks better of it.
func TestTreeDiverges(t *testing.T) {
	tree := &brokenTree{}
	n := ledgertest.New(t, breakable(tree))
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	item := upload(t, l, pc, caseID, "JS/1", "evidence")
	before := l.Checkpoint()
	eventually(t, "publication", func() bool { before = l.Checkpoint(); _, text := l.Integrated(); return before == text })
	tree.with(fmt.Errorf("%w: for a test", ledger.ErrDiverged))
	if _, err := l.Record(ctx, viewUnder(pc, caseID, item, "first")); !errors.Is(err, ledger.ErrDiverged) || !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("recorded into a tree that diverges, or said not to be: %v", err)
	}
	tree.mend()
	if _, err := l.Record(ctx, viewUnder(pc, caseID, item, "second")); !errors.Is(err, ledger.ErrStopped) {
		t.Fatalf("writing goes on after an alarm: %v", err)
	}
	if _, err := tryUpload(l, pc, caseID, "JS/2", "more"); !errors.Is(err, ledger.ErrStopped) {
		t.Fatalf("uploading goes on after an alarm: %v", err)
	}
	if err := l.Healthy(); !errors.Is(err, ledger.ErrDiverged) {
		t.Fatalf("healthy: %v", err)
	}
	if h, _ := l.Integrated(); h.Size != 2 || l.Checkpoint() != before {
		t.Fatal("a checkpoint was made after the alarm")
	}
}

// TestTreeHeadDiverges: the alarm comes from looking at the tree, too.
func TestTreeHeadDiverges(t *testing.T) {
	tree := &brokenTree{}
	n := ledgertest.New(t, breakable(tree))
	tree.with(fmt.Errorf("%w: for a test", ledger.ErrDiverged))
	eventually(t, "the alarm", func() bool { return errors.Is(n.Ledger.Healthy(), ledger.ErrDiverged) })
}
