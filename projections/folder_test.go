package projections_test

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

func encode(t interface{ Fatal(...any) }, r projections.Report) []byte {
	b, err := canonical.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Any events in any order: folding in pieces is folding at once, a report does not change afterwards, and it survives
// being written and read.
func TestFoldingInPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := entries(t)
		cut := rapid.IntRange(0, len(all)).Draw(t, "cut")
		var f projections.Folder
		for _, e := range all[:cut] {
			f.Apply(e)
		}
		early := f.Report()
		before := encode(t, early)
		for _, e := range all[cut:] {
			f.Apply(e)
		}
		if !bytes.Equal(encode(t, early), before) {
			t.Fatal("a report changed after it was made")
		}
		if !bytes.Equal(before, encode(t, projections.Fold(all[:cut]))) {
			t.Fatal("the first piece differs from its fold")
		}
		whole := encode(t, projections.Fold(all))
		if !bytes.Equal(encode(t, f.Report()), whole) {
			t.Fatal("folding in pieces differs from folding at once")
		}
		var again projections.Report
		if err := canonical.Unmarshal(whole, &again); err != nil {
			t.Fatal(err)
		}
	})
}

// The order in which the entries are handed over does not matter, and no entry is lost or doubled.
func TestFoldOrdersAndKeepsAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := entries(t)
		want := projections.Fold(all)
		shuffled := rapid.Permutation(all).Draw(t, "order")
		if !bytes.Equal(encode(t, projections.Fold(shuffled)), encode(t, want)) {
			t.Fatal("the report depends on the order of the entries")
		}
		var f projections.Folder
		for _, e := range shuffled {
			f.Apply(e) // in the wrong order: it must only not crash
		}
		encode(t, f.Report())
		if got := len(want.Lines()) + len(want.Withheld); got != len(all) || want.Events != int64(len(all)) {
			t.Fatalf("%d lines and withheld events, %d counted, of %d entries", got, want.Events, len(all))
		}
	})
}

// What an opened field says appears in the report and decides nothing in it.
func TestFoldDoesNotBranchOnOpenedValues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := entries(t)
		one := encode(t, projections.Fold(all))
		for i, e := range all {
			if e.Event == nil {
				continue
			}
			sd := e.Event.Predicate.SD
			var names []string
			for _, d := range e.Openings.Disclosures() {
				names = append(names, d.Name)
			}
			all[i].Openings = openings(e.Event, "OTHER", names...)
			e.Event.Predicate.SD = sd
		}
		two := encode(t, projections.Fold(all))
		if strings.ReplaceAll(string(two), "OTHER ", "value ") != string(one) {
			t.Fatal("another value made another report")
		}
	})
}

func TestWithoutOpeningsNothingIsRevealed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := entries(t)
		for i := range all {
			all[i].Openings = sdjwt.Openings{}
		}
		if report := encode(t, projections.Fold(all)); bytes.Contains(report, []byte(`"revealed":true`)) || bytes.Contains(report, []byte(`"value"`)) {
			t.Fatal("a field is revealed that nobody opened")
		}
	})
}

// What changes in place later, such as the end of a representation, does not reach into a report made before.
func TestReportsArePictures(t *testing.T) {
	var f projections.Folder
	for n, body := range []predicate.Body{
		&predicate.CaseOpenedV1{URN: "01AB1234526"},
		&predicate.RepresentationStartedV1{Defendant: id(20), Organisation: "firm-x", Representation: id(30)},
		&predicate.AccessGrantedV1{Defendant: id(20), Grant: id(40), Organisation: "firm-x"},
		&predicate.HearingListedV1{Hearing: id(50), Type: "plea"},
	} {
		f.Apply(event(int64(n), officer, body))
	}
	early := f.Report()
	f.Apply(event(4, officer, &predicate.RepresentationEndedV1{Reason: "withdrawn", Representation: id(30)}))
	f.Apply(event(5, officer, &predicate.HearingListedV1{Hearing: id(50), Type: "trial"}))
	late := f.Report()
	if early.Case.Representations[0].Ended != nil || early.Grants[0].Ended != nil || early.Case.Hearings[0].Type != "plea" {
		t.Errorf("the early report changed: %+v", early)
	}
	if late.Case.Representations[0].Ended == nil || late.Grants[0].Ended == nil || late.Case.Hearings[0].Type != "trial" {
		t.Errorf("the late report: %+v", late)
	}
}

// BenchmarkFold measures one view of an exhibit (ns/op is per entry), the report included.
func BenchmarkFold(b *testing.B) {
	all := story()[:3]
	for n := range b.N {
		all = append(all, event(int64(n+3), officer, &predicate.EvidenceViewedV1{Item: original}, "actorName"))
		all[n+3].PAEDigest[0] = 1
	}
	b.ReportAllocs()
	b.ResetTimer()
	if r := projections.Fold(all); r.Events != int64(len(all)) {
		b.Fatal(r.Events)
	}
}
