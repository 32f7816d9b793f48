package bagexport_test

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/api/bagexport"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// upload adds an exhibit and returns what names it.
func upload(t *testing.T, l *ledger.Ledger, by ledger.User, caseID predicate.UUID, ref, content string) predicate.Item {
	t.Helper()
	ctx, exhibit := context.Background(), predicate.UUID(uuid.NewString())
	_, err := l.Upload(ctx, caseID, exhibit, strings.NewReader(content), func(b ledger.StoredBlob) (ledger.Act, error) {
		return ledger.Act{User: by, Case: caseID, Policy: "test", Body: &predicate.EvidenceUploadedV1{
			Exhibit: exhibit, Ref: "JS/1", Handling: "standard", Schedule: "used", Content: ledger.ContentOf(b, "text/plain"),
		}, Fields: []ledger.Field{{Name: "fileName", Value: ref + ".txt"}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var item predicate.Item
	err = l.State(ctx, caseID, func(s *casefile.State) error {
		e, err := s.Resolve(string(exhibit))
		if err == nil {
			item = e.Item()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return item
}

// TestExport makes a bag of a case and verifies it as a court would.
func TestExport(t *testing.T) {
	t.Parallel()
	n := ledgertest.New(t)
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	id := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	item := upload(t, l, pc, id, "JS/1", "evidence")
	acts := []predicate.Body{
		&predicate.HearingListedV1{Hearing: predicate.UUID(uuid.NewString()), Court: "court-demo", Type: "first", At: predicate.At(l.Now())},
		&predicate.EvidenceViewedV1{Item: item},
		&predicate.CaseClosedV1{Reason: "concluded"},
	}
	for _, body := range acts {
		if _, err := l.Record(ctx, ledger.Act{User: pc, Case: id, Policy: "test", Body: body}); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(t.TempDir(), "01AB1234526")
	made, err := bagexport.Export(ctx, l, bagexport.Request{
		Case: id, Recipient: predicate.Recipient{Role: "clerk", Organisation: "court-demo"}, By: pc, Policy: "test", Dir: dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	if made.Events != 5 || made.Evidence != 1 || made.Withheld != 0 {
		t.Fatalf("%+v", made)
	}
	bag, err := courtbundle.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer bag.Close() // read only
	result := bag.Verify(courtbundle.Options{Trust: n.Trust})
	if result.Verdict != courtbundle.Verified {
		for _, c := range result.Failures() {
			t.Error(c)
		}
		t.Fatalf("verdict %s, not checked %v", result.Verdict, result.NotChecked)
	}
}
