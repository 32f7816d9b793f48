package trillianserver

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"github.com/google/trillian/util/clock"

	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
)

// batch makes n leaves of the given size from an index on.
func batch(index int64, n, size int) []*trillian.LogLeaf {
	leaves := make([]*trillian.LogLeaf, n)
	for i := range leaves {
		value := make([]byte, size)
		for j := 0; j < size; j += sha256.Size {
			sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(index+int64(i))<<20|uint64(j)))
			copy(value[j:], sum[:])
		}
		identity := binary.BigEndian.AppendUint64(make([]byte, 24), uint64(index+int64(i)))
		leaves[i] = &trillian.LogLeaf{LeafIndex: index + int64(i), LeafValue: value, LeafIdentityHash: identity}
	}
	return leaves
}

// BenchmarkAddIntegrate measures AddSequencedLeaves followed by GetLatestSignedLogRoot, 500-byte
// leaves, through the client: leaves/s, time and CPU time a leaf, and the median and 99th percentile
// of a round.
func BenchmarkAddIntegrate(b *testing.B) {
	for _, full := range []bool{false, true} {
		for _, before := range []int{0, 300_000} {
			path := filepath.Join(b.TempDir(), "tree.db")
			id := prefill(b, path, before)
			for _, n := range []int{1, 16, 64, 256, 400} {
				b.Run(fmt.Sprintf("full=%t/before=%d/batch=%d", full, before, n), func(b *testing.B) {
					benchmarkBatch(b, path, id, n, full)
				})
			}
		}
	}
}

func prefill(b *testing.B, path string, leaves int) int64 {
	s, err := start(context.Background(), sqliteprovider.Options{Path: path}, clock.System)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	id, err := s.CreateTree(context.Background(), "bench")
	if err != nil {
		b.Fatal(err)
	}
	const step = 1000
	client := trillian.NewTrillianLogClient(s.Conn())
	for at := 0; at < leaves; at += step {
		_, err := client.AddSequencedLeaves(context.Background(), &trillian.AddSequencedLeavesRequest{LogId: id, Leaves: batch(int64(at), step, 500)})
		if err != nil {
			b.Fatal(err)
		}
	}
	return id
}

func benchmarkBatch(b *testing.B, path string, id int64, n int, full bool) {
	ctx := context.Background()
	s, err := start(ctx, sqliteprovider.Options{Path: path, Full: full}, clock.System)
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	client := trillian.NewTrillianLogClient(s.Conn())
	next := treeSize(b, client, id)
	const ahead = 64
	var ready [][]*trillian.LogLeaf
	var rounds []time.Duration
	var cpu time.Duration
	b.ReportAllocs()
	for b.Loop() {
		if len(ready) == 0 {
			b.StopTimer()
			for i := range ahead {
				ready = append(ready, batch(next+int64(i*n), n, 500))
			}
			b.StartTimer()
		}
		leaves := ready[0]
		ready = ready[1:]
		cpu0, t0 := cpuTime(), time.Now()
		res, err := client.AddSequencedLeaves(ctx, &trillian.AddSequencedLeavesRequest{LogId: id, Leaves: leaves})
		if err != nil || res.Results[0].GetStatus().GetCode() != 0 {
			b.Fatal(err, res)
		}
		next += int64(n)
		if got := treeSize(b, client, id); got != next {
			b.Fatalf("tree has %d leaves, want %d", got, next)
		}
		rounds = append(rounds, time.Since(t0))
		cpu += cpuTime() - cpu0
	}
	slices.Sort(rounds)
	leaves := float64(b.N * n)
	b.ReportMetric(leaves/b.Elapsed().Seconds(), "leaves/s")
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/leaves, "ns/leaf")
	b.ReportMetric(float64(cpu.Nanoseconds())/leaves, "cpu-ns/leaf")
	b.ReportMetric(float64(rounds[len(rounds)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(rounds[len(rounds)*99/100].Microseconds()), "p99-µs")
}

func treeSize(tb testing.TB, client trillian.TrillianLogClient, id int64) int64 {
	tb.Helper()
	res, err := client.GetLatestSignedLogRoot(context.Background(), &trillian.GetLatestSignedLogRootRequest{LogId: id})
	if err != nil {
		tb.Fatal(err)
	}
	var root types.LogRootV1
	if err := root.UnmarshalBinary(res.SignedLogRoot.LogRoot); err != nil {
		tb.Fatal(err)
	}
	return int64(root.TreeSize)
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
