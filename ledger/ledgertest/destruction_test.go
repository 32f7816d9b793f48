package ledgertest_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// stubborn is a vault that does not delete for as long as it is told not to.
type stubborn struct {
	ledger.Vault
	holds atomic.Bool
	mu    sync.Mutex
	gone  map[string]bool
}

func newStubborn() *stubborn { return &stubborn{gone: map[string]bool{}} }

func (s *stubborn) tune(c *ledger.Config) { s.Vault, c.Vault = c.Vault, s }

func (s *stubborn) Delete(ctx context.Context, id string) error {
	if s.holds.Load() {
		return errors.New("the disk is read-only")
	}
	if err := s.Vault.Delete(ctx, id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone[id] = true
	return nil
}

// isGone waits until a blob is deleted.
func (s *stubborn) isGone(id predicate.BlobID) bool {
	for range 1000 {
		s.mu.Lock()
		gone := s.gone[string(id)]
		s.mu.Unlock()
		if gone {
			return true
		}
		time.Sleep(10 * time.Millisecond)
	}
	return false
}

func storedBlob(r ledger.Recorded) predicate.BlobID {
	return r.Event.Predicate.Body.(*predicate.EvidenceUploadedV1).Content.Blob
}

// destruction is the act that carries out a proposal which pc has just made.
func destruction(t *testing.T, l *ledger.Ledger, caseID predicate.UUID, body predicate.KeyDestroyedV1) ledger.Act {
	t.Helper()
	p := record(t, l, ledgertest.Officer("PC 1234"), caseID, &predicate.KeyDestructionProposedV1{
		Authority: "court-order", Exhibit: body.Exhibit, Person: body.Person, Scope: body.Scope,
	})
	body.Authority, body.Proposal = "court-order", idOf(p)
	return ledger.Act{User: ledgertest.Officer("Sgt 5"), Case: caseID, Policy: "test", Body: &body,
		IdempotencyKey: "destroy", Request: []byte("this")}
}

// TestDestroyAgain: whoever repeats a destruction under its Idempotency-Key gets the same event, also after a restart.
func TestDestroyAgain(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir)
	pc := ledgertest.Officer("PC 1234")
	var acts []ledger.Act
	var first []ledger.Recorded
	for i, scope := range []predicate.DestroyScope{"exhibit", "person", "case"} {
		caseID, who := ledgertest.OpenCase(t, n.Ledger, pc, "01AB123450"+string(rune('0'+i))), newID()
		item := upload(t, n.Ledger, pc, caseID, "JS/1", "evidence")
		record(t, n.Ledger, pc, caseID, &predicate.PersonAddedV1{Person: who, Roles: []predicate.SubjectRole{"witness"}}, ledger.Field{Name: "name", Value: "Jane"})
		body := predicate.KeyDestroyedV1{Scope: scope}
		switch scope {
		case "exhibit":
			body.Exhibit = item.Exhibit
		case "person":
			body.Person = who
		}
		a := destruction(t, n.Ledger, caseID, body)
		r, err := n.Ledger.DestroyKeys(context.Background(), a)
		if err != nil {
			t.Fatalf("%s: %v", scope, err)
		}
		if keys := r.Event.Predicate.Body.(*predicate.KeyDestroyedV1).Keys; len(keys) == 0 || keys[0] == "k00000000000000000000000000000000" {
			t.Errorf("%s: keys are %v", scope, keys)
		}
		acts, first = append(acts, a), append(first, r)
	}
	again := func() {
		t.Helper()
		for i, a := range acts {
			r, err := n.Ledger.DestroyKeys(context.Background(), a)
			if err != nil || !r.Replayed || r.Index != first[i].Index {
				t.Errorf("act %d again: event %d, replayed %v, %v", i, r.Index, r.Replayed, err)
			}
		}
	}
	again()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = ledgertest.Open(t, dir)
	again()
	ledgertest.CheckLedger(t, n)
}

// TestErasedContentGoes also where it cannot be deleted at once: whoever destroys is told so, and it goes later, in the same
// process or in the next.
func TestErasedContentGoes(t *testing.T) {
	t.Parallel()
	dir, vault := t.TempDir(), newStubborn()
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir, vault.tune)
	pc := ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, n.Ledger, pc, "01AB1234526")
	destroy := func(ref string) predicate.BlobID {
		t.Helper()
		r, err := tryUpload(n.Ledger, pc, caseID, ref, "evidence")
		if err != nil {
			t.Fatal(err)
		}
		vault.holds.Store(true)
		a := destruction(t, n.Ledger, caseID, predicate.KeyDestroyedV1{Scope: "exhibit", Exhibit: itemOf(r).Exhibit})
		a.IdempotencyKey += ref
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		d, err := n.Ledger.DestroyKeys(ctx, a)
		if !errors.Is(err, ledger.ErrErasing) || d.Event == nil {
			t.Fatalf("content that cannot be deleted: %v", err)
		}
		return storedBlob(r)
	}
	blob := destroy("JS/1")
	vault.holds.Store(false)
	if !vault.isGone(blob) {
		t.Error("erased content is still there")
	}
	later := upload(t, n.Ledger, pc, caseID, "JS/9", "kept")
	blob = destroy("JS/2")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	vault = newStubborn()
	n = ledgertest.Open(t, dir, vault.tune)
	if !vault.isGone(blob) {
		t.Error("erased content is still there after a restart")
	}
	view := idOf(record(t, n.Ledger, pc, caseID, &predicate.EvidenceViewedV1{Item: later}))
	if b, _, err := n.Ledger.Content(context.Background(), pc, caseID, view, later.Exhibit); err != nil {
		t.Errorf("content that was not erased: %v", err)
	} else {
		b.Close() // read only
	}
}

// TestRefusedDestructionMakesNoKey: ids that a client made up get no key.
func TestRefusedDestructionMakesNoKey(t *testing.T) {
	t.Parallel()
	var ring ledger.Keyring
	dir := filepath.Join(t.TempDir(), "data")
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir, func(c *ledger.Config) { ring = c.Keyring })
	ctx, pc := context.Background(), ledgertest.Officer("PC 1234")
	caseID := ledgertest.OpenCase(t, n.Ledger, pc, "01AB1234526")
	before, err := ring.CaseKeys(ctx, string(caseID))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []predicate.KeyDestroyedV1{{Scope: "person", Person: newID()}, {Scope: "exhibit", Exhibit: newID()}} {
		b.Authority, b.Proposal = "court-order", newID()
		if _, err := n.Ledger.DestroyKeys(ctx, ledger.Act{User: pc, Case: caseID, Policy: "test", Body: &b}); code(err) != casefile.ProposalUnknown {
			t.Errorf("%s: %v", b.Scope, err)
		}
	}
	if after, err := ring.CaseKeys(ctx, string(caseID)); err != nil || len(after) != len(before) {
		t.Errorf("the case has %d keys, it had %d (%v)", len(after), len(before), err)
	}
}
