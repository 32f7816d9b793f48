package ledgertest_test

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // to read the keyring's rows as an intruder would

	"github.com/caseledger/caseledger/api/bagexport"
	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// wrappedKeys reads the wrapped bytes of every living key, by id, from a copy of the keyring's files.
func wrappedKeys(t *testing.T, keyring string) map[string][][]byte {
	t.Helper()
	dir := t.TempDir()
	for name, data := range contents(t, keyring) {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "keyring.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close() // read only
	rows, err := db.Query(`SELECT id, wrapped, secret FROM keys WHERE NOT destroyed`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close() // read only
	out := map[string][][]byte{}
	for rows.Next() {
		var id string
		var wrapped, secret []byte
		if err := rows.Scan(&id, &wrapped, &secret); err != nil {
			t.Fatal(err)
		}
		out[id] = [][]byte{wrapped, secret}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// doomed is what a test destroys, and how it is known to be gone.
type doomed struct {
	caseID  predicate.UUID
	scope   predicate.DestroyScope
	exhibit predicate.UUID
	person  predicate.UUID
	index   int64  // of the event that carries the opening
	field   string // of the opening
	item    predicate.Item
	keys    []predicate.KeyID
}

func (d *doomed) opens(t *testing.T, l *ledger.Ledger) bool {
	t.Helper()
	e, err := l.Event(context.Background(), d.index)
	if err != nil {
		t.Fatal(err)
	}
	open, err := l.Openings(e)
	if err != nil {
		t.Fatalf("openings of event %d: %v", d.index, err)
	}
	_, ok := open.Get(d.field)
	return ok
}

// destroy lets two people destroy it.
func (d *doomed) destroy(t *testing.T, l *ledger.Ledger) {
	t.Helper()
	one, other := ledgertest.Officer("records 1"), ledgertest.Officer("records 2")
	p := record(t, l, one, d.caseID, &predicate.KeyDestructionProposedV1{Authority: "erasure-granted", Exhibit: d.exhibit, Person: d.person, Scope: d.scope})
	body := predicate.KeyDestroyedV1{Authority: "erasure-granted", Exhibit: d.exhibit, Person: d.person, Scope: d.scope, Proposal: idOf(p)}
	if _, err := l.DestroyKeys(context.Background(), ledger.Act{User: one, Case: d.caseID, Policy: "test", Body: new(body)}); code(err) != casefile.SamePerson {
		t.Fatalf("one person destroyed keys alone: %v", err)
	}
	r, err := l.DestroyKeys(context.Background(), ledger.Act{User: other, Case: d.caseID, Policy: "test", Body: new(body)})
	if err != nil {
		t.Fatal(err)
	}
	d.keys = r.Event.Predicate.Body.(*predicate.KeyDestroyedV1).Keys
}

// prepareErasure makes two cases with an exhibit and a person each.
func prepareErasure(t *testing.T, l *ledger.Ledger) (exhibit, person, whole *doomed, kept predicate.Item) {
	t.Helper()
	pc, made := ledgertest.Officer("PC 1234"), [2]predicate.UUID{}
	named := func(a *ledger.Act) { a.Fields = []ledger.Field{{Name: "fileName", Value: "statement of Jane.txt"}} }
	for i := range made {
		made[i] = ledgertest.OpenCase(t, l, pc, fmt.Sprintf("01AB12345%d6", i))
		record(t, l, pc, made[i], &predicate.HearingListedV1{At: predicate.At(l.Now()), Court: "court-demo", Hearing: newID(), Type: "first"})
	}
	up := func(caseID predicate.UUID, ref string) ledger.Recorded {
		r, err := tryUpload(l, pc, caseID, ref, "content of "+ref, named)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	one, two, other := up(made[0], "JS/1"), up(made[0], "JS/2"), up(made[1], "JS/1")
	id := newID()
	who := record(t, l, pc, made[0], &predicate.PersonAddedV1{Person: id, Roles: []predicate.SubjectRole{"witness"}}, ledger.Field{Name: "name", Value: "Jane"})
	return &doomed{caseID: made[0], scope: "exhibit", exhibit: itemOf(one).Exhibit, index: one.Index, field: "fileName", item: itemOf(one)},
		&doomed{caseID: made[0], scope: "person", person: id, index: who.Index, field: "name"},
		&doomed{caseID: made[1], scope: "case", index: other.Index, field: "actorName", item: itemOf(other)}, itemOf(two)
}

// TestErasure destroys the keys of an exhibit, of a person and of a whole case: openings, content and the keys' bytes are
// gone from every file, every proof holds, and yesterday's keyring does not bring them back.
func TestErasure(t *testing.T) {
	ctx, dir := context.Background(), filepath.Join(t.TempDir(), "data")
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir)
	exhibit, person, whole, kept := prepareErasure(t, n.Ledger)
	all := []*doomed{exhibit, person, whole}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	keyring, yesterday := filepath.Join(dir, "keyring"), contents(t, filepath.Join(dir, "keyring"))
	before := wrappedKeys(t, keyring)
	n = ledgertest.Open(t, dir)
	pc := ledgertest.Officer("PC 1234")
	view := idOf(record(t, n.Ledger, pc, exhibit.caseID, &predicate.EvidenceViewedV1{Item: exhibit.item}))
	for _, d := range all {
		if !d.opens(t, n.Ledger) {
			t.Fatalf("the %s of event %d does not open in the first place", d.field, d.index)
		}
		d.destroy(t, n.Ledger)
	}
	gone := func(n *node.Node) {
		t.Helper()
		files := contents(t, dir)
		for _, d := range all {
			if d.opens(t, n.Ledger) {
				t.Errorf("the %s still opens after erasing the %s", d.field, d.scope)
			}
			for _, id := range d.keys {
				for _, key := range before[string(id)] {
					for name, data := range files {
						if len(key) > 0 && bytes.Contains(data, key) {
							t.Errorf("%s still holds a key of the erased %s", name, d.scope)
						}
					}
				}
			}
			if d.item.Exhibit != "" {
				if err := shown(n.Ledger, pc, d.caseID, d.item); code(err) != casefile.ExhibitErased {
					t.Errorf("content of the erased %s: %v", d.scope, err)
				}
			}
		}
		if err := shown(n.Ledger, pc, exhibit.caseID, kept); err != nil {
			t.Errorf("another exhibit went too: %v", err)
		}
	}
	gone(n)
	if len(exhibit.keys) != 1 || len(person.keys) != 1 || len(whole.keys) < 2 {
		t.Errorf("%d, %d and %d keys destroyed", len(exhibit.keys), len(person.keys), len(whole.keys))
	} else if _, ok := before[string(exhibit.keys[0])]; !ok {
		t.Error("the exhibit's key was not in the keyring before")
	}
	if _, _, err := n.Ledger.Content(ctx, pc, exhibit.caseID, view, exhibit.exhibit); code(err) != casefile.ExhibitErased {
		t.Errorf("content under an earlier view: %v", err)
	}
	for name := range contents(t, filepath.Join(dir, "blobs")) {
		if strings.Contains(name, string(blobOf(t, n.Ledger, exhibit.index))) {
			t.Error("the erased exhibit's content is still stored")
		}
	}
	ledgertest.CheckLedger(t, n)
	checkErasedBag(t, n, exhibit.caseID, "JS/1")
	checkErasedBag(t, n, whole.caseID, "JS/1")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(keyring); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(keyring, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, data := range yesterday {
		if err := os.WriteFile(filepath.Join(keyring, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	n = ledgertest.Open(t, dir)
	gone(n)
	ledgertest.CheckLedger(t, n)
}

// shown records a view of an item and opens its content.
func shown(l *ledger.Ledger, by ledger.User, caseID predicate.UUID, item predicate.Item) error {
	ctx := context.Background()
	view, err := l.Record(ctx, ledger.Act{User: by, Case: caseID, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item}})
	if err != nil {
		return err
	}
	blob, _, err := l.Content(ctx, by, caseID, idOf(view), item.Exhibit)
	if err != nil {
		return err
	}
	return blob.Close()
}

func blobOf(t *testing.T, l *ledger.Ledger, index int64) predicate.BlobID {
	t.Helper()
	e, err := l.Event(context.Background(), index)
	if err != nil {
		t.Fatal(err)
	}
	return e.Event.Predicate.Body.(*predicate.EvidenceUploadedV1).Content.Blob
}

// checkErasedBag exports a bag and verifies it: the erased exhibit is listed as such.
func checkErasedBag(t *testing.T, n *node.Node, caseID predicate.UUID, ref string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "bag")
	if _, err := bagexport.Export(context.Background(), n.Ledger, bagexport.Request{
		Case: caseID, Recipient: predicate.Recipient{Role: "clerk", Organisation: "court-demo"}, By: ledgertest.Officer("PC 1234"), Policy: "test", Dir: dir,
	}); err != nil {
		t.Fatal(err)
	}
	bag, err := courtbundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer bag.Close() // read only
	result := bag.Verify(courtbundle.Options{Trust: n.Trust})
	for _, c := range result.Failures() {
		t.Error(c)
	}
	if result.Verdict != courtbundle.Verified || len(result.Summary.Erased) != 1 || !strings.Contains(result.Summary.Erased[0], ref) {
		t.Errorf("verdict %s, erased %v, not included %v", result.Verdict, result.Summary.Erased, result.Summary.NotIncluded)
	}
}
