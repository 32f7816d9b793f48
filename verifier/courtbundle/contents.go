package courtbundle

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/sdjwt"
	"github.com/caseledger/caseledger/schemas/statement"
	"github.com/caseledger/caseledger/verifier"
)

// ErrContents marks contents that no bag can be made of.
var ErrContents = errors.New("verification pack cannot be made")

// Contents is what a bag is made of. Prepare reads it and keeps nothing of it.
type Contents struct {
	Trust *verifier.Trust
	// Signer is the hint of the event signer now in use.
	Signer string
	// Checkpoint is C: every event is proved into it.
	Checkpoint string
	// Events are those of each chain in the bag, complete up to its head, in leaf order.
	Events   []Event
	Evidence []Evidence
}

// Event is an event that is read, with the disclosures (RFC 9901) that the recipient may read, or one that is only
// counted: exactly one of Bundle and Withheld is set.
type Event struct {
	Bundle   *receipt.Bundle
	Openings []string
	Withheld *Withheld
}

// Withheld is NNNNNN.withheld.json: an event by its leaf only. Leaf is the leaf body.
type Withheld struct {
	Chain          predicate.ChainID      `json:"chain"`
	InclusionProof receipt.InclusionProof `json:"inclusionProof"`
	Leaf           []byte                 `json:"leaf"`
	LogIndex       receipt.Int64          `json:"logIndex"`
	Sequence       int64                  `json:"sequence"`
}

// Evidence is the content of an exhibit that an event of the bag created or names. Its file name and digest follow from
// the events.
type Evidence struct {
	Exhibit predicate.UUID
	Open    func() (io.ReadCloser, error)
}

// Consistency is consistency.json: the proof (RFC 6962, 2.1.2) that the tree of the receipt's checkpoint (Second)
// continues the tree of C (First).
type Consistency struct {
	First  TreeHead `json:"first"`
	Hashes [][]byte `json:"hashes"`
	Second TreeHead `json:"second"`
}

// TreeHead is a state of the log.
type TreeHead struct {
	Origin   string        `json:"origin"`
	RootHash []byte        `json:"rootHash"`
	TreeSize receipt.Int64 `json:"treeSize"`
}

// HeadOf is the tree head of a checkpoint.
func HeadOf(c receipt.Checkpoint) TreeHead {
	return TreeHead{Origin: c.Origin, RootHash: bytes.Clone(c.Root[:]), TreeSize: receipt.Int64(c.Size)}
}

func (h TreeHead) is(c receipt.Checkpoint) bool {
	return h.Origin == c.Origin && uint64(h.TreeSize) == c.Size && bytes.Equal(h.RootHash, c.Root[:])
}

// entry decodes an event for the fold. It verifies nothing.
func (e Event) entry() (projections.Entry, error) {
	if e.Withheld != nil {
		return withheldEntry(*e.Withheld)
	}
	if e.Bundle == nil || len(e.Bundle.VerificationMaterial.TlogEntries) != 1 {
		return projections.Entry{}, fmt.Errorf("%w: an event has no receipt", ErrContents)
	}
	event, err := predicate.Decode(e.Bundle.DSSEEnvelope.Payload)
	if err != nil {
		return projections.Entry{}, fmt.Errorf("%w: %w", ErrContents, err)
	}
	openings, err := sdjwt.ParseSet(e.Openings)
	if err != nil {
		return projections.Entry{}, fmt.Errorf("%w: %w", ErrContents, err)
	}
	log := e.Bundle.VerificationMaterial.TlogEntries[0]
	return readEntry(&event, openings, int64(log.LogIndex), e.Bundle.DSSEEnvelope, log.CanonicalizedBody), nil
}

func readEntry(e *predicate.Event, o sdjwt.Openings, index int64, env statement.Envelope, leaf []byte) projections.Entry {
	return projections.Entry{
		Index: index, Chain: e.Predicate.Chain, Sequence: e.Predicate.Sequence, Event: e, Openings: o,
		LeafHash: receipt.LeafHash(leaf), PAEDigest: env.PAEDigest(),
	}
}

func withheldEntry(w Withheld) (projections.Entry, error) {
	leaf, err := receipt.ParseLeaf(w.Leaf)
	if err != nil {
		return projections.Entry{}, fmt.Errorf("%w: %w", ErrContents, err)
	}
	return projections.Entry{
		Index: int64(w.LogIndex), Chain: w.Chain, Sequence: w.Sequence, LeafHash: receipt.LeafHash(w.Leaf), PAEDigest: leaf.PAEDigest,
	}, nil
}

// parseOpenings reads NNNNNN.openings.json. An empty list is refused: the file is then absent.
func parseOpenings(data []byte) (sdjwt.Openings, error) {
	var encoded []string
	if err := canonical.Unmarshal(data, &encoded); err != nil {
		return sdjwt.Openings{}, err
	}
	if len(encoded) == 0 {
		return sdjwt.Openings{}, fmt.Errorf("%w: no openings", sdjwt.ErrMalformed)
	}
	return sdjwt.ParseSet(encoded)
}

// parseWithheld reads NNNNNN.withheld.json.
func parseWithheld(data []byte) (Withheld, error) {
	var w Withheld
	err := canonical.Unmarshal(data, &w)
	return w, err
}

// parseConsistency reads consistency.json.
func parseConsistency(data []byte) (Consistency, error) {
	var k Consistency
	err := canonical.Unmarshal(data, &k)
	return k, err
}
