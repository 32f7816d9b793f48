package ledgertest_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// BenchmarkRecord records views in process, without HTTP: what the ledger itself costs.
func BenchmarkRecord(b *testing.B) {
	n := ledgertest.New(b)
	ctx, l, pc := context.Background(), n.Ledger, ledgertest.Officer("PC 1234")
	const cases = 50
	var ids [cases]predicate.UUID
	var items [cases]predicate.Item
	for i := range cases {
		ids[i] = ledgertest.OpenCase(b, l, pc, fmt.Sprintf("01AB%05d26", i))
		exhibit := predicate.UUID(uuid.NewString())
		_, err := l.Upload(ctx, ids[i], exhibit, strings.NewReader("x"), func(bl ledger.StoredBlob) (ledger.Act, error) {
			return ledger.Act{User: pc, Case: ids[i], Policy: "test", Body: &predicate.EvidenceUploadedV1{
				Exhibit: exhibit, Ref: "JS/1", Handling: "standard", Schedule: "used", Content: ledger.ContentOf(bl, "text/plain"),
			}}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
		if err := l.State(ctx, ids[i], func(s *casefile.State) error { items[i] = s.Exhibits()[0].Item(); return nil }); err != nil {
			b.Fatal(err)
		}
	}
	reason := strings.Repeat("charging decision ", 75)
	for _, callers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(callers), func(b *testing.B) {
			var next atomic.Int64
			b.SetParallelism(callers / 2)
			if callers == 1 {
				b.SetParallelism(1)
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					i := int(next.Add(1)) % cases
					_, err := l.Record(ctx, ledger.Act{User: pc, Case: ids[i], Policy: "test",
						Body: &predicate.EvidenceViewedV1{Item: items[i]}, Fields: []ledger.Field{{Name: "reason", Value: reason}}})
					if err != nil {
						b.Error(err)
						return
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "receipts/s")
		})
	}
}
