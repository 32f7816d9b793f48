package projections

import (
	"fmt"
	"strings"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Sentence tells an event in one plain English sentence, without a full stop, such as
//
//	PC 1234 (officer, force-01) viewed JS/1 (sha256 3f2a9c01d7e4…)
//
// It uses clear slots and the names given, and says nothing about fields that nobody opened.
func Sentence(e *predicate.Event, n Names) string {
	s := speaker{e, n}
	act := "did something that this program has no words for: " + e.Kind
	if tell, ok := sentences[e.Kind]; ok && e.Predicate.Body != nil && e.Predicate.Body.Kind() == e.Kind {
		act = tell(s, e.Predicate.Body)
	}
	return s.actor() + " " + act + s.claim()
}

// sentences has the words for each kind of event: what follows the name of whoever acted.
var sentences = map[string]func(speaker, predicate.Body) string{
	"case.opened": say(func(s speaker, b *predicate.CaseOpenedV1) string {
		return "opened the case " + string(b.URN) + " at the stage " + plain(b.Stage)
	}),
	"case.linked": say(func(s speaker, b *predicate.CaseLinkedV1) string {
		return "linked the case " + string(b.Linked) + " to this one (" + plain(b.Relation) + ")"
	}),
	"case.outcome": say(func(s speaker, b *predicate.CaseOutcomeV1) string {
		if b.Defendant == "" {
			return "recorded the outcome of the case: " + plain(b.Outcome)
		}
		return "recorded the outcome for " + s.person(b.Defendant) + ": " + plain(b.Outcome)
	}),
	"case.closed": say(func(s speaker, b *predicate.CaseClosedV1) string {
		return "closed the case (" + plain(b.Reason) + ")"
	}),
	"case.reopened": say(func(s speaker, b *predicate.CaseReopenedV1) string {
		return "opened the case again (" + plain(b.Reason) + ")"
	}),
	"defendant.added": say(func(s speaker, b *predicate.DefendantAddedV1) string {
		return "added " + s.person(b.Defendant) + " as a defendant"
	}),
	"person.added": say(func(s speaker, b *predicate.PersonAddedV1) string {
		return "added " + s.person(b.Person) + " to the case as " + list(b.Roles) + about(b)
	}),
	"representation.started": say(func(s speaker, b *predicate.RepresentationStartedV1) string {
		return "recorded that " + string(b.Organisation) + " acts for " + s.person(b.Defendant)
	}),
	"representation.ended": say(func(s speaker, b *predicate.RepresentationEndedV1) string {
		return "recorded the end of the representation of " + s.thing("representation", b.Representation) + " (" + plain(b.Reason) +
			"), and with it the end of every access that rested on it"
	}),
	"hearing.listed": say(func(s speaker, b *predicate.HearingListedV1) string {
		return "listed a hearing (" + plain(b.Type) + ") at " + string(b.Court) + " for " + minute(b.At)
	}),
	"access.granted": say(func(s speaker, b *predicate.AccessGrantedV1) string {
		return "gave " + s.grantee(b) + " access to " + s.scope(b.Exhibit) + " (" + list(b.Permissions) + ")" + s.forDefendant(b.Defendant)
	}),
	"access.revoked": say(func(s speaker, b *predicate.AccessRevokedV1) string {
		return "ended the access of " + s.thing("grant", b.Grant) + " (" + plain(b.Reason) + ")"
	}),
	"access.denied": say(func(s speaker, b *predicate.AccessDeniedV1) string {
		times := "once"
		if b.Count != 1 {
			times = fmt.Sprintf("%d times", b.Count)
		}
		return "was refused " + times + " between " + second(b.FirstAt) + " and " + second(b.LastAt) + " (" + plain(b.Attempted) + ")"
	}),
	"evidence.uploaded": say(func(s speaker, b *predicate.EvidenceUploadedV1) string {
		by := ""
		if b.Producer != "" {
			by = ", produced by " + s.person(b.Producer)
		}
		return fmt.Sprintf("uploaded %s%s: %s, %d bytes", mark(string(b.Ref), b.Content.SHA256), by, b.Content.MediaType, b.Content.Size)
	}),
	"evidence.viewed": say(func(s speaker, b *predicate.EvidenceViewedV1) string {
		return "viewed " + s.item(b.Item)
	}),
	"evidence.downloaded": say(func(s speaker, b *predicate.EvidenceDownloadedV1) string {
		return "downloaded " + s.item(b.Item)
	}),
	"redaction.proposed": say(func(s speaker, b *predicate.RedactionProposedV1) string {
		return "made " + mark(string(b.Ref), b.Content.SHA256) + " from " + s.item(b.Parent) + s.rendition() + ", for another person to approve"
	}),
	"redaction.approved": say(func(s speaker, b *predicate.RedactionApprovedV1) string {
		return "approved " + s.item(b.Item) + ", made from " + s.item(b.Parent) + ", for sharing and service"
	}),
	"evidence.shared": say(func(s speaker, b *predicate.EvidenceSharedV1) string {
		return "shared " + s.item(b.Item) + " with " + string(b.Organisation) + " (" + list(b.Permissions) + ")"
	}),
	"evidence.served": say(func(s speaker, b *predicate.EvidenceServedV1) string {
		after := ""
		if b.Undertaking != "" {
			after = ", to be seen only after an undertaking"
		}
		return "served " + s.item(b.Item) + " on " + string(b.Organisation) + s.forDefendant(b.Defendant) + after
	}),
	"unused.disclosed": say(func(s speaker, b *predicate.UnusedDisclosedV1) string {
		return "disclosed unused material " + s.item(b.Item) + " to " + string(b.Organisation) + s.forDefendant(b.Defendant) +
			" under section 17 of the Criminal Procedure and Investigations Act 1996"
	}),
	"undertaking.accepted": say(func(s speaker, b *predicate.UndertakingAcceptedV1) string {
		return "accepted the undertaking for " + s.item(b.Item) + " (text sha256 " + short(b.Text) + ")"
	}),
	"key.destruction-proposed": say(func(s speaker, b *predicate.KeyDestructionProposedV1) string {
		return "asked for " + s.scopeOfKeys(b.Scope, b.Exhibit, b.Person) + " to be erased by another person (" + plain(b.Authority) + ")"
	}),
	"key.destroyed": say(func(s speaker, b *predicate.KeyDestroyedV1) string {
		return "destroyed the keys: " + s.scopeOfKeys(b.Scope, b.Exhibit, b.Person) + " erased on " + day(s.Predicate.RecordedAt) +
			" under " + plain(b.Authority)
	}),
	"bag.exported": say(func(s speaker, b *predicate.BagExportedV1) string {
		return "made a verification pack for " + string(b.Recipient.Organisation) + " (" + string(b.Recipient.Role) + ")" +
			s.forDefendant(b.Recipient.Defendant) + " with contents sha256 " + short(b.Contents)
	}),
}

// say puts the words for one kind of body into the table.
func say[B predicate.Body](tell func(speaker, B) string) func(speaker, predicate.Body) string {
	return func(s speaker, body predicate.Body) string {
		b, ok := body.(B)
		if !ok {
			return "did something that the record does not describe"
		}
		return tell(s, b)
	}
}

func about(b *predicate.PersonAddedV1) string {
	var also []string
	if b.Child {
		also = append(also, "a child")
	}
	if b.Vulnerable {
		also = append(also, "vulnerable")
	}
	if also == nil {
		return ""
	}
	return " (" + strings.Join(also, ", ") + ")"
}
