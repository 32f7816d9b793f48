package projections

import (
	"slices"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Touch names the rows of a State that an event reads or changes, beside the Case itself.
type Touch struct {
	Exhibits, Grants, People []predicate.UUID
	// All exhibits and people, or all grants, of the case.
	AllItems, AllGrants bool
}

// Touched says what an event touches; false where it changes no State at all.
func Touched(e *predicate.Event) (Touch, bool) {
	switch b := e.Predicate.Body.(type) {
	case *predicate.EvidenceViewedV1, *predicate.EvidenceDownloadedV1, *predicate.BagExportedV1, *predicate.AccessDeniedV1,
		*predicate.KeyDestructionProposedV1:
		return Touch{}, false
	case *predicate.DefendantAddedV1:
		return Touch{People: ids(b.Defendant)}, true
	case *predicate.PersonAddedV1:
		return Touch{People: ids(b.Person)}, true
	case *predicate.RepresentationEndedV1:
		return Touch{AllGrants: true}, true
	case *predicate.AccessGrantedV1:
		return Touch{Grants: ids(b.Grant)}, true
	case *predicate.AccessRevokedV1:
		return Touch{Grants: ids(b.Grant)}, true
	case *predicate.KeyDestroyedV1:
		if b.Scope == predicate.ScopeCase {
			return Touch{AllItems: true}, true
		}
		return Touch{Exhibits: ids(b.Exhibit), People: ids(b.Person)}, true
	}
	return Touch{Exhibits: exhibitsOf(e.Predicate.Body)}, e.Predicate.Body != nil
}

// ids leaves out empty ones.
func ids(list ...predicate.UUID) []predicate.UUID {
	return slices.DeleteFunc(list, func(id predicate.UUID) bool { return id == "" })
}

// exhibitsOf lists the exhibits that an event names, the one that it is mainly about first.
func exhibitsOf(body predicate.Body) []predicate.UUID {
	var out []predicate.UUID
	for _, i := range itemsOf(body) {
		out = append(out, i.Exhibit)
	}
	return out
}

// itemsOf lists the exhibits that an event names, with reference and digest where the event says them.
func itemsOf(body predicate.Body) []predicate.Item {
	one := func(id predicate.UUID, ref identifier.ExhibitRef, c predicate.Content) predicate.Item {
		return predicate.Item{Exhibit: id, Ref: ref, SHA256: c.SHA256}
	}
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return []predicate.Item{one(b.Exhibit, b.Ref, b.Content)}
	case *predicate.EvidenceViewedV1:
		return []predicate.Item{b.Item}
	case *predicate.EvidenceDownloadedV1:
		return []predicate.Item{b.Item}
	case *predicate.RedactionProposedV1:
		return []predicate.Item{one(b.Exhibit, b.Ref, b.Content), b.Parent}
	case *predicate.RedactionApprovedV1:
		return []predicate.Item{b.Item, b.Parent}
	case *predicate.EvidenceSharedV1:
		return []predicate.Item{b.Item}
	case *predicate.EvidenceServedV1:
		return []predicate.Item{b.Item}
	case *predicate.UnusedDisclosedV1:
		return []predicate.Item{b.Item}
	case *predicate.UndertakingAcceptedV1:
		return []predicate.Item{b.Item}
	case *predicate.KeyDestructionProposedV1:
		return itemByID(b.Exhibit)
	case *predicate.KeyDestroyedV1:
		return itemByID(b.Exhibit)
	}
	return nil
}

func itemByID(id predicate.UUID) []predicate.Item {
	if id == "" {
		return nil
	}
	return []predicate.Item{{Exhibit: id}}
}

// ExhibitOf is the exhibit that an event is mainly about, false where it is about none.
func ExhibitOf(e *predicate.Event) (predicate.UUID, bool) {
	if items := itemsOf(e.Predicate.Body); len(items) > 0 {
		return items[0].Exhibit, true
	}
	return "", false
}
