package bagexport_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"filippo.io/age"
	"github.com/google/uuid"

	"github.com/caseledger/caseledger/api/bagexport"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// vault calls opened once content has been opened.
type vault struct {
	ledger.Vault
	opened func()
}

func (v *vault) Open(ctx context.Context, id string, as age.Identity) (ledger.Blob, error) {
	b, err := v.Vault.Open(ctx, id, as)
	if v.opened != nil {
		v.opened()
	}
	return b, err
}

// tree has its proofs of consistency changed.
type tree struct {
	ledger.Tree
	change func([][]byte) ([][]byte, error)
}

func (t *tree) Consistency(ctx context.Context, from, to int64) ([][]byte, error) {
	hashes, err := t.Tree.Consistency(ctx, from, to)
	if err == nil && t.change != nil {
		return t.change(hashes)
	}
	return hashes, err
}

// ring is a keyring that has lost a key.
type ring struct {
	ledger.Keyring
	lost atomic.Pointer[predicate.KeyID]
}

func (r *ring) OpenOpening(id predicate.KeyID, event uuid.UUID, field string, sealed []byte) ([]byte, error) {
	if lost := r.lost.Load(); lost != nil && *lost == id {
		return nil, ledger.ErrKeyMissing
	}
	return r.Keyring.OpenOpening(id, event, field, sealed)
}

var court = predicate.Recipient{Role: "clerk", Organisation: "court-demo"}

// TestRightLostMeanwhile: what was decrypted for a recipient who lost the right before the bag was recorded is not handed out.
func TestRightLostMeanwhile(t *testing.T) {
	t.Parallel()
	var v *vault
	g := newCase(t, func(c *ledger.Config) { v = &vault{Vault: c.Vault}; c.Vault = v })
	item := g.item(g.officer, "JS/1", "used", "standard", nil)
	g.do(g.officer, &predicate.RepresentationStartedV1{Defendant: g.defendant, Organisation: "firm-b", Representation: newID()})
	g.serve(item, "firm-b", "")
	other := newID()
	g.do(g.officer, &predicate.DefendantAddedV1{Defendant: other})
	g.do(g.officer, &predicate.RepresentationStartedV1{Defendant: other, Organisation: "firm-a", Representation: newID()})
	g.serve(item, "firm-a", "")
	v.opened = func() { // the firm still acts for the other defendant, so it takes part
		v.opened = nil
		g.do(g.officer, &predicate.RepresentationEndedV1{Representation: g.instructs, Reason: "withdrawn"})
	}
	folder := t.TempDir()
	_, err := g.export(predicate.Recipient{Role: "defence", Organisation: "firm-a"}, filepath.Join(folder, "bag"))
	if refused, ok := errors.AsType[*casefile.Refusal](err); !ok || refused.Code != casefile.NotPermitted || !strings.Contains(refused.Detail, string(item.Exhibit)) {
		t.Errorf("error = %v", err)
	}
	empty(t, folder)
	if held, _ := g.files(predicate.Recipient{Role: "defence", Organisation: "firm-b"}); len(held) != 1 {
		t.Errorf("the other firm has %v", held)
	}
}

// TestFinishIsTriedTwice: once bag.exported is recorded a fault is worth a second try; after that nothing is left.
func TestFinishIsTriedTwice(t *testing.T) {
	t.Parallel()
	var tr *tree
	g := newCase(t, func(c *ledger.Config) { tr = &tree{Tree: c.Tree}; c.Tree = tr })
	g.item(g.officer, "JS/1", "used", "standard", nil)
	fault, calls, faults := errors.New("no answer"), 0, 1
	tr.change = func(hashes [][]byte) ([][]byte, error) {
		if calls++; calls <= faults {
			return nil, fault
		}
		return hashes, nil
	}
	folder := t.TempDir()
	if _, err := g.export(court, filepath.Join(folder, "bag")); err != nil || calls != 2 {
		t.Fatalf("one fault: %v after %d calls", err, calls)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 1 || left[0].Name() != "bag" {
		t.Errorf("%v %v", left, err)
	}
	folder, calls, faults = t.TempDir(), 0, 9
	if _, err := g.export(court, filepath.Join(folder, "bag")); !errors.Is(err, fault) || calls != 2 {
		t.Errorf("two faults: %v after %d calls", err, calls)
	}
	empty(t, folder)
}

// TestUnverifiedIsRemoved: a bag that a court would refuse is not handed out.
func TestUnverifiedIsRemoved(t *testing.T) {
	t.Parallel()
	var tr *tree
	g := newCase(t, func(c *ledger.Config) { tr = &tree{Tree: c.Tree}; c.Tree = tr })
	g.item(g.officer, "JS/1", "used", "standard", nil)
	tr.change = func(hashes [][]byte) ([][]byte, error) { return append(hashes, make([]byte, 32)), nil }
	folder := t.TempDir()
	_, err := g.export(court, filepath.Join(folder, "bag"))
	if !errors.Is(err, bagexport.ErrNotVerified) || !strings.Contains(err.Error(), "consistency") {
		t.Errorf("error = %v", err)
	}
	empty(t, folder)
}

// TestInterruptedIsReplaced: what a crash left is removed by the next export; a bag that is there is not.
func TestInterruptedIsReplaced(t *testing.T) {
	t.Parallel()
	g := newCase(t)
	dir := filepath.Join(t.TempDir(), "bag")
	for _, left := range []string{dir + ".unverified", dir + ".unverified.partial"} {
		if err := os.MkdirAll(filepath.Join(left, "data"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := g.export(court, dir); err != nil {
		t.Fatal(err)
	}
	before, _ := g.n.Ledger.Integrated()
	if _, err := g.export(court, dir); !errors.Is(err, courtbundle.ErrExists) {
		t.Errorf("a second bag at the same place: %v", err)
	}
	if after, _ := g.n.Ledger.Integrated(); after.Size != before.Size {
		t.Error("a bag that has no place was recorded")
	}
	if left, err := os.ReadDir(filepath.Dir(dir)); err != nil || len(left) != 1 {
		t.Errorf("%v %v", left, err)
	}
}

// TestMissingKey: a key that nobody destroyed stops a bag; whoever reads now is shown the rest, and the loss is logged once.
func TestMissingKey(t *testing.T) {
	t.Parallel()
	var r *ring
	var log strings.Builder
	g := newCase(t, func(c *ledger.Config) {
		r = &ring{Keyring: c.Keyring}
		c.Keyring, c.Logger = r, slog.New(slog.NewTextHandler(&log, nil))
	})
	g.item(g.officer, "JS/1", "used", "standard", nil)
	var event *ledger.Committed
	_, err := g.n.Ledger.CaseEvents(context.Background(), g.id, func(c *ledger.Committed) error {
		if c.Event.Kind == "evidence.uploaded" {
			event = c
		}
		return nil
	})
	if err != nil || event == nil {
		t.Fatalf("%v %v", event, err)
	}
	whole, err := g.n.Ledger.WholeOpenings(event)
	if err != nil {
		t.Fatal(err)
	}
	r.lost.Store(&event.Event.Predicate.OpeningKeys[0])
	folder := t.TempDir()
	if _, err := g.export(court, filepath.Join(folder, "bag")); !errors.Is(err, ledger.ErrKeyMissing) {
		t.Errorf("a bag without a key: %v", err)
	}
	empty(t, folder)
	for range 2 {
		some, err := g.n.Ledger.Openings(event)
		if err != nil || len(some.Disclosures()) == 0 || len(some.Disclosures()) >= len(whole.Disclosures()) {
			t.Errorf("%d of %d fields, %v", len(some.Disclosures()), len(whole.Disclosures()), err)
		}
	}
	if n := strings.Count(log.String(), "the keyring lacks a key"); n != 1 {
		t.Errorf("logged %d times: %s", n, log.String())
	}
}
