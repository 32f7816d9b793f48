package sqlstore_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

func TestReads(t *testing.T) {
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	defer closed(t, s)
	view := func(revision int64, caseID predicate.UUID, org identifier.Org) projections.Record {
		return one(revision, caseID, org, &predicate.EvidenceViewedV1{Item: predicate.Item{Exhibit: id(10), Ref: "JS/1"}})
	}
	keyed := view(3, id(2), "force-01")
	keyed.Event.Predicate.Idempotency = &predicate.Idempotency{}
	all := journal{
		one(0, id(1), "force-01", &predicate.CaseOpenedV1{URN: "01ab1234526", Stage: "trial"}),
		one(1, id(2), "force-45", &predicate.CaseOpenedV1{URN: "01AB1234526", Stage: "trial"}),
		view(2, id(1), "cps-wessex"), keyed, view(4, id(1), "cps-wessex"),
		one(5, "", "firm-x", &predicate.AccessDeniedV1{Count: 1}),
		one(6, id(1), "force-01", &predicate.EvidenceUploadedV1{Exhibit: id(10), Ref: "JS/1"}),
	}
	apply(t, s, all)
	if got := must[[]int64](t)(s.Revisions(ctx, string(id(1)))); !slices.Equal(got, []int64{0, 2, 4, 6}) {
		t.Error(got)
	}
	later := must[[]int64](t)(s.RevisionsFrom(ctx, string(id(1)), 3))
	if !slices.Equal(later, []int64{4, 6}) {
		t.Error(later)
	}
	if got := must[[]int64](t)(s.Revisions(ctx, string(id(9)))); len(got) != 0 {
		t.Error(got)
	}
	if got := must[[]int64](t)(s.OrgRevisions(ctx, "firm-x")); !slices.Equal(got, []int64{5}) {
		t.Error(got)
	}
	for _, r := range all {
		wanted := r.Event.Kind == "case.opened" || r.Revision == 3
		if revision, found, err := s.ByEventID(ctx, r.EventID); err != nil || found != wanted || (found && revision != r.Revision) {
			t.Errorf("event %d by its id: %d, %v, %v", r.Revision, revision, found, err)
		}
	}
	if got := must[[]predicate.UUID](t)(s.CasesByURN(ctx, "01AB1234526")); !slices.Equal(got, []predicate.UUID{id(1), id(2)}) {
		t.Error(got)
	}
	if got := must[[]predicate.UUID](t)(s.CasesByURN(ctx, "01ab1234526")); len(got) != 0 {
		t.Error("a key is in upper case", got)
	}
	if got := must[[]projections.Exhibit](t)(s.Exhibits(ctx, id(1))); len(got) != 1 || !got[0].Known || got[0].Ref != "JS/1" {
		t.Error(got)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := s.Revisions(cancelled, string(id(1))); err == nil {
		t.Error("a read that was cancelled gave an answer")
	}
}

// Who sees a case in their list: its opener, whoever was given something, and firms only while they act.
func TestListCases(t *testing.T) {
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	defer closed(t, s)
	item := predicate.Item{Exhibit: id(10)}
	var next int64
	step := func(caseID predicate.UUID, body predicate.Body, firms string) {
		t.Helper()
		apply(t, s, journal{one(next, caseID, "force-01", body)})
		next++
		var got string
		for _, org := range []identifier.Org{"cps-wessex", "firm-x", "firm-y"} {
			for _, c := range must[[]projections.Case](t)(s.ListCases(ctx, org, "", 10)) {
				got += " " + string(org) + ":" + string(c.ID[len(c.ID)-1:])
			}
		}
		if got != firms {
			t.Errorf("after %s: %s, want %s", body.Kind(), got, firms)
		}
	}
	step(id(1), &predicate.CaseOpenedV1{URN: "A"}, "")
	step(id(2), &predicate.CaseOpenedV1{URN: "B"}, "")
	step(id(1), &predicate.EvidenceSharedV1{Item: item, Organisation: "cps-wessex"}, " cps-wessex:1")
	step(id(1), &predicate.RepresentationStartedV1{Defendant: id(20), Organisation: "firm-x", Representation: id(30)}, " cps-wessex:1 firm-x:1")
	step(id(1), &predicate.EvidenceServedV1{Defendant: id(20), Item: item, Organisation: "firm-x"}, " cps-wessex:1 firm-x:1")
	step(id(1), &predicate.AccessGrantedV1{Defendant: id(20), Grant: id(40), Organisation: "firm-x"}, " cps-wessex:1 firm-x:1")
	step(id(1), &predicate.AccessGrantedV1{Grant: id(41), Organisation: "firm-y"}, " cps-wessex:1 firm-x:1 firm-y:1")
	step(id(2), &predicate.AccessGrantedV1{Grant: id(42), Organisation: "firm-y"}, " cps-wessex:1 firm-x:1 firm-y:2 firm-y:1")
	step(id(1), &predicate.AccessRevokedV1{Grant: id(41)}, " cps-wessex:1 firm-x:1 firm-y:2")
	step(id(1), &predicate.RepresentationEndedV1{Representation: id(30)}, " cps-wessex:1 firm-y:2")
	if g := must[[]projections.Grant](t)(s.Grants(ctx, id(1))); g[0].ID != id(40) || g[0].Ended == nil || g[0].Ended.Reason != "representation-ended" {
		t.Errorf("the grant that rested on the representation: %+v", g)
	}
	step(id(1), &predicate.AccessRevokedV1{Grant: id(40)}, " cps-wessex:1 firm-y:2")
	step(id(1), &predicate.AccessRevokedV1{Grant: id(99)}, " cps-wessex:1 firm-y:2")

	first := must[[]projections.Case](t)(s.ListCases(ctx, "force-01", "", 1))
	second := must[[]projections.Case](t)(s.ListCases(ctx, "force-01", string(first[0].ID), 1))
	rest := must[[]projections.Case](t)(s.ListCases(ctx, "force-01", string(second[0].ID), 1))
	if first[0].ID != id(2) || second[0].ID != id(1) || len(rest) != 0 {
		t.Error(first, second, rest)
	}
	if got := must[[]projections.Case](t)(s.ListCases(ctx, "force-01", "no such case", 5)); len(got) != 0 {
		t.Error(got)
	}
}
