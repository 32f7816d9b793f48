package casefile

import (
	"errors"
	"fmt"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// MayReceive: may the content of an exhibit be handed to this recipient in a court bag now? The rules are those of a
// download, with these differences, since a bag goes to an organisation and leaves this ledger for good:
//
//   - the role must belong to the organisation, and the organisation take part in the case;
//   - a grant to one person is not a grant to their organisation, so it counts for no bag;
//   - court staff get no redaction that is not approved, whatever was granted; a judge gets everything in the case;
//   - inspectors and information governance get only what was granted to them for download;
//   - an operator gets nothing;
//   - a firm gets what it has for Recipient.Defendant, or for any of its clients where that is empty. What was served under
//     an undertaking is in its bag once at least one person of the firm has accepted that very text: inside the firm the
//     undertaking of each who reads it is the firm's to see to.
//
// The error is a *Refusal.
func (s *State) MayReceive(r predicate.Recipient, exhibit predicate.UUID) error {
	e, ok := s.exhibits[exhibit]
	if !ok {
		return refuse(ExhibitUnknown, "no such exhibit in this case")
	}
	if _, err := s.need(e.Item()); err != nil {
		return err
	}
	if err := s.mayReceiveAny(r); err != nil {
		return err
	}
	if !s.receives(r, e) {
		return refuse(NotPermitted, "the recipient has no right to the content of this item")
	}
	return nil
}

func (s *State) receives(r predicate.Recipient, e *Exhibit) bool {
	org := predicate.Actor{Organisation: r.Organisation, Role: r.Role} // no person: grants to one do not count
	switch r.Role {
	case identifier.RoleDefence:
		by := defence{org: r.Organisation, defendant: r.Defendant, accepted: e.pledges(r.Organisation)}
		return s.defenceAccess(by, e, predicate.PermDownload) == nil
	case identifier.RoleClerk:
		if s.mayLeave(e, false) != nil {
			return false
		}
	case identifier.RoleInspector, identifier.RoleIG:
		if !s.granted(org, e, predicate.PermDownload) {
			return false
		}
	}
	return s.access(org, e, predicate.PermDownload) == nil
}

// pledges are the texts of undertakings for the item that people of an organisation accepted.
func (e *Exhibit) pledges(org identifier.Org) []predicate.Hex32 {
	var out []predicate.Hex32
	for p := range e.pledged {
		if p.org == org {
			out = append(out, p.text)
		}
	}
	return out
}

// mayReceiveAny: may a bag of this case go to this recipient at all?
func (s *State) mayReceiveAny(r predicate.Recipient) error {
	switch {
	case !s.TakesPart(r.Organisation):
		return refuse(NotPermitted, "the recipient's organisation takes no part in this case")
	case !r.Role.Fits(r.Organisation) || r.Role == identifier.RoleOperator:
		return refuse(BadCombination, "the recipient's role is not one that receives material at that organisation")
	}
	return nil
}

// allowedBag decides bag.exported; the content that is in the bag must be the recipient's to have at this moment.
func (s *State) allowedBag(a Act, b *predicate.BagExportedV1) error {
	if err := s.mayReceiveAny(b.Recipient); err != nil {
		return err
	}
	for _, exhibit := range a.Contents {
		err := s.MayReceive(b.Recipient, exhibit)
		var r *Refusal
		if errors.As(err, &r) {
			return refuse(r.Code, fmt.Sprintf("exhibit %s may not be given to this recipient, or no longer; make the pack again", exhibit))
		}
	}
	return nil
}
