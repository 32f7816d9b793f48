package bagexport_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/api/bagexport"
	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// given is a case with a court, a firm and a prosecutor, and items that are not everybody's.
type given struct {
	t         *testing.T
	n         *node.Node
	id        predicate.UUID
	officer   ledger.User
	defendant predicate.UUID
	instructs predicate.UUID // the representation
}

func newID() predicate.UUID { return predicate.UUID(uuid.NewString()) }

func newCase(t *testing.T, tune ...func(*ledger.Config)) *given {
	t.Helper()
	g := &given{t: t, n: ledgertest.New(t, tune...), officer: ledgertest.Officer("PC 1234"), defendant: newID(), instructs: newID()}
	g.id = ledgertest.OpenCase(t, g.n.Ledger, g.officer, "01AB1234526")
	g.do(g.officer, &predicate.DefendantAddedV1{Defendant: g.defendant})
	g.do(g.officer, &predicate.RepresentationStartedV1{Defendant: g.defendant, Organisation: "firm-a", Representation: g.instructs})
	g.do(g.officer, &predicate.HearingListedV1{Hearing: newID(), Court: "court-demo", Type: "first", At: predicate.At(g.n.Ledger.Now())})
	g.do(g.officer, &predicate.AccessGrantedV1{Grant: newID(), Organisation: "cps-wessex", Permissions: []predicate.Permission{"view"}})
	return g
}

func (g *given) do(by ledger.User, body predicate.Body) ledger.Recorded {
	g.t.Helper()
	r, err := g.n.Ledger.Record(context.Background(), ledger.Act{User: by, Case: g.id, Policy: "test", Body: body})
	if err != nil {
		g.t.Fatalf("%s: %v", body.Kind(), err)
	}
	return r
}

// item uploads an exhibit, or makes a redaction of parent.
func (g *given) item(by ledger.User, ref identifier.ExhibitRef, schedule predicate.Schedule, handling predicate.Handling, parent *predicate.Item) predicate.Item {
	g.t.Helper()
	item := predicate.Item{Exhibit: newID(), Ref: ref}
	_, err := g.n.Ledger.Upload(context.Background(), g.id, item.Exhibit, strings.NewReader("content of "+ref.FileStem()), func(b ledger.StoredBlob) (ledger.Act, error) {
		content := ledger.ContentOf(b, "text/plain")
		item.SHA256 = content.SHA256
		a := ledger.Act{User: by, Case: g.id, Policy: "test", Fields: []ledger.Field{{Name: "fileName", Value: "file.txt"}}}
		if a.Body = (&predicate.EvidenceUploadedV1{Exhibit: item.Exhibit, Ref: ref, Handling: handling, Schedule: schedule, Content: content}); parent != nil {
			a.Body = &predicate.RedactionProposedV1{Exhibit: item.Exhibit, Ref: ref, Handling: handling, Schedule: schedule, Content: content, Parent: *parent}
			a.Fields = nil
		}
		return a, nil
	})
	if err != nil {
		g.t.Fatal(err)
	}
	return item
}

// serve serves an item on a firm for the defendant.
func (g *given) serve(it predicate.Item, firm identifier.Org, undertaking predicate.Hex32) {
	g.t.Helper()
	g.do(g.officer, &predicate.EvidenceServedV1{
		Item: it, Organisation: firm, Defendant: g.defendant, Undertaking: undertaking, SentAt: predicate.At(g.n.Ledger.Now()),
	})
}

func (g *given) export(r predicate.Recipient, dir string) (bagexport.Exported, error) {
	return bagexport.Export(context.Background(), g.n.Ledger, bagexport.Request{Case: g.id, Recipient: r, By: g.officer, Policy: "test", Dir: dir})
}

// files are the exhibits whose content a new bag holds; the bag must verify and list the others as not included.
func (g *given) files(r predicate.Recipient) (held, left []string) {
	g.t.Helper()
	dir := filepath.Join(g.t.TempDir(), "bag")
	if _, err := g.export(r, dir); err != nil {
		g.t.Fatalf("%s@%s: %v", r.Role, r.Organisation, err)
	}
	result, err := courtbundle.VerifyPath(dir, courtbundle.Options{Trust: g.n.Trust})
	if err != nil || result.Verdict != courtbundle.Verified {
		g.t.Fatalf("%v, %+v", err, result)
	}
	entries, err := os.ReadDir(filepath.Join(dir, "data", "evidence"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		g.t.Fatal(err)
	}
	for _, e := range entries {
		held = append(held, strings.TrimSuffix(e.Name(), ".txt"))
	}
	slices.Sort(result.Summary.NotIncluded)
	return held, result.Summary.NotIncluded
}

// TestContentByRecipient: a bag holds the content that its recipient may be given and says of the rest that it does not.
func TestContentByRecipient(t *testing.T) {
	t.Parallel()
	g := newCase(t)
	solicitor := ledger.User{Subject: "sol", Name: "Sol", Role: "defence", Organisation: "firm-a"}
	plain := g.item(g.officer, "JS/1", "used", "standard", nil)
	secret := g.item(g.officer, "JS/2", "mg6d", "standard", nil)
	for _, item := range []predicate.Item{secret, {Exhibit: newID()}} {
		if _, err := g.n.Ledger.Stored(context.Background(), g.id, item.Exhibit, court); !isRefusal(err) {
			t.Errorf("content for court staff: %v", err)
		}
	}
	bound := g.item(g.officer, "JS/3", "used", "undertaking", nil)
	g.item(ledgertest.Officer("PC 2"), "JS/1A", "used", "standard", &plain)
	text := predicate.Hex32(strings.Repeat("ab", 32))
	g.serve(bound, "firm-a", text)
	check := func(role, org string, held, left []string) {
		t.Helper()
		gotHeld, gotLeft := g.files(predicate.Recipient{Role: identifier.Role(role), Organisation: identifier.Org(org)})
		if !slices.Equal(gotHeld, held) || !slices.Equal(gotLeft, left) {
			t.Errorf("%s@%s has %v and lacks %v, want %v and %v", role, org, gotHeld, gotLeft, held, left)
		}
	}
	all := []string{"JS-1", "JS-1A", "JS-2", "JS-3"}
	check("officer", "force-01", all, nil)
	check("judge", "court-demo", all, nil)
	check("clerk", "court-demo", []string{"JS-1", "JS-3"}, []string{"JS/1A"})
	check("prosecutor", "cps-wessex", nil, []string{"JS/1", "JS/1A", "JS/2", "JS/3"})
	check("ig", "force-01", nil, []string{"JS/1", "JS/1A", "JS/2", "JS/3"})
	check("defence", "firm-a", nil, []string{"JS/3"})
	g.do(solicitor, &predicate.UndertakingAcceptedV1{Item: bound, Text: text})
	check("defence", "firm-a", []string{"JS-3"}, nil)
}

func isRefusal(err error) bool { _, ok := errors.AsType[*casefile.Refusal](err); return ok }

// empty fails if anything is left in the folder.
func empty(t *testing.T, folder string) {
	t.Helper()
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestRefusedRecipients: nothing is made or recorded for those who may not have a bag.
func TestRefusedRecipients(t *testing.T) {
	t.Parallel()
	g := newCase(t)
	g.item(g.officer, "JS/1", "used", "standard", nil)
	before, _ := g.n.Ledger.Integrated()
	folder := t.TempDir()
	for r, want := range map[predicate.Recipient]casefile.Code{
		{Role: "judge", Organisation: "force-01"}:    casefile.BadCombination,
		{Role: "operator", Organisation: "force-01"}: casefile.BadCombination,
		{Role: "defence", Organisation: "firm-b"}:    casefile.NotPermitted,
		{Role: "clerk", Organisation: "court-other"}: casefile.NotPermitted,
	} {
		_, err := g.export(r, filepath.Join(folder, "bag"))
		if refused, ok := errors.AsType[*casefile.Refusal](err); !ok || refused.Code != want {
			t.Errorf("%s@%s: %v", r.Role, r.Organisation, err)
		}
	}
	empty(t, folder)
	if after, _ := g.n.Ledger.Integrated(); after.Size != before.Size {
		t.Errorf("%d events were recorded", after.Size-before.Size)
	}
}
