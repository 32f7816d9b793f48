package main_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// Environment of a child: the folder of its ledger, what makes its URNs unique, and cases to go on with.
const (
	crashFolder = "CASELEDGER_CRASH_FOLDER"
	crashRound  = "CASELEDGER_CRASH_ROUND"
	crashCases  = "CASELEDGER_CRASH_CASES"
)

const crashWorkers = 16

// ack is an acknowledged act as the child tells it, at once after Record returned. Err tells of an act that should not
// have failed.
type ack struct {
	Index      int64
	Event      string // id
	Envelope   string // digest
	Checkpoint string
	Case       predicate.UUID
	Opened     bool           `json:",omitempty"`
	Exhibit    predicate.UUID `json:",omitempty"` // uploaded
	Size       int            `json:",omitempty"`
	Destroyed  predicate.UUID `json:",omitempty"` // exhibit whose key was destroyed
	Key        string         `json:",omitempty"` // idempotency key of a view of Item
	Item       predicate.Item
	Err        string `json:",omitempty"`
}

// TestCrashChild is the process that TestCrash kills; by itself it does nothing.
func TestCrashChild(t *testing.T) {
	dir := os.Getenv(crashFolder)
	if dir == "" {
		t.Skip("this is the child of TestCrash")
	}
	out := json.NewEncoder(os.NewFile(3, "acks"))
	var mu sync.Mutex
	tell := func(a ack) {
		mu.Lock()
		defer mu.Unlock()
		_ = out.Encode(a) // a parent that has gone kills this process next
	}
	n, err := node.Open(context.Background(), node.Config{Data: dir})
	if err != nil {
		tell(ack{Err: "open: " + err.Error()})
		return
	}
	known := strings.FieldsFunc(os.Getenv(crashCases), func(r rune) bool { return r == ',' })
	var all sync.WaitGroup
	for i := range crashWorkers {
		w := &crashWorker{n: i, l: n.Ledger, tell: tell, rand: rand.New(rand.NewPCG(rand.Uint64(), uint64(i)))}
		if i < len(known) {
			w.cases = append(w.cases, predicate.UUID(known[i]))
		}
		if len(known) > 0 {
			w.cases = append(w.cases, predicate.UUID(known[0])) // one hot case
		}
		all.Go(w.run)
	}
	all.Wait()
}

// crashWorker is one caller that acts for three people of a force.
type crashWorker struct {
	n      int
	l      *ledger.Ledger
	tell   func(ack)
	rand   *rand.Rand
	cases  []predicate.UUID
	opened int
}

func crashUser(n int) ledger.User {
	return ledger.User{Subject: fmt.Sprint("officer:", n), Name: fmt.Sprint("PC ", n), Role: "officer", Organisation: "force-01"}
}

// run acts until the process is killed. What the rules of the case refuse is no failure.
func (w *crashWorker) run() {
	for {
		err := w.step()
		var refused *casefile.Refusal
		if err != nil && !errors.As(err, &refused) {
			w.tell(ack{Err: err.Error()})
			return
		}
	}
}

func (w *crashWorker) step() error {
	if len(w.cases) == 0 || len(w.cases) < 4 && w.rand.IntN(30) == 0 {
		return w.open()
	}
	id := w.cases[w.rand.IntN(len(w.cases))]
	var items []casefile.Exhibit
	err := w.l.State(context.Background(), id, func(s *casefile.State) error {
		for _, e := range s.Exhibits() {
			if !e.Erased {
				items = append(items, *e)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return w.upload(id, nil)
	}
	e := &items[w.rand.IntN(len(items))]
	switch n := w.rand.IntN(40); {
	case n == 0:
		return w.destroy(id, e)
	case n <= 2:
		return w.record(ack{Case: id}, crashUser(0), &predicate.AccessGrantedV1{
			Grant: newID(), Organisation: "cps-london-north", Permissions: []predicate.Permission{"view"},
		})
	case n <= 6 && len(items) < 40:
		return w.upload(id, nil)
	case n <= 8 && len(items) < 40:
		return w.upload(id, e)
	case n <= 12 && e.Derived() && !e.Approved:
		return w.approve(id, e)
	}
	return w.view(id, e)
}

func newID() predicate.UUID { return predicate.UUID(uuid.NewString()) }

func (w *crashWorker) open() error {
	id := newID()
	w.opened++
	urn := identifier.URN(fmt.Sprintf("CR%sW%02dN%d", os.Getenv(crashRound), w.n, w.opened))
	err := w.record(ack{Case: id, Opened: true}, crashUser(w.n), &predicate.CaseOpenedV1{URN: urn, Stage: "pre-charge"})
	if err == nil {
		w.cases = append(w.cases, id)
	}
	return err
}

// crashContent is the content of an exhibit, which its id and size tell.
func crashContent(exhibit predicate.UUID, size int) []byte {
	return bytes.Repeat([]byte(exhibit), size/36+1)[:size]
}

// upload adds an exhibit, or a redaction of one.
func (w *crashWorker) upload(id predicate.UUID, parent *casefile.Exhibit) error {
	exhibit, size, by := newID(), w.rand.IntN(3000), crashUser(w.n)
	ref := identifier.ExhibitRef(fmt.Sprintf("JS/%d", w.rand.IntN(1_000_000)))
	rec, err := w.l.Upload(context.Background(), id, exhibit, bytes.NewReader(crashContent(exhibit, size)), func(b ledger.StoredBlob) (ledger.Act, error) {
		a := ledger.Act{User: by, Case: id, Policy: "test", Fields: []ledger.Field{{Name: "fileName", Value: "name of " + string(exhibit)}}}
		content := ledger.ContentOf(b, "text/plain")
		if parent == nil {
			a.Body = &predicate.EvidenceUploadedV1{Exhibit: exhibit, Ref: ref, Handling: "standard", Schedule: "used", Content: content}
			return a, nil
		}
		a.Body = &predicate.RedactionProposedV1{Exhibit: exhibit, Ref: ref, Handling: "standard", Schedule: "used", Content: content, Parent: parent.Item()}
		return a, nil
	})
	return w.ack(ack{Case: id, Exhibit: exhibit, Size: size}, rec, err)
}

func (w *crashWorker) approve(id predicate.UUID, e *casefile.Exhibit) error {
	var body predicate.Body
	err := w.l.State(context.Background(), id, func(s *casefile.State) error {
		if parent, ok := s.Exhibit(e.Parent); ok {
			body = &predicate.RedactionApprovedV1{Item: e.Item(), Parent: parent.Item(), Proposal: e.Proposal}
		}
		return nil
	})
	if err != nil || body == nil {
		return err
	}
	return w.record(ack{Case: id}, crashUser(100), body)
}

// destroy erases an exhibit's keys; it takes two people.
func (w *crashWorker) destroy(id predicate.UUID, e *casefile.Exhibit) error {
	ctx := context.Background()
	proposed, err := w.l.Record(ctx, ledger.Act{User: crashUser(w.n), Case: id, Policy: "test", Body: &predicate.KeyDestructionProposedV1{
		Authority: "court-order", Exhibit: e.ID, Scope: "exhibit",
	}})
	if err := w.ack(ack{Case: id}, proposed, err); err != nil {
		return err
	}
	rec, err := w.l.DestroyKeys(ctx, ledger.Act{User: crashUser(100), Case: id, Policy: "test", Body: &predicate.KeyDestroyedV1{
		Authority: "court-order", Exhibit: e.ID, Scope: "exhibit", Proposal: predicate.UUID(proposed.EventID.String()),
	}})
	return w.ack(ack{Case: id, Destroyed: e.ID}, rec, err)
}

// view records a view, sometimes under an idempotency key, and sometimes reads the content under it.
func (w *crashWorker) view(id predicate.UUID, e *casefile.Exhibit) error {
	ctx, a := context.Background(), crashView(id, e.Item(), "")
	if w.rand.IntN(8) == 0 {
		a = crashView(id, e.Item(), uuid.NewString())
	}
	rec, err := w.l.Record(ctx, a)
	if err := w.ack(ack{Case: id, Key: a.IdempotencyKey, Item: e.Item()}, rec, err); err != nil {
		return err
	}
	if w.rand.IntN(4) > 0 {
		return nil
	}
	blob, _, err := w.l.Content(ctx, a.User, id, predicate.UUID(rec.EventID.String()), e.ID)
	if err != nil {
		return erasedMeanwhile(err)
	}
	defer blob.Close() // read only
	got, err := io.ReadAll(blob)
	if err != nil {
		return fmt.Errorf("content of %s: %w", e.ID, err)
	}
	if !bytes.Equal(got, crashContent(e.ID, len(got))) || int64(len(got)) != e.Content.Size {
		return fmt.Errorf("content of %s is not what was uploaded", e.ID)
	}
	return nil
}

// erasedMeanwhile lets pass that another worker destroyed the key since the case was looked at.
func erasedMeanwhile(err error) error {
	if errors.Is(err, ledger.ErrKeyDestroyed) || errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}

func crashView(id predicate.UUID, it predicate.Item, key string) ledger.Act {
	return ledger.Act{
		User: crashUser(0), Case: id, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: it}, IdempotencyKey: key,
		Fields: []ledger.Field{{Name: "reason", Value: "charging decision"}},
	}
}

func (w *crashWorker) record(a ack, by ledger.User, body predicate.Body) error {
	rec, err := w.l.Record(context.Background(), ledger.Act{User: by, Case: a.Case, Policy: "test", Body: body})
	return w.ack(a, rec, err)
}

// ack tells the parent of an act that was acknowledged.
func (w *crashWorker) ack(a ack, rec ledger.Recorded, err error) error {
	if err != nil {
		return erasedMeanwhile(err)
	}
	a.Index, a.Event, a.Envelope, a.Checkpoint = rec.Index, rec.EventID.String(), envelopeDigest(rec.Receipt.Envelope), rec.Receipt.Checkpoint
	w.tell(a)
	return nil
}

func envelopeDigest(e statement.Envelope) string {
	h := sha256.New()
	h.Write(e.Payload)
	h.Write(e.Sig())
	return hex.EncodeToString(h.Sum(nil))
}
