// Package reading says who may read which event of a case. The custody report, receipts and court bags all follow it.
//
//	chains     which chains a reader may know of; of all others not even their length is told
//	Readable   which events of those chains a reader may read; the rest is counted only
//	Opens      which hidden fields of a readable event are revealed
//
//	role                                       chains              events           fields
//	police, forensic unit, prosecution, ig     main, sensitive     all              all
//	judge                                      main, sens., jud.   all              all
//	clerk, inspector                           main                all              all
//	defence                                    main, own firm's    see Readable     see Opens
//	operator                                   none                none             none
//
// Here stands who reads about an item. Who gets its content is decided by package casefile, for a person who looks and for a
// court bag alike, and rests on more: permissions, to whom a grant is, undertakings, redactions not yet approved.
//
// It is pure: all that it rests on is the clear slots of the case's own events, so a court can follow each choice.
package reading

import (
	"slices"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

// Reader is who reads.
type Reader struct {
	Role         identifier.Role
	Organisation identifier.Org
	// FirmID is the id of the firm's own chain in the case (ledger.FirmID); of no meaning for other roles.
	FirmID string
	// Defendant limits a firm to one of the defendants for whom it acts; empty: all of them.
	Defendant predicate.UUID
}

// Chains are the chains of a case that a reader may know of, whether or not they have events.
func Chains(r Reader, caseID predicate.UUID) []predicate.ChainID {
	of := func(names ...string) []predicate.ChainID {
		out := make([]predicate.ChainID, len(names))
		for i, n := range names {
			out[i] = predicate.ChainID(string(caseID) + "/" + n)
		}
		return out
	}
	switch r.Role {
	case identifier.RoleJudge:
		return of("main", "sensitive", "judicial")
	case identifier.RoleClerk, identifier.RoleInspector:
		return of("main")
	case identifier.RoleDefence:
		if r.FirmID == "" {
			return of("main")
		}
		return of("main", "firm/"+r.FirmID)
	case identifier.RoleOfficer, identifier.RoleExhibitsOfficer, identifier.RoleDisclosureOfficer, identifier.RoleForensicUnit,
		identifier.RoleProsecutor, identifier.RoleCPSAdmin, identifier.RoleIG:
		return of("main", "sensitive")
	}
	return nil
}

// Sensitive reports whether a role may know that items on MG6D or under a public interest immunity claim exist.
func Sensitive(role identifier.Role) bool {
	return slices.Contains(Chains(Reader{Role: role}, ""), "/sensitive")
}

// Access is what one reader may read in one case.
type Access struct {
	reader Reader
	chains []predicate.ChainID

	// What a firm may read rests on these; they are kept for the role defence only.
	acts    map[predicate.UUID]predicate.UUID             // representation in force → defendant
	mine    map[predicate.UUID]bool                       // representations of this firm, ended ones too
	given   map[predicate.UUID]map[predicate.UUID]bool    // exhibit → defendants for whom this firm received it
	granted map[predicate.UUID]*predicate.AccessGrantedV1 // grants to this firm in force
}

// For is the access of a reader to a case, given all events of the case so far; an event of a chain that the reader does
// not know of may be among them. Order matters.
func For(r Reader, caseID predicate.UUID, events []*predicate.Event) *Access {
	a := &Access{
		reader: r, chains: Chains(r, caseID), acts: map[predicate.UUID]predicate.UUID{}, mine: map[predicate.UUID]bool{},
		given: map[predicate.UUID]map[predicate.UUID]bool{}, granted: map[predicate.UUID]*predicate.AccessGrantedV1{},
	}
	if r.Role == identifier.RoleDefence {
		for _, e := range events {
			a.learn(e)
		}
	}
	return a
}

func (a *Access) learn(e *predicate.Event) {
	switch b := e.Predicate.Body.(type) {
	case *predicate.RepresentationStartedV1:
		if b.Organisation == a.reader.Organisation {
			a.acts[b.Representation], a.mine[b.Representation] = b.Defendant, true
		}
	case *predicate.RepresentationEndedV1:
		delete(a.acts, b.Representation)
	case *predicate.EvidenceServedV1:
		a.give(b.Organisation, b.Item.Exhibit, b.Defendant)
	case *predicate.UnusedDisclosedV1:
		a.give(b.Organisation, b.Item.Exhibit, b.Defendant)
	case *predicate.AccessGrantedV1:
		if b.Organisation == a.reader.Organisation {
			a.granted[b.Grant] = b
		}
	case *predicate.AccessRevokedV1:
		delete(a.granted, b.Grant)
	}
}

func (a *Access) give(org identifier.Org, exhibit, defendant predicate.UUID) {
	if org != a.reader.Organisation {
		return
	}
	if a.given[exhibit] == nil {
		a.given[exhibit] = map[predicate.UUID]bool{}
	}
	a.given[exhibit][defendant] = true
}

// Knows reports whether the reader may know of a chain, and so count its events.
func (a *Access) Knows(chain predicate.ChainID) bool { return slices.Contains(a.chains, chain) }

// Readable reports whether the reader may read an event. A firm reads its own acts, the case's own events and hearings, its
// own defendants and representations, and of items what others did with those that it was given for a defendant for whom
// it still acts; of the other events of the main chain it learns only that they are there.
func (a *Access) Readable(e *predicate.Event) bool {
	switch {
	case !a.Knows(e.Predicate.Chain):
		return false
	case a.reader.Role != identifier.RoleDefence:
		return true
	case e.Predicate.Actor.Organisation == a.reader.Organisation:
		return true
	case e.Predicate.Actor.Role == identifier.RoleDefence:
		return false // another firm's work
	}
	return a.firmReads(e)
}

func (a *Access) firmReads(e *predicate.Event) bool {
	own := func(org identifier.Org) bool { return org == a.reader.Organisation }
	switch b := e.Predicate.Body.(type) {
	case *predicate.CaseOpenedV1, *predicate.CaseClosedV1, *predicate.CaseReopenedV1, *predicate.HearingListedV1:
		return true
	case *predicate.CaseOutcomeV1:
		return b.Defendant == "" || a.actsFor(b.Defendant)
	case *predicate.DefendantAddedV1:
		return a.actsFor(b.Defendant)
	case *predicate.RepresentationStartedV1:
		return own(b.Organisation)
	case *predicate.RepresentationEndedV1:
		return a.mine[b.Representation]
	case *predicate.AccessGrantedV1:
		return own(b.Organisation)
	case *predicate.BagExportedV1:
		return own(b.Recipient.Organisation)
	case *predicate.EvidenceServedV1:
		return own(b.Organisation) && a.Follows(b.Item.Exhibit)
	case *predicate.UnusedDisclosedV1:
		return own(b.Organisation) && a.Follows(b.Item.Exhibit)
	case *predicate.KeyDestroyedV1:
		return b.Scope == predicate.ScopeCase || a.Follows(b.Exhibit)
	}
	exhibit, ok := about(e.Predicate.Body)
	return ok && a.Follows(exhibit)
}

// actsFor: does the firm act for the defendant now, within the limit of the reader?
func (a *Access) actsFor(defendant predicate.UUID) bool {
	if a.reader.Defendant != "" && defendant != a.reader.Defendant {
		return false
	}
	for _, d := range a.acts {
		if d == defendant {
			return true
		}
	}
	return false
}

// Follows reports whether the reader may read what happens to an item: a firm with those that it was given for a defendant
// for whom it still acts, all others with every item of the chains that they know. It gives no right to the content: a
// grant to view, a grant to one person and a service whose undertaking nobody accepted are enough to read about an item.
func (a *Access) Follows(exhibit predicate.UUID) bool {
	if a.reader.Role != identifier.RoleDefence {
		return len(a.chains) > 0
	}
	for defendant := range a.given[exhibit] {
		if a.actsFor(defendant) {
			return true
		}
	}
	for _, g := range a.granted {
		if g.Exhibit == exhibit && a.actsFor(g.Defendant) {
			return true
		}
	}
	return false
}

// about is the item that an act on one item is about; for a redaction the derived one.
func about(body predicate.Body) (predicate.UUID, bool) {
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return b.Exhibit, true
	case *predicate.RedactionProposedV1:
		return b.Exhibit, true
	case *predicate.RedactionApprovedV1:
		return b.Item.Exhibit, true
	case *predicate.EvidenceViewedV1:
		return b.Item.Exhibit, true
	case *predicate.EvidenceDownloadedV1:
		return b.Item.Exhibit, true
	case *predicate.EvidenceSharedV1:
		return b.Item.Exhibit, true
	}
	return "", false
}

// firmOpens are the fields of others' events that a firm reads: who acted, and what the items given to it are called. Why
// others acted, what a redaction hides, and accounts and sessions of others stay hidden.
var firmOpens = []string{"actorName", "actorKey", "fileName", "title", "description", "name"}

// Opens reports whether a field of an event that the reader may read is revealed to them.
func (a *Access) Opens(e *predicate.Event, field string) bool {
	if !a.Readable(e) {
		return false
	}
	if a.reader.Role != identifier.RoleDefence || e.Predicate.Actor.Organisation == a.reader.Organisation {
		return true
	}
	return slices.Contains(firmOpens, field)
}

// Openings leaves of the openings of an event those that are revealed to the reader.
func (a *Access) Openings(e *predicate.Event, all sdjwt.Openings) (sdjwt.Openings, error) {
	if a.reader.Role != identifier.RoleDefence && a.Readable(e) {
		return all, nil
	}
	var encoded []string
	for _, d := range all.Disclosures() {
		if !a.Opens(e, d.Name) {
			continue
		}
		text, err := d.Encode()
		if err != nil {
			return sdjwt.Openings{}, err
		}
		encoded = append(encoded, text)
	}
	return sdjwt.ParseSet(encoded)
}
