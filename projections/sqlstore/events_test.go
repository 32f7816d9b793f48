package sqlstore_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/projections/sqlstore"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/predicate/predicatetest"
)

// journal is a Source in memory.
type journal []projections.Record

func (j journal) Read(ctx context.Context, from int64, yield func(projections.Record) error) (int64, error) {
	for next := from; ; next++ {
		if err := ctx.Err(); err != nil || next >= int64(len(j)) {
			return next, err
		}
		if err := yield(j[next]); err != nil {
			return next, err
		}
	}
}

func id(n int) predicate.UUID {
	return predicate.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n))
}

var orgs = []identifier.Org{"force-01", "cps-wessex", "firm-x", "firm-y"}

// drawJournal draws events of every kind in any order, in three cases whose ids, people and organisations meet.
func drawJournal(t *rapid.T, most int) journal {
	var kinds []string
	predicate.Kinds(func(k predicate.Type) bool { kinds = append(kinds, k.Kind); return true })
	slices.Sort(kinds)
	out := make(journal, rapid.IntRange(0, most).Draw(t, "events"))
	for i := range out {
		e := predicatetest.Event(t, rapid.SampledFrom(kinds).Draw(t, "kind"))
		p := &e.Predicate
		meet(t, reflect.ValueOf(p.Body).Elem())
		p.Actor.Organisation = rapid.SampledFrom(orgs).Draw(t, "actor")
		p.EventID = id(1000 + rapid.IntRange(0, 2*most).Draw(t, "event id"))
		if p.Case != "" {
			p.Case = id(rapid.IntRange(1, 3).Draw(t, "case"))
			p.Chain = predicate.ChainID(p.Case + "/main")
		} else {
			p.Chain = predicate.ChainID("org/" + p.Actor.Organisation + "/access")
		}
		out[i] = projections.Record{Revision: int64(i), EventID: rawID(p.EventID), Event: e}
	}
	return out
}

func meet(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		switch f := v.Field(i); {
		case f.Type() == reflect.TypeFor[predicate.UUID]() && f.String() != "":
			f.SetString(string(id(rapid.IntRange(10, 13).Draw(t, "id"))))
		case f.Type() == reflect.TypeFor[identifier.Org]():
			f.SetString(string(rapid.SampledFrom(orgs).Draw(t, "organisation")))
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[predicate.Time]():
			meet(t, f)
		}
	}
}

func rawID(u predicate.UUID) (out [16]byte) {
	b, err := hex.DecodeString(strings.ReplaceAll(string(u), "-", ""))
	if err != nil || len(b) != len(out) {
		panic("not a UUID")
	}
	copy(out[:], b)
	return out
}

type fataler interface {
	Helper()
	Fatal(args ...any)
}

func open(t fataler, path string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t fataler, s *sqlstore.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func apply(t fataler, s *sqlstore.Store, records []projections.Record) {
	t.Helper()
	if err := s.Apply(context.Background(), records); err != nil {
		t.Fatal(err)
	}
}

func digestOf(t fataler, s *sqlstore.Store) string {
	t.Helper()
	digest, _, err := s.Digest(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func position(t fataler, s *sqlstore.Store) int64 {
	t.Helper()
	next, err := s.Position(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return next
}

// one is a record of an event with the slots that matter here.
func one(revision int64, caseID predicate.UUID, org identifier.Org, body predicate.Body) projections.Record {
	chain := predicate.ChainID(caseID + "/main")
	if caseID == "" {
		chain = predicate.ChainID("org/" + org + "/access")
	}
	eventID := id(100000 + int(revision))
	return projections.Record{Revision: revision, EventID: rawID(eventID), Event: predicate.Event{Kind: body.Kind(), Predicate: predicate.Predicate{
		Body: body, Slots: predicate.Slots{Actor: predicate.Actor{Organisation: org}, Case: caseID, Chain: chain, EventID: eventID, Sequence: revision + 1}}}}
}

func must[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
