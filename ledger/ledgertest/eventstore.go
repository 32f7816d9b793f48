package ledgertest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/ledger"
)

// TestEventStore checks that a store keeps the promises of ledger.EventStore. open gives a store on the stream that belongs
// to t: empty when t first asks for it, the same one when t asks again. It registers the cleaning up.
func TestEventStore(t *testing.T, open func(t *testing.T) ledger.EventStore) {
	for name, test := range map[string]func(*testing.T, func(*testing.T) ledger.EventStore){
		"Refusals":         testRefusals,
		"EmptyStream":      testEmptyStream,
		"RoundTrip":        testRoundTrip,
		"Pages":            testPages,
		"Conflict":         testConflict,
		"RepeatedAppend":   testRepeatedAppend,
		"TwoWriters":       testTwoWriters,
		"CancelledAppend":  testCancelledAppend,
		"LargeAppend":      testLargeAppend,
		"ReaderStops":      testReaderStops,
		"RandomOperations": testRandomOperations,
	} {
		t.Run(name, func(t *testing.T) { test(t, open) })
	}
}

// Events makes count events with data of about size bytes.
func Events(count, size int) []ledger.StoredEvent {
	events := make([]ledger.StoredEvent, count)
	for i := range events {
		id := uuid.New()
		data, err := json.Marshal(map[string]string{"id": id.String(), "fill": strings.Repeat("x", size)})
		if err != nil {
			panic(err) // two strings always encode
		}
		events[i] = ledger.StoredEvent{ID: id, Kind: "evidence.viewed", Data: data, Meta: fmt.Appendf(nil, `{"$correlationId":"case-%d"}`, i)}
	}
	return events
}

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func mustAppend(t fataler, s ledger.EventStore, expected int64, events []ledger.StoredEvent) {
	t.Helper()
	if err := s.Append(context.Background(), expected, events); err != nil {
		t.Fatal(err)
	}
}

func wantHead(t fataler, s ledger.EventStore, want int64) {
	t.Helper()
	got, err := s.Head(context.Background())
	if err != nil || got != want {
		t.Fatalf("head is %d (%v), want %d", got, err, want)
	}
}

// wantEvents reads the whole stream and compares.
func wantEvents(t fataler, s ledger.EventStore, want []ledger.StoredEvent) {
	t.Helper()
	wantHead(t, s, int64(len(want))-1)
	wantRead(t, s, 0, 0, want)
}

func wantRead(t fataler, s ledger.EventStore, from int64, max int, want []ledger.StoredEvent) {
	t.Helper()
	next := from
	err := s.Read(context.Background(), from, max, func(revision int64, e ledger.StoredEvent) error {
		i := int(next - from)
		if revision != next || i >= len(want) {
			return fmt.Errorf("revision %d came, %d events from %d on were wanted", revision, len(want), from)
		}
		if !equal(e, want[i]) {
			return fmt.Errorf("event %d is %v, want %v", revision, e, want[i])
		}
		next++
		return nil
	})
	if err != nil || int(next-from) != len(want) {
		t.Fatalf("read %d events from %d (%v), want %d", next-from, from, err, len(want))
	}
}

func equal(a, b ledger.StoredEvent) bool {
	return a.ID == b.ID && a.Kind == b.Kind && bytes.Equal(a.Data, b.Data) && bytes.Equal(a.Meta, b.Meta)
}

func testRefusals(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	ctx := context.Background()
	none := func(int64, ledger.StoredEvent) error { return nil }
	for name, err := range map[string]error{
		"empty append":      s.Append(ctx, -1, nil),
		"negative revision": s.Append(ctx, -2, Events(1, 10)),
		"read from -1":      s.Read(ctx, -1, 1, none),
		"read -1 events":    s.Read(ctx, 0, -1, none),
	} {
		if err == nil || errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ledger.ErrConflict) {
			t.Errorf("%s: error is %v, want a refusal", name, err)
		}
	}
	wantEvents(t, s, nil)
}

func testEmptyStream(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	wantEvents(t, s, nil)
	wantRead(t, s, 0, 3, nil)
}

func testRoundTrip(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	events := Events(3, 100)
	events[1].Meta = []byte(`{}`)
	events[2].Data = []byte(`{"payload":"é ☃"}`)
	mustAppend(t, s, -1, events[:1])
	mustAppend(t, s, 0, events[1:])
	wantEvents(t, s, events)
	wantEvents(t, open(t), events)
}

func testPages(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	events := Events(1200, 60)
	for at := 0; at < len(events); at += 300 {
		mustAppend(t, s, int64(at)-1, events[at:at+300])
	}
	n := len(events)
	for _, c := range []struct{ from, max int }{{0, 0}, {0, 1}, {0, 499}, {0, 500}, {0, 501}, {0, 1200}, {0, 1201}, {1, 1000},
		{700, 0}, {700, 500}, {699, 501}, {n - 1, 0}, {n - 1, 5}, {n, 0}, {n, 1}, {n + 100, 0}} {
		start, end := min(c.from, n), n
		if c.max > 0 {
			end = min(start+c.max, n)
		}
		wantRead(t, s, int64(c.from), c.max, events[start:end])
	}
}

func testConflict(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	events := Events(4, 50)
	wantConflict(t, s.Append(context.Background(), 0, Events(1, 50)))
	mustAppend(t, s, -1, events)
	for _, expected := range []int64{-1, 0, 2, 4, 1 << 40} {
		wantConflict(t, s.Append(context.Background(), expected, Events(2, 50)))
	}
	// Half of it is stored: neither a repeat nor a new append.
	wantConflict(t, s.Append(context.Background(), 2, []ledger.StoredEvent{events[3], Events(1, 50)[0]}))
	wantConflict(t, s.Append(context.Background(), 0, events[2:]))
	wantEvents(t, s, events)
}

func wantConflict(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, ledger.ErrConflict) || errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("error is %v, want a conflict", err)
	}
}

func testRepeatedAppend(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	first, second := Events(3, 50), Events(2, 50)
	mustAppend(t, s, -1, first)
	mustAppend(t, s, -1, first)
	mustAppend(t, s, 2, second)
	mustAppend(t, open(t), 2, second)
	mustAppend(t, s, -1, first) // others have gone on since
	wantEvents(t, s, append(first, second...))
}

func testTwoWriters(t *testing.T, open func(*testing.T) ledger.EventStore) {
	stores := []ledger.EventStore{open(t), open(t)}
	var stored []ledger.StoredEvent
	for range 20 {
		batches := [][]ledger.StoredEvent{Events(3, 50), Events(3, 50)}
		errs := make([]error, len(stores))
		var both sync.WaitGroup
		for i, s := range stores {
			both.Go(func() { errs[i] = s.Append(context.Background(), int64(len(stored))-1, batches[i]) })
		}
		both.Wait()
		won := 0
		if errs[0] != nil {
			won = 1
		}
		if errs[won] != nil {
			t.Fatalf("nobody won: %v, %v", errs[0], errs[1])
		}
		wantConflict(t, errs[1-won])
		stored = append(stored, batches[won]...)
	}
	wantEvents(t, stores[0], stored)
}

func testCancelledAppend(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	var stored []ledger.StoredEvent
	for range 30 {
		events := Events(5, 500)
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error, 1)
		go func() { result <- s.Append(ctx, int64(len(stored))-1, events) }()
		cancel()
		if err := <-result; err != nil && !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatalf("error is %v, want none or unavailable", err)
		}
		mustAppend(t, s, int64(len(stored))-1, events)
		stored = append(stored, events...)
	}
	wantEvents(t, s, stored)
}

func testLargeAppend(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	events := Events(400, 2000)
	mustAppend(t, s, -1, events)
	wantEvents(t, s, events)
	err := s.Append(context.Background(), 399, Events(1, 20<<20))
	if err == nil || errors.Is(err, ledger.ErrConflict) {
		t.Fatalf("an event of 20 MiB: error is %v", err)
	}
	wantEvents(t, s, events)
}

func testReaderStops(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	events := Events(600, 50)
	mustAppend(t, s, -1, events)
	enough := errors.New("enough")
	seen := 0
	err := s.Read(context.Background(), 0, 0, func(int64, ledger.StoredEvent) error {
		if seen++; seen == 550 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || seen != 550 {
		t.Fatalf("read ended after %d events with %v", seen, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	seen = 0
	err = s.Read(ctx, 0, 0, func(int64, ledger.StoredEvent) error {
		if seen++; seen == 10 {
			cancel()
		}
		return nil
	})
	if !errors.Is(err, ledger.ErrUnavailable) {
		t.Fatalf("a cancelled read ended after %d events with %v, want unavailable", seen, err)
	}
	wantEvents(t, s, events)
}

// testRandomOperations compares with a slice.
func testRandomOperations(t *testing.T, open func(*testing.T) ledger.EventStore) {
	s := open(t)
	var stored []ledger.StoredEvent
	var last []ledger.StoredEvent
	var lastAt int64
	rapid.Check(t, func(rt *rapid.T) {
		head := int64(len(stored)) - 1
		switch rapid.SampledFrom([]string{"append", "append", "append", "repeat", "conflict", "read"}).Draw(rt, "operation") {
		case "append":
			last, lastAt = Events(rapid.IntRange(1, 20).Draw(rt, "count"), rapid.IntRange(0, 3000).Draw(rt, "size")), head
			mustAppend(rt, s, head, last)
			stored = append(stored, last...)
		case "repeat":
			if last != nil {
				mustAppend(rt, s, lastAt, last)
			}
		case "conflict":
			err := s.Append(context.Background(), head+rapid.Int64Range(1, 9).Draw(rt, "beyond"), Events(1, 10))
			if !errors.Is(err, ledger.ErrConflict) {
				rt.Fatalf("error is %v, want a conflict", err)
			}
		case "read":
			from := rapid.IntRange(0, len(stored)).Draw(rt, "from")
			max := rapid.IntRange(0, 50).Draw(rt, "max")
			end := len(stored)
			if max > 0 {
				end = min(end, from+max)
			}
			wantRead(rt, s, int64(from), max, stored[from:end])
		}
		wantHead(rt, s, int64(len(stored))-1)
	})
}
