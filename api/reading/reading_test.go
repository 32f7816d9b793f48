package reading_test

import (
	"crypto/rand"
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/api/reading"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/predicate/predicatetest"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

const caseID = predicate.UUID("00000000-0000-4000-8000-000000000001")

func id(n int) predicate.UUID { return predicate.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

func by(role identifier.Role, org identifier.Org, chain string, body predicate.Body) *predicate.Event {
	return &predicate.Event{Kind: body.Kind(), Predicate: predicate.Predicate{Body: body, Slots: predicate.Slots{
		Actor: predicate.Actor{Role: role, Organisation: org}, Case: caseID, Chain: predicate.ChainID(string(caseID) + chain),
	}}}
}

func police(body predicate.Body) *predicate.Event { return by("officer", "force-01", "/main", body) }

func item(n int) predicate.Item { return predicate.Item{Exhibit: id(n), Ref: "JS/1"} }

// A case with two defendants and two firms: exhibit 10 goes to firm-a for defendant 1, 11 to firm-b for 2, 12 to nobody.
var story = []*predicate.Event{
	0:  police(&predicate.CaseOpenedV1{URN: "01AB1234526"}),
	1:  police(&predicate.DefendantAddedV1{Defendant: id(1)}),
	2:  police(&predicate.DefendantAddedV1{Defendant: id(2)}),
	3:  police(&predicate.PersonAddedV1{Person: id(3)}),
	4:  police(&predicate.RepresentationStartedV1{Representation: id(21), Defendant: id(1), Organisation: "firm-a"}),
	5:  police(&predicate.RepresentationStartedV1{Representation: id(22), Defendant: id(2), Organisation: "firm-b"}),
	6:  police(&predicate.EvidenceUploadedV1{Exhibit: id(10), Ref: "JS/1"}),
	7:  police(&predicate.EvidenceUploadedV1{Exhibit: id(11), Ref: "JS/2"}),
	8:  police(&predicate.EvidenceUploadedV1{Exhibit: id(12), Ref: "JS/3"}),
	9:  police(&predicate.EvidenceServedV1{Item: item(10), Organisation: "firm-a", Defendant: id(1)}),
	10: police(&predicate.UnusedDisclosedV1{Item: item(11), Organisation: "firm-b", Defendant: id(2)}),
	11: by("defence", "firm-a", "/main", &predicate.EvidenceViewedV1{Item: item(10)}),
	12: by("defence", "firm-b", "/main", &predicate.EvidenceViewedV1{Item: item(11)}),
	13: by("defence", "firm-a", "/firm/aaaa", &predicate.EvidenceViewedV1{Item: item(10)}),
	14: by("defence", "firm-b", "/firm/bbbb", &predicate.EvidenceViewedV1{Item: item(11)}),
	15: by("officer", "force-01", "/sensitive", &predicate.EvidenceViewedV1{Item: item(13)}),
	16: by("judge", "court-demo", "/judicial", &predicate.EvidenceViewedV1{Item: item(13)}),
	17: police(&predicate.HearingListedV1{Court: "court-demo"}),
	18: police(&predicate.EvidenceViewedV1{Item: item(10)}),
	19: police(&predicate.EvidenceServedV1{Item: item(10), Organisation: "firm-b", Defendant: id(2)}),
	20: police(&predicate.AccessGrantedV1{Grant: id(31), Exhibit: id(12), Defendant: id(1), Organisation: "firm-a"}),
	21: police(&predicate.CaseOutcomeV1{Outcome: "acquitted", Defendant: id(2)}),
	22: police(&predicate.KeyDestroyedV1{Scope: "person", Person: id(3)}),
	23: by("officer", "force-01", "/firm/aaaa", &predicate.BagExportedV1{Recipient: predicate.Recipient{Organisation: "firm-a"}}),
}

func read(r reading.Reader, events []*predicate.Event) (readable, counted []int) {
	a := reading.For(r, caseID, events)
	for i, e := range events {
		switch {
		case a.Readable(e):
			readable = append(readable, i)
		case a.Knows(e.Predicate.Chain):
			counted = append(counted, i)
		}
	}
	return readable, counted
}

func TestWhoReadsWhat(t *testing.T) {
	main := []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 17, 18, 19, 20, 21, 22}
	sensitive := slices.Sorted(slices.Values(append([]int{15}, main...)))
	judge := slices.Sorted(slices.Values(append([]int{16}, sensitive...)))
	for role, want := range map[identifier.Role][]int{
		"officer": sensitive, "exhibits-officer": sensitive, "disclosure-officer": sensitive, "forensic-unit": sensitive,
		"prosecutor": sensitive, "cps-admin": sensitive, "ig": sensitive, "judge": judge, "clerk": main, "inspector": main,
		"operator": nil, "": nil, "someone": nil,
	} {
		got, counted := read(reading.Reader{Role: role, Organisation: "force-99"}, story)
		if !slices.Equal(got, want) || counted != nil {
			t.Errorf("%s reads %v and counts %v", role, got, counted)
		}
	}
	for _, tt := range []struct {
		reader reading.Reader
		want   []int
	}{
		{reading.Reader{Organisation: "firm-a", FirmID: "aaaa"}, []int{0, 1, 4, 6, 8, 9, 11, 13, 17, 18, 20, 23}},
		{reading.Reader{Organisation: "firm-b", FirmID: "bbbb"}, []int{0, 2, 5, 6, 7, 10, 12, 14, 17, 18, 19, 21}},
		{reading.Reader{Organisation: "firm-a"}, []int{0, 1, 4, 6, 8, 9, 11, 17, 18, 20}},
		{reading.Reader{Organisation: "firm-a", FirmID: "aaaa", Defendant: id(2)}, []int{0, 4, 11, 13, 17, 20, 23}},
		{reading.Reader{Organisation: "firm-c", FirmID: "cccc"}, []int{0, 17}},
	} {
		tt.reader.Role = "defence"
		if got, counted := read(tt.reader, story); !slices.Equal(got, tt.want) || len(counted) == 0 {
			t.Errorf("%+v reads %v and counts %v", tt.reader, got, counted)
		}
	}
}

func TestAccessEndsWithTheRepresentationOrGrant(t *testing.T) {
	firm := reading.Reader{Role: "defence", Organisation: "firm-a", FirmID: "aaaa"}
	revoked := append(slices.Clone(story), police(&predicate.AccessRevokedV1{Grant: id(31)}))
	if a := reading.For(firm, caseID, revoked); a.Follows(id(12)) || !a.Follows(id(10)) {
		t.Error("a revoked grant lets its item be followed, or ends others")
	}
	ended := append(slices.Clone(story), police(&predicate.RepresentationEndedV1{Representation: id(21)}))
	if got, _ := read(firm, ended); !slices.Equal(got, []int{0, 4, 11, 13, 17, 20, 23, 24}) {
		t.Errorf("after the end the firm reads %v", got)
	}
}

// Nobody reads what they may not count, and a firm never reads another firm's work or a sensitive or judicial act.
func TestReadableIsCountable(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kinds := []string{"evidence.viewed", "evidence.served", "bag.exported", "access.granted", "person.added", "redaction.proposed"}
		var events []*predicate.Event
		for range rapid.IntRange(0, 8).Draw(t, "events") {
			e := predicatetest.Event(t, rapid.SampledFrom(kinds).Draw(t, "kind"))
			e.Predicate.Case = caseID
			chain := rapid.SampledFrom([]string{"/main", "/sensitive", "/judicial", "/firm/aaaa", "/firm/bbbb"}).Draw(t, "chain")
			e.Predicate.Chain = predicate.ChainID(string(caseID) + chain)
			events = append(events, &e)
		}
		role := rapid.SampledFrom(identifier.Roles()).Draw(t, "role")
		a := reading.For(reading.Reader{Role: role, Organisation: "firm-a", FirmID: "aaaa"}, caseID, events)
		for _, e := range events {
			switch {
			case !a.Readable(e):
			case !a.Knows(e.Predicate.Chain):
				t.Fatal("an event is readable that may not be counted")
			case role == "defence" && e.Predicate.Actor.Role == "defence" && e.Predicate.Actor.Organisation != "firm-a":
				t.Fatal("a firm reads another firm's work")
			}
		}
	})
}

func TestOpeningsOfOthers(t *testing.T) {
	var encoded []string
	for _, name := range []string{"actorName", "actorId", "reason", "session"} {
		d, err := sdjwt.New(rand.Reader, name, "text of "+name)
		if err != nil {
			t.Fatal(err)
		}
		text, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		encoded = append(encoded, text)
	}
	sdjwt.Sort(encoded)
	all, err := sdjwt.ParseSet(encoded)
	if err != nil {
		t.Fatal(err)
	}
	names := func(r reading.Reader, n int) (out []string) {
		set, err := reading.For(r, caseID, story).Openings(story[n], all)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range set.Disclosures() {
			out = append(out, d.Name)
		}
		slices.Sort(out)
		return out
	}
	firm := reading.Reader{Role: "defence", Organisation: "firm-a", FirmID: "aaaa"}
	everything := []string{"actorId", "actorName", "reason", "session"}
	for _, tt := range []struct {
		reader reading.Reader
		event  int
		want   []string
	}{
		{reading.Reader{Role: "clerk"}, 15, nil}, {reading.Reader{Role: "clerk"}, 18, everything},
		{firm, 18, []string{"actorName"}}, {firm, 13, everything}, {firm, 12, nil}, {firm, 3, nil},
	} {
		if got := names(tt.reader, tt.event); !slices.Equal(got, tt.want) {
			t.Errorf("%+v of event %d: %v", tt.reader, tt.event, got)
		}
	}
}
