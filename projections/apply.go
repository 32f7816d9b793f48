package projections

import (
	"slices"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// State is the fold of the clear slots of one case. The zero value is ready. It belongs to one goroutine.
//
// A State may be partial: one that holds only the rows which Touched names for an event changes them exactly as the whole
// State would. Views and downloads change nothing.
type State struct {
	Case     Case
	Exhibits []Exhibit
	Grants   []Grant
	People   []Person

	exhibits, grants, people map[predicate.UUID]int
}

// Apply takes in the event at a leaf index. It reports whether the event is of this case; another case's event, and one
// without a case, change nothing. The first event with a case says which case it is, unless Case.ID is already set.
func (s *State) Apply(index int64, e *predicate.Event) bool {
	id := e.Predicate.Case
	if s.Case.ID == "" {
		s.Case.ID = id
	}
	if id == "" || s.Case.ID != id || e.Predicate.Body == nil {
		return false
	}
	a := act{s, index, e.Predicate.RecordedAt, e}
	if !a.caseEvent() && !a.personEvent() && !a.accessEvent() {
		a.exhibitEvent()
	}
	return true
}

// act is one event being applied.
type act struct {
	*State
	index int64
	at    predicate.Time
	event *predicate.Event
}

func (a act) end(reason string) *Ending { return &Ending{At: a.at, Index: a.index, Reason: reason} }

func (a act) caseEvent() bool {
	c := &a.Case
	switch b := a.event.Predicate.Body.(type) {
	case *predicate.CaseOpenedV1:
		if !c.Known {
			c.Known, c.Area, c.Force, c.Stage, c.URN, c.FirstHearing = true, b.Area, b.Force, b.Stage, b.URN, b.FirstHearing
			c.OpenedAt, c.OpenedBy = &a.at, a.event.Predicate.Actor.Organisation
		}
	case *predicate.CaseLinkedV1:
		if l := (LinkedCase{b.Linked, b.Relation}); !slices.Contains(c.Linked, l) {
			c.Linked = append(c.Linked, l)
		}
	case *predicate.CaseOutcomeV1:
		c.Outcomes = append(c.Outcomes, CaseOutcome{At: a.at, Defendant: b.Defendant, Index: a.index, Outcome: b.Outcome})
	case *predicate.CaseClosedV1:
		c.Closed = a.end(string(b.Reason))
	case *predicate.CaseReopenedV1:
		c.Closed = nil
	case *predicate.HearingListedV1:
		h := Hearing{At: b.At, Court: b.Court, ID: b.Hearing, Type: b.Type}
		if i := slices.IndexFunc(c.Hearings, func(o Hearing) bool { return o.ID == h.ID }); i >= 0 {
			c.Hearings[i] = h
		} else {
			c.Hearings = append(c.Hearings, h)
		}
	default:
		return false
	}
	return true
}

func (a act) personEvent() bool {
	switch b := a.event.Predicate.Body.(type) {
	case *predicate.DefendantAddedV1:
		p := a.person(b.Defendant)
		p.Known, p.Defendant = true, true
		if !slices.Contains(a.Case.Defendants, b.Defendant) {
			a.Case.Defendants = append(a.Case.Defendants, b.Defendant)
		}
	case *predicate.PersonAddedV1:
		p := a.person(b.Person)
		p.Known, p.Child, p.Vulnerable, p.Roles = true, b.Child, b.Vulnerable, b.Roles
	default:
		return false
	}
	return true
}

func (a act) accessEvent() bool {
	switch b := a.event.Predicate.Body.(type) {
	case *predicate.RepresentationStartedV1:
		if !slices.ContainsFunc(a.Case.Representations, func(r Representation) bool { return r.ID == b.Representation }) {
			a.Case.Representations = append(a.Case.Representations,
				Representation{Defendant: b.Defendant, ID: b.Representation, Organisation: b.Organisation, Since: a.at})
		}
	case *predicate.RepresentationEndedV1:
		a.endRepresentation(b)
	case *predicate.AccessGrantedV1:
		if g := a.grant(b.Grant); g.Since == nil {
			*g = Grant{Defendant: b.Defendant, Ended: g.Ended, Exhibit: b.Exhibit, Grantee: b.Grantee, ID: b.Grant, Index: g.Index,
				Organisation: b.Organisation, Permissions: b.Permissions, Since: &a.at}
		}
	case *predicate.AccessRevokedV1:
		if g := a.grant(b.Grant); g.Ended == nil {
			g.Ended = a.end(string(b.Reason))
		}
	default:
		return false
	}
	return true
}

// endRepresentation ends it and every live grant that rests on it: those to the same firm for the same defendant.
func (a act) endRepresentation(b *predicate.RepresentationEndedV1) {
	for i := range a.Case.Representations {
		r := &a.Case.Representations[i]
		if r.ID != b.Representation || r.Ended != nil {
			continue
		}
		r.Ended = a.end(string(b.Reason))
		for j := range a.Grants {
			g := &a.Grants[j]
			if g.Ended == nil && g.Organisation == r.Organisation && g.Defendant == r.Defendant {
				g.Ended = a.end("representation-ended")
			}
		}
	}
}

func (a act) exhibitEvent() {
	switch b := a.event.Predicate.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		if x := a.exhibit(b.Exhibit, b.Ref); !x.Known {
			a.create(x, b.Content, b.Handling, b.Schedule)
			x.Ref, x.Categories, x.Concerns = b.Ref, b.Categories, b.Concerns
			x.DeviceClockOffset, x.Producer = b.DeviceClockOffset, b.Producer
		}
	case *predicate.RedactionProposedV1:
		a.derive(b)
	case *predicate.RedactionApprovedV1:
		if x := a.exhibit(b.Item.Exhibit, b.Item.Ref); x.Approved == nil {
			x.Approved = &Approval{At: a.at, By: a.event.Predicate.Actor, Index: a.index}
		}
	case *predicate.EvidenceSharedV1:
		a.hand(b.Item, Recipient{Organisation: b.Organisation, Permissions: b.Permissions})
	case *predicate.EvidenceServedV1:
		a.hand(b.Item, Recipient{Defendant: b.Defendant, Organisation: b.Organisation, Undertaking: b.Undertaking})
	case *predicate.UnusedDisclosedV1:
		a.hand(b.Item, Recipient{Defendant: b.Defendant, Organisation: b.Organisation, Restriction: b.Restriction})
	case *predicate.UndertakingAcceptedV1:
		x := a.exhibit(b.Item.Exhibit, b.Item.Ref)
		x.Undertakings = append(x.Undertakings, Undertaking{At: a.at, By: a.event.Predicate.Actor, Index: a.index, Text: b.Text})
	case *predicate.KeyDestroyedV1:
		a.erase(b)
	}
}

func (a act) create(x *Exhibit, c predicate.Content, h predicate.Handling, s predicate.Schedule) {
	x.Known, x.Content, x.Handling, x.Schedule = true, &c, h, s
	x.CreatedAt, x.CreatedBy = &a.at, &a.event.Predicate.Actor
}

func (a act) derive(b *predicate.RedactionProposedV1) {
	parent := a.exhibit(b.Parent.Exhibit, b.Parent.Ref)
	if !slices.Contains(parent.Derived, b.Exhibit) {
		parent.Derived = append(parent.Derived, b.Exhibit)
	}
	x := a.exhibit(b.Exhibit, b.Ref)
	if x.Known {
		return
	}
	a.create(x, b.Content, b.Handling, b.Schedule)
	x.Ref = b.Ref
	x.Parent = &Lineage{Exhibit: b.Parent.Exhibit, Ref: b.Parent.Ref, SHA256: b.Parent.SHA256}
	if r := a.event.Predicate.Rendition; r != nil {
		x.Parent.Kind, x.Parent.Tool = r.Kind, &r.Tool
	}
}

func (a act) hand(item predicate.Item, r Recipient) {
	x := a.exhibit(item.Exhibit, item.Ref)
	r.At, r.How, r.Index, r.SHA256 = a.at, a.event.Kind, a.index, item.SHA256
	x.Recipients = append(x.Recipients, r)
}

func (a act) erase(b *predicate.KeyDestroyedV1) {
	ending := a.end(string(b.Authority))
	switch b.Scope {
	case predicate.ScopeExhibit:
		if x := a.exhibit(b.Exhibit, ""); x.Erased == nil {
			x.Erased = ending
		}
	case predicate.ScopePerson:
		if p := a.person(b.Person); p.Erased == nil {
			p.Erased = ending
		}
	case predicate.ScopeCase:
		for i := range a.Exhibits {
			if a.Exhibits[i].Erased == nil {
				a.Exhibits[i].Erased = ending
			}
		}
		for i := range a.People {
			if a.People[i].Erased == nil {
				a.People[i].Erased = ending
			}
		}
	}
}

// exhibit finds an exhibit, or adds one of which only the id and perhaps the reference are known. The pointer holds until
// the next call.
func (a act) exhibit(id predicate.UUID, ref identifier.ExhibitRef) *Exhibit {
	return row(&a.Exhibits, &a.exhibits, id, exhibitID, func() Exhibit { return Exhibit{ID: id, Index: a.index, Ref: ref} })
}

func (a act) person(id predicate.UUID) *Person {
	return row(&a.People, &a.people, id, personID, func() Person { return Person{ID: id} })
}

func (a act) grant(id predicate.UUID) *Grant {
	return row(&a.Grants, &a.grants, id, grantID, func() Grant { return Grant{ID: id, Index: a.index} })
}

func exhibitID(x Exhibit) predicate.UUID { return x.ID }
func personID(p Person) predicate.UUID   { return p.ID }
func grantID(g Grant) predicate.UUID     { return g.ID }

// row finds the row with an id by an index that it keeps, or appends a new one. An event that names nothing changes a row
// that nobody keeps.
func row[T any](rows *[]T, index *map[predicate.UUID]int, id predicate.UUID, idOf func(T) predicate.UUID, add func() T) *T {
	if id == "" {
		nobody := add()
		return &nobody
	}
	reindex(*rows, index, idOf)
	i, ok := (*index)[id]
	if !ok {
		i = len(*rows)
		*rows = append(*rows, add())
		(*index)[id] = i
	}
	return &(*rows)[i]
}

// reindex makes the index anew where rows were put in from outside.
func reindex[T any](rows []T, index *map[predicate.UUID]int, idOf func(T) predicate.UUID) {
	if *index != nil && len(*index) == len(rows) {
		return
	}
	*index = make(map[predicate.UUID]int, len(rows))
	for i, r := range rows {
		(*index)[idOf(r)] = i
	}
}
