// Package predicatetest draws random events for property tests.
//
// The events fit their schemas: every text has the form of its type, numbers and lists keep to their bounds, and what
// the registry fixes for a kind (operation under s.62, case or no case) is as it says. How texts look is written here a
// second time, apart from the schemas, so that each checks the other.
package predicatetest

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"strconv"
	"strings"
	"time"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// Event draws an event of a kind in the registry. In one of two events every optional slot and field is there; in the
// other each is there or not. The body is a pointer, as predicate.Decode makes it.
func Event(t *rapid.T, kind string) predicate.Event {
	known, ok := predicate.Lookup(kind)
	if !ok {
		t.Fatalf("no such kind of event: %s", kind)
	}
	d := drawer{t: t, texts: texts(), all: rapid.Bool().Draw(t, "every optional field")}
	p := predicate.Predicate{Body: known.New()}
	d.fill(reflect.ValueOf(&p.Slots).Elem())
	d.fill(reflect.ValueOf(p.Body).Elem())
	p.S62Op, p.OpeningKeys = known.S62Op, nil
	for range p.SD {
		p.OpeningKeys = append(p.OpeningKeys, predicate.KeyID("k"+hexText(16).Draw(t, "opening key")))
	}
	if known.Chain == predicate.ChainOrgAccess {
		p.Case, p.Chain = "", predicate.ChainID("org/"+string(p.Actor.Organisation)+"/access")
		return predicate.Event{Kind: kind, Predicate: p, Subject: []statement.Subject{subject("chain", string(p.Chain))}}
	}
	p.Case = predicate.UUID(uuidText().Draw(t, "case"))
	p.Chain = predicate.ChainID(string(p.Case) + "/" + chainText().Draw(t, "chain of the case"))
	return predicate.Event{Kind: kind, Predicate: p, Subject: d.subjects(p)}
}

// subjects are exhibits, or the case where the act concerns none.
func (d drawer) subjects(p predicate.Predicate) []statement.Subject {
	n := rapid.IntRange(0, 3).Draw(d.t, "exhibits concerned")
	if n == 0 {
		return []statement.Subject{subject("case", string(p.Case))}
	}
	var out []statement.Subject
	for range n {
		out = append(out, subject(refText().Draw(d.t, "subject"), hexText(8).Draw(d.t, "content")))
	}
	return out
}

func subject(name, of string) statement.Subject {
	sum := sha256.Sum256([]byte(of))
	return statement.Subject{Name: name, Digest: statement.Digests{SHA256: hex.EncodeToString(sum[:])}}
}

// drawer fills Go values by reflection.
type drawer struct {
	t     *rapid.T
	texts map[string]*rapid.Generator[string] // by the name of the Go type
	all   bool
}

// fill draws every field of a struct.
func (d drawer) fill(v reflect.Value) {
	for i := range v.NumField() {
		f := v.Type().Field(i)
		optional := strings.HasSuffix(f.Tag.Get("json"), ",omitempty")
		if optional && !d.all && !rapid.Bool().Draw(d.t, "has "+f.Name) {
			continue
		}
		least, most := bounds(f.Tag.Get("schema"))
		if optional {
			least = max(least, 1)
		}
		d.draw(v.Field(i), f.Name, least, most)
	}
}

// draw sets one value; least and most bound integers and lengths of lists.
func (d drawer) draw(v reflect.Value, label string, least, most int64) {
	if _, ok := v.Interface().(predicate.Time); ok {
		v.Set(reflect.ValueOf(drawTime(d.t, label)))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.draw(v.Elem(), label, -canonical.MaxInteger, most)
	case reflect.Struct:
		d.fill(v)
	case reflect.Slice:
		n := rapid.Int64Range(max(least, 0), min(most, max(least, 0)+3)).Draw(d.t, "length of "+label)
		v.Set(reflect.MakeSlice(v.Type(), int(n), int(n)))
		for i := range v.Len() {
			d.draw(v.Index(i), label, -canonical.MaxInteger, canonical.MaxInteger)
		}
	case reflect.String:
		v.SetString(d.text(v.Type()).Draw(d.t, label))
	case reflect.Int64:
		v.SetInt(rapid.Int64Range(least, most).Draw(d.t, label))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(d.t, label))
	default:
		d.t.Fatalf("%s: nothing to draw for %v", label, v.Type())
	}
}

func (d drawer) text(t reflect.Type) *rapid.Generator[string] {
	if closed, ok := reflect.Zero(t).Interface().(interface{ Values() []string }); ok {
		return rapid.SampledFrom(closed.Values())
	}
	g, ok := d.texts[t.Name()]
	if !ok {
		d.t.Fatalf("no text to draw for %v", t)
	}
	return g
}

func drawTime(t *rapid.T, label string) predicate.Time {
	from := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	to := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	return predicate.At(time.UnixMicro(rapid.Int64Range(from, to).Draw(t, label)))
}

// bounds reads a tag such as "min=1,max=16".
func bounds(tag string) (least, most int64) {
	least, most = -canonical.MaxInteger, canonical.MaxInteger
	for part := range strings.SplitSeq(tag, ",") {
		name, number, _ := strings.Cut(part, "=")
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case err != nil:
		case name == "min":
			least = n
		case name == "max":
			most = n
		}
	}
	return least, most
}
