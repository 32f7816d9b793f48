package bagexport

import (
	"context"
	"fmt"
	"io"

	"github.com/caseledger/caseledger/api/reading"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/sdjwt"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// frozen is the state of a case that a bag shows.
type frozen struct {
	urn      identifier.URN
	covered  ledger.Covered
	contents courtbundle.Contents
	heads    []predicate.Head
	withheld int
}

func freeze(ctx context.Context, l *ledger.Ledger, r Request) (*frozen, error) {
	reader := reading.Reader{Role: r.Recipient.Role, Organisation: r.Recipient.Organisation, Defendant: r.Recipient.Defendant}
	if reader.Role == identifier.RoleDefence {
		var err error
		if reader.FirmID, err = l.FirmID(ctx, r.Case, reader.Organisation); err != nil {
			return nil, err
		}
	}
	var all []*ledger.Committed
	covered, err := l.CaseEvents(ctx, r.Case, func(c *ledger.Committed) error { all = append(all, c); return nil })
	if err != nil {
		return nil, err
	}
	f := &frozen{covered: covered, contents: courtbundle.Contents{Trust: l.Trust(), Signer: l.SignerHint(), Checkpoint: covered.Checkpoint()}}
	events := make([]*predicate.Event, len(all))
	for i, c := range all {
		events[i] = c.Event
		if open, ok := c.Event.Predicate.Body.(*predicate.CaseOpenedV1); ok {
			f.urn = open.URN
		}
	}
	access, heads := reading.For(reader, r.Case, events), newHeads()
	for _, c := range all {
		if !access.Knows(c.Event.Predicate.Chain) {
			continue
		}
		heads.add(c)
		if err := f.add(ctx, l, c, access); err != nil {
			return nil, err
		}
	}
	f.heads = heads.sorted()
	return f, f.addEvidence(ctx, l, r, all, access)
}

// add puts one event into the bag: its bundle and openings, or its leaf only.
func (f *frozen) add(ctx context.Context, l *ledger.Ledger, c *ledger.Committed, access *reading.Access) error {
	proved, err := l.Prove(ctx, c, f.covered)
	if err != nil {
		return err
	}
	if !access.Readable(c.Event) {
		f.withheld++
		f.contents.Events = append(f.contents.Events, courtbundle.Event{Withheld: &courtbundle.Withheld{
			Chain: c.Event.Predicate.Chain, InclusionProof: proved.InclusionProof, Leaf: c.LeafBody(),
			LogIndex: receipt.Int64(c.Index), Sequence: c.Event.Predicate.Sequence,
		}})
		return nil
	}
	bundle, err := l.Bundle(c, proved)
	if err != nil {
		return err
	}
	openings, err := l.WholeOpenings(c)
	if err != nil {
		return err
	}
	if openings, err = access.Openings(c.Event, openings); err != nil {
		return err
	}
	encoded, err := encode(openings)
	if err != nil {
		return err
	}
	f.contents.Events = append(f.contents.Events, courtbundle.Event{Bundle: &bundle, Openings: encoded})
	return nil
}

func encode(o sdjwt.Openings) ([]string, error) {
	var out []string
	for _, d := range o.Disclosures() {
		text, err := d.Encode()
		if err != nil {
			return nil, fmt.Errorf("revealed field: %w", err)
		}
		out = append(out, text)
	}
	sdjwt.Sort(out)
	return out, nil
}

// addEvidence lists the exhibits whose content is in the bag: those that the recipient may be given and whose beginning it
// reads. The rest is listed as not included, or erased, by whoever verifies the bag.
func (f *frozen) addEvidence(ctx context.Context, l *ledger.Ledger, r Request, all []*ledger.Committed, access *reading.Access) error {
	return l.State(ctx, r.Case, func(s *casefile.State) error {
		for _, c := range all {
			exhibit := createdBy(c.Event.Predicate.Body)
			if exhibit == "" || !access.Readable(c.Event) || s.MayReceive(r.Recipient, exhibit) != nil {
				continue
			}
			f.contents.Evidence = append(f.contents.Evidence, courtbundle.Evidence{Exhibit: exhibit, Open: func() (io.ReadCloser, error) {
				return l.Stored(ctx, r.Case, exhibit, r.Recipient)
			}})
		}
		return nil
	})
}

// exhibits are those whose content is in the bag.
func (f *frozen) exhibits() []predicate.UUID {
	out := make([]predicate.UUID, len(f.contents.Evidence))
	for i, e := range f.contents.Evidence {
		out[i] = e.Exhibit
	}
	return out
}

func createdBy(body predicate.Body) predicate.UUID {
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return b.Exhibit
	case *predicate.RedactionProposedV1:
		return b.Exhibit
	}
	return ""
}
