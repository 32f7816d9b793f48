package ledgertest_test

import (
	"context"
	"io"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// TestThinPath takes one exhibit through the whole ledger on the embedded engines.
func TestThinPath(t *testing.T) {
	n := ledgertest.New(t)
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	id := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	exhibit := predicate.UUID(uuid.NewString())
	up, err := l.Upload(ctx, id, exhibit, strings.NewReader("evidence"), func(b ledger.StoredBlob) (ledger.Act, error) {
		return ledger.Act{User: pc, Case: id, Policy: "test", Body: &predicate.EvidenceUploadedV1{
			Exhibit: exhibit, Ref: "JS/1", Handling: "standard", Schedule: "used", Content: ledger.ContentOf(b, "text/plain"),
		}, Fields: []ledger.Field{{Name: "fileName", Value: "statement of Jane Smith.txt"}}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var item predicate.Item
	if err := l.State(ctx, id, func(s *casefile.State) error {
		e, err := s.Resolve("JS/1")
		if err == nil {
			item = e.Item()
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	view, err := l.Record(ctx, ledger.Act{User: pc, Case: id, Policy: "test", Body: &predicate.EvidenceViewedV1{Item: item},
		Fields: []ledger.Field{{Name: "reason", Value: "charging decision"}}})
	if err != nil {
		t.Fatal(err)
	}
	if view.Index != up.Index+1 {
		t.Fatalf("view at %d after upload at %d", view.Index, up.Index)
	}
	blob, _, err := l.Content(ctx, pc, id, predicate.UUID(view.EventID.String()), exhibit)
	if err != nil {
		t.Fatal(err)
	}
	defer blob.Close() // read only
	if got, err := io.ReadAll(blob); err != nil || string(got) != "evidence" {
		t.Fatalf("%q %v", got, err)
	}
	if events := ledgertest.CheckLedger(t, n); events != 3 {
		t.Fatalf("%d events", events)
	}
}
