package casefile_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// model remembers in the plainest way what happened, and says of an act that was allowed why it must not have been.
type model struct {
	closed    bool
	uploader  map[predicate.UUID]predicate.Pseudonym
	producer  map[string]bool // producer and reference
	sensitive map[predicate.UUID]bool
	parent    map[predicate.UUID]predicate.UUID
	approved  map[predicate.UUID]bool
	erased    map[predicate.UUID]bool
	proposer  map[predicate.UUID]predicate.Pseudonym // of destructions
	links     map[predicate.ChainID][32]byte
	counts    map[predicate.ChainID]int64
}

func newModel() *model {
	return &model{
		uploader: map[predicate.UUID]predicate.Pseudonym{}, producer: map[string]bool{}, sensitive: map[predicate.UUID]bool{},
		parent: map[predicate.UUID]predicate.UUID{}, approved: map[predicate.UUID]bool{}, erased: map[predicate.UUID]bool{},
		proposer: map[predicate.UUID]predicate.Pseudonym{}, links: map[predicate.ChainID][32]byte{}, counts: map[predicate.ChainID]int64{},
	}
}

// wrong says what the rules forbid about an act that was allowed.
func (m *model) wrong(a predicate.Actor, body predicate.Body) string {
	if m.closed {
		switch body.Kind() {
		case "bag.exported", "evidence.viewed", "evidence.downloaded", "access.granted", "access.revoked", "key.destruction-proposed",
			"key.destroyed", "case.reopened":
		default:
			return "in a closed case"
		}
	}
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		if m.producer[string(a.Pseudonym)+" "+b.Ref.Key()] {
			return "a reference given twice by one producer"
		}
	case *predicate.RedactionApprovedV1:
		if a.Pseudonym == m.uploader[b.Item.Exhibit] || a.Pseudonym == m.uploader[m.parent[b.Item.Exhibit]] {
			return "approved by whoever made it or its original"
		}
	case *predicate.EvidenceServedV1:
		return m.leaves(b.Item, strings.HasPrefix(string(b.Organisation), "firm-"))
	case *predicate.UnusedDisclosedV1:
		return m.leaves(b.Item, true)
	case *predicate.EvidenceSharedV1:
		return m.leaves(b.Item, strings.HasPrefix(string(b.Organisation), "firm-"))
	case *predicate.AccessGrantedV1:
		if strings.HasPrefix(string(b.Organisation), "firm-") {
			return m.leaves(predicate.Item{Exhibit: b.Exhibit}, true)
		}
	case *predicate.EvidenceViewedV1:
		if a.Role == identifier.RoleDefence {
			return m.leaves(b.Item, true)
		}
		if m.erased[b.Item.Exhibit] {
			return "an erased item viewed"
		}
	case *predicate.KeyDestroyedV1:
		if p, ok := m.proposer[b.Proposal]; !ok || p == a.Pseudonym {
			return "keys destroyed by one person"
		}
	}
	return ""
}

func (m *model) leaves(it predicate.Item, toFirm bool) string {
	e := it.Exhibit
	switch {
	case m.erased[e]:
		return "an erased item leaves"
	case m.parent[e] != "" && !m.approved[e]:
		return "an unapproved redaction leaves"
	case toFirm && m.sensitive[e]:
		return "a sensitive item goes to a firm"
	}
	return ""
}

// received holds what may be in a bag against the rules: never more than leaves, and for a firm never what nobody of it
// may download.
func (m *model) received(t *rapid.T, w *world) {
	people := map[identifier.Org][]predicate.Actor{"firm-a": {solicitor, partner}, "firm-b": {rival}, "court-demo": {clerk}}
	for _, r := range []predicate.Recipient{recipient("defence", "firm-a"), recipient("defence", "firm-b"), recipient("clerk", "court-demo")} {
		for _, e := range w.Exhibits() {
			if w.MayReceive(r, e.ID) != nil {
				continue
			}
			if why := m.leaves(e.Item(), true); why != "" {
				t.Fatalf("%s may receive %s: %s", r.Organisation, e.Ref, why)
			}
			if !slices.ContainsFunc(people[r.Organisation], func(a predicate.Actor) bool { return w.MayAccess(a, e.ID, predicate.PermDownload) == nil }) {
				t.Fatalf("%s may receive %s, which none of its people may download", r.Organisation, e.Ref)
			}
		}
	}
}

func (m *model) note(a predicate.Actor, body predicate.Body, event predicate.UUID) {
	hide := func(s predicate.Schedule) bool { return s == "mg6d" || s == "pii" }
	switch b := body.(type) {
	case *predicate.CaseClosedV1:
		m.closed = true
	case *predicate.CaseReopenedV1:
		m.closed = false
	case *predicate.EvidenceUploadedV1:
		m.uploader[b.Exhibit], m.sensitive[b.Exhibit] = a.Pseudonym, hide(b.Schedule)
		m.producer[string(a.Pseudonym)+" "+b.Ref.Key()] = true
	case *predicate.RedactionProposedV1:
		m.uploader[b.Exhibit], m.sensitive[b.Exhibit], m.parent[b.Exhibit] = a.Pseudonym, hide(b.Schedule), b.Parent.Exhibit
		m.producer[string(a.Pseudonym)+" "+b.Ref.Key()] = true
	case *predicate.RedactionApprovedV1:
		m.approved[b.Item.Exhibit] = true
	case *predicate.KeyDestructionProposedV1:
		m.proposer[event] = a.Pseudonym
	case *predicate.KeyDestroyedV1:
		delete(m.proposer, b.Proposal)
		m.erased[b.Exhibit] = true
	}
}

// chain checks that the decision continues the chain that the act belongs to.
func (m *model) chain(t *rapid.T, w *world, d casefile.Decision) {
	before, ok := m.links[d.Chain]
	if !ok {
		before = statement.Genesis(string(d.Chain))
	}
	m.links[d.Chain] = statement.Link(before, sha256.Sum256([]byte(w.last())))
	m.counts[d.Chain]++
	if len(d.Subject) == 0 {
		t.Fatalf("an event without a subject")
	}
	for chain, h := range w.Heads() {
		if h.Link != m.links[chain] || h.Count != m.counts[chain] {
			t.Fatalf("chain %s is at %d, want %d, or has another link", chain, h.Count, m.counts[chain])
		}
	}
}

// drawAct draws an act, mostly a sensible one, on the few things that there are.
func drawAct(t *rapid.T, w *world, proposals []predicate.UUID) (predicate.Actor, predicate.Body) {
	one := func(name string, from ...int) predicate.UUID { return id(rapid.SampledFrom(from).Draw(t, name)) }
	org := identifier.Org(rapid.SampledFrom([]string{"firm-a", "firm-a", "firm-b", "court-demo", "cps-01", "force-02"}).Draw(t, "organisation"))
	actor := rapid.SampledFrom([]predicate.Actor{officer, colleague, stranger, prosecutor, clerk, judge, solicitor, partner, rival}).Draw(t, "actor")
	defendant := one("defendant", nDefendant, nOther)
	schedule := rapid.SampledFrom([]predicate.Schedule{"used", "mg6c", "mg6d", "pii"}).Draw(t, "schedule")
	handling := rapid.SampledFrom([]predicate.Handling{"standard", "undertaking"}).Draw(t, "handling")
	fresh, ref := 100+w.events, fmt.Sprint("JS/", rapid.IntRange(1, 20).Draw(t, "reference"))
	var item predicate.Item
	e := &casefile.Exhibit{}
	if all := w.Exhibits(); len(all) > 0 {
		e = rapid.SampledFrom(all).Draw(t, "exhibit")
		item = e.Item()
	}
	text := predicate.Hex32("")
	if e.Handling == "undertaking" {
		text = hex32("undertaking")
	}
	proposal := id(99)
	if len(proposals) > 0 {
		proposal = rapid.SampledFrom(proposals).Draw(t, "proposal")
	}
	perms := []predicate.Permission{"view", "download"}
	bodies := []func() predicate.Body{
		func() predicate.Body { return uploaded(fresh, ref, schedule, handling) },
		func() predicate.Body { return redaction(fresh, ref+"A", item, schedule) },
		func() predicate.Body {
			parent, _ := w.Exhibit(e.Parent)
			if parent == nil {
				return &predicate.RedactionApprovedV1{Item: item}
			}
			return &predicate.RedactionApprovedV1{Item: item, Parent: parent.Item(), Proposal: e.Proposal}
		},
		func() predicate.Body {
			return &predicate.EvidenceServedV1{Item: item, Organisation: org, Defendant: defendant, Undertaking: text}
		},
		func() predicate.Body {
			return &predicate.UnusedDisclosedV1{Item: item, Organisation: org, Defendant: defendant}
		},
		func() predicate.Body {
			return &predicate.EvidenceSharedV1{Item: item, Organisation: org, Permissions: perms}
		},
		func() predicate.Body {
			return &predicate.AccessGrantedV1{Grant: id(fresh), Organisation: org, Exhibit: item.Exhibit, Defendant: defendant, Permissions: perms}
		},
		func() predicate.Body { return &predicate.UndertakingAcceptedV1{Item: item, Text: hex32("undertaking")} },
		func() predicate.Body { return view(item) },
		func() predicate.Body {
			return &predicate.RepresentationStartedV1{Defendant: defendant, Organisation: org, Representation: one("representation", 30, 31, 32)}
		},
		func() predicate.Body {
			return &predicate.RepresentationEndedV1{Representation: one("representation", 30, 31, 32)}
		},
		func() predicate.Body {
			return &predicate.KeyDestructionProposedV1{Authority: "court-order", Scope: "exhibit", Exhibit: item.Exhibit}
		},
		func() predicate.Body {
			return &predicate.KeyDestroyedV1{Authority: "court-order", Scope: "exhibit", Exhibit: item.Exhibit, Proposal: proposal}
		},
		func() predicate.Body {
			if rapid.IntRange(0, 5).Draw(t, "close") > 0 {
				return view(item)
			}
			return &predicate.CaseClosedV1{Reason: "concluded"}
		},
		func() predicate.Body { return &predicate.CaseReopenedV1{Reason: "appeal"} },
	}
	return actor, rapid.SampledFrom(bodies).Draw(t, "act")()
}

// TestModel lets random acts happen and holds what was allowed against the rules, and every chain against its links.
func TestModel(t *testing.T) {
	allowed := map[string]int{}
	rapid.Check(t, func(t *rapid.T) {
		w, m := newWorld(), newModel()
		var proposals []predicate.UUID
		step := func(a predicate.Actor, body predicate.Body) {
			d, err := w.try(a, body)
			if err != nil {
				if c := code(err); strings.HasPrefix(string(c), "no refusal") {
					t.Fatalf("%s: %v", body.Kind(), err)
				}
				return
			}
			if why := m.wrong(a, body); why != "" {
				t.Fatalf("%s by %s was allowed: %s", body.Kind(), a.Pseudonym, why)
			}
			m.note(a, body, w.last())
			m.chain(t, w, d)
			if body.Kind() == "key.destruction-proposed" {
				proposals = append(proposals, w.last())
			}
			allowed[body.Kind()]++
		}
		for _, body := range []predicate.Body{
			&predicate.CaseOpenedV1{URN: "01AB1234526"}, &predicate.DefendantAddedV1{Defendant: id(nDefendant)},
			&predicate.DefendantAddedV1{Defendant: id(nOther)}, &predicate.HearingListedV1{Court: "court-demo"},
			&predicate.AccessGrantedV1{Grant: id(40), Organisation: "cps-01", Permissions: []predicate.Permission{"view"}},
			&predicate.RepresentationStartedV1{Defendant: id(nDefendant), Organisation: "firm-a", Representation: id(nRepresentation)},
			uploaded(nPlain, "JS/1", "used", "standard"), uploaded(nSecret, "JS/3", "mg6d", "standard"),
			uploaded(nBound, "JS/4", "used", "undertaking"),
			serve(predicate.Item{Exhibit: id(nBound), Ref: "JS/4", SHA256: content(nBound).SHA256}, "firm-a", nDefendant, hex32("undertaking")),
			uploaded(nUnused, "JS/2", "mg6c", "standard"),
			&predicate.UnusedDisclosedV1{Item: predicate.Item{Exhibit: id(nUnused), Ref: "JS/2", SHA256: content(nUnused).SHA256}, Organisation: "firm-a", Defendant: id(nDefendant)},
		} {
			step(officer, body)
		}
		bound, _ := w.Exhibit(id(nBound))
		step(solicitor, &predicate.UndertakingAcceptedV1{Item: bound.Item(), Text: hex32("undertaking")})
		for range rapid.IntRange(10, 80).Draw(t, "acts") {
			step(drawAct(t, w, proposals))
			m.received(t, w)
			for _, a := range []predicate.Actor{solicitor, partner, rival} {
				for _, e := range w.Exhibits() {
					if w.MayAccess(a, e.ID, predicate.PermView) == nil && m.leaves(e.Item(), true) != "" {
						t.Fatalf("%s may see %s: %s", a.Pseudonym, e.Ref, m.leaves(e.Item(), true))
					}
				}
			}
		}
	})
	for _, kind := range []string{"redaction.approved", "evidence.served", "unused.disclosed", "undertaking.accepted", "key.destroyed", "case.closed"} {
		if allowed[kind] == 0 {
			t.Errorf("the model never saw a %s", kind)
		}
	}
}

// TestApplyRefuses: an event that does not continue its chain is refused and changes nothing.
func TestApplyRefuses(t *testing.T) {
	w, it := populated(t)
	d, err := w.Decide(casefile.Act{Actor: officer, Body: view(it.plain)})
	if err != nil {
		t.Fatal(err)
	}
	head := w.Head(d.Chain)
	good := predicate.Slots{
		Actor: officer, Case: theCase, Chain: d.Chain, EventID: id(7), Sequence: head.Count + 1, Previous: predicate.Hex32(hex.EncodeToString(head.Link[:])),
	}
	for name, change := range map[string]func(*predicate.Slots){
		"skipped":           func(s *predicate.Slots) { s.Sequence++ },
		"repeated":          func(s *predicate.Slots) { s.Sequence-- },
		"other predecessor": func(s *predicate.Slots) { s.Previous = hex32("x") },
		"other chain":       func(s *predicate.Slots) { s.Chain = predicate.ChainID(theCase) + "/sensitive" },
	} {
		slots := good
		change(&slots)
		ev := &predicate.Event{Kind: "case.closed", Predicate: predicate.Predicate{Slots: slots, Body: &predicate.CaseClosedV1{}}}
		if err := w.Apply(ev, [32]byte{}); err == nil || w.Closed || w.Head(d.Chain) != head {
			t.Errorf("%s: %v, closed %v", name, err, w.Closed)
		}
	}
}
