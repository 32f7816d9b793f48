// Package casefile decides what may happen to a case. It is pure: a State is the fold of a case's events, Decide says
// whether an intended act is allowed and where it belongs, and neither reads a clock, a store or a random number.
//
// Whether a role may do a thing at all is policy and decided before; here stands what depends on the case: who takes part
// in it, which items exist, what was served on whom, who may not approve their own work.
package casefile

import (
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// State is what decisions about one case, or about one organisation's chain of denials, rest on.
type State struct {
	ID     predicate.UUID
	URN    identifier.URN
	Opener identifier.Org
	Opened bool
	Closed bool

	exhibits        map[predicate.UUID]*Exhibit
	order           []predicate.UUID
	persons         map[predicate.UUID]struct{}
	defendants      map[predicate.UUID]struct{}
	representations map[predicate.UUID]*representation
	grants          map[predicate.UUID]*grant
	courts          map[identifier.Org]struct{}
	destructions    map[predicate.UUID]*destruction
	heads           map[predicate.ChainID]Head
}

// Head is the end of a chain.
type Head struct {
	Count int64
	Link  [32]byte
}

// Exhibit is one item of evidence as decisions need it.
type Exhibit struct {
	ID       predicate.UUID
	Ref      identifier.ExhibitRef
	Producer string // a person's id, or the uploader's pseudonym
	Uploader predicate.Pseudonym
	Content  predicate.Content
	Handling predicate.Handling
	Schedule predicate.Schedule
	// Parent, Proposal and Proposer are set for a redaction.
	Parent   predicate.UUID
	Proposal predicate.UUID
	Proposer predicate.Pseudonym
	Approved bool
	Erased   bool

	shared       map[identifier.Org][]predicate.Permission
	served       map[identifier.Org][]service            // one for each defendant
	undertakings map[predicate.Pseudonym]predicate.Hex32 // the newest of each person
	pledged      map[pledge]bool
	accessed     map[identifier.Org]bool
}

type service struct {
	defendant   predicate.UUID
	undertaking predicate.Hex32
}

// pledge is a text that somebody of an organisation accepted.
type pledge struct {
	org  identifier.Org
	text predicate.Hex32
}

type representation struct {
	defendant predicate.UUID
	org       identifier.Org
}

type grant struct {
	exhibit     predicate.UUID
	defendant   predicate.UUID
	org         identifier.Org
	grantee     predicate.Pseudonym
	permissions []predicate.Permission
}

type destruction struct {
	body     predicate.KeyDestructionProposedV1
	proposer predicate.Pseudonym
}

// New is a case, or an organisation's chain, to which nothing has happened yet.
func New(id predicate.UUID) *State {
	return &State{
		ID:       id,
		exhibits: map[predicate.UUID]*Exhibit{}, persons: map[predicate.UUID]struct{}{},
		defendants: map[predicate.UUID]struct{}{}, representations: map[predicate.UUID]*representation{},
		grants: map[predicate.UUID]*grant{}, courts: map[identifier.Org]struct{}{},
		destructions: map[predicate.UUID]*destruction{}, heads: map[predicate.ChainID]Head{},
	}
}

// Item names the exhibit's exact bytes for an event.
func (e *Exhibit) Item() predicate.Item {
	return predicate.Item{Exhibit: e.ID, Ref: e.Ref, SHA256: e.Content.SHA256}
}

// Sensitive reports whether acts on the item belong in the sensitive chain.
func (e *Exhibit) Sensitive() bool {
	return e.Schedule == predicate.ScheduleMG6D || e.Schedule == predicate.SchedulePII
}

// Derived reports whether the exhibit is a redaction of another.
func (e *Exhibit) Derived() bool { return e.Parent != "" }

// ServedUndertaking is the digest of the text that persons of org must accept before they see the item, the newest where
// it was served more than once, and whether the item was served on or disclosed to org at all.
func (e *Exhibit) ServedUndertaking(org identifier.Org) (predicate.Hex32, bool) {
	all := e.served[org]
	if len(all) == 0 {
		return "", false
	}
	return all[len(all)-1].undertaking, true
}

// Head is the state of a chain; an unknown chain has count 0 and link(0).
func (s *State) Head(chain predicate.ChainID) Head {
	if h, ok := s.heads[chain]; ok {
		return h
	}
	return Head{Link: statement.Genesis(string(chain))}
}

// Heads of all chains that have events.
func (s *State) Heads() map[predicate.ChainID]Head {
	out := make(map[predicate.ChainID]Head, len(s.heads))
	for c, h := range s.heads {
		out[c] = h
	}
	return out
}

// Exhibits in the order in which they were created.
func (s *State) Exhibits() []*Exhibit {
	out := make([]*Exhibit, len(s.order))
	for i, id := range s.order {
		out[i] = s.exhibits[id]
	}
	return out
}

// Exhibit finds an exhibit by its id.
func (s *State) Exhibit(id predicate.UUID) (*Exhibit, bool) {
	e, ok := s.exhibits[id]
	return e, ok
}

// HasPerson reports whether the person was added to the case.
func (s *State) HasPerson(id predicate.UUID) bool { _, ok := s.persons[id]; return ok }

// Resolve finds the exhibit that a reference or an exhibit id means.
func (s *State) Resolve(ref string) (*Exhibit, error) {
	if e, ok := s.exhibits[predicate.UUID(ref)]; ok {
		return e, nil
	}
	want, _, err := identifier.ParseExhibitRef(ref)
	if err != nil {
		return nil, refuse(ExhibitUnknown, "no exhibit has this reference in this case")
	}
	var found []*Exhibit
	for _, id := range s.order {
		if e := s.exhibits[id]; e.Ref.Key() == want.Key() {
			found = append(found, e)
		}
	}
	switch len(found) {
	case 0:
		return nil, refuse(ExhibitUnknown, "no exhibit has this reference in this case")
	case 1:
		return found[0], nil
	}
	r := refuse(ExhibitAmbiguous, "more than one producer has an exhibit with this reference: use one of the exhibit ids")
	for _, e := range found {
		r.Choices = append(r.Choices, Choice{Exhibit: e.ID, Ref: e.Ref, Producer: e.Producer})
	}
	return nil, r
}

// TakesPart reports whether an organisation has anything to do with the case now.
func (s *State) TakesPart(org identifier.Org) bool {
	if org == s.Opener || s.represents(org, "") {
		return true
	}
	if _, ok := s.courts[org]; ok {
		return true
	}
	for _, g := range s.grants {
		if g.org == org {
			return true
		}
	}
	for _, e := range s.exhibits {
		if _, ok := e.shared[org]; ok {
			return true
		}
	}
	return false
}

// represents: does the firm act for the defendant now, or for any if defendant is empty?
func (s *State) represents(org identifier.Org, defendant predicate.UUID) bool {
	for _, r := range s.representations {
		if r.org == org && (defendant == "" || r.defendant == defendant) {
			return true
		}
	}
	return false
}
