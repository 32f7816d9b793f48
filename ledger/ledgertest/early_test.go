package ledgertest_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// unread is content that nobody may read.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("content of a refused act was read")
	return 0, io.EOF
}

// TestRefusedBeforeAnythingIsMade: a hopeless act leaves no key behind and reads no content; a repeat is not hopeless.
func TestRefusedBeforeAnythingIsMade(t *testing.T) {
	t.Parallel()
	var ring ledger.Keyring
	n := ledgertest.New(t, func(c *ledger.Config) { ring = c.Keyring })
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, l, pc, "01AB1234526")

	second := newID()
	opening := ledger.Act{User: pc, Case: second, Policy: "test", Body: &predicate.CaseOpenedV1{URN: "01AB1234526", Stage: "pre-charge"}}
	if _, err := l.Record(ctx, opening); code(err) != casefile.CaseExists {
		t.Errorf("a second case under one URN: %v", err)
	}
	if lacking, err := ring.LacksCases(ctx, []predicate.UUID{second}); err != nil || len(lacking) != 1 {
		t.Errorf("a case that was refused has a key (%v)", err)
	}

	exhibit := newID()
	up := func(ref identifier.ExhibitRef, handling predicate.Handling, key string, fields ...ledger.Field) func(ledger.StoredBlob) (ledger.Act, error) {
		return func(b ledger.StoredBlob) (ledger.Act, error) {
			return ledger.Act{User: pc, Case: caseID, Policy: "test", IdempotencyKey: key, Request: []byte(key), Fields: fields, Body: &predicate.EvidenceUploadedV1{
				Exhibit: exhibit, Ref: ref, Handling: handling, Schedule: "used", Content: ledger.ContentOf(b, "text/plain"),
			}}, nil
		}
	}
	first, err := l.Upload(ctx, caseID, exhibit, strings.NewReader("evidence"), up("JS/1", "standard", "once"))
	if err != nil {
		t.Fatal(err)
	}
	before, err := ring.CaseKeys(ctx, string(caseID))
	if err != nil {
		t.Fatal(err)
	}
	exhibit = newID()
	if _, err := l.Upload(ctx, caseID, exhibit, unread{t}, up("JS/1", "standard", "")); code(err) != casefile.ReferenceTaken {
		t.Errorf("a reference that is taken: %v", err)
	}
	if _, err := l.Upload(ctx, caseID, exhibit, unread{t}, up("JS/2", "gloves", "")); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("an unknown handling: %v", err)
	}
	if _, err := l.Upload(ctx, caseID, exhibit, unread{t}, up("JS/2", "standard", "", ledger.Field{Name: "title", Value: strings.Repeat("x", 5000)})); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("a title that is too long: %v", err)
	}
	if after, err := ring.CaseKeys(ctx, string(caseID)); err != nil || len(after) != len(before) {
		t.Errorf("refused uploads have made %d keys (%v)", len(after)-len(before), err)
	}
	exhibit = first.Event.Predicate.Body.(*predicate.EvidenceUploadedV1).Exhibit
	again, err := l.Upload(ctx, caseID, exhibit, strings.NewReader("evidence"), up("JS/1", "standard", "once"))
	if err != nil || !again.Replayed || again.Index != first.Index {
		t.Errorf("the same upload again: event %d, %v", again.Index, err)
	}
}

// TestActTooLarge: an act that no append could take is refused by itself.
func TestActTooLarge(t *testing.T) {
	t.Parallel()
	n := ledgertest.New(t)
	pc := ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, n.Ledger, pc, "01AB1234526")
	act := ledger.Act{User: pc, Case: caseID, Policy: "test", Body: &predicate.CaseClosedV1{Reason: "concluded"}}
	for range 40 { // 20,000 empty texts have no characters but take 60,000 bytes
		act.Fields = append(act.Fields, ledger.Field{Name: "note", Value: make([]string, 20_000)})
	}
	if _, err := n.Ledger.Record(context.Background(), act); !errors.Is(err, ledger.ErrInvalid) {
		t.Errorf("an act of more than a megabyte: %v", err)
	}
	if err := n.Ledger.Healthy(); err != nil {
		t.Fatal(err)
	}
	record(t, n.Ledger, pc, caseID, &predicate.CaseClosedV1{Reason: "concluded"})
}

// TestTextAfterErasure: once a whole case is erased, what somebody types there is refused, not lost in silence; acts without
// it are recorded still.
func TestTextAfterErasure(t *testing.T) {
	t.Parallel()
	n := ledgertest.New(t)
	ctx, pc := context.Background(), ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, n.Ledger, pc, "01AB1234526")
	if _, err := n.Ledger.DestroyKeys(ctx, destruction(t, n.Ledger, caseID, predicate.KeyDestroyedV1{Scope: "case"})); err != nil {
		t.Fatal(err)
	}
	closing := ledger.Act{User: pc, Case: caseID, Policy: "test", Body: &predicate.CaseClosedV1{Reason: "concluded"},
		Fields: []ledger.Field{{Name: "note", Value: "all done"}}}
	_, err := n.Ledger.Record(ctx, closing)
	var refused *casefile.Refusal
	if !errors.Is(err, ledger.ErrKeyDestroyed) || !errors.As(err, &refused) || !strings.Contains(refused.Detail, "the field note cannot be kept") {
		t.Errorf("a note that cannot be sealed: %v", err)
	}
	closing.Fields = nil
	if r, err := n.Ledger.Record(ctx, closing); err != nil || len(r.Event.Predicate.SD) != 0 {
		t.Errorf("an act without a note: %v", err)
	}
}

// TestUnfinishedUploadsGo at start once they are old: a young one may be another node's.
func TestUnfinishedUploadsGo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ledgertest.Init(t, dir)
	if err := ledgertest.Open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	sub := filepath.Join(dir, "blobs", "ab")
	if err := os.MkdirAll(sub, 0o700); err != nil {
		t.Fatal(err)
	}
	old, young := filepath.Join(sub, "b"+strings.Repeat("ab", 16)+".1.tmp"), filepath.Join(sub, "b"+strings.Repeat("ab", 16)+".2.tmp")
	for name, age := range map[string]time.Duration{old: 2 * time.Hour, young: time.Minute} {
		at := time.Now().Add(-age)
		if err := errors.Join(os.WriteFile(name, []byte("x"), 0o600), os.Chtimes(name, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	ledgertest.Open(t, dir)
	for range 500 {
		if _, err := os.Stat(old); errors.Is(err, os.ErrNotExist) {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an old unfinished upload is still there: %v", err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Errorf("a young unfinished upload is gone: %v", err)
	}
}
