package sqlstore_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/caseledger/caseledger/projections"
)

// BenchmarkApplyViews measures one view event (ns/op is per event).
func BenchmarkApplyViews(b *testing.B) {
	for _, cases := range []int{1, 1000} {
		for _, batch := range []int{16, 100, 400} {
			b.Run(fmt.Sprintf("cases=%d/batch=%d", cases, batch), func(b *testing.B) {
				s := open(b, filepath.Join(b.TempDir(), "r.db"))
				defer closed(b, s)
				const ahead = 200_000 // the file is not empty
				for at := int64(0); at < ahead; at += 1000 {
					apply(b, s, views(at, 1000, cases))
				}
				records := views(ahead, b.N, cases)
				b.ReportAllocs()
				b.ResetTimer()
				for len(records) > 0 {
					n := min(batch, len(records))
					apply(b, s, records[:n])
					records = records[n:]
				}
			})
		}
	}
}

func BenchmarkRevisions(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "r.db"))
	defer closed(b, s)
	for at := int64(0); at < 100_000; at += 1000 {
		apply(b, s, views(at, 1000, 1000))
	}
	for b.Loop() {
		if got, err := s.Revisions(context.Background(), string(id(7))); err != nil || len(got) != 100 {
			b.Fatal(len(got), err)
		}
	}
}

var _ projections.Source = journal(nil)
