package canonical_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/canonical"
)

// benchPart and benchEvent have 30 string fields in three levels, about the shape of an event.
type benchPart struct {
	Kind, Name, Digest, Media, Size, From, To, Since, Until, Code string
}

type benchEvent struct {
	Type    string     `json:"_type"`
	Actor   benchPart  `json:"actor"`
	Subject *benchPart `json:"subject"`
	Body    struct {
		Part benchPart `json:"part"`
		Note []string  `json:"note,omitempty"`
	} `json:"body"`
	Sequence int64 `json:"sequence"`
}

func newBenchEvent() *benchEvent {
	part := benchPart{}
	v := reflect.ValueOf(&part).Elem()
	for i := range v.NumField() {
		v.Field(i).SetString(strings.Repeat("0123456789abcdef", 3)[:36])
	}
	e := &benchEvent{Type: "https://in-toto.io/Statement/v1", Actor: part, Subject: &part, Sequence: 42}
	e.Body.Part = part
	return e
}

func BenchmarkMarshal(b *testing.B) {
	e := newBenchEvent()
	data, err := canonical.Marshal(e)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canonical.Marshal(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkValue(b *testing.B) {
	e := newBenchEvent()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canonical.Value(e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUnmarshal(b *testing.B) {
	data, err := canonical.Marshal(newBenchEvent())
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		var e benchEvent
		if err := canonical.Unmarshal(data, &e); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMarshalMap(b *testing.B) {
	v, err := canonical.Value(newBenchEvent())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := canonical.Marshal(v); err != nil {
			b.Fatal(err)
		}
	}
}
