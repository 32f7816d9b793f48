package main_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// Samples of one check; everything else is compared without asking the tree for each proof.
const (
	sampleReceipts = 80
	sampleProofs   = 25
	sampleContents = 4
)

// check opens the ledger and holds it against all that was ever acknowledged.
func (c *crash) check(t *testing.T, fresh []ack, whole bool) {
	t.Helper()
	n, err := node.Open(t.Context(), node.Config{Data: c.dir})
	if err != nil {
		t.Fatalf("the ledger does not open again: %v", err)
	}
	defer func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}()
	head, _ := n.Ledger.Integrated()
	if head.Size < c.size {
		t.Fatalf("the tree shrank from %d to %d leaves", c.size, head.Size)
	}
	c.size = head.Size
	c.checkStream(t, n, head)
	for _, a := range append(c.sample(fresh, sampleReceipts), c.sample(c.acks, sampleReceipts)...) {
		c.checkReceipt(t, n, a)
	}
	c.checkDestroyed(t, n)
	c.checkContents(t, n)
	c.checkReplay(t, n)
	if whole {
		ledgertest.CheckLedger(t, n)
	}
}

func (c *crash) sample(from []ack, max int) []ack {
	var out []ack
	for _, i := range c.rand.Perm(len(from)) {
		if len(out) == max {
			break
		}
		out = append(out, from[i])
	}
	return out
}

// checkStream reads every event and builds the tree anew: acknowledged events must be at their index unchanged, and every
// acknowledged checkpoint must be a head of this one tree.
func (c *crash) checkStream(t *testing.T, n *node.Node, head ledger.Head) {
	t.Helper()
	byIndex := map[int64]ack{}
	heads := map[int64][32]byte{}
	verify := n.Trust.NewCheckpointVerifier(64)
	for _, a := range c.acks {
		byIndex[a.Index] = a
		p, err := receipt.ParseCheckpoint(a.Checkpoint)
		if err != nil {
			t.Fatalf("an acknowledged checkpoint: %v", err)
		}
		if root, ok := heads[int64(p.Size)]; ok && root != p.Root {
			t.Fatalf("two roots were acknowledged for size %d: the log forked", p.Size)
		} else if !ok && c.rand.IntN(20) == 0 {
			if _, err := verify.Verify(a.Checkpoint); err != nil {
				t.Fatalf("checkpoint of size %d: %v", p.Size, err)
			}
		}
		heads[int64(p.Size)] = p.Root
	}
	whole := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	roots := map[int64][32]byte{}
	for next := int64(0); next < head.Size; {
		var err error
		next, err = n.Ledger.Follow(t.Context(), next, 2000, func(e *ledger.Committed) error {
			if a, ok := byIndex[e.Index]; ok {
				delete(byIndex, e.Index)
				if a.Event != e.EventID.String() || a.Envelope != envelopeDigest(e.Envelope) {
					t.Errorf("event %d is not the one that was acknowledged", e.Index)
				}
			}
			hash := e.LeafHash()
			if err := whole.Append(hash[:], nil); err != nil {
				return err
			}
			if want, ok := heads[e.Index+1]; ok || e.Index+1 == head.Size {
				root, err := whole.GetRootHash(nil)
				if err != nil {
					return err
				}
				roots[e.Index+1] = [32]byte(root)
				if ok && want != [32]byte(root) {
					t.Errorf("the checkpoint acknowledged at size %d has another root: the log forked", e.Index+1)
				}
				delete(heads, e.Index+1)
			}
			return nil
		})
		if err != nil {
			t.Fatalf("event %d: %v", next, err)
		}
	}
	if len(byIndex) > 0 || len(heads) > 0 {
		t.Errorf("%d acknowledged events and %d acknowledged checkpoints are lost", len(byIndex), len(heads))
	}
	if head.Size > 0 && roots[head.Size] != head.Root {
		t.Error("the tree's root is not that of the events")
	}
	c.checkConsistency(t, n, head, roots)
}

// checkConsistency asks the ledger for proofs that earlier checkpoints are prefixes of the tree.
func (c *crash) checkConsistency(t *testing.T, n *node.Node, head ledger.Head, roots map[int64][32]byte) {
	t.Helper()
	count := 0
	for size, root := range roots { // in no order
		if count++; count > sampleProofs {
			return
		}
		hashes, err := n.Ledger.Consistency(t.Context(), size, head.Size)
		if err == nil {
			err = proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(size), uint64(head.Size), hashes, root[:], head.Root[:])
		}
		if err != nil {
			t.Errorf("from %d to %d leaves: %v", size, head.Size, err)
		}
	}
}

func (c *crash) checkReceipt(t *testing.T, n *node.Node, a ack) {
	t.Helper()
	r, err := n.Ledger.Recorded(t.Context(), a.Index)
	if err != nil {
		t.Fatalf("receipt of event %d: %v", a.Index, err)
	}
	if got := envelopeDigest(r.Receipt.Envelope); got != a.Envelope || r.EventID.String() != a.Event {
		t.Errorf("event %d is not the one that was acknowledged", a.Index)
	}
	if _, err := n.Trust.Receipt(r.Receipt); err != nil {
		t.Errorf("receipt of event %d: %v", a.Index, err)
	}
}

// checkDestroyed: no opening about an erased exhibit opens any more, and its content is gone.
func (c *crash) checkDestroyed(t *testing.T, n *node.Node) {
	t.Helper()
	gone := c.destroyed()
	for _, a := range c.acks {
		if a.Exhibit == "" {
			continue
		}
		// The process may have been killed between the event and its acknowledgement: then it is gone as well.
		erased := false
		if err := n.Ledger.State(t.Context(), a.Case, func(s *casefile.State) error {
			e, ok := s.Exhibit(a.Exhibit)
			if erased = ok && e.Erased; !ok {
				t.Errorf("exhibit %s is lost", a.Exhibit)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if gone[a.Exhibit] && !erased {
			t.Errorf("exhibit %s is back", a.Exhibit)
		}
		if !erased && c.rand.IntN(10) > 0 {
			continue
		}
		e, err := n.Ledger.Event(t.Context(), a.Index)
		if err != nil {
			t.Fatal(err)
		}
		openings, err := n.Ledger.Openings(e)
		if err != nil {
			t.Fatalf("openings of event %d: %v", a.Index, err)
		}
		if _, ok := openings.Get("fileName"); ok == erased {
			t.Errorf("exhibit %s: erased %v, its file name opens %v", a.Exhibit, erased, ok)
		}
	}
}

// checkContents reads some contents that were acknowledged as stored.
func (c *crash) checkContents(t *testing.T, n *node.Node) {
	t.Helper()
	left := sampleContents
	for _, a := range c.sample(c.acks, len(c.acks)) {
		if a.Exhibit == "" {
			continue
		}
		if left--; left < 0 {
			return
		}
		blob, err := c.content(n, a)
		if err != nil {
			var refused *casefile.Refusal
			if !errors.As(err, &refused) || refused.Code != casefile.ExhibitErased {
				t.Errorf("content of %s: %v", a.Exhibit, err)
			}
			continue
		}
		got, err := io.ReadAll(blob)
		if err != nil || !bytes.Equal(got, crashContent(a.Exhibit, a.Size)) {
			t.Errorf("content of %s is not what was uploaded (%v)", a.Exhibit, err)
		}
		blob.Close() // read only
	}
}

// content reads an exhibit as everybody must: under a recorded view.
func (c *crash) content(n *node.Node, a ack) (ledger.Blob, error) {
	ctx, item := context.Background(), predicate.Item{}
	err := n.Ledger.State(ctx, a.Case, func(s *casefile.State) error {
		if e, ok := s.Exhibit(a.Exhibit); ok {
			item = e.Item()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	act := crashView(a.Case, item, "")
	view, err := n.Ledger.Record(ctx, act)
	if err != nil {
		return nil, err
	}
	blob, _, err := n.Ledger.Content(ctx, act.User, a.Case, predicate.UUID(view.EventID.String()), a.Exhibit)
	return blob, err
}

// checkReplay repeats a request whose answer was acknowledged.
func (c *crash) checkReplay(t *testing.T, n *node.Node) {
	t.Helper()
	for _, a := range c.sample(c.acks, len(c.acks)) {
		if a.Key == "" {
			continue
		}
		r, err := n.Ledger.Record(context.Background(), crashView(a.Case, a.Item, a.Key))
		if err != nil || !r.Replayed || r.Index != a.Index {
			t.Errorf("a repeated request gave event %d (replayed %v, %v), it was acknowledged as event %d", r.Index, r.Replayed, err, a.Index)
		}
		return
	}
}
