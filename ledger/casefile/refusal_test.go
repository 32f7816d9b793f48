package casefile_test

import (
	"errors"
	"os"
	"regexp"
	"testing"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Ids in the case that populated makes.
const (
	nPlain, nUnused, nSecret, nBound, nRedacted, nErased = 1, 2, 3, 4, 5, 6
	nDefendant, nOther, nWitness                         = 20, 21, 22
	nRepresentation, nGrant, nHearing                    = 30, 40, 50
)

type items struct {
	plain, unused, secret, bound, redacted, erased predicate.Item
	proposal, destruction                          predicate.UUID
}

// populated is a case with one of everything: items used, unused, sensitive, under undertaking, redacted and erased; a
// firm that acts for one of two defendants; a court and a prosecutor who were let in.
func populated(t fataler) (*world, items) {
	w, it := newWorld(), items{}
	w.do(t, officer, &predicate.CaseOpenedV1{URN: "01AB1234526", Stage: "pre-charge"})
	w.do(t, officer, &predicate.DefendantAddedV1{Defendant: id(nDefendant)})
	w.do(t, officer, &predicate.DefendantAddedV1{Defendant: id(nOther)})
	w.do(t, officer, &predicate.PersonAddedV1{Person: id(nWitness), Roles: []predicate.SubjectRole{"witness"}})
	w.do(t, officer, &predicate.RepresentationStartedV1{Defendant: id(nDefendant), Organisation: "firm-a", Representation: id(nRepresentation)})
	w.do(t, officer, &predicate.HearingListedV1{Court: "court-demo", Hearing: id(nHearing), Type: "first"})
	w.do(t, officer, &predicate.AccessGrantedV1{Grant: id(nGrant), Organisation: "cps-01", Permissions: []predicate.Permission{"view"}})
	it.plain = w.upload(t, officer, nPlain, "JS/1", "used", "standard")
	it.unused = w.upload(t, officer, nUnused, "JS/2", "mg6c", "standard")
	it.secret = w.upload(t, officer, nSecret, "JS/3", "mg6d", "standard")
	it.bound = w.upload(t, officer, nBound, "JS/4", "used", "undertaking")
	w.do(t, colleague, redaction(nRedacted, "JS/1A", it.plain, "used"))
	it.proposal = w.last()
	e, _ := w.Exhibit(id(nRedacted))
	it.redacted = e.Item()
	it.erased = w.upload(t, officer, nErased, "JS/6", "used", "standard")
	w.do(t, officer, &predicate.KeyDestructionProposedV1{Authority: "court-order", Exhibit: id(nErased), Scope: "exhibit"})
	w.do(t, colleague, &predicate.KeyDestroyedV1{Authority: "court-order", Exhibit: id(nErased), Scope: "exhibit", Proposal: w.last()})
	w.do(t, officer, &predicate.KeyDestructionProposedV1{Authority: "court-order", Person: id(nWitness), Scope: "person"})
	it.destruction = w.last()
	return w, it
}

// serve serves an item on a firm for a defendant.
func serve(it predicate.Item, org identifier.Org, defendant int, undertaking predicate.Hex32) *predicate.EvidenceServedV1 {
	return &predicate.EvidenceServedV1{Item: it, Organisation: org, Defendant: id(defendant), Undertaking: undertaking}
}

func view(it predicate.Item) *predicate.EvidenceViewedV1 {
	return &predicate.EvidenceViewedV1{Item: it}
}

// refused is an act that must be refused in the populated case, with the code.
type refused struct {
	name  string
	actor predicate.Actor
	body  predicate.Body
	want  casefile.Code
}

// caseRefusals are acts on the case and its people.
func caseRefusals(it items) []refused {
	grant := func(org identifier.Org, exhibit, defendant predicate.UUID) *predicate.AccessGrantedV1 {
		return &predicate.AccessGrantedV1{Grant: id(41), Organisation: org, Exhibit: exhibit, Defendant: defendant, Permissions: []predicate.Permission{"view"}}
	}
	destroy := func(scope predicate.DestroyScope, exhibit, who predicate.UUID) *predicate.KeyDestructionProposedV1 {
		return &predicate.KeyDestructionProposedV1{Authority: "court-order", Scope: scope, Exhibit: exhibit, Person: who}
	}
	destroyed := func(proposal, who predicate.UUID) *predicate.KeyDestroyedV1 {
		return &predicate.KeyDestroyedV1{Authority: "court-order", Scope: "person", Person: who, Proposal: proposal}
	}
	bag := &predicate.BagExportedV1{Recipient: predicate.Recipient{Organisation: "court-other", Role: "clerk"}}
	represent := func(org identifier.Org, who int) *predicate.RepresentationStartedV1 {
		return &predicate.RepresentationStartedV1{Defendant: id(who), Organisation: org, Representation: id(31)}
	}
	return []refused{
		{"opened twice", officer, &predicate.CaseOpenedV1{URN: "01AB1234526"}, casefile.CaseExists},
		{"organisation without a part", stranger, view(it.plain), casefile.NotPermitted},
		{"firm without a part", rival, view(it.plain), casefile.NotPermitted},
		{"open case reopened", officer, &predicate.CaseReopenedV1{Reason: "appeal"}, casefile.CaseNotClosed},
		{"linked to itself", officer, &predicate.CaseLinkedV1{Linked: theCase}, casefile.BadCombination},
		{"outcome for nobody", officer, &predicate.CaseOutcomeV1{Defendant: id(99)}, casefile.DefendantUnknown},
		{"outcome for a witness", officer, &predicate.CaseOutcomeV1{Defendant: id(nWitness)}, casefile.DefendantUnknown},
		{"defendant twice", officer, &predicate.DefendantAddedV1{Defendant: id(nDefendant)}, casefile.AlreadyDone},
		{"defendant as person", officer, &predicate.PersonAddedV1{Person: id(nDefendant)}, casefile.AlreadyDone},
		{"represented by a force", officer, represent("force-01", nDefendant), casefile.BadCombination},
		{"representation of nobody", officer, represent("firm-a", 99), casefile.DefendantUnknown},
		{"represented twice", officer, represent("firm-a", nDefendant), casefile.AlreadyDone},
		{"end of no representation", officer, &predicate.RepresentationEndedV1{Representation: id(99)}, casefile.RepresentationUnknown},
		{"hearing at a firm", officer, &predicate.HearingListedV1{Court: "firm-a"}, casefile.BadCombination},
		{"grant of no exhibit", officer, grant("cps-01", id(99), ""), casefile.ExhibitUnknown},
		{"case-wide grant to a firm", officer, grant("firm-a", "", id(nDefendant)), casefile.BadCombination},
		{"grant to a firm for nobody", officer, grant("firm-a", id(nPlain), ""), casefile.BadCombination},
		{"grant to a firm for another's client", officer, grant("firm-a", id(nPlain), id(nOther)), casefile.FirmNotInstructed},
		{"grant of a sensitive item to a firm", officer, grant("firm-a", id(nSecret), id(nDefendant)), casefile.NeverToDefence},
		{"grant of an unapproved redaction to a firm", officer, grant("firm-a", id(nRedacted), id(nDefendant)), casefile.NotApproved},
		{"revoked what is not granted", officer, &predicate.AccessRevokedV1{Grant: id(99)}, casefile.GrantUnknown},
		{"destroy the key of no exhibit", officer, destroy("exhibit", id(99), ""), casefile.ExhibitUnknown},
		{"destroy an exhibit's key twice", officer, destroy("exhibit", id(nErased), ""), casefile.AlreadyDone},
		{"destroy the key of nobody", officer, destroy("person", "", id(99)), casefile.PersonUnknown},
		{"destroy a case's keys and name an exhibit", officer, destroy("case", id(nPlain), ""), casefile.BadCombination},
		{"destroyed without a proposal", colleague, destroyed(id(99), id(nWitness)), casefile.ProposalUnknown},
		{"destroyed by the proposer", officer, destroyed(it.destruction, id(nWitness)), casefile.SamePerson},
		{"destroyed somebody else", colleague, destroyed(it.destruction, id(nOther)), casefile.BadCombination},
		{"bag for a stranger", officer, bag, casefile.NotPermitted},
	}
}

// evidenceRefusals are acts on items of evidence.
func evidenceRefusals(it items) []refused {
	changed, renamed := it.plain, it.plain
	changed.SHA256, renamed.Ref = hex32("other"), "JS/9"
	approve := func(by predicate.UUID) *predicate.RedactionApprovedV1 {
		return &predicate.RedactionApprovedV1{Item: it.redacted, Parent: it.plain, Proposal: by}
	}
	withProducer, withPerson := uploaded(9, "JS/9", "used", "standard"), uploaded(9, "JS/9", "used", "standard")
	withProducer.Producer, withPerson.Concerns = id(99), []predicate.UUID{id(99)}
	disclose := func(i predicate.Item, org identifier.Org, who int) *predicate.UnusedDisclosedV1 {
		return &predicate.UnusedDisclosedV1{Item: i, Organisation: org, Defendant: id(who), Restriction: "CPIA_s17"}
	}
	share := func(i predicate.Item, org identifier.Org) *predicate.EvidenceSharedV1 {
		return &predicate.EvidenceSharedV1{Item: i, Organisation: org, Permissions: []predicate.Permission{"view"}}
	}
	text := hex32("the undertaking")
	return []refused{
		{"upload of an unknown producer", officer, withProducer, casefile.PersonUnknown},
		{"upload about nobody", officer, withPerson, casefile.PersonUnknown},
		{"reference taken", officer, uploaded(9, "JS/1", "used", "standard"), casefile.ReferenceTaken},
		{"reference taken in other case", officer, uploaded(9, "js/1", "used", "standard"), casefile.ReferenceTaken},
		{"exhibit id taken", colleague, uploaded(nPlain, "JS/9", "used", "standard"), casefile.AlreadyDone},
		{"redaction of nothing", officer, redaction(9, "JS/9", predicate.Item{Exhibit: id(99)}, "used"), casefile.ExhibitUnknown},
		{"redaction of erased content", officer, redaction(9, "JS/9", it.erased, "used"), casefile.ExhibitErased},
		{"redaction under a taken reference", colleague, redaction(9, "JS/1A", it.plain, "used"), casefile.ReferenceTaken},
		{"approval of another proposal", prosecutor, approve(id(99)), casefile.ProposalUnknown},
		{"approval by the proposer", colleague, approve(it.proposal), casefile.SamePerson},
		{"approval by the uploader of the original", officer, approve(it.proposal), casefile.SamePerson},
		{"view of no exhibit", officer, view(predicate.Item{Exhibit: id(99)}), casefile.ExhibitUnknown},
		{"view of other bytes", officer, view(changed), casefile.ItemChanged},
		{"view under another reference", officer, view(renamed), casefile.ItemChanged},
		{"view of erased content", officer, view(it.erased), casefile.ExhibitErased},
		{"download with the right to view", prosecutor, &predicate.EvidenceDownloadedV1{Item: it.plain}, casefile.NotPermitted},
		{"sensitive item for a clerk", clerk, view(it.secret), casefile.NotPermitted},
		{"unapproved redaction for a clerk", clerk, view(it.redacted), casefile.NotPermitted},
		{"defence before service", solicitor, view(it.plain), casefile.NotPermitted},
		{"another role in a firm before service", person("x", "firm-a", "officer"), view(it.plain), casefile.NotPermitted},
		{"shared with a firm", officer, share(it.plain, "firm-a"), casefile.BadCombination},
		{"unapproved redaction shared", officer, share(it.redacted, "cps-01"), casefile.NotApproved},
		{"erased content shared", officer, share(it.erased, "cps-01"), casefile.ExhibitErased},
		{"served on a force", officer, serve(it.plain, "force-02", nDefendant, ""), casefile.BadCombination},
		{"unused material served", officer, serve(it.unused, "firm-a", nDefendant, ""), casefile.WrongSchedule},
		{"served on a firm that is not instructed", officer, serve(it.plain, "firm-b", nDefendant, ""), casefile.FirmNotInstructed},
		{"served for another's client", officer, serve(it.plain, "firm-a", nOther, ""), casefile.FirmNotInstructed},
		{"served for nobody", officer, &predicate.EvidenceServedV1{Item: it.plain, Organisation: "firm-a"}, casefile.DefendantUnknown},
		{"served without its undertaking", officer, serve(it.bound, "firm-a", nDefendant, ""), casefile.BadCombination},
		{"served with an undertaking it does not need", officer, serve(it.plain, "firm-a", nDefendant, text), casefile.BadCombination},
		{"sensitive item served on a firm", officer, serve(it.secret, "firm-a", nDefendant, ""), casefile.NeverToDefence},
		{"unapproved redaction served", officer, serve(it.redacted, "firm-a", nDefendant, ""), casefile.NotApproved},
		{"used evidence disclosed", officer, disclose(it.plain, "firm-a", nDefendant), casefile.WrongSchedule},
		{"disclosed to another firm", officer, disclose(it.unused, "firm-b", nDefendant), casefile.FirmNotInstructed},
		{"sensitive item disclosed", officer, disclose(it.secret, "firm-a", nDefendant), casefile.NeverToDefence},
		{"undertaking for what was not served", solicitor, &predicate.UndertakingAcceptedV1{Item: it.bound, Text: text}, casefile.NotPermitted},
	}
}

func TestRefusals(t *testing.T) {
	_, it := populated(t)
	for _, c := range append(caseRefusals(it), evidenceRefusals(it)...) {
		t.Run(c.name, func(t *testing.T) {
			w, _ := populated(t)
			before := w.Heads()
			_, err := w.try(c.actor, c.body)
			if got := code(err); got != c.want {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for chain, h := range w.Heads() {
				if before[chain] != h {
					t.Errorf("a refused act moved chain %s", chain)
				}
			}
		})
	}
}

// TestEveryCode: each code of the closed list is the answer to something.
func TestEveryCode(t *testing.T) {
	source, err := os.ReadFile("refusal.go")
	if err != nil {
		t.Fatal(err)
	}
	_, it := populated(t)
	seen := map[string]bool{
		// By the tests below, and by the ledger for two cases under one URN.
		"case_unknown": true, "case_closed": true, "exhibit_ambiguous": true, "undertaking_required": true, "undertaking_wrong": true,
	}
	for _, c := range append(caseRefusals(it), evidenceRefusals(it)...) {
		seen[string(c.want)] = true
	}
	for _, m := range regexp.MustCompile(`Code += "([a-z_]+)"`).FindAllStringSubmatch(string(source), -1) {
		if !seen[m[1]] {
			t.Errorf("nothing is refused with %s", m[1])
		}
	}
}

func TestNoCase(t *testing.T) {
	_, it := populated(t)
	for _, c := range append(caseRefusals(it), evidenceRefusals(it)...) {
		if c.body.Kind() == "case.opened" {
			continue
		}
		if _, err := newWorld().try(c.actor, c.body); code(err) != casefile.CaseUnknown {
			t.Errorf("%s in no case: %v", c.name, err)
		}
	}
}

func TestAmbiguousReference(t *testing.T) {
	w, _ := populated(t)
	w.upload(t, colleague, 9, "JS/1", "used", "standard")
	_, err := w.Resolve("js/1")
	var r *casefile.Refusal
	if !errors.As(err, &r) || r.Code != casefile.ExhibitAmbiguous || len(r.Choices) != 2 {
		t.Fatalf("%v", err)
	}
	for _, bad := range []string{"", "JS/77", string(id(77)), "\x00", "JS/1/../2"} {
		if _, err := w.Resolve(bad); code(err) != casefile.ExhibitUnknown {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if e, err := w.Resolve(string(id(9))); err != nil || e.ID != id(9) {
		t.Errorf("by id: %v", err)
	}
}

// TestClosedCase: only the listed kinds go on.
func TestClosedCase(t *testing.T) {
	_, it := populated(t)
	open := map[string]bool{
		"bag.exported": true, "evidence.viewed": true, "evidence.downloaded": true, "access.granted": true, "access.revoked": true,
		"key.destruction-proposed": true, "key.destroyed": true, "case.reopened": true, "access.denied": true, "case.opened": true,
	}
	for kind := range predicate.Kinds {
		w, _ := populated(t)
		w.do(t, officer, &predicate.CaseClosedV1{Reason: "concluded"})
		body := kind.New()
		_, err := w.try(officer, body)
		if closed := code(err) == casefile.CaseClosed; closed == open[kind.Kind] {
			t.Errorf("%s in a closed case: %v", kind.Kind, err)
		}
	}
	w, _ := populated(t)
	w.do(t, officer, &predicate.CaseClosedV1{Reason: "concluded"})
	w.do(t, officer, view(it.plain))
	w.do(t, officer, &predicate.CaseReopenedV1{Reason: "appeal"})
	w.do(t, officer, &predicate.CaseOutcomeV1{Outcome: "convicted"})
}

func TestUndertaking(t *testing.T) {
	w, it := populated(t)
	text := hex32("the undertaking")
	accept := &predicate.UndertakingAcceptedV1{Item: it.bound, Text: text}
	w.do(t, officer, serve(it.bound, "firm-a", nDefendant, text))
	for _, step := range []struct {
		actor predicate.Actor
		body  predicate.Body
		want  casefile.Code
	}{
		{solicitor, view(it.bound), casefile.UndertakingRequired},
		{solicitor, &predicate.UndertakingAcceptedV1{Item: it.bound, Text: hex32("another")}, casefile.UndertakingWrong},
		{rival, accept, casefile.NotPermitted},
		{solicitor, accept, ""},
		{solicitor, accept, casefile.AlreadyDone},
		{solicitor, view(it.bound), ""},
		{partner, view(it.bound), casefile.UndertakingRequired},
		{officer, serve(it.bound, "firm-a", nDefendant, hex32("new text")), ""},
		{solicitor, view(it.bound), casefile.UndertakingRequired},
		{officer, serve(it.plain, "firm-a", nDefendant, ""), ""},
		{solicitor, &predicate.UndertakingAcceptedV1{Item: it.plain, Text: text}, casefile.BadCombination},
		{partner, view(it.plain), ""},
	} {
		if _, err := w.try(step.actor, step.body); code(err) != step.want {
			t.Fatalf("%s by %s: %v, want %q", step.body.Kind(), step.actor.Pseudonym, err, step.want)
		}
	}
	bound := w.upload(t, officer, 9, "JS/9", "mg6c", "undertaking")
	if _, err := w.try(officer, &predicate.UnusedDisclosedV1{Item: bound, Organisation: "firm-a", Defendant: id(nDefendant)}); code(err) != casefile.BadCombination {
		t.Errorf("an item under undertaking was disclosed without one: %v", err)
	}
}

// TestEndOfRepresentation: with it end service and grants for that defendant, and only for that one.
func TestEndOfRepresentation(t *testing.T) {
	w, it := populated(t)
	other := w.upload(t, officer, 9, "JS/9", "used", "standard")
	grant := &predicate.AccessGrantedV1{Grant: id(41), Organisation: "firm-a", Exhibit: id(9), Defendant: id(nDefendant), Permissions: []predicate.Permission{"view"}}
	begin := &predicate.RepresentationStartedV1{Defendant: id(nDefendant), Organisation: "firm-a", Representation: id(33)}
	w.do(t, officer, grant)
	w.do(t, officer, serve(it.plain, "firm-a", nDefendant, ""))
	w.do(t, solicitor, view(it.plain))
	w.do(t, solicitor, view(other))
	w.do(t, officer, &predicate.RepresentationStartedV1{Defendant: id(nOther), Organisation: "firm-a", Representation: id(32)})
	w.do(t, officer, serve(it.plain, "firm-a", nOther, ""))
	w.do(t, officer, &predicate.RepresentationEndedV1{Representation: id(nRepresentation), Reason: "withdrawn"})
	w.do(t, solicitor, view(it.plain)) // still served for the other client
	if _, err := w.try(solicitor, view(other)); code(err) != casefile.NotPermitted {
		t.Errorf("a grant outlived the representation: %v", err)
	}
	if _, err := w.try(officer, &predicate.AccessRevokedV1{Grant: id(41)}); code(err) != casefile.GrantUnknown {
		t.Errorf("the grant is still there: %v", err)
	}
	w.do(t, officer, &predicate.RepresentationEndedV1{Representation: id(32), Reason: "withdrawn"})
	if w.TakesPart("firm-a") {
		t.Error("the firm still takes part")
	}
	if err := w.MayAccess(solicitor, id(nPlain), predicate.PermView); code(err) != casefile.NotPermitted {
		t.Errorf("content after the representation: %v", err)
	}
	w.do(t, officer, begin)
	if _, err := w.try(solicitor, view(other)); code(err) != casefile.NotPermitted {
		t.Errorf("a grant came back with a new representation: %v", err)
	}
	w.do(t, solicitor, view(it.plain))
}
