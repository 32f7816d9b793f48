package schemas_test

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/predicate/predicatetest"
)

// sample is one evidence.viewed with what a view by an officer usually has.
func sample() *predicate.Predicate {
	h := predicate.Hex32(strings.Repeat("0a", 32))
	at := predicate.At(time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC))
	id := predicate.UUID("6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d")
	digest, key := predicate.B64Digest(strings.Repeat("a", 42)+"A"), predicate.KeyID("k"+strings.Repeat("0", 32))
	return &predicate.Predicate{
		Slots: predicate.Slots{
			Actor: predicate.Actor{Organisation: "force-01", Pseudonym: predicate.Pseudonym("a" + strings.Repeat("1", 32)), Role: "officer"},
			Case:  id, Chain: predicate.ChainID(id + "/main"), EventID: id,
			Idempotency: &predicate.Idempotency{Key: h, Request: h},
			OccurredAt:  at, RecordedAt: at, Policy: "officer-views", Previous: h,
			OpeningKeys: []predicate.KeyID{key, key, key}, SD: []predicate.B64Digest{digest, digest, digest},
			Published: &predicate.TreeHead{Origin: "log2026.caseledger.example", Root: h, Size: 12345},
			S62Op:     predicate.OpConsultation, Salt: predicate.Hex16(h[:32]), Schema: h, Sequence: 17,
		},
		Body: &predicate.EvidenceViewedV1{Item: predicate.Item{Exhibit: id, Ref: "JS/1", SHA256: h}},
	}
}

func TestValidateNamesPointerAndRule(t *testing.T) {
	const marker = "Marker Person"
	tests := map[string]struct {
		change  func(*predicate.Predicate)
		pointer string
		rule    string
	}{
		"text": {func(p *predicate.Predicate) { p.Chain = marker }, "/chain", "pattern"},
		"text in body": {func(p *predicate.Predicate) {
			p.Body = &predicate.EvidenceViewedV1{Item: predicate.Item{Exhibit: p.Case, Ref: marker + "?", SHA256: p.Schema}}
		}, "/body/item/ref", "pattern"},
		"text in list": {func(p *predicate.Predicate) { p.OpeningKeys[1] = marker }, "/openingKeys/1", "pattern"},
		"closed list":  {func(p *predicate.Predicate) { p.Actor.Role = marker }, "/actor/role", "enum"},
		"too long": {func(p *predicate.Predicate) {
			p.ActorProof = &predicate.ActorProof{Intent: predicate.Base64(strings.Repeat("A", 4100)), Scheme: predicate.ProofP256, Signature: "AAAA"}
		}, "/actorProof/intent", "maxLength"},
		"unset time":      {func(p *predicate.Predicate) { p.OccurredAt = predicate.Time{} }, "/occurredAt", "pattern"},
		"sequence 0":      {func(p *predicate.Predicate) { p.Sequence = 0 }, "/sequence", "minimum"},
		"negative size":   {func(p *predicate.Predicate) { p.Published.Size = -1 }, "/published/size", "minimum"},
		"too many":        {func(p *predicate.Predicate) { p.SD = make([]predicate.B64Digest, 1025) }, "/_sd", "maxItems"},
		"no case":         {func(p *predicate.Predicate) { p.Case = "" }, "", "required"},
		"no operation":    {func(p *predicate.Predicate) { p.S62Op = "" }, "", "required"},
		"other operation": {func(p *predicate.Predicate) { p.S62Op = predicate.OpErasure }, "/s62op", "enum"},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			p := sample()
			c.change(p)
			want := `evidence.viewed: ` + schemas.ErrInvalid.Error() + `: the value at "` + c.pointer + `" breaks the rule "` + c.rule + `"`
			for form, v := range map[string]any{"inside": p, "outside": jsonOf(t, p)} {
				err := schemas.Validate("evidence.viewed", v)
				if !errors.Is(err, schemas.ErrInvalid) || err.Error() != want {
					t.Errorf("%s: %v\nwant %s", form, err, want)
				}
			}
		})
	}
}

// jsonOf is the predicate as something from elsewhere: decoded JSON.
func jsonOf(t *testing.T, p *predicate.Predicate) any {
	t.Helper()
	b, err := canonical.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := canonical.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestValidateRefusesWhatIsNoPredicate(t *testing.T) {
	with := func(b predicate.Body) *predicate.Predicate { p := sample(); p.Body = b; return p }
	extra := jsonOf(t, sample()).(map[string]any)
	extra["Marker Person"] = "x"
	tests := map[string]struct {
		kind string
		v    any
		want error
	}{
		"unknown kind":           {"evidence.eaten", sample(), schemas.ErrUnknown},
		"nil":                    {"evidence.viewed", nil, schemas.ErrInvalid},
		"nil predicate":          {"evidence.viewed", (*predicate.Predicate)(nil), schemas.ErrInvalid},
		"no body":                {"evidence.viewed", with(nil), schemas.ErrInvalid},
		"nil body":               {"evidence.viewed", with((*predicate.EvidenceViewedV1)(nil)), schemas.ErrInvalid},
		"equal body, other kind": {"evidence.viewed", with(&predicate.EvidenceDownloadedV1{Item: sample().Body.(*predicate.EvidenceViewedV1).Item}), schemas.ErrInvalid},
		"unknown member":         {"evidence.viewed", extra, schemas.ErrInvalid},
		"no JSON":                {"evidence.viewed", make(chan int), schemas.ErrInvalid},
		"text":                   {"evidence.viewed", "Marker Person", schemas.ErrInvalid},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			err := schemas.Validate(c.kind, c.v)
			if !errors.Is(err, c.want) || strings.Contains(err.Error(), "Marker") {
				t.Errorf("error %v, want %v without any value", err, c.want)
			}
		})
	}
}

func TestValidateAcceptsBodyByValue(t *testing.T) {
	p := sample()
	p.Body = *p.Body.(*predicate.EvidenceViewedV1)
	if err := schemas.Validate("evidence.viewed", p); err != nil {
		t.Error(err)
	}
	p.Body = predicate.EvidenceViewedV1{}
	if err := schemas.Validate("evidence.viewed", p); err == nil {
		t.Error("an empty body was accepted")
	}
	h := &predicate.Predicate{Slots: p.Slots, Body: predicate.HearingListedV1{At: p.OccurredAt, Court: "court-1", Hearing: p.Case, Type: "trial"}}
	h.S62Op = ""
	if err := schemas.Validate("hearing.listed", h); err != nil {
		t.Error(err)
	}
}

// TestValidateAcceptsDrawnEvents: what fits is accepted, inside and outside.
func TestValidateAcceptsDrawnEvents(t *testing.T) {
	for kind := range predicate.Kinds {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				e := predicatetest.Event(t, kind.Kind)
				agree(t, kind.Kind, &e.Predicate, true)
			})
		})
	}
}

// TestValidateAgreesWithLibrary changes one thing at random in an event that fits; then the compiled check and the JSON
// Schema library must accept, or refuse, alike.
func TestValidateAgreesWithLibrary(t *testing.T) {
	for kind := range predicate.Kinds {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				e := predicatetest.Event(t, kind.Kind)
				for range rapid.IntRange(1, 2).Draw(t, "changes") {
					mutate(t, reflect.ValueOf(&e.Predicate).Elem())
				}
				agree(t, kind.Kind, &e.Predicate, false)
			})
		})
	}
}

func agree(t *rapid.T, kind string, p *predicate.Predicate, mustFit bool) {
	inside := schemas.Validate(kind, p)
	var outside error
	if value, err := canonical.Value(p); err != nil {
		outside = err // a value that JSON cannot hold fits no schema
	} else {
		outside = schemas.Validate(kind, value)
	}
	if (inside == nil) != (outside == nil) {
		t.Fatalf("compiled check: %v\nlibrary: %v", inside, outside)
	}
	if mustFit && inside != nil {
		t.Fatal(inside)
	}
}

// mutate changes one value somewhere below v.
func mutate(t *rapid.T, v reflect.Value) {
	if _, ok := v.Interface().(predicate.Time); ok {
		years := []int{0, 1, 999, 1000, 2026, 2999, 3000, 9999, 10000}
		v.Set(reflect.ValueOf(predicate.At(time.Date(rapid.SampledFrom(years).Draw(t, "year"), 2, 29, 23, 59, 59, 0, time.UTC))))
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		mutate(t, v.Field(rapid.IntRange(0, v.NumField()-1).Draw(t, "field")))
	case reflect.Interface:
		mutate(t, v.Elem().Elem())
	case reflect.Pointer:
		mutatePointer(t, v)
	case reflect.Slice:
		mutateSlice(t, v)
	case reflect.String:
		v.SetString(mutateText(t, v.String()))
	case reflect.Int64:
		v.SetInt(rapid.SampledFrom([]int64{-1 << 63, -canonical.MaxInteger - 1, -canonical.MaxInteger, -1, 0, 1,
			canonical.MaxInteger, canonical.MaxInteger + 1, 1<<63 - 1}).Draw(t, "integer"))
	case reflect.Bool:
		v.SetBool(!v.Bool())
	}
}

func mutatePointer(t *rapid.T, v reflect.Value) {
	switch {
	case v.IsNil():
		v.Set(reflect.New(v.Type().Elem()))
	case rapid.IntRange(0, 3).Draw(t, "drop") == 0:
		v.SetZero()
	default:
		mutate(t, v.Elem())
	}
}

func mutateSlice(t *rapid.T, v reflect.Value) {
	if v.Len() > 0 && rapid.Bool().Draw(t, "change an element") {
		mutate(t, v.Index(rapid.IntRange(0, v.Len()-1).Draw(t, "element")))
		return
	}
	n := rapid.SampledFrom([]int{0, 1, 4, 5, 6, 7, 16, 17, 1000, 1001, 1024, 1025}).Draw(t, "length")
	bigger := reflect.MakeSlice(v.Type(), n, n)
	for i := range n {
		if v.Len() > 0 {
			bigger.Index(i).Set(v.Index(i % v.Len()))
		}
	}
	v.Set(bigger)
}

func mutateText(t *rapid.T, s string) string {
	at := func(n int) int { return rapid.IntRange(0, n).Draw(t, "position") }
	piece := rapid.SampledFrom([]string{"a", "f", "g", "Z", "0", "9", "-", "/", ".", "..", " ", "  ", "=", "+", "_", "\n", "\x00", "é", "\xff", "main"}).Draw(t, "piece")
	switch rapid.IntRange(0, 5).Draw(t, "way") {
	case 0:
		return ""
	case 1:
		return rapid.String().Draw(t, "text")
	case 2:
		return s + piece
	case 3:
		i := at(len(s))
		return s[:i] + piece + s[i:]
	case 4:
		i := at(len(s))
		return s[:i]
	default:
		if s == "" {
			return piece
		}
		i := at(len(s) - 1)
		return s[:i] + piece + s[i+1:]
	}
}

func BenchmarkValidate(b *testing.B) {
	p := sample()
	for b.Loop() {
		if err := schemas.Validate("evidence.viewed", p); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}

func BenchmarkValidateOutside(b *testing.B) {
	p := sample()
	for b.Loop() {
		v, err := canonical.Value(p)
		if err == nil {
			err = schemas.Validate("evidence.viewed", v)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}
