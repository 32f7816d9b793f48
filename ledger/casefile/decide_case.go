package casefile

import "github.com/caseledger/caseledger/schemas/predicate"

// allowedCase decides acts on the case and its people.
func (s *State) allowedCase(a Act) error {
	switch b := a.Body.(type) {
	case *predicate.CaseLinkedV1:
		if b.Linked == s.ID {
			return refuse(BadCombination, "a case cannot be linked to itself")
		}
	case *predicate.CaseOutcomeV1:
		if b.Defendant != "" {
			return s.needDefendant(b.Defendant)
		}
	case *predicate.CaseReopenedV1:
		if !s.Closed {
			return refuse(CaseNotClosed, "this case is open: there is nothing to reopen")
		}
	case *predicate.DefendantAddedV1:
		if s.HasPerson(b.Defendant) {
			return refuse(AlreadyDone, "a person with this id is in the case already")
		}
	case *predicate.PersonAddedV1:
		if s.HasPerson(b.Person) {
			return refuse(AlreadyDone, "a person with this id is in the case already")
		}
	case *predicate.RepresentationStartedV1:
		return s.allowedRepresentation(b)
	case *predicate.RepresentationEndedV1:
		if _, ok := s.representations[b.Representation]; !ok {
			return refuse(RepresentationUnknown, "no such representation is in force in this case")
		}
	case *predicate.HearingListedV1:
		if orgKind(b.Court) != "court" {
			return refuse(BadCombination, "a hearing is listed at a court: give an organisation court-<id>")
		}
	case *predicate.AccessGrantedV1:
		return s.allowedGrant(b)
	case *predicate.AccessRevokedV1:
		if _, ok := s.grants[b.Grant]; !ok {
			return refuse(GrantUnknown, "no such grant is in force in this case")
		}
	case *predicate.KeyDestructionProposedV1:
		return s.allowedDestruction(b)
	case *predicate.KeyDestroyedV1:
		return s.allowedDestroyed(a, b)
	case *predicate.BagExportedV1:
		return s.allowedBag(a, b)
	}
	return nil
}

func (s *State) needDefendant(id predicate.UUID) error {
	if _, ok := s.defendants[id]; !ok {
		return refuse(DefendantUnknown, "no such defendant in this case")
	}
	return nil
}

func (s *State) allowedRepresentation(b *predicate.RepresentationStartedV1) error {
	if orgKind(b.Organisation) != "firm" {
		return refuse(BadCombination, "a defendant is represented by a firm: give an organisation firm-<id>")
	}
	if err := s.needDefendant(b.Defendant); err != nil {
		return err
	}
	if s.represents(b.Organisation, b.Defendant) {
		return refuse(AlreadyDone, "this firm acts for this defendant already")
	}
	return nil
}

func (s *State) allowedGrant(b *predicate.AccessGrantedV1) error {
	var e *Exhibit
	if b.Exhibit != "" {
		var ok bool
		if e, ok = s.exhibits[b.Exhibit]; !ok {
			return refuse(ExhibitUnknown, "no such exhibit in this case")
		}
	}
	if orgKind(b.Organisation) != "firm" {
		return nil
	}
	switch {
	case e == nil || b.Defendant == "":
		return refuse(BadCombination, "a grant to a firm names one exhibit and the defendant for whom the firm acts")
	case !s.represents(b.Organisation, b.Defendant):
		return refuse(FirmNotInstructed, "this firm does not act for this defendant in this case")
	}
	return s.mayLeave(e, true)
}

func (s *State) allowedDestruction(b *predicate.KeyDestructionProposedV1) error {
	switch b.Scope {
	case predicate.ScopeExhibit:
		e, ok := s.exhibits[b.Exhibit]
		if !ok || b.Person != "" {
			return refuse(ExhibitUnknown, "name the one exhibit of this case whose content is to be erased")
		}
		if e.Erased {
			return refuse(AlreadyDone, "the content of this exhibit is erased already")
		}
	case predicate.ScopePerson:
		if !s.HasPerson(b.Person) || b.Exhibit != "" {
			return refuse(PersonUnknown, "name the one person of this case whose fields are to be erased")
		}
	default:
		if b.Person != "" || b.Exhibit != "" {
			return refuse(BadCombination, "erasing a whole case names neither an exhibit nor a person")
		}
	}
	return nil
}

func (s *State) allowedDestroyed(a Act, b *predicate.KeyDestroyedV1) error {
	d, ok := s.destructions[b.Proposal]
	if !ok {
		return refuse(ProposalUnknown, "no such proposal to destroy keys is waiting in this case")
	}
	if d.proposer == a.Actor.Pseudonym {
		return refuse(SamePerson, "destroying keys needs two people: you proposed it, so someone else must carry it out")
	}
	p := d.body
	if p.Scope != b.Scope || p.Exhibit != b.Exhibit || p.Person != b.Person || p.Authority != b.Authority {
		return refuse(BadCombination, "what is to be destroyed differs from what was proposed")
	}
	return nil
}
