package projections_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/predicate/predicatetest"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

const digest = predicate.Hex32("3f2a9c01d7e4b58866f0a1b2c3d4e5f60718293a4b5c6d7e8f90a1b2c3d4e5f6")

var (
	theCase  = id(1)
	original = predicate.Item{Exhibit: id(10), Ref: "JS/1", SHA256: digest}
	derived  = predicate.Item{Exhibit: id(11), Ref: "JS/1A", SHA256: "00" + digest[2:]}
	officer  = predicate.Actor{Organisation: "force-01", Pseudonym: "a0ff1ce", Role: "officer"}
	lawyer   = predicate.Actor{Organisation: "firm-x", Pseudonym: "ade4ce", Role: "defence"}
	start    = time.Date(2026, 3, 1, 9, 30, 0, 0, time.UTC)
)

// event builds an event of the story; opened are names of fields to open with the value "<name> of <n>".
func event(n int64, actor predicate.Actor, body predicate.Body, opened ...string) projections.Entry {
	at := predicate.At(start.Add(time.Duration(n) * time.Hour))
	known, _ := predicate.Lookup(body.Kind())
	e := &predicate.Event{Kind: body.Kind(), Predicate: predicate.Predicate{Body: body, Slots: predicate.Slots{
		Actor: actor, Case: theCase, Chain: predicate.ChainID(theCase + "/main"), EventID: id(100 + int(n)), OccurredAt: at,
		Policy: "p1", RecordedAt: at, S62Op: known.S62Op, Sequence: n + 1,
	}}}
	out := projections.Entry{Index: n, Chain: e.Predicate.Chain, Sequence: n + 1, Event: e}
	if len(opened) > 0 {
		out.Openings = openings(e, "PC 1234's", opened...)
	}
	return out
}

func story() []projections.Entry {
	content := predicate.Content{MediaType: "video/mp4", SHA256: digest, Size: 5}
	redacted := predicate.Content{MediaType: "video/mp4", SHA256: derived.SHA256, Size: 4}
	cut := event(4, officer, &predicate.RedactionProposedV1{Content: redacted, Exhibit: id(11), Parent: original, Ref: "JS/1A"})
	cut.Event.Predicate.Rendition = &predicate.Rendition{Kind: "redaction", Tool: predicate.Tool{Name: "caseledger", Version: "0.1.0"}}
	signed := event(8, lawyer, &predicate.EvidenceViewedV1{Item: derived})
	signed.Event.Predicate.ActorProof = &predicate.ActorProof{Scheme: predicate.ProofP256}
	return []projections.Entry{
		event(0, officer, &predicate.CaseOpenedV1{URN: "01AB1234526", Stage: "pre-charge", Force: "01"}, "actorName"),
		event(1, officer, &predicate.PersonAddedV1{Person: id(20), Roles: []predicate.SubjectRole{"witness"}, Child: true}, "name"),
		event(2, officer, &predicate.EvidenceUploadedV1{Content: content, Exhibit: id(10), Producer: id(20), Ref: "JS/1"}, "title"),
		event(3, officer, &predicate.EvidenceViewedV1{Item: original}, "actorName"),
		cut,
		event(5, officer, &predicate.RedactionApprovedV1{Item: derived, Parent: original}),
		event(6, officer, &predicate.EvidenceServedV1{Defendant: id(21), Item: derived, Organisation: "firm-x", Undertaking: digest}),
		event(7, lawyer, &predicate.UndertakingAcceptedV1{Item: derived, Text: digest}),
		signed,
		event(9, officer, &predicate.KeyDestroyedV1{Authority: "retention-expired", Exhibit: id(10), Keys: []predicate.KeyID{"k"}, Scope: "exhibit"}),
	}
}

// The custody of an exhibit, from its upload to the erasure of its content, in words.
func TestCustodyReadsAsSentences(t *testing.T) {
	report := projections.Fold(story())
	want := map[string]string{
		"JS/1": `
a0ff1ce (officer, force-01) uploaded JS/1 (sha256 3f2a9c01d7e4…), produced by PC 1234's name: video/mp4, 5 bytes
PC 1234's actorName (officer, force-01) viewed JS/1 (sha256 3f2a9c01d7e4…)
a0ff1ce (officer, force-01) made JS/1A (sha256 002a9c01d7e4…) from JS/1 (sha256 3f2a9c01d7e4…) (redaction with caseledger 0.1.0), for another person to approve
a0ff1ce (officer, force-01) approved JS/1A (sha256 002a9c01d7e4…), made from JS/1 (sha256 3f2a9c01d7e4…), for sharing and service
a0ff1ce (officer, force-01) destroyed the keys: content of JS/1 erased on 1 March 2026 under retention expired`,
		"JS/1A": `
a0ff1ce (officer, force-01) made JS/1A (sha256 002a9c01d7e4…) from JS/1 (sha256 3f2a9c01d7e4…) (redaction with caseledger 0.1.0), for another person to approve
a0ff1ce (officer, force-01) approved JS/1A (sha256 002a9c01d7e4…), made from JS/1 (sha256 3f2a9c01d7e4…), for sharing and service
a0ff1ce (officer, force-01) served JS/1A (sha256 002a9c01d7e4…) on firm-x for person 00000000-0000-4000-8000-000000000015, to be seen only after an undertaking
ade4ce (defence, firm-x) accepted the undertaking for JS/1A (sha256 002a9c01d7e4…) (text sha256 3f2a9c01d7e4…)
ade4ce (defence, firm-x) viewed JS/1A (sha256 002a9c01d7e4…)`,
	}
	for _, x := range report.Exhibits {
		var got []string
		for _, l := range x.Custody {
			got = append(got, l.Sentence)
		}
		_, wanted, _ := strings.Cut(want[string(x.Ref)], "\n")
		if strings.Join(got, "\n") != wanted {
			t.Errorf("%s:\n%s", x.Ref, strings.Join(got, "\n"))
		}
	}
	first, second := report.Exhibits[0], report.Exhibits[1]
	switch {
	case first.Title.Text() != "PC 1234's title", first.Views != 1, first.Erased == nil, first.Derived[0] != id(11):
		t.Errorf("the original: %+v", first)
	case second.Approved == nil, second.Parent.Ref != "JS/1", second.Recipients[0].Organisation != "firm-x", second.Erased != nil:
		t.Errorf("the redaction: %+v", second)
	case !second.Custody[4].Signed.Present, second.Custody[3].Signed.Present, second.Custody[2].To.Organisation != "firm-x":
		t.Errorf("signature and recipient: %+v", second.Custody)
	case report.Heads[0].Count != 10, report.Heads[0].Link != "" && len(report.Heads[0].Link) != 64:
		t.Errorf("heads: %+v", report.Heads)
	}
}

func TestOtherSentences(t *testing.T) {
	names := projections.Names{Actor: "A", Of: map[predicate.UUID]string{id(10): "JS/1", id(20): "Jo", id(30): "firm-x to JS/1", id(31): "Jo by firm-x"}}
	at := predicate.At(start)
	for want, body := range map[string]predicate.Body{
		"linked the case " + string(id(2)) + " to this one (same incident)": &predicate.CaseLinkedV1{Linked: id(2), Relation: "same-incident"},
		"recorded the outcome of the case: acquitted":                       &predicate.CaseOutcomeV1{Outcome: "acquitted"},
		"recorded the outcome for Jo: convicted":                            &predicate.CaseOutcomeV1{Outcome: "convicted", Defendant: id(20)},
		"closed the case (concluded)":                                       &predicate.CaseClosedV1{Reason: "concluded"},
		"opened the case again (new evidence)":                              &predicate.CaseReopenedV1{Reason: "new-evidence"},
		"added Jo as a defendant":                                           &predicate.DefendantAddedV1{Defendant: id(20)},
		"added Jo to the case as victim, witness (vulnerable)": &predicate.PersonAddedV1{
			Person: id(20), Roles: []predicate.SubjectRole{"victim", "witness"}, Vulnerable: true},
		"recorded that firm-x acts for Jo": &predicate.RepresentationStartedV1{Defendant: id(20), Organisation: "firm-x"},
		"recorded the end of the representation of Jo by firm-x (withdrawn), and with it the end of every access that rested on it": &predicate.RepresentationEndedV1{
			Reason: "withdrawn", Representation: id(31)},
		"listed a hearing (plea) at court-demo for 1 March 2026 09:30 UTC": &predicate.HearingListedV1{At: at, Court: "court-demo", Type: "plea"},
		"gave firm-x access to JS/1 (view, download) for Jo": &predicate.AccessGrantedV1{
			Defendant: id(20), Exhibit: id(10), Organisation: "firm-x", Permissions: []predicate.Permission{"view", "download"}},
		"ended the access of firm-x to JS/1 (left role)":           &predicate.AccessRevokedV1{Grant: id(30), Reason: "left-role"},
		"ended the access of grant " + string(id(32)) + " (other)": &predicate.AccessRevokedV1{Grant: id(32), Reason: "other"},
		"was refused 3 times between 1 March 2026 09:30:00 UTC and 1 March 2026 09:30:00 UTC (open case)": &predicate.AccessDeniedV1{
			Attempted: "open-case", Count: 3, FirstAt: at, LastAt: at},
		"downloaded JS/1 (sha256 3f2a9c01d7e4…)": &predicate.EvidenceDownloadedV1{Item: original},
		"shared JS/1 (sha256 3f2a9c01d7e4…) with cps-wessex (view)": &predicate.EvidenceSharedV1{
			Item: original, Organisation: "cps-wessex", Permissions: []predicate.Permission{"view"}},
		"disclosed unused material JS/1 (sha256 3f2a9c01d7e4…) to firm-x for Jo under section 17 of the Criminal Procedure and Investigations Act 1996": &predicate.UnusedDisclosedV1{
			Defendant: id(20), Item: original, Organisation: "firm-x"},
		"asked for personal data of Jo to be erased by another person (court order)": &predicate.KeyDestructionProposedV1{
			Authority: "court-order", Person: id(20), Scope: "person"},
		"made a verification pack for court-demo (clerk) with contents sha256 3f2a9c01d7e4…": &predicate.BagExportedV1{
			Contents: digest, Recipient: predicate.Recipient{Organisation: "court-demo", Role: "clerk"}},
	} {
		e := event(1, officer, body).Event
		if got := projections.Sentence(e, names); got != "A (officer, force-01) "+want {
			t.Errorf("%s:\n got %s\nwant … %s", body.Kind(), got, want)
		}
	}
}

// Every kind of the registry has words of its own, and they never break or span lines.
func TestEveryKindHasASentence(t *testing.T) {
	for _, kind := range kinds() {
		rapid.Check(t, func(t *rapid.T) {
			e := predicatetest.Event(t, kind)
			s := projections.Sentence(&e, projections.Names{})
			if strings.Contains(s, "no words for") || strings.Contains(s, "does not describe") || strings.ContainsAny(s, "\n\r") || len(s) > 1000 {
				t.Fatalf("%s: %q", kind, s)
			}
		})
	}
	odd := predicate.Event{Kind: "evidence.viewed"}
	if s := projections.Sentence(&odd, projections.Names{}); !strings.Contains(s, "no words for") {
		t.Errorf("an event without a body: %q", s)
	}
}

func TestOpenedTextStaysOnItsLine(t *testing.T) {
	e := event(3, officer, &predicate.EvidenceViewedV1{Item: original})
	d, err := sdjwt.New(strings.NewReader("0123456789abcdef"), "actorName", "Eve\n\u202esu\u0000b")
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := d.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if e.Openings, err = sdjwt.ParseSet([]string{encoded}); err != nil {
		t.Fatal(err)
	}
	line := projections.Fold([]projections.Entry{e}).Lines()[0]
	if !strings.HasPrefix(line.Sentence, "Eve  su b (officer") {
		t.Errorf("%q", line.Sentence)
	}
}
