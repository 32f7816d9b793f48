package casefile

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// Act is what somebody wants to do.
type Act struct {
	Actor predicate.Actor
	// FirmID is the keyring's id for the actor's (or, for a bag, the recipient's) firm in this case.
	FirmID string
	Body   predicate.Body
	// Contents are the exhibits whose content goes out with the act: those in a bag, for bag.exported.
	Contents []predicate.UUID
}

// Decision is where an allowed act belongs and what it concerns.
type Decision struct {
	Chain   predicate.ChainID
	Subject []statement.Subject
}

// Decide says whether an act may happen to the case as it is now. The error is a *Refusal.
func (s *State) Decide(a Act) (Decision, error) {
	t, ok := predicate.Lookup(a.Body.Kind())
	if !ok {
		return Decision{}, refuse(BadCombination, "this program knows no such act")
	}
	if t.Chain == predicate.ChainOrgAccess {
		return s.decideDenial(a, t), nil
	}
	if err := s.allowed(a); err != nil {
		return Decision{}, err
	}
	items := s.items(a.Body)
	place := predicate.Placement{
		Rule: t.Chain, Case: s.ID, Role: a.Actor.Role, Organisation: a.Actor.Organisation, FirmID: a.FirmID,
	}
	for _, it := range items {
		if e, ok := s.exhibits[it.Exhibit]; ok {
			place.Sensitive = place.Sensitive || e.Sensitive()
			place.FirstAccess = !e.accessed[a.Actor.Organisation]
		}
	}
	switch b := a.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		place.Sensitive = b.Schedule == predicate.ScheduleMG6D || b.Schedule == predicate.SchedulePII
	case *predicate.RedactionProposedV1:
		place.Sensitive = place.Sensitive || b.Schedule == predicate.ScheduleMG6D || b.Schedule == predicate.SchedulePII
	case *predicate.BagExportedV1:
		place.Role, place.Organisation = b.Recipient.Role, b.Recipient.Organisation
	}
	return Decision{Chain: place.Chain(), Subject: s.subjects(a.Body, items)}, nil
}

func (s *State) decideDenial(a Act, t predicate.Type) Decision {
	place := predicate.Placement{Rule: t.Chain, Role: a.Actor.Role, Organisation: a.Actor.Organisation}
	chain := place.Chain()
	return Decision{Chain: chain, Subject: []statement.Subject{subject("chain", sha256Hex(string(chain)))}}
}

// items that an act concerns; for a redaction the derived item comes first, then the parent.
func (s *State) items(body predicate.Body) []predicate.Item {
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return []predicate.Item{{Exhibit: b.Exhibit, Ref: b.Ref, SHA256: b.Content.SHA256}}
	case *predicate.RedactionProposedV1:
		return []predicate.Item{{Exhibit: b.Exhibit, Ref: b.Ref, SHA256: b.Content.SHA256}, b.Parent}
	case *predicate.RedactionApprovedV1:
		return []predicate.Item{b.Item, b.Parent}
	case *predicate.EvidenceViewedV1:
		return []predicate.Item{b.Item}
	case *predicate.EvidenceDownloadedV1:
		return []predicate.Item{b.Item}
	case *predicate.EvidenceSharedV1:
		return []predicate.Item{b.Item}
	case *predicate.EvidenceServedV1:
		return []predicate.Item{b.Item}
	case *predicate.UnusedDisclosedV1:
		return []predicate.Item{b.Item}
	case *predicate.UndertakingAcceptedV1:
		return []predicate.Item{b.Item}
	}
	return nil
}

// subjects of the statement: the evidence digests concerned, else the case itself; for a bag its list of contents.
func (s *State) subjects(body predicate.Body, items []predicate.Item) []statement.Subject {
	if b, ok := body.(*predicate.BagExportedV1); ok {
		return []statement.Subject{subject("contents", string(b.Contents))}
	}
	if len(items) == 0 {
		return []statement.Subject{subject("case", sha256Hex(string(s.ID)))}
	}
	out := make([]statement.Subject, len(items))
	for i, it := range items {
		out[i] = subject(string(it.Ref), string(it.SHA256))
	}
	return out
}

func subject(name, digest string) statement.Subject {
	return statement.Subject{Name: name, Digest: statement.Digests{SHA256: digest}}
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func hexLink(l [32]byte) string { return hex.EncodeToString(l[:]) }

// closedToo are the acts that a closed case still accepts.
var closedToo = map[string]bool{
	"bag.exported": true, "evidence.viewed": true, "evidence.downloaded": true, "access.granted": true,
	"access.revoked": true, "key.destruction-proposed": true, "key.destroyed": true, "case.reopened": true,
}

func (s *State) allowed(a Act) error {
	kind := a.Body.Kind()
	if kind == "case.opened" {
		if s.Opened {
			return refuse(CaseExists, "this case is open already")
		}
		return nil
	}
	switch {
	case !s.Opened:
		return refuse(CaseUnknown, "there is no such case in this ledger")
	case kind != "bag.exported" && !s.TakesPart(a.Actor.Organisation):
		return refuse(NotPermitted, "your organisation takes no part in this case")
	case s.Closed && !closedToo[kind]:
		return refuse(CaseClosed, "this case is closed: reopen it first")
	}
	if err := s.allowedCase(a); err != nil {
		return err
	}
	return s.allowedEvidence(a)
}

func orgKind(o identifier.Org) string { return string(o.Kind()) }
