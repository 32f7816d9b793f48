package courtbundle_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

// BenchmarkVerify verifies a bag of BENCH_EVENTS events (default 2,000), mostly views with two revealed fields.
func BenchmarkVerify(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("BENCH_EVENTS"))
	if err != nil {
		n = 2000
	}
	c := verifiertest.NewCase(verifiertest.NewLog(origin), 1, "01AB1234526")
	var items []predicate.Item
	for i := range 20 {
		items = append(items, c.Upload(100+i, identifier.ExhibitRef("JS/"+strconv.Itoa(i)), "video/mp4", fmt.Appendf(nil, "content %d", i)))
	}
	for i := len(items) + 1; i < n; i++ {
		c.View(items[i%len(items)])
	}
	dir := filepath.Join(b.TempDir(), "bag")
	check(b, c.Write(dir))
	trust := c.Log.Trust()
	b.ResetTimer()
	for b.Loop() {
		if r := verify(b, dir, courtbundle.Options{Trust: trust}); r.Verdict != courtbundle.Verified {
			b.Fatalf("%+v", r.Failures())
		}
	}
	b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "events/s")
}
