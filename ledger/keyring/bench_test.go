package keyring

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"
)

func BenchmarkHits(b *testing.B) {
	ctx := context.Background()
	k := openTest(b, filepath.Join(b.TempDir(), "k.db"))
	for i := range 100 {
		must[ID](b)(k.SubjectKey(ctx, "case", fmt.Sprint(i)))
	}
	must[string](b)(k.Pseudonym(ctx, "case", "42"))
	id, event, plain := must[ID](b)(k.SubjectKey(ctx, "case", "42")), uuid.New(), make([]byte, 200)
	sealed := must[[]byte](b)(k.SealOpening(id, event, "reason", plain))
	for _, bench := range []struct {
		name string
		call func() error
	}{
		{"SubjectKey", func() error { return errOf(k.SubjectKey(ctx, "case", "42")) }},
		{"Pseudonym", func() error { return errOf(k.Pseudonym(ctx, "case", "42")) }},
		{"Digest", func() error { return errOf(k.Digest(ctx, "case", "idempotency-key", "0a1b2c3d4e5f60718293")) }},
		{"EventID", func() error {
			k.EventID("force-01", "a00000000000000000000000000000000", "case", "key", "0")
			return nil
		}},
		{"SealOpening", func() error { return errOf(k.SealOpening(id, event, "reason", plain)) }},
		{"OpenOpening", func() error { return errOf(k.OpenOpening(id, event, "reason", sealed)) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCreate makes the keys of new cases with one actor each, by 64 callers.
func BenchmarkCreate(b *testing.B) {
	ctx := context.Background()
	k := openTest(b, filepath.Join(b.TempDir(), "k.db"))
	next := make(chan int)
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for i := range next {
				if _, err := k.SubjectKey(ctx, fmt.Sprint("case", i), "actor"); err != nil {
					b.Error(err)
				}
			}
		})
	}
	for i := 0; b.Loop(); i++ {
		next <- i
	}
	close(next)
	wg.Wait()
}

// BenchmarkCreateSequential is one caller: two commits each, the case key's and the subject key's.
func BenchmarkCreateSequential(b *testing.B) {
	ctx := context.Background()
	k := openTest(b, filepath.Join(b.TempDir(), "k.db"))
	for i := 0; b.Loop(); i++ {
		must[ID](b)(k.SubjectKey(ctx, fmt.Sprint("case", i), "actor"))
	}
}

func BenchmarkDestroy(b *testing.B) {
	ctx := context.Background()
	k := openTest(b, filepath.Join(b.TempDir(), "k.db"))
	for i := 0; b.Loop(); i++ {
		id := must[ID](b)(k.SubjectKey(ctx, "case", fmt.Sprint(i)))
		if err := k.Destroy(ctx, id); err != nil {
			b.Fatal(err)
		}
	}
}
