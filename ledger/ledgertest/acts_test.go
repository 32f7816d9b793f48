package ledgertest_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

func newID() predicate.UUID { return predicate.UUID(uuid.NewString()) }

func idOf(r ledger.Recorded) predicate.UUID { return predicate.UUID(r.EventID.String()) }

// record records an act that must be allowed.
func record(t testing.TB, l *ledger.Ledger, by ledger.User, caseID predicate.UUID, body predicate.Body, fields ...ledger.Field) ledger.Recorded {
	t.Helper()
	r, err := l.Record(context.Background(), ledger.Act{User: by, Case: caseID, Policy: "test", Body: body, Fields: fields})
	if err != nil {
		t.Fatalf("%s: %v", body.Kind(), err)
	}
	return r
}

// tryUpload uploads an exhibit; change may alter the act.
func tryUpload(l *ledger.Ledger, by ledger.User, caseID predicate.UUID, ref, content string, change ...func(*ledger.Act)) (ledger.Recorded, error) {
	exhibit := newID()
	return l.Upload(context.Background(), caseID, exhibit, strings.NewReader(content), func(b ledger.StoredBlob) (ledger.Act, error) {
		a := ledger.Act{User: by, Case: caseID, Policy: "test", Body: &predicate.EvidenceUploadedV1{
			Exhibit: exhibit, Ref: identifier.ExhibitRef(ref), Handling: "standard", Schedule: "used", Content: ledger.ContentOf(b, "text/plain"),
		}}
		for _, f := range change {
			f(&a)
		}
		return a, nil
	})
}

// upload uploads an exhibit and returns what names it.
func upload(t testing.TB, l *ledger.Ledger, by ledger.User, caseID predicate.UUID, ref, content string, change ...func(*ledger.Act)) predicate.Item {
	t.Helper()
	r, err := tryUpload(l, by, caseID, ref, content, change...)
	if err != nil {
		t.Fatalf("upload %s: %v", ref, err)
	}
	return itemOf(r)
}

func itemOf(r ledger.Recorded) predicate.Item {
	switch b := r.Event.Predicate.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		return predicate.Item{Exhibit: b.Exhibit, Ref: b.Ref, SHA256: b.Content.SHA256}
	case *predicate.RedactionProposedV1:
		return predicate.Item{Exhibit: b.Exhibit, Ref: b.Ref, SHA256: b.Content.SHA256}
	}
	return predicate.Item{}
}

// propose proposes a redaction of an exhibit.
func propose(t testing.TB, l *ledger.Ledger, by ledger.User, caseID predicate.UUID, parent predicate.Item, ref, content string, change ...func(*ledger.Act)) ledger.Recorded {
	t.Helper()
	r, err := tryUpload(l, by, caseID, ref, content, append([]func(*ledger.Act){func(a *ledger.Act) {
		up := a.Body.(*predicate.EvidenceUploadedV1)
		a.Body = &predicate.RedactionProposedV1{
			Content: up.Content, Exhibit: up.Exhibit, Handling: up.Handling, Parent: parent, Ref: up.Ref, Schedule: up.Schedule,
		}
	}}, change...)...)
	if err != nil {
		t.Fatalf("propose %s: %v", ref, err)
	}
	return r
}

// destroyExhibit proposes as one person and destroys as another.
func destroyExhibit(t testing.TB, l *ledger.Ledger, one, other ledger.User, caseID, exhibit predicate.UUID) ledger.Recorded {
	t.Helper()
	p := record(t, l, one, caseID, &predicate.KeyDestructionProposedV1{Authority: "court-order", Exhibit: exhibit, Scope: "exhibit"})
	r, err := l.DestroyKeys(context.Background(), ledger.Act{User: other, Case: caseID, Policy: "test", Body: &predicate.KeyDestroyedV1{
		Authority: "court-order", Exhibit: exhibit, Scope: "exhibit", Proposal: idOf(p),
	}})
	if err != nil {
		t.Fatalf("destroy: %v", err)
	}
	return r
}

// code of a refusal; "" for anything else.
func code(err error) casefile.Code {
	var r *casefile.Refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}
