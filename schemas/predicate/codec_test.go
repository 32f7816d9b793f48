package predicate_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/predicate/predicatetest"
	"github.com/caseledger/caseledger/schemas/statement"
)

// TestRoundTrip: what is encoded decodes to the same event, and encodes again to the same bytes.
func TestRoundTrip(t *testing.T) {
	for kind := range predicate.Kinds {
		t.Run(kind.Kind, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				e := predicatetest.Event(t, kind.Kind)
				payload, err := predicate.Encode(e)
				if err != nil {
					t.Fatal(err)
				}
				back, err := predicate.Decode(payload)
				if err != nil {
					t.Fatalf("%v\n%s", err, payload)
				}
				if !reflect.DeepEqual(e, back) {
					t.Fatalf("decoded to another event\n%#v\n%#v", e, back)
				}
				again, err := predicate.AppendEncode([]byte("before"), back)
				if err != nil || string(again) != "before"+string(payload) {
					t.Fatalf("encoded again to other bytes (%v)", err)
				}
			})
		})
	}
}

// TestDrawnEventsFillEverySlot: the generator leaves no slot of the architecture out, and no field of any body.
func TestDrawnEventsFillEverySlot(t *testing.T) {
	for kind := range predicate.Kinds {
		missing := map[string]bool{}
		note := func(v reflect.Value, set bool) {
			for i := range v.NumField() {
				name := v.Type().Field(i).Name
				if _, known := missing[name]; !known || set && !v.Field(i).IsZero() {
					missing[name] = !set || v.Field(i).IsZero()
				}
			}
		}
		note(reflect.ValueOf(predicate.Slots{}), false)
		rapid.Check(t, func(t *rapid.T) {
			e := predicatetest.Event(t, kind.Kind)
			note(reflect.ValueOf(e.Predicate.Slots), true)
			note(reflect.ValueOf(e.Predicate.Body).Elem(), true)
		})
		for name, never := range missing {
			byKind := name == "S62Op" && kind.S62Op == "" || name == "Case" && kind.Chain == predicate.ChainOrgAccess
			if never != byKind {
				t.Errorf("%s: %s never drawn: %v", kind.Kind, name, never)
			}
		}
	}
}

// viewed is a small event whose bytes are easy to change.
func viewed() predicate.Event {
	const id, digest = "6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d", "0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b"
	at := predicate.At(time.Date(2026, 11, 18, 9, 30, 0, 123456789, time.UTC))
	return predicate.Event{
		Kind: "evidence.viewed",
		Predicate: predicate.Predicate{
			Slots: predicate.Slots{
				Actor: predicate.Actor{Organisation: "force-01", Pseudonym: "a00000000000000000000000000000001", Role: "officer"},
				Case:  id, Chain: id + "/main", EventID: id, OccurredAt: at, Policy: "officer-views", Previous: digest, RecordedAt: at,
				S62Op: predicate.OpConsultation, Salt: predicate.Hex16(digest[:32]), Schema: digest, Sequence: 2,
			},
			Body: &predicate.EvidenceViewedV1{Item: predicate.Item{Exhibit: id, Ref: "JS/1", SHA256: digest}},
		},
		Subject: []statement.Subject{{Name: "JS/1", Digest: statement.Digests{SHA256: digest}}},
	}
}

func encode(t testing.TB, e predicate.Event) string {
	t.Helper()
	b, err := predicate.Encode(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestEncodeVector holds the bytes of a statement: they are signed and must never change.
func TestEncodeVector(t *testing.T) {
	const want = `{"_type":"https://in-toto.io/Statement/v1","predicate":{"actor":{"organisation":"force-01","pseudonym":"a00000000000000000000000000000001","role":"officer"},` +
		`"body":{"item":{"exhibit":"6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d","ref":"JS/1","sha256":"0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b"}},` +
		`"case":"6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d","chain":"6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d/main","eventId":"6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d",` +
		`"occurredAt":"2026-11-18T09:30:00.123456Z","policy":"officer-views","previous":"0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b",` +
		`"recordedAt":"2026-11-18T09:30:00.123456Z","s62op":"consultation","salt":"0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d","schema":"0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b","sequence":2},` +
		`"predicateType":"https://caseledger.dev/predicates/evidence.viewed/v1","subject":[{"digest":{"sha256":"0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b0c0d0e0f0a0b"},"name":"JS/1"}]}`
	if got := encode(t, viewed()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestDecodeRefuses(t *testing.T) {
	good := encode(t, viewed())
	change := func(from, to string) string {
		out := strings.Replace(good, from, to, 1)
		if out == good {
			t.Fatalf("nothing to change: %s", from)
		}
		return out
	}
	subject := good[strings.Index(good, `"subject":[`)+len(`"subject":[`) : len(good)-len(`]}`)]
	tests := map[string]struct {
		in   string
		want error
	}{
		"nothing":                   {"", nil},
		"no object":                 {"[]", nil},
		"unknown kind":              {change("evidence.viewed/v1", "evidence.eaten/v1"), predicate.ErrUnknown},
		"next version":              {change("evidence.viewed/v1", "evidence.viewed/v2"), predicate.ErrUnknown},
		"body of another kind":      {change("evidence.viewed/v1", "evidence.shared/v1"), canonical.ErrNotCanonical},
		"other statement type":      {change("Statement/v1", "Statement/v0.1"), predicate.ErrUnknown},
		"no predicate":              {`{"_type":"https://in-toto.io/Statement/v1","predicate":null,"predicateType":"https://caseledger.dev/predicates/evidence.viewed/v1","subject":[]}`, predicate.ErrUnknown},
		"no body":                   {change(good[strings.Index(good, `{"item"`):strings.Index(good, `,"case"`)], "null"), predicate.ErrUnknown},
		"body missing":              {change(good[strings.Index(good, `"body"`):strings.Index(good, `"case"`)], ""), nil},
		"no subject":                {change(subject, ""), nil},
		"too many subjects":         {change(subject, strings.Repeat(subject+",", statement.MaxSubjects)+subject), nil},
		"white space":               {change(`,"case"`, `, "case"`), canonical.ErrNotCanonical},
		"order":                     {change(`"organisation":"force-01","pseudonym":"a00000000000000000000000000000001"`, `"pseudonym":"a00000000000000000000000000000001","organisation":"force-01"`), canonical.ErrNotCanonical},
		"unknown slot":              {change(`"sequence":2`, `"sequence":2,"zzz":1`), canonical.ErrNotCanonical},
		"unknown member in body":    {change(`"ref":"JS/1"`, `"ref":"JS/1","seen":true`), canonical.ErrNotCanonical},
		"unknown member":            {change(`"subject":`, `"sub":1,"subject":`), canonical.ErrNotCanonical},
		"double slot":               {change(`"sequence":2`, `"sequence":1,"sequence":2`), canonical.ErrNotCanonical},
		"name in other case":        {change(`"predicateType"`, `"PredicateType"`), canonical.ErrNotCanonical},
		"time without decimals":     {change("09:30:00.123456Z", "09:30:00Z"), canonical.ErrDecode},
		"time in another zone":      {change("09:30:00.123456Z", "09:30:00.123456+00:00"), canonical.ErrDecode},
		"time with a leap second":   {change("09:30:00.123456Z", "09:30:60.123456Z"), canonical.ErrDecode},
		"thirtieth of February":     {change("2026-11-18T", "2026-02-30T"), canonical.ErrDecode},
		"sequence not an integer":   {change(`"sequence":2`, `"sequence":2.0`), nil},
		"something after the event": {good + "\n", nil},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := predicate.Decode([]byte(c.in))
			if err == nil {
				t.Fatalf("decoded to %+v", e)
			}
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if strings.Contains(err.Error(), "JS/1") || strings.Contains(err.Error(), "eaten") {
				t.Errorf("the error repeats content: %v", err)
			}
			if !reflect.DeepEqual(e, predicate.Event{}) {
				t.Error("an event came with the error")
			}
		})
	}
	if _, err := predicate.Decode([]byte(good)); err != nil {
		t.Fatal(err)
	}
}

// FuzzDecode: whatever decodes encodes again to the same bytes.
func FuzzDecode(f *testing.F) {
	good := encode(f, viewed())
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "JS/1", `JS\/1`, 1)))
	f.Add([]byte(strings.Replace(good, "JS/1", "\u2028", 1)))
	f.Add([]byte(strings.Replace(good, "evidence.viewed", "evidence.downloaded", 1)))
	f.Add([]byte(`{"predicateType":"https://caseledger.dev/predicates/access.denied/v1"}`))
	for kind := range predicate.Kinds {
		e := rapid.Custom(func(t *rapid.T) predicate.Event { return predicatetest.Event(t, kind.Kind) }).Example(len(kind.Kind))
		f.Add([]byte(encode(f, e)))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		e, err := predicate.Decode(payload)
		if err != nil {
			return
		}
		again, err := predicate.Encode(e)
		if err != nil || !bytes.Equal(again, payload) {
			t.Errorf("encoded again to other bytes (%v)", err)
		}
		if _, ok := predicate.Lookup(e.Kind); !ok {
			t.Errorf("decoded to the unknown kind %s", e.Kind)
		}
	})
}

func TestTimeText(t *testing.T) {
	at := time.Date(2026, 11, 18, 10, 30, 0, 123456789, time.FixedZone("", 3600))
	if got := predicate.At(at).String(); got != "2026-11-18T09:30:00.123456Z" {
		t.Error(got)
	}
	if !(predicate.Time{}).IsZero() || predicate.At(at).IsZero() {
		t.Error("IsZero")
	}
	b, err := json.Marshal(predicate.At(at))
	var back predicate.Time
	if err != nil || json.Unmarshal(b, &back) != nil || !back.Std().Equal(at.Truncate(time.Microsecond)) {
		t.Error("a time does not come back from its text")
	}
}

func BenchmarkEncode(b *testing.B) {
	e := viewed()
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		if _, err := predicate.AppendEncode(buf[:0], e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}
