package canonical_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/caseledger/caseledger/schemas/canonical"
	"pgregory.net/rapid"
)

type (
	loop     struct{ Next *loop }
	floating struct {
		F float64 `json:",omitempty"`
	}
	quoted struct {
		N int `json:",string"`
	}
	clash    struct{ A, B int }
	other    struct{ A int }
	clashing struct {
		clash
		other
	}
	odd       struct{}
	oddHolder struct{ Part struct{ Deep odd } }
)

func (odd) MarshalJSON() ([]byte, error) { return []byte(`1`), nil }

func TestMarshalRefuses(t *testing.T) {
	cycle := &loop{}
	cycle.Next = cycle
	list := []any{nil}
	list[0] = list
	var self any
	self = &self
	tests := map[string]struct {
		in   any
		want error
	}{
		"float":              {1.0, canonical.ErrEncode},
		"float inside":       {floating{}, canonical.ErrEncode},
		"2^53":               {int64(1 << 53), canonical.ErrEncode},
		"−2^53":              {[]int64{-1 << 53}, canonical.ErrEncode},
		"lowest int64":       {int64(-1 << 63), canonical.ErrEncode},
		"uint64":             {map[string]any{"n": ^uint64(0)}, canonical.ErrEncode},
		"number 1.0":         {json.Number("1.0"), canonical.ErrEncode},
		"number empty":       {json.Number(""), canonical.ErrEncode},
		"number long":        {json.Number("90071992547409910"), canonical.ErrEncode},
		"invalid UTF-8":      {"a\xffb", canonical.ErrEncode},
		"surrogate in UTF-8": {"\xed\xa0\x80", canonical.ErrEncode},
		"invalid name":       {map[string]int{"\xff": 1}, canonical.ErrEncode},
		"int keys":           {map[int]int{}, canonical.ErrEncode},
		"channel":            {make(chan int), canonical.ErrEncode},
		"function":           {func() {}, canonical.ErrEncode},
		"MarshalJSON only":   {oddHolder{}, canonical.ErrEncode},
		"string option":      {quoted{}, canonical.ErrEncode},
		"clashing fields":    {clashing{}, canonical.ErrEncode},
		"pointer to pointer": {[]**int{}, canonical.ErrEncode},
		"raw with space":     {json.RawMessage(`[1, 2]`), canonical.ErrNotCanonical},
		"raw out of order":   {json.RawMessage(`{"b":1,"a":1}`), canonical.ErrEncode},
		"raw with more":      {[]json.RawMessage{json.RawMessage(`1,2`)}, canonical.ErrEncode},
		"text refused":       {time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), canonical.ErrEncode},
		"cycle of structs":   {cycle, canonical.ErrLimit},
		"cycle of lists":     {list, canonical.ErrLimit},
		"cycle of any":       {self, canonical.ErrEncode},
		"raw too deep":       {[]json.RawMessage{json.RawMessage(strings.Repeat("[", 64) + strings.Repeat("]", 64))}, canonical.ErrLimit},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := canonical.Append([]byte("before"), tt.in)
			if !errors.Is(err, tt.want) || string(got) != "before" {
				t.Fatalf("got %q, %v", got, err)
			}
			if _, err := canonical.Value(tt.in); !errors.Is(err, tt.want) {
				t.Fatalf("Value: %v", err)
			}
		})
	}
	if _, err := canonical.Marshal(strings.Repeat("a", canonical.MaxSize)); !errors.Is(err, canonical.ErrLimit) {
		t.Fatalf("too long: %v", err)
	}
}

func TestErrorNamesTheField(t *testing.T) {
	_, err := canonical.Marshal(struct {
		Outer struct {
			Size uint64 `json:"size"`
		} `json:"outer"`
	}{struct {
		Size uint64 `json:"size"`
	}{1 << 60}})
	if err == nil || !strings.Contains(err.Error(), "outer.size") || !strings.Contains(err.Error(), "decimal string") {
		t.Fatal(err)
	}
}

type flat struct {
	*flatInner
	FlatOuter
	Own  string `json:"own"`
	Time time.Time
}

type flatInner struct{ Never int }

type FlatOuter struct {
	Own   int `json:"own"`
	Depth struct{ A, B string }
	Ptr   *string   `json:"ptr,omitempty"`
	Zero  time.Time `json:"zero,omitzero"`
}

// TestFieldsAsEncodingJSON compares names, embedding and omission with encoding/json.
func TestFieldsAsEncodingJSON(t *testing.T) {
	if _, err := canonical.Marshal(flat{}); !errors.Is(err, canonical.ErrEncode) {
		t.Fatalf("embedded pointer to an unexported struct: %v", err)
	}
	text := "p"
	type outer struct {
		*FlatOuter
		Own string `json:"own"`
	}
	for _, v := range []any{
		outer{}, outer{FlatOuter: &FlatOuter{Ptr: &text}, Own: "o"}, &outer{FlatOuter: &FlatOuter{Zero: time.Unix(0, 0).UTC()}},
		struct{ mark }{mark{4}}, struct {
			A mark  `json:"a,omitempty"`
			B *mark `json:"b"`
		}{B: &mark{1}},
	} {
		want, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		got, err := canonical.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var a, b any
		if json.Unmarshal(want, &a) != nil || json.Unmarshal(got, &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("got %s, encoding/json %s", got, want)
		}
	}
}

// anyValue draws JSON values of the narrowed kind.
func anyValue(depth int) *rapid.Generator[any] {
	text := rapid.OneOf(rapid.String(), rapid.StringOfN(rapid.RuneFrom([]rune("a\"\\\b\n\x00\x1f\x7fé\u2028\ufb33\ue000\uffff😀𐀀")), 0, 6, -1))
	scalar := rapid.OneOf(rapid.Just[any](nil), rapid.Bool().AsAny(), text.AsAny(),
		rapid.Int64Range(-canonical.MaxInteger, canonical.MaxInteger).AsAny())
	if depth == 0 {
		return scalar
	}
	return rapid.OneOf(scalar, rapid.SliceOfN(anyValue(depth-1), 0, 4).AsAny(), rapid.MapOfN(text, anyValue(depth-1), 0, 6).AsAny())
}

// referenceJSON is the plainest encoder that follows the text of RFC 8785.
func referenceJSON(v any) string {
	switch v := v.(type) {
	case string:
		var b strings.Builder
		for _, r := range v {
			switch {
			case r == '"' || r == '\\':
				b.WriteString("\\" + string(r))
			case strings.ContainsRune("\b\t\n\f\r", r):
				b.WriteString("\\" + string("btnfr"[strings.IndexRune("\b\t\n\f\r", r)]))
			case r < 0x20:
				fmt.Fprintf(&b, "\\u%04x", r)
			default:
				b.WriteRune(r)
			}
		}
		return `"` + b.String() + `"`
	case []any:
		var parts []string
		for _, x := range v {
			parts = append(parts, referenceJSON(x))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case map[string]any:
		names := slices.SortedFunc(maps.Keys(v), func(a, b string) int {
			return slices.Compare(utf16.Encode([]rune(a)), utf16.Encode([]rune(b)))
		})
		var parts []string
		for _, name := range names {
			parts = append(parts, referenceJSON(name)+":"+referenceJSON(v[name]))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case nil:
		return "null"
	default:
		return fmt.Sprint(v)
	}
}

func TestAgainstReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := anyValue(3).Draw(t, "v")
		got, err := canonical.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		if want := referenceJSON(v); string(got) != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		same, err := canonical.Value(v)
		if err != nil || referenceJSON(same) != string(got) {
			t.Fatalf("Value: %#v, %v", same, err)
		}
		var back any
		if err := canonical.Unmarshal(got, &back); err != nil {
			t.Fatal(err)
		}
		if referenceJSON(back) != string(got) {
			t.Fatalf("decoded to %#v", back)
		}
		if raw, err := canonical.Marshal(json.RawMessage(got)); err != nil || string(raw) != string(got) {
			t.Fatalf("raw: %v", err)
		}
	})
}

// TestChangedByteIsAnotherText holds that no two texts stand for one value: a change is refused or means something else.
func TestChangedByteIsAnotherText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data, err := canonical.Marshal(anyValue(2).Draw(t, "v"))
		if err != nil {
			t.Fatal(err)
		}
		changed := slices.Clone(data)
		i := rapid.IntRange(0, len(data)-1).Draw(t, "i")
		changed[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "bits"))
		var a, b any
		if canonical.Unmarshal(changed, &b) != nil {
			return
		}
		if err := canonical.Unmarshal(data, &a); err != nil || reflect.DeepEqual(a, b) {
			t.Fatalf("%q and %q decode alike (%v)", data, changed, err)
		}
	})
}
