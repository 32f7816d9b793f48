package casefile

import (
	"slices"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// mayAccess: may this actor see, or take away, the content of this item now?
func (s *State) mayAccess(actor predicate.Actor, item predicate.Item, want predicate.Permission) error {
	e, err := s.need(item)
	if err != nil {
		return err
	}
	return s.access(actor, e, want)
}

func (s *State) access(actor predicate.Actor, e *Exhibit, want predicate.Permission) error {
	if actor.Role == identifier.RoleDefence || orgKind(actor.Organisation) == "firm" {
		by := defence{org: actor.Organisation, person: actor.Pseudonym, accepted: []predicate.Hex32{e.undertakings[actor.Pseudonym]}}
		return s.defenceAccess(by, e, want)
	}
	switch actor.Role {
	case identifier.RoleJudge:
		return nil
	case identifier.RoleClerk, identifier.RoleInspector, identifier.RoleIG:
		if e.Sensitive() {
			return refuse(NotPermitted, "this item is not open to your role")
		}
	}
	if s.may(actor, e, want) {
		return nil
	}
	return refuse(NotPermitted, "you have no right to this item: ask the organisation that holds the case")
}

// may looks for a right of an agency: it opened the case, a hearing is listed there, or it was granted or shared.
func (s *State) may(actor predicate.Actor, e *Exhibit, want predicate.Permission) bool {
	if actor.Organisation == s.Opener {
		return true
	}
	if _, court := s.courts[actor.Organisation]; court && (!e.Derived() || e.Approved) {
		return true
	}
	return slices.Contains(e.shared[actor.Organisation], want) || s.granted(actor, e, want)
}

// granted: was this item, or the whole case, granted to the organisation or to this person of it?
func (s *State) granted(actor predicate.Actor, e *Exhibit, want predicate.Permission) bool {
	for _, g := range s.grants {
		if g.org == actor.Organisation && g.to(actor.Pseudonym) && (g.exhibit == "" || g.exhibit == e.ID) && slices.Contains(g.permissions, want) {
			return true
		}
	}
	return false
}

// to: is the grant for everybody in its organisation, or for this person?
func (g *grant) to(person predicate.Pseudonym) bool { return g.grantee == "" || g.grantee == person }

// defence is who asks on the side of a firm: one of its people, or, with no person, the firm itself.
type defence struct {
	org       identifier.Org
	person    predicate.Pseudonym
	defendant predicate.UUID    // only what the firm has for this one; empty: for all of its clients
	accepted  []predicate.Hex32 // the undertakings for the item that count
}

func (d defence) wants(defendant predicate.UUID) bool {
	return d.defendant == "" || d.defendant == defendant
}

// defenceAccess: only what was served on, disclosed to or granted to the firm for a defendant it still acts for.
func (s *State) defenceAccess(by defence, e *Exhibit, want predicate.Permission) error {
	if err := s.mayLeave(e, true); err != nil {
		return refuse(NotPermitted, "this item is not open to you")
	}
	served := false
	for _, sv := range s.inForce(by.org, e) {
		if !by.wants(sv.defendant) {
			continue
		}
		if sv.undertaking == "" || slices.Contains(by.accepted, sv.undertaking) {
			return nil
		}
		served = true
	}
	granted := s.grantedFor(by, e, want)
	switch {
	case served, granted && e.Handling == predicate.HandlingUndertaking && !slices.ContainsFunc(by.accepted, notEmpty):
		return refuse(UndertakingRequired, "accept the undertaking for this item first; a colleague's acceptance does not count for you")
	case granted:
		return nil
	}
	return refuse(NotPermitted, "this item is not open to you")
}

func notEmpty(text predicate.Hex32) bool { return text != "" }

// grantedFor looks for a grant to a firm, which names one item and a defendant.
func (s *State) grantedFor(by defence, e *Exhibit, want predicate.Permission) bool {
	for _, g := range s.grants {
		if g.org == by.org && g.exhibit == e.ID && g.to(by.person) && slices.Contains(g.permissions, want) &&
			by.wants(g.defendant) && s.represents(g.org, g.defendant) {
			return true
		}
	}
	return false
}

// MayAccess is the check that is made each time content is fetched, after the view was recorded: whatever the view rested on
// may have ended since, the organisation's part in the case too.
func (s *State) MayAccess(actor predicate.Actor, exhibit predicate.UUID, want predicate.Permission) error {
	e, ok := s.exhibits[exhibit]
	switch {
	case !ok:
		return refuse(ExhibitUnknown, "no such exhibit in this case")
	case !s.TakesPart(actor.Organisation):
		return refuse(NotPermitted, "your organisation takes no part in this case")
	}
	return s.mayAccess(actor, e.Item(), want)
}
