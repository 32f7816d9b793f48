// Package bench measures the one path that everything waits for: POST …/views of 1.5 KB over HTTP with a signed token,
// each answered with a durable event and an inclusion proof that the client verifies.
//
// The server is a process of its own, so that processor time and memory of both sides can be told apart. Medians of
// several rounds are shown, since disks stall now and then.
package bench

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caseledger/caseledger/schemas/receipt"
)

// Config says what to measure.
type Config struct {
	Addr    string // host:port of the server
	PID     int    // its process
	Dir     string // a folder on the server's disk
	SPKI    []byte // event signer
	LogKey  []byte // Ed25519 checkpoint key
	Token   string
	Rounds  int
	Span    time.Duration // of one measurement
	Callers []int
	// Kinds of load: each gives the request of a caller's n-th act.
	Kinds []Kind
	Out   io.Writer
}

// Kind is one kind of load.
type Kind struct {
	Name     string
	Requests [][]byte // whole HTTP requests, one for each target
}

// Request builds a request for a Kind.
func Request(host, path, token, body string) []byte { return post(host, path, token, body) }

// sample is one measurement.
type sample struct {
	rate, cpu float64 // receipts a second; ms of processor time for each
	p50, p99  time.Duration
	errors    int64
	first     error
}

// Run measures and prints. It returns an error if any answer was wrong.
func Run(ctx context.Context, c Config) error {
	l, err := measureLimits(c.Dir, c.Span)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "This machine: %.0f fsync/s, %.0f Echo POST/s (64 connections), %.0f P-256 signatures/s (2 goroutines)\n\n", l.fsync, l.echoPOST, l.signatures)
	fmt.Fprintf(c.Out, "%-14s %8s %12s %10s %10s %12s %8s\n", "load", "callers", "receipts/s", "p50 ms", "p99 ms", "CPU ms each", "errors")
	check := &proofChecker{spki: c.SPKI, log: c.LogKey, good: map[string]receipt.SignedCheckpoint{}}
	results := map[string][]sample{}
	for range c.Rounds {
		for _, callers := range c.Callers {
			for _, k := range c.Kinds {
				s, err := c.measure(ctx, check, k, callers)
				if err != nil {
					return err
				}
				key := fmt.Sprint(k.Name, callers)
				results[key] = append(results[key], s)
			}
		}
	}
	bad := c.print(results)
	rss, err := peakMemory(c.PID)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.Out, "\nPeak memory of the server: %.0f MiB. Medians of %d rounds of %s.\n", rss, c.Rounds, c.Span)
	return bad
}

func (c Config) print(results map[string][]sample) (bad error) {
	for _, k := range c.Kinds {
		for _, callers := range c.Callers {
			s := results[fmt.Sprint(k.Name, callers)]
			for _, one := range s {
				if one.first != nil {
					bad = fmt.Errorf("load %s with %d callers: %d wrong answers, first: %w", k.Name, callers, one.errors, one.first)
				}
			}
			fmt.Fprintf(c.Out, "%-14s %8d %12.0f %10.2f %10.2f %12.3f %8d\n", k.Name, callers,
				median(s, func(s sample) float64 { return s.rate }),
				median(s, func(s sample) float64 { return s.p50.Seconds() * 1000 }),
				median(s, func(s sample) float64 { return s.p99.Seconds() * 1000 }),
				median(s, func(s sample) float64 { return s.cpu }),
				int64(median(s, func(s sample) float64 { return float64(s.errors) })))
		}
	}
	return bad
}

func median(s []sample, of func(sample) float64) float64 {
	v := make([]float64, len(s))
	for i := range s {
		v[i] = of(s[i])
	}
	slices.Sort(v)
	if len(v) == 0 {
		return 0
	}
	return v[len(v)/2]
}

// measure lets callers post for a while, each waiting for its receipt and verifying it before the next.
func (c Config) measure(ctx context.Context, check *proofChecker, k Kind, callers int) (sample, error) {
	conns := make([]*conn, callers)
	for i := range conns {
		var err error
		if conns[i], err = dial(c.Addr); err != nil {
			return sample{}, err
		}
		defer conns[i].close() //nolint:errcheck // measured already
	}
	before, err := usageOf(c.PID)
	if err != nil {
		return sample{}, err
	}
	var wg sync.WaitGroup
	var failed atomic.Int64
	var first atomic.Pointer[error]
	times, start := make([][]time.Duration, callers), time.Now()
	for i := range conns {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 1))
			for ctx.Err() == nil && time.Since(start) < c.Span {
				sent := time.Now()
				if err := one(conns[i], check, k.Requests[r.IntN(len(k.Requests))]); err != nil {
					failed.Add(1)
					first.CompareAndSwap(nil, &err)
					return
				}
				times[i] = append(times[i], time.Since(sent))
			}
		})
	}
	wg.Wait()
	took := time.Since(start)
	after, err := usageOf(c.PID)
	if err != nil {
		return sample{}, err
	}
	s := summarise(times, took, after.minus(before))
	if s.errors = failed.Load(); s.errors > 0 {
		s.first = *first.Load()
	}
	return s, ctx.Err()
}

func one(c *conn, check *proofChecker, request []byte) error {
	status, body, err := c.call(request)
	if err != nil {
		return err
	}
	if status != 201 {
		return fmt.Errorf("%w: status %d: %.300s", errAnswer, status, body)
	}
	return check.check(body)
}

func summarise(times [][]time.Duration, took, cpu time.Duration) sample {
	all := slices.Concat(times...)
	if len(all) == 0 {
		return sample{}
	}
	slices.Sort(all)
	n := float64(len(all))
	return sample{
		rate: n / took.Seconds(), cpu: cpu.Seconds() * 1000 / n,
		p50: all[len(all)/2], p99: all[len(all)*99/100],
	}
}
