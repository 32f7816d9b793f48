package api

import (
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// erasure is what is to be erased, and on what ground. Whoever confirms a proposal says the same again.
type erasure struct {
	noted
	Authority predicate.Authority    `json:"authority"`
	Exhibit   string                 `json:"exhibit"` // a reference or an id
	Person    predicate.UUID         `json:"person"`
	Scope     predicate.DestroyScope `json:"scope"`
}

// exhibitID finds the exhibit that is named; one that is erased already is found too.
func (c *call) exhibitID(caseID predicate.UUID, name string) (predicate.UUID, error) {
	if name == "" {
		return "", nil
	}
	var t target
	err := c.s.cfg.Ledger.State(c.ctx(), caseID, func(s *casefile.State) error { return c.resolve(s, name, &t) })
	return t.exhibit.ID, err
}

func proposeDestruction(c *call) error {
	var in erasure
	return c.change(&in, &in.noted, func(caseID predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		exhibit, err := c.exhibitID(caseID, in.Exhibit)
		if err != nil {
			return nil, nil, nil, err
		}
		body := &predicate.KeyDestructionProposedV1{Authority: in.Authority, Exhibit: exhibit, Person: in.Person, Scope: in.Scope}
		return body, in.fields(), nil, nil
	})
}

// confirmDestruction destroys the keys for good. Its id is the event of the proposal.
func confirmDestruction(c *call) error {
	var in erasure
	asked, err := c.read(&in)
	if err != nil {
		return err
	}
	caseID, err := c.findCase(nil)
	if err != nil {
		return err
	}
	exhibit, err := c.exhibitID(caseID, in.Exhibit)
	if err != nil {
		return err
	}
	proposal := predicate.UUID(c.param("id"))
	a, err := c.act(intended{
		caseID: caseID, fields: in.fields(), proof: in.ActorProof, asked: append([]byte(proposal+"\x00"), asked...),
		body: &predicate.KeyDestroyedV1{Authority: in.Authority, Exhibit: exhibit, Person: in.Person, Proposal: proposal, Scope: in.Scope},
	})
	if err != nil {
		return err
	}
	rec, err := c.s.cfg.Ledger.DestroyKeys(c.ctx(), a)
	if err != nil && rec.Event == nil {
		return err
	}
	if err != nil { // recorded: what could not be removed now is removed at the next start
		c.s.cfg.Logger.Error("keys are recorded as destroyed but not all is removed yet", "case", string(caseID), "error", err)
	}
	return c.answer(rec, text("case", caseID), text("event", rec.Event.Predicate.EventID))
}
