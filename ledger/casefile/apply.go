package casefile

import (
	"fmt"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// Apply folds one event into the state. It refuses an event that is not the next of its chain.
func (s *State) Apply(ev *predicate.Event, paeDigest [32]byte) error {
	p := &ev.Predicate
	head := s.Head(p.Chain)
	if p.Sequence != head.Count+1 || string(p.Previous) != hexLink(head.Link) {
		return fmt.Errorf("event %s is number %d of chain %s where %d was expected, or names another predecessor",
			p.EventID, p.Sequence, p.Chain, head.Count+1)
	}
	s.heads[p.Chain] = Head{Count: p.Sequence, Link: statement.Link(head.Link, paeDigest)}
	s.fold(ev)
	return nil
}

func (s *State) fold(ev *predicate.Event) {
	p := &ev.Predicate
	switch b := p.Body.(type) {
	case *predicate.CaseOpenedV1:
		s.Opened, s.URN, s.Opener = true, b.URN, p.Actor.Organisation
	case *predicate.CaseClosedV1:
		s.Closed = true
	case *predicate.CaseReopenedV1:
		s.Closed = false
	case *predicate.DefendantAddedV1:
		s.defendants[b.Defendant] = struct{}{}
		s.persons[b.Defendant] = struct{}{}
	case *predicate.PersonAddedV1:
		s.persons[b.Person] = struct{}{}
	case *predicate.RepresentationStartedV1:
		s.representations[b.Representation] = &representation{defendant: b.Defendant, org: b.Organisation}
	case *predicate.RepresentationEndedV1:
		s.endRepresentation(b.Representation)
	case *predicate.HearingListedV1:
		s.courts[b.Court] = struct{}{}
	case *predicate.AccessGrantedV1:
		s.grants[b.Grant] = &grant{exhibit: b.Exhibit, defendant: b.Defendant, org: b.Organisation, grantee: b.Grantee, permissions: b.Permissions}
	case *predicate.AccessRevokedV1:
		delete(s.grants, b.Grant)
	case *predicate.KeyDestructionProposedV1:
		s.destructions[p.EventID] = &destruction{body: *b, proposer: p.Actor.Pseudonym}
	case *predicate.KeyDestroyedV1:
		s.foldDestroyed(b)
	default:
		s.foldEvidence(ev)
	}
}

func (s *State) foldEvidence(ev *predicate.Event) {
	p := &ev.Predicate
	switch b := p.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		s.add(&Exhibit{
			ID: b.Exhibit, Ref: b.Ref, Producer: producer(b.Producer, p.Actor.Pseudonym), Uploader: p.Actor.Pseudonym,
			Content: b.Content, Handling: b.Handling, Schedule: b.Schedule,
		})
	case *predicate.RedactionProposedV1:
		s.add(&Exhibit{
			ID: b.Exhibit, Ref: b.Ref, Producer: string(p.Actor.Pseudonym), Uploader: p.Actor.Pseudonym, Content: b.Content,
			Handling: b.Handling, Schedule: b.Schedule, Parent: b.Parent.Exhibit, Proposal: p.EventID, Proposer: p.Actor.Pseudonym,
		})
	case *predicate.RedactionApprovedV1:
		s.on(b.Item, func(e *Exhibit) { e.Approved = true })
	case *predicate.EvidenceViewedV1:
		s.on(b.Item, func(e *Exhibit) { e.accessed[p.Actor.Organisation] = true })
	case *predicate.EvidenceDownloadedV1:
		s.on(b.Item, func(e *Exhibit) { e.accessed[p.Actor.Organisation] = true })
	case *predicate.EvidenceSharedV1:
		s.on(b.Item, func(e *Exhibit) { e.shared[b.Organisation] = b.Permissions })
	case *predicate.EvidenceServedV1:
		s.on(b.Item, func(e *Exhibit) {
			e.serve(b.Organisation, service{defendant: b.Defendant, undertaking: b.Undertaking})
		})
	case *predicate.UnusedDisclosedV1:
		s.on(b.Item, func(e *Exhibit) { e.serve(b.Organisation, service{defendant: b.Defendant}) })
	case *predicate.UndertakingAcceptedV1:
		s.on(b.Item, func(e *Exhibit) {
			e.undertakings[p.Actor.Pseudonym] = b.Text
			e.pledged[pledge{p.Actor.Organisation, b.Text}] = true
		})
	}
}

func (s *State) foldDestroyed(b *predicate.KeyDestroyedV1) {
	delete(s.destructions, b.Proposal)
	switch b.Scope {
	case predicate.ScopeExhibit:
		if e, ok := s.exhibits[b.Exhibit]; ok {
			e.Erased = true
		}
	case predicate.ScopeCase:
		for _, e := range s.exhibits {
			e.Erased = true
		}
	}
}

// endRepresentation ends it and the grants that rest on it: those to the firm for this defendant. They do not come back
// if the firm is instructed again.
func (s *State) endRepresentation(id predicate.UUID) {
	ended, ok := s.representations[id]
	if !ok {
		return
	}
	delete(s.representations, id)
	for id, g := range s.grants {
		if g.org == ended.org && g.defendant == ended.defendant {
			delete(s.grants, id)
		}
	}
}

// serve notes a service; a later one for the same defendant takes its place.
func (e *Exhibit) serve(org identifier.Org, sv service) {
	for i, was := range e.served[org] {
		if was.defendant == sv.defendant {
			e.served[org][i] = sv
			return
		}
	}
	e.served[org] = append(e.served[org], sv)
}

func (s *State) add(e *Exhibit) {
	e.shared = map[identifier.Org][]predicate.Permission{}
	e.served = map[identifier.Org][]service{}
	e.undertakings = map[predicate.Pseudonym]predicate.Hex32{}
	e.pledged = map[pledge]bool{}
	e.accessed = map[identifier.Org]bool{}
	s.exhibits[e.ID] = e
	s.order = append(s.order, e.ID)
}

func (s *State) on(item predicate.Item, change func(*Exhibit)) {
	if e, ok := s.exhibits[item.Exhibit]; ok {
		change(e)
	}
}

// producer of an exhibit: the named person, else whoever uploaded it.
func producer(person predicate.UUID, uploader predicate.Pseudonym) string {
	if person != "" {
		return string(person)
	}
	return string(uploader)
}
