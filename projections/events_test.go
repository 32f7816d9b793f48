package projections_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/predicate/predicatetest"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

// id makes a UUID from a small number, so that events meet each other's ids.
func id(n int) predicate.UUID {
	return predicate.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012x", n))
}

func kinds() []string {
	var out []string
	predicate.Kinds(func(t predicate.Type) bool { out = append(out, t.Kind); return true })
	slices.Sort(out)
	return out
}

// entries draws a journal of one case, with some events of another: any kinds in any order, ids from a small pool, some
// events withheld, some fields opened.
func entries(t *rapid.T) []projections.Entry {
	n := rapid.IntRange(0, 25).Draw(t, "entries")
	out := make([]projections.Entry, n)
	for i := range out {
		e := predicatetest.Event(t, rapid.SampledFrom(kinds()).Draw(t, "kind"))
		entangle(t, reflect.ValueOf(e.Predicate.Body).Elem())
		if e.Predicate.Case != "" {
			e.Predicate.Case = id(rapid.SampledFrom([]int{1, 1, 1, 2}).Draw(t, "case"))
			e.Predicate.Chain = predicate.ChainID(string(e.Predicate.Case) + "/main")
		}
		out[i] = projections.Entry{Index: int64(i), Chain: e.Predicate.Chain, Sequence: e.Predicate.Sequence, Event: &e}
		out[i].Openings = openSome(t, &e, "value")
		if rapid.IntRange(0, 4).Draw(t, "withheld") == 0 {
			out[i].Event, out[i].Openings = nil, sdjwt.Openings{}
		}
	}
	return out
}

// entangle replaces the ids in a body by ids of a small pool.
func entangle(t *rapid.T, v reflect.Value) {
	for i := range v.NumField() {
		f := v.Field(i)
		switch {
		case f.Type() == reflect.TypeFor[predicate.UUID]() && f.String() != "":
			f.SetString(string(id(rapid.IntRange(10, 14).Draw(t, "id"))))
		case f.Kind() == reflect.Struct && f.Type() != reflect.TypeFor[predicate.Time]():
			entangle(t, f)
		}
	}
}

// openSome gives an event openings for a random part of its fields.
func openSome(t *rapid.T, e *predicate.Event, value string) sdjwt.Openings {
	known, _ := predicate.Lookup(e.Kind)
	var names []string
	for _, f := range known.Fields {
		if rapid.Bool().Draw(t, "open "+f.Name) {
			names = append(names, f.Name)
		}
	}
	return openings(e, value, names...)
}

// openings makes openings whose values are value and the field's name, and puts their digests into the event.
func openings(e *predicate.Event, value string, names ...string) sdjwt.Openings {
	encoded := make([]string, len(names))
	for i, name := range names {
		d, err := sdjwt.New(strings.NewReader("0123456789abcdef"), name, value+" "+name)
		if err == nil {
			encoded[i], err = d.Encode()
		}
		if err != nil {
			panic(err)
		}
	}
	e.Predicate.SD = nil
	for _, digest := range sdjwt.Sort(encoded) {
		e.Predicate.SD = append(e.Predicate.SD, predicate.B64Digest(digest))
	}
	set, err := sdjwt.ParseSet(encoded)
	if err != nil {
		panic(err)
	}
	return set
}
