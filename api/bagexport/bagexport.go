// Package bagexport makes a court bag of a case for one recipient: it joins the ledger, which proves and decrypts, and
// courtbundle, which writes.
//
// A bag is frozen, then closed. The heads of its chains and one checkpoint that covers them are taken; every payload file
// is written; bag.exported is appended, with the heads and the digest of the list of contents; its receipt, under a later
// checkpoint, and the proof that the later tree continues the earlier one, close the bag. A crash in between leaves a
// folder named *.partial, and the next export begins again with a new event.
package bagexport

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// Request says which bag to make.
type Request struct {
	Case      predicate.UUID
	Recipient predicate.Recipient
	// By is who makes it, and under which policy.
	By     ledger.User
	Policy predicate.PolicyID
	// Dir is the folder to make; it must not exist. Its parent must.
	Dir string
}

// Exported says what was made.
type Exported struct {
	URN      identifier.URN
	Events   int // in the bag, withheld ones included
	Withheld int
	Evidence int
	Recorded ledger.Recorded // of bag.exported
}

// ErrNotVerified: the bag that was made does not verify under the ledger's own trust. It was removed.
var ErrNotVerified = errors.New("the verification pack just made does not verify and was removed")

// Export makes the bag. Nothing is in Dir before bag.exported is integrated and the closed bag has passed the court's own
// checks; after an error nothing is left of it. A *casefile.Refusal says why the recipient may not have it.
func Export(ctx context.Context, l *ledger.Ledger, r Request) (Exported, error) {
	if err := allowed(ctx, l, r); err != nil {
		return Exported{}, err
	}
	if err := makeRoom(r.Dir); err != nil {
		return Exported{}, err
	}
	f, err := freeze(ctx, l, r)
	if err != nil {
		return Exported{}, err
	}
	rec, err := f.close(ctx, l, r)
	if err != nil {
		return Exported{}, errors.Join(err, discard(r.Dir))
	}
	return Exported{URN: f.urn, Events: len(f.contents.Events), Withheld: f.withheld, Evidence: len(f.contents.Evidence), Recorded: rec}, nil
}

// allowed refuses a hopeless export before anything is decrypted; it is decided again when bag.exported gets its place.
func allowed(ctx context.Context, l *ledger.Ledger, r Request) error {
	return l.State(ctx, r.Case, func(s *casefile.State) error {
		_, err := s.Decide(casefile.Act{Body: &predicate.BagExportedV1{Recipient: r.Recipient}})
		return err
	})
}

// close writes a frozen bag, records that it goes out, and moves it into place once it verifies.
func (f *frozen) close(ctx context.Context, l *ledger.Ledger, r Request) (ledger.Recorded, error) {
	digest, err := courtbundle.Prepare(unverified(r.Dir), f.contents)
	if err != nil {
		return ledger.Recorded{}, fmt.Errorf("write verification pack: %w", err)
	}
	rec, err := l.Record(ctx, ledger.Act{User: r.By, Case: r.Case, Policy: r.Policy, Contents: f.exhibits(), Body: &predicate.BagExportedV1{
		Checkpoint: treeHead(l, f.covered), Contents: predicate.Hex32(hex.EncodeToString(digest[:])), Heads: f.heads, Recipient: r.Recipient,
	}})
	if err != nil {
		return ledger.Recorded{}, err
	}
	if err := finish(ctx, l, r, f, rec); err != nil { // it is recorded, so it is worth a second try
		if again := finish(ctx, l, r, f, rec); again != nil {
			return ledger.Recorded{}, errors.Join(again, err)
		}
	}
	return rec, release(l, r.Dir)
}

func treeHead(l *ledger.Ledger, c ledger.Covered) predicate.TreeHead {
	h := c.Head()
	return predicate.TreeHead{Origin: predicate.Origin(l.Origin()), Root: predicate.Hex32(hex.EncodeToString(h.Root[:])), Size: h.Size}
}

// finish closes the bag with the receipt of its bag.exported and the proof that ties the two checkpoints together.
func finish(ctx context.Context, l *ledger.Ledger, r Request, f *frozen, rec ledger.Recorded) error {
	bundle, err := l.BundleOf(ctx, rec)
	if err != nil {
		return err
	}
	first, err := receipt.ParseCheckpoint(f.contents.Checkpoint)
	if err != nil {
		return err
	}
	second, err := receipt.ParseCheckpoint(rec.Receipt.Checkpoint)
	if err != nil {
		return err
	}
	hashes, err := l.Consistency(ctx, int64(first.Size), int64(second.Size))
	if err != nil {
		return err
	}
	err = courtbundle.Close(unverified(r.Dir), bundle, courtbundle.Consistency{
		First: courtbundle.HeadOf(first.Checkpoint), Second: courtbundle.HeadOf(second.Checkpoint), Hashes: hashes,
	})
	if err != nil {
		return fmt.Errorf("close verification pack: %w", err)
	}
	return nil
}
