package esdbserver

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// TestPositions: positions grow, have gaps, and every number between two of them leads to the earlier event.
func TestPositions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 1<<50).Draw(t, "n")
		p, q := position(n), position(n+1)
		if q <= p {
			t.Fatalf("position %d of event %d, %d of the next", p, n, q)
		}
		between := rapid.Uint64Range(p, q-1).Draw(t, "between")
		if got, exact := placeOf(between); got != n || exact != (between == p) {
			t.Fatalf("placeOf(%d) = %d, %v, want %d", between, got, exact, n)
		}
	})
	if n, exact := placeOf(0); n != 0 || exact {
		t.Errorf("placeOf(0) = %d, %v", n, exact)
	}
	if n, _ := placeOf(math.MaxUint64); n < 1<<53 {
		t.Errorf("the largest position leads to %d", n)
	}
}

func TestIDs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		id := uuid.UUID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		id[0] |= 1
		for _, asText := range []bool{true, false} {
			if got, err := parseID(wireID(id, asText)); err != nil || got != id {
				t.Fatalf("text %v: %v, %v", asText, got, err)
			}
		}
	})
	if _, err := parseID(nil); err == nil {
		t.Error("an absent id was taken")
	}
}

// FuzzMetadata: whatever a client stores as metadata, reading it does not fail, and truncation takes hold in it.
func FuzzMetadata(f *testing.F) {
	for _, s := range []string{``, `null`, `[]`, `{`, `{"$tb":5}`, `{"$tb":-1,"$maxAge":99999999999999999999}`,
		`{"$maxCount":1e3,"$maxAge":"x"}`, `{"$tb":1,"$tb":2,"a":{"b":[]}}`, "{\"\xff\":1}"} {
		f.Add([]byte(s), int64(7))
	}
	f.Fuzz(func(t *testing.T, data []byte, before int64) {
		keep := parseRetention(data)
		if keep.before < 0 || keep.maxAge < 0 || keep.maxCount < 0 {
			t.Fatalf("negative retention %+v", keep)
		}
		if before < 0 {
			return
		}
		out := withTruncation(data, before)
		if !json.Valid(out) {
			t.Fatalf("not JSON: %q", out)
		}
		got := parseRetention(out)
		if got.before != before || got.maxCount != keep.maxCount || got.maxAge != keep.maxAge {
			t.Fatalf("%q became %q: %+v, was %+v", data, out, got, keep)
		}
	})
}

// FuzzFilter: a filter is refused or matches without failing, and a prefix filter agrees with strings.HasPrefix.
func FuzzFilter(f *testing.F) {
	f.Add("^[^$].*", "", "case-1", uint32(32), uint32(1))
	f.Add("", "case-", "case-1", uint32(1), uint32(1))
	f.Add("(", "", "x", uint32(0), uint32(0))
	f.Add("", "", "x", uint32(math.MaxUint32), uint32(math.MaxUint32))
	f.Fuzz(func(t *testing.T, regex, prefix, name string, window, multiplier uint32) {
		expr := &streams.ReadReq_Options_FilterOptions_Expression{Regex: regex}
		if prefix != "" {
			expr.Prefix = []string{prefix}
		}
		got, err := parseFilter(&streams.ReadReq_Options{
			CountOption: &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}},
			FilterOption: &streams.ReadReq_Options_Filter{Filter: &streams.ReadReq_Options_FilterOptions{
				Filter:                       &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: expr},
				Window:                       &streams.ReadReq_Options_FilterOptions_Max{Max: window},
				CheckpointIntervalMultiplier: multiplier,
			}}})
		if err != nil {
			return
		}
		if got.interval < 1 {
			t.Fatalf("a checkpoint every %d events", got.interval)
		}
		if match := got.match(&event{stream: name}); regex == "" && match != strings.HasPrefix(name, prefix) {
			t.Fatalf("prefix %q on %q: %v", prefix, name, match)
		}
	})
}
