package casefile

import (
	"slices"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// allowedEvidence decides acts on items of evidence.
func (s *State) allowedEvidence(a Act) error {
	switch b := a.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		return s.allowedUpload(a, b)
	case *predicate.RedactionProposedV1:
		if _, err := s.need(b.Parent); err != nil {
			return err
		}
		return s.freeReference(b.Ref, string(a.Actor.Pseudonym), b.Exhibit)
	case *predicate.RedactionApprovedV1:
		return s.allowedApproval(a, b)
	case *predicate.EvidenceViewedV1:
		return s.mayAccess(a.Actor, b.Item, predicate.PermView)
	case *predicate.EvidenceDownloadedV1:
		return s.mayAccess(a.Actor, b.Item, predicate.PermDownload)
	case *predicate.EvidenceSharedV1:
		return s.allowedShare(b)
	case *predicate.EvidenceServedV1:
		return s.allowedService(b)
	case *predicate.UnusedDisclosedV1:
		return s.allowedDisclosure(b)
	case *predicate.UndertakingAcceptedV1:
		return s.allowedUndertaking(a, b)
	}
	return nil
}

// need finds an item with content whose bytes are those that the act names.
func (s *State) need(item predicate.Item) (*Exhibit, error) {
	e, ok := s.exhibits[item.Exhibit]
	switch {
	case !ok:
		return nil, refuse(ExhibitUnknown, "no such exhibit in this case")
	case e.Erased:
		return nil, refuse(ExhibitErased, "the content of this exhibit was lawfully erased; its record remains")
	case e.Content.SHA256 != item.SHA256 || e.Ref != item.Ref:
		return nil, refuse(ItemChanged, "the act names other bytes or another reference than the exhibit has")
	}
	return e, nil
}

func (s *State) freeReference(ref identifier.ExhibitRef, producer string, id predicate.UUID) error {
	if _, ok := s.exhibits[id]; ok {
		return refuse(AlreadyDone, "an exhibit with this id is in the case already")
	}
	for _, e := range s.exhibits {
		if e.Producer == producer && e.Ref.Key() == ref.Key() {
			return refuse(ReferenceTaken, "this producer has an exhibit with this reference in this case already: use the next free one")
		}
	}
	return nil
}

func (s *State) allowedUpload(a Act, b *predicate.EvidenceUploadedV1) error {
	if b.Producer != "" && !s.HasPerson(b.Producer) {
		return refuse(PersonUnknown, "the producer is not a person of this case: add the person first")
	}
	for _, p := range b.Concerns {
		if !s.HasPerson(p) {
			return refuse(PersonUnknown, "a person concerned is not in this case: add the person first")
		}
	}
	return s.freeReference(b.Ref, producer(b.Producer, a.Actor.Pseudonym), b.Exhibit)
}

func (s *State) allowedApproval(a Act, b *predicate.RedactionApprovedV1) error {
	e, err := s.need(b.Item)
	if err != nil {
		return err
	}
	parent, ok := s.exhibits[e.Parent]
	switch {
	case !ok || e.Proposal != b.Proposal || parent.Item() != b.Parent:
		return refuse(ProposalUnknown, "this exhibit is not the redaction that the approval names")
	case e.Approved:
		return refuse(AlreadyDone, "this redaction is approved already")
	case a.Actor.Pseudonym == e.Proposer:
		return refuse(SamePerson, "whoever made a redaction may not approve it: another person must")
	case a.Actor.Pseudonym == parent.Uploader:
		return refuse(SamePerson, "whoever uploaded the original may not approve its redaction: another person must")
	}
	return nil
}

// mayLeave: may the item leave the organisation; for a defence firm, ever?
func (s *State) mayLeave(e *Exhibit, toDefence bool) error {
	switch {
	case e.Erased:
		return refuse(ExhibitErased, "the content of this exhibit was lawfully erased; its record remains")
	case e.Derived() && !e.Approved:
		return refuse(NotApproved, "this redaction is not approved yet: a second person must approve it first")
	case toDefence && e.Sensitive():
		return refuse(NeverToDefence, "an item on MG6D or under a public interest immunity claim can never go to the defence")
	}
	return nil
}

func (s *State) allowedShare(b *predicate.EvidenceSharedV1) error {
	e, err := s.need(b.Item)
	if err != nil {
		return err
	}
	if k := orgKind(b.Organisation); k == "firm" {
		return refuse(BadCombination, "sharing is between agencies: material goes to a firm by service or disclosure")
	}
	return s.mayLeave(e, false)
}

func (s *State) allowedService(b *predicate.EvidenceServedV1) error {
	e, err := s.need(b.Item)
	if err != nil {
		return err
	}
	toFirm := orgKind(b.Organisation) == "firm"
	switch {
	case !toFirm && orgKind(b.Organisation) != "court":
		return refuse(BadCombination, "evidence is served on a firm or on a court")
	case e.Schedule != predicate.ScheduleUsed && !e.Sensitive():
		return refuse(WrongSchedule, "this item is unused material: disclose it instead of serving it")
	case toFirm && !s.represents(b.Organisation, b.Defendant):
		return refuse(FirmNotInstructed, "this firm does not act for this defendant in this case: nothing was served")
	case toFirm && b.Defendant == "":
		return refuse(DefendantUnknown, "say for which defendant the evidence is served")
	case (e.Handling == predicate.HandlingUndertaking) != (b.Undertaking != "") && toFirm:
		return refuse(BadCombination, "the item's handling and the undertaking of this service do not fit together")
	}
	return s.mayLeave(e, toFirm)
}

func (s *State) allowedDisclosure(b *predicate.UnusedDisclosedV1) error {
	e, err := s.need(b.Item)
	if err != nil {
		return err
	}
	if err := s.mayLeave(e, true); err != nil {
		return err
	}
	switch {
	case orgKind(b.Organisation) != "firm" || !s.represents(b.Organisation, b.Defendant):
		return refuse(FirmNotInstructed, "this firm does not act for this defendant in this case: nothing was disclosed")
	case e.Schedule != predicate.ScheduleMG6C:
		return refuse(WrongSchedule, "only items on the MG6C schedule are disclosed; used evidence is served")
	case e.Handling == predicate.HandlingUndertaking:
		return refuse(BadCombination, "this item needs an undertaking, which a disclosure does not carry")
	}
	return nil
}

func (s *State) allowedUndertaking(a Act, b *predicate.UndertakingAcceptedV1) error {
	e, err := s.need(b.Item)
	if err != nil {
		return err
	}
	services := s.inForce(a.Actor.Organisation, e)
	asked := slices.DeleteFunc(slices.Clone(services), func(sv service) bool { return sv.undertaking == "" })
	switch {
	case len(services) == 0:
		return refuse(NotPermitted, "this item was not served on your firm")
	case len(asked) == 0:
		return refuse(BadCombination, "this item needs no undertaking")
	case !slices.ContainsFunc(asked, func(sv service) bool { return sv.undertaking == b.Text }):
		return refuse(UndertakingWrong, "the text accepted is not the text of this service: read and accept the current one")
	case e.undertakings[a.Actor.Pseudonym] == b.Text:
		return refuse(AlreadyDone, "you have accepted this undertaking already")
	}
	return nil
}

// inForce are the services of an item on a firm for defendants that it still acts for.
func (s *State) inForce(org identifier.Org, e *Exhibit) []service {
	var out []service
	for _, sv := range e.served[org] {
		if s.represents(org, sv.defendant) {
			out = append(out, sv)
		}
	}
	return out
}
