package casefile

import (
	"maps"
	"slices"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Clone is a copy that can be changed without changing s: acts that are not yet committed are folded into it.
func (s *State) Clone() *State {
	c := *s
	c.exhibits = make(map[predicate.UUID]*Exhibit, len(s.exhibits))
	for id, e := range s.exhibits {
		c.exhibits[id] = e.clone()
	}
	c.order = slices.Clone(s.order)
	c.persons, c.defendants, c.courts = maps.Clone(s.persons), maps.Clone(s.defendants), maps.Clone(s.courts)
	// What these point to is never changed, only taken out.
	c.representations, c.grants, c.destructions = maps.Clone(s.representations), maps.Clone(s.grants), maps.Clone(s.destructions)
	c.heads = maps.Clone(s.heads)
	return &c
}

func (e *Exhibit) clone() *Exhibit {
	c := *e
	c.shared, c.undertakings, c.accessed = maps.Clone(e.shared), maps.Clone(e.undertakings), maps.Clone(e.accessed)
	c.served, c.pledged = maps.Clone(e.served), maps.Clone(e.pledged)
	for org, all := range c.served {
		c.served[org] = slices.Clone(all)
	}
	return &c
}
