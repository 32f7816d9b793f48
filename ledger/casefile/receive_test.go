package casefile_test

import (
	"slices"
	"testing"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

func recipient(role, org string) predicate.Recipient {
	return predicate.Recipient{Role: identifier.Role(role), Organisation: identifier.Org(org)}
}

// received are the exhibits whose content a recipient may be given now.
func received(w *world, r predicate.Recipient) []int {
	var out []int
	for n := range 20 {
		if w.MayReceive(r, id(n)) == nil {
			out = append(out, n)
		}
	}
	return out
}

func wantReceived(t *testing.T, w *world, r predicate.Recipient, want ...int) {
	t.Helper()
	if got := received(w, r); !slices.Equal(got, want) {
		t.Errorf("%s@%s for %q receives %v, want %v", r.Role, r.Organisation, r.Defendant, got, want)
	}
}

// TestReceiveByRole: nothing for those who do not fit or take part; for each role what is theirs.
func TestReceiveByRole(t *testing.T) {
	w, it := populated(t)
	for _, bad := range []predicate.Recipient{
		recipient("clerk", "court-other"), recipient("judge", "court-other"), recipient("judge", "force-01"), recipient("judge", "cps-01"),
		recipient("clerk", "force-01"), recipient("officer", "court-demo"), recipient("officer", "cps-01"), recipient("officer", "force-02"),
		recipient("operator", "force-01"), recipient("operator", "court-demo"), recipient("defence", "force-01"), recipient("defence", "firm-b"),
		recipient("officer", "firm-a"), recipient("", "force-01"), {}, recipient("inspector", "hmcpsi"),
	} {
		wantReceived(t, w, bad)
	}
	wantReceived(t, w, recipient("officer", "force-01"), nPlain, nUnused, nSecret, nBound, nRedacted)
	wantReceived(t, w, recipient("judge", "court-demo"), nPlain, nUnused, nSecret, nBound, nRedacted)
	wantReceived(t, w, recipient("clerk", "court-demo"), nPlain, nUnused, nBound)
	wantReceived(t, w, recipient("prosecutor", "cps-01")) // it may look at everything, and take nothing away
	wantReceived(t, w, recipient("ig", "force-01"))
	wantReceived(t, w, recipient("defence", "firm-a"))

	w.do(t, prosecutor, &predicate.RedactionApprovedV1{Item: it.redacted, Parent: it.plain, Proposal: it.proposal})
	wantReceived(t, w, recipient("clerk", "court-demo"), nPlain, nUnused, nBound, nRedacted)
	for n, want := range map[int]casefile.Code{nErased: casefile.ExhibitErased, 19: casefile.ExhibitUnknown} {
		if err := w.MayReceive(recipient("judge", "court-demo"), id(n)); code(err) != want {
			t.Errorf("exhibit %d: %v, want %s", n, err, want)
		}
	}
}

func permit(n int, org identifier.Org, exhibit predicate.UUID, to predicate.Pseudonym, perms ...predicate.Permission) *predicate.AccessGrantedV1 {
	return &predicate.AccessGrantedV1{Grant: id(n), Organisation: org, Exhibit: exhibit, Grantee: to, Permissions: perms}
}

// TestReceiveByGrant: only with the permission to download, only to the organisation, and only while it is in force.
func TestReceiveByGrant(t *testing.T) {
	w, it := populated(t)
	cps, ig, inspector, clerks := recipient("prosecutor", "cps-01"), recipient("ig", "force-01"), recipient("inspector", "hmcpsi"), recipient("clerk", "court-demo")
	w.do(t, officer, permit(41, "cps-01", id(nPlain), prosecutor.Pseudonym, "view", "download"))
	wantReceived(t, w, cps)
	w.do(t, officer, &predicate.EvidenceSharedV1{Item: it.unused, Organisation: "cps-01", Permissions: []predicate.Permission{"view"}})
	wantReceived(t, w, cps)
	w.do(t, officer, &predicate.EvidenceSharedV1{Item: it.unused, Organisation: "cps-01", Permissions: []predicate.Permission{"download"}})
	wantReceived(t, w, cps, nUnused)
	w.do(t, officer, permit(42, "cps-01", "", "", "download"))
	wantReceived(t, w, cps, nPlain, nUnused, nSecret, nBound, nRedacted)
	w.do(t, officer, &predicate.AccessRevokedV1{Grant: id(42)})
	wantReceived(t, w, cps, nUnused)

	w.do(t, officer, permit(43, "force-01", id(nPlain), "", "download"))
	w.do(t, officer, permit(44, "force-01", id(nSecret), "", "download"))
	wantReceived(t, w, ig, nPlain)
	w.do(t, officer, permit(45, "hmcpsi", id(nPlain), "", "view"))
	wantReceived(t, w, inspector)
	w.do(t, officer, permit(46, "hmcpsi", "", "", "download"))
	wantReceived(t, w, inspector, nPlain, nUnused, nBound, nRedacted)
	w.do(t, officer, permit(47, "court-demo", id(nRedacted), "", "download"))
	w.do(t, officer, permit(48, "court-demo", id(nSecret), "", "download"))
	wantReceived(t, w, clerks, nPlain, nUnused, nBound)
}

// TestReceiveByFirm: what was served, disclosed or granted for a client whom it still acts for, within the limit asked for.
func TestReceiveByFirm(t *testing.T) {
	w, it := populated(t)
	firm, one, other := recipient("defence", "firm-a"), recipient("defence", "firm-a"), recipient("defence", "firm-a")
	one.Defendant, other.Defendant = id(nDefendant), id(nOther)
	w.do(t, officer, &predicate.RepresentationStartedV1{Defendant: id(nOther), Organisation: "firm-a", Representation: id(32)})
	w.do(t, officer, serve(it.plain, "firm-a", nDefendant, ""))
	w.do(t, officer, &predicate.UnusedDisclosedV1{Item: it.unused, Organisation: "firm-a", Defendant: id(nOther), Restriction: "CPIA_s17"})
	late := w.upload(t, officer, 9, "JS/9", "used", "standard")
	grant := permit(49, "firm-a", late.Exhibit, "", "view")
	grant.Defendant = id(nOther)
	w.do(t, officer, grant)
	wantReceived(t, w, firm, nPlain, nUnused)
	personal := permit(50, "firm-a", late.Exhibit, solicitor.Pseudonym, "download")
	personal.Defendant = id(nOther)
	w.do(t, officer, personal)
	wantReceived(t, w, firm, nPlain, nUnused)
	whole := permit(51, "firm-a", late.Exhibit, "", "download")
	whole.Defendant = id(nOther)
	w.do(t, officer, whole)
	wantReceived(t, w, firm, nPlain, nUnused, 9)
	wantReceived(t, w, one, nPlain)
	wantReceived(t, w, other, nUnused, 9)
	wantReceived(t, w, recipient("defence", "firm-b"))

	w.do(t, officer, &predicate.RepresentationEndedV1{Representation: id(32), Reason: "withdrawn"})
	wantReceived(t, w, firm, nPlain)
	wantReceived(t, w, other)
	w.do(t, officer, &predicate.RepresentationEndedV1{Representation: id(nRepresentation), Reason: "withdrawn"})
	wantReceived(t, w, firm)
}

// TestReceiveUnderUndertaking: somebody of that firm must have accepted the text that this service carries.
func TestReceiveUnderUndertaking(t *testing.T) {
	w, it := populated(t)
	a, b, text := recipient("defence", "firm-a"), recipient("defence", "firm-b"), hex32("the undertaking")
	w.do(t, officer, &predicate.RepresentationStartedV1{Defendant: id(nOther), Organisation: "firm-b", Representation: id(32)})
	w.do(t, officer, serve(it.bound, "firm-a", nDefendant, text))
	w.do(t, officer, serve(it.bound, "firm-b", nOther, text))
	wantReceived(t, w, a)
	w.do(t, solicitor, &predicate.UndertakingAcceptedV1{Item: it.bound, Text: text})
	wantReceived(t, w, a, nBound)
	wantReceived(t, w, b)
	w.do(t, officer, serve(it.bound, "firm-a", nDefendant, hex32("new text")))
	wantReceived(t, w, a)
	w.do(t, partner, &predicate.UndertakingAcceptedV1{Item: it.bound, Text: hex32("new text")})
	wantReceived(t, w, a, nBound)
}

// TestBagDecision: a bag is refused where its recipient does not fit, or lost a right to what is in it.
func TestBagDecision(t *testing.T) {
	w, it := populated(t)
	decide := func(r predicate.Recipient, contents ...predicate.UUID) casefile.Code {
		_, err := w.Decide(casefile.Act{Actor: officer, FirmID: "f", Body: &predicate.BagExportedV1{Recipient: r}, Contents: contents})
		return code(err)
	}
	firm := recipient("defence", "firm-a")
	for name, got := range map[string][2]casefile.Code{
		"stranger":          {decide(recipient("clerk", "court-other")), casefile.NotPermitted},
		"judge of a force":  {decide(recipient("judge", "force-01")), casefile.BadCombination},
		"operator":          {decide(recipient("operator", "force-01")), casefile.BadCombination},
		"sensitive":         {decide(recipient("clerk", "court-demo"), id(nPlain), id(nSecret)), casefile.NotPermitted},
		"erased":            {decide(recipient("judge", "court-demo"), id(nErased)), casefile.ExhibitErased},
		"unknown":           {decide(recipient("judge", "court-demo"), id(19)), casefile.ExhibitUnknown},
		"not served":        {decide(firm, id(nPlain)), casefile.NotPermitted},
		"court":             {decide(recipient("clerk", "court-demo"), id(nPlain), id(nBound)), ""},
		"firm with nothing": {decide(firm), ""},
	} {
		if got[0] != got[1] {
			t.Errorf("%s: %q, want %q", name, got[0], got[1])
		}
	}
	w.do(t, officer, serve(it.plain, "firm-a", nDefendant, ""))
	if got := decide(firm, id(nPlain)); got != "" {
		t.Errorf("served: %q", got)
	}
	w.do(t, officer, &predicate.RepresentationEndedV1{Representation: id(nRepresentation), Reason: "withdrawn"})
	if got := decide(firm, id(nPlain)); got != casefile.NotPermitted {
		t.Errorf("after the representation: %q", got)
	}
}

// TestContentAfterTheOnlyTie: a judge and a court that took part by a grant only lose the content with it.
func TestContentAfterTheOnlyTie(t *testing.T) {
	w, _ := populated(t)
	for _, a := range []predicate.Actor{person("judge2", "court-other", "judge"), person("clerk2", "court-other", "clerk"), person("p2", "cps-02", "prosecutor")} {
		w.do(t, officer, permit(60, a.Organisation, "", "", "view"))
		if err := w.MayAccess(a, id(nPlain), predicate.PermView); err != nil {
			t.Errorf("%s under a grant: %v", a.Pseudonym, err)
		}
		w.do(t, officer, &predicate.AccessRevokedV1{Grant: id(60)})
		if err := w.MayAccess(a, id(nPlain), predicate.PermView); code(err) != casefile.NotPermitted {
			t.Errorf("%s after the grant: %v", a.Pseudonym, err)
		}
	}
}
