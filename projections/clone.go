package projections

import (
	"slices"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// clone copies everything that a later Apply could change.
func (s *State) clone() *State {
	c := &State{Case: s.Case, Exhibits: slices.Clone(s.Exhibits), Grants: slices.Clone(s.Grants), People: slices.Clone(s.People)}
	c.Case.Defendants = slices.Clone(c.Case.Defendants)
	c.Case.Hearings = slices.Clone(c.Case.Hearings)
	c.Case.Linked = slices.Clone(c.Case.Linked)
	c.Case.Outcomes = slices.Clone(c.Case.Outcomes)
	c.Case.Representations = slices.Clone(c.Case.Representations)
	for i := range c.Exhibits {
		x := &c.Exhibits[i]
		x.Derived, x.Recipients, x.Undertakings = slices.Clone(x.Derived), slices.Clone(x.Recipients), slices.Clone(x.Undertakings)
	}
	return c
}

// find looks up an exhibit.
func (s *State) find(id predicate.UUID) (Exhibit, bool) {
	reindex(s.Exhibits, &s.exhibits, exhibitID)
	i, ok := s.exhibits[id]
	if !ok {
		return Exhibit{}, false
	}
	return s.Exhibits[i], true
}
