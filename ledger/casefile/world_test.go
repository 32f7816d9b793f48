package casefile_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

const theCase predicate.UUID = "00000000-0000-4000-8000-000000000000"

// id makes a UUID of a number.
func id(n int) predicate.UUID { return predicate.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n)) }

// hex32 makes a digest of a text.
func hex32(text string) predicate.Hex32 {
	sum := sha256.Sum256([]byte(text))
	return predicate.Hex32(hex.EncodeToString(sum[:]))
}

func person(name, org string, role identifier.Role) predicate.Actor {
	return predicate.Actor{Pseudonym: predicate.Pseudonym("a-" + name), Organisation: identifier.Org(org), Role: role}
}

// People of the tests.
var (
	officer    = person("officer", "force-01", "officer")
	colleague  = person("colleague", "force-01", "officer")
	stranger   = person("stranger", "force-02", "officer")
	prosecutor = person("prosecutor", "cps-01", "prosecutor")
	clerk      = person("clerk", "court-demo", "clerk")
	judge      = person("judge", "court-demo", "judge")
	solicitor  = person("solicitor", "firm-a", "defence")
	partner    = person("partner", "firm-a", "defence")
	rival      = person("rival", "firm-b", "defence")
)

// world is a case to which things happen.
type world struct {
	*casefile.State
	events int
}

func newWorld() *world { return &world{State: casefile.New(theCase)} }

// try decides an act and, where it is allowed, applies the event that it becomes.
func (w *world) try(actor predicate.Actor, body predicate.Body) (casefile.Decision, error) {
	d, err := w.Decide(casefile.Act{Actor: actor, FirmID: "f-" + string(actor.Organisation), Body: body})
	if err != nil {
		return d, err
	}
	w.events++
	head := w.Head(d.Chain)
	ev := &predicate.Event{Kind: body.Kind(), Subject: d.Subject, Predicate: predicate.Predicate{Body: body, Slots: predicate.Slots{
		Actor: actor, Case: theCase, Chain: d.Chain, EventID: id(1000000 + w.events), Sequence: head.Count + 1,
		Previous: predicate.Hex32(hex.EncodeToString(head.Link[:])),
	}}}
	return d, w.Apply(ev, sha256.Sum256([]byte(ev.Predicate.EventID)))
}

// do is try where the act must be allowed.
func (w *world) do(t fataler, actor predicate.Actor, body predicate.Body) casefile.Decision {
	t.Helper()
	d, err := w.try(actor, body)
	if err != nil {
		t.Fatalf("%s by %s: %v", body.Kind(), actor.Pseudonym, err)
	}
	return d
}

// last is the id of the last event.
func (w *world) last() predicate.UUID { return id(1000000 + w.events) }

func (w *world) upload(t fataler, by predicate.Actor, n int, ref string, schedule predicate.Schedule, handling predicate.Handling) predicate.Item {
	t.Helper()
	w.do(t, by, uploaded(n, ref, schedule, handling))
	e, _ := w.Exhibit(id(n))
	return e.Item()
}

func uploaded(n int, ref string, schedule predicate.Schedule, handling predicate.Handling) *predicate.EvidenceUploadedV1 {
	return &predicate.EvidenceUploadedV1{
		Exhibit: id(n), Ref: identifier.ExhibitRef(ref), Schedule: schedule, Handling: handling, Content: content(n),
	}
}

func content(n int) predicate.Content {
	return predicate.Content{Blob: predicate.BlobID(fmt.Sprint("b", n)), SHA256: hex32(fmt.Sprint("content ", n)), Size: 1, MediaType: "text/plain"}
}

func redaction(n int, ref string, parent predicate.Item, schedule predicate.Schedule) *predicate.RedactionProposedV1 {
	return &predicate.RedactionProposedV1{
		Content: content(n), Exhibit: id(n), Handling: "standard", Parent: parent, Ref: identifier.ExhibitRef(ref), Schedule: schedule,
	}
}

// code of a refusal; "" where the act was allowed.
func code(err error) casefile.Code {
	var r *casefile.Refusal
	switch {
	case err == nil:
		return ""
	case errors.As(err, &r):
		return r.Code
	}
	return casefile.Code("no refusal: " + err.Error())
}
