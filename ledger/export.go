package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
)

// CaseEvents calls use for the events of a case that the tree covers, in order, and returns the head that covers them.
// None of them is proved yet.
func (l *Ledger) CaseEvents(ctx context.Context, caseID predicate.UUID, use func(*Committed) error) (Covered, error) {
	h := l.integrated.Load()
	recent, _ := l.tail.after(caseID, -1)
	revs, err := l.cfg.Index.Revisions(ctx, string(caseID))
	if err != nil {
		return Covered{}, fmt.Errorf("events of case %s: %w", caseID, err)
	}
	revs = slices.Compact(slices.Sorted(slices.Values(append(revs, recent...))))
	for len(revs) > 0 && revs[len(revs)-1] >= h.Size {
		revs = revs[:len(revs)-1]
	}
	return Covered{h}, l.events(ctx, revs, use)
}

// Covered is a tree head under which events can be proved together.
type Covered struct{ head *integratedHead }

// Checkpoint is the signed note of the head.
func (c Covered) Checkpoint() string { return c.head.checkpoint }

// Head is its size and root.
func (c Covered) Head() Head { return c.head.Head }

// Prove makes the verified receipt of an event under a head.
func (l *Ledger) Prove(ctx context.Context, c *Committed, under Covered) (receipt.Receipt, error) {
	return l.prove(ctx, c, under.head)
}

// Consistency is the proof that the tree of one size continues as the tree of another.
func (l *Ledger) Consistency(ctx context.Context, from, to int64) ([][]byte, error) {
	hashes, err := l.cfg.Tree.Consistency(ctx, from, to)
	if err != nil {
		return nil, fmt.Errorf("proof of consistency: %w", err)
	}
	return hashes, nil
}

// Stored opens the decrypted content of an exhibit for the court bag of a recipient, which is handed out only once its
// bag.exported is integrated. It returns a *casefile.Refusal where the recipient may not have it.
func (l *Ledger) Stored(ctx context.Context, caseID, exhibit predicate.UUID, to predicate.Recipient) (Blob, error) {
	var e casefile.Exhibit
	err := l.State(ctx, caseID, func(s *casefile.State) error {
		if err := s.MayReceive(to, exhibit); err != nil {
			return err
		}
		found, _ := s.Exhibit(exhibit)
		e = *found
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l.open(ctx, caseID, &e)
}

// SignerHint is the hex SHA-256 of the event key in use.
func (l *Ledger) SignerHint() string { return l.cfg.Signers.hint }

// Trust is what the ledger's receipts are checked against.
func (l *Ledger) Trust() *verifier.Trust { return l.cfg.Trust }
