package canonical_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/canonical"
)

type record struct {
	A    string   `json:"a"`
	B    int8     `json:"b,omitempty"`
	Data []byte   `json:"data,omitempty"`
	Next *record  `json:"next,omitempty"`
	Tags []string `json:"tags,omitempty"`
}

func TestUnmarshalRefuses(t *testing.T) {
	form, shape, limit := canonical.ErrNotCanonical, canonical.ErrDecode, canonical.ErrLimit
	tests := map[string]struct {
		in     string
		want   error
		offset int // of the first difference; −1: not said
	}{
		"nothing":            {``, form, 0},
		"cut off":            {`{"a":"x"`, form, 8},
		"space":              {`{"a": "x"}`, form, 5},
		"trailing newline":   {"{\"a\":\"x\"}\n", form, 9},
		"second value":       {`{"a":"x"}{}`, form, 9},
		"byte order mark":    {"\ufeff{\"a\":\"x\"}", form, 0},
		"order":              {`{"b":1,"a":"x"}`, form, 7},
		"twice":              {`{"a":"x","a":"x"}`, form, 9},
		"twice by escape":    {`{"a":"x","\u0061":"x"}`, form, 10},
		"other case":         {`{"A":"x"}`, form, 2},
		"unknown":            {`{"a":"x","c":1}`, form, 8},
		"missing":            {`{}`, form, 1},
		"null for a string":  {`{"a":null}`, form, 5},
		"zero not omitted":   {`{"a":"x","b":0}`, form, 8},
		"escaped slash":      {`{"a":"\/"}`, form, 6},
		"upper-case hex":     {`{"a":"\u000F"}`, form, 6},
		"long for short":     {`{"a":"\u000a"}`, form, 6},
		"needless escape":    {`{"a":"\u2028"}`, form, 6},
		"surrogate":          {`{"a":"\ud800"}`, form, 6},
		"escaped NUL":        {"{\"a\":\"\\\x00\"}", form, 6},
		"bare control":       {"{\"a\":\"\x01\"}", form, 6},
		"invalid UTF-8":      {"{\"a\":\"\xff\"}", form, 6},
		"overlong":           {"{\"a\":\"\xc0\x80\"}", form, 6},
		"fraction":           {`{"a":"x","b":1.0}`, form, 13},
		"exponent":           {`{"a":"x","b":1e1}`, form, 13},
		"minus zero":         {`{"a":"x","b":-0}`, form, 13},
		"leading zero":       {`{"a":"x","b":01}`, form, 13},
		"beyond 2^53":        {`{"a":"x","b":9007199254740992}`, form, 13},
		"base64 slack":       {`{"a":"x","data":"QR=="}`, form, 18},
		"base64 unpadded":    {`{"a":"x","data":"QQ"}`, shape, -1},
		"base64 newline":     {`{"a":"x","data":"Q\nQ=="}`, form, 18},
		"too large for type": {`{"a":"x","b":128}`, shape, -1},
		"wrong type":         {`{"a":7}`, shape, -1},
		"deep":               {strings.Repeat(`[`, 65) + strings.Repeat(`]`, 65), limit, -1},
		"very deep":          {strings.Repeat(`[`, 1<<20), limit, -1},
		"huge":               {`"` + strings.Repeat(`a`, canonical.MaxSize) + `"`, limit, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			err := canonical.Unmarshal([]byte(tt.in), new(record))
			if !errors.Is(err, tt.want) {
				t.Fatalf("got %v, want %v", err, tt.want)
			}
			if tt.offset >= 0 && !strings.Contains(err.Error(), fmt.Sprintf("byte %d:", tt.offset)) {
				t.Fatalf("offset is not %d: %v", tt.offset, err)
			}
		})
	}
}

func TestUnmarshalErrorsRepeatNothing(t *testing.T) {
	for _, in := range []string{
		`{"a":"x","secretname":1}`, `{"a":["secretname"]}`, `{"a":"x","b":77777}`, `{"secretname":"\q"}`, `{"a":"x","data":"secretname!"}`,
	} {
		err := canonical.Unmarshal([]byte(in), new(record))
		if err == nil || strings.Contains(err.Error(), "secretname") || strings.Contains(err.Error(), "77777") {
			t.Errorf("%s: %v", in, err)
		}
	}
}

func TestUnmarshal(t *testing.T) {
	in := record{A: "\u2028<", B: -3, Data: []byte{1, 2}, Next: &record{A: "é"}, Tags: []string{"", "z"}}
	data, err := canonical.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out record
	if err := canonical.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(in, out) {
		t.Fatalf("got %+v", out)
	}
	var any1 any
	if err := canonical.Unmarshal([]byte(`{"a":[1,"x",null,true]}`), &any1); err != nil {
		t.Fatal(err)
	}
	if want := (map[string]any{"a": []any{json.Number("1"), "x", nil, true}}); !reflect.DeepEqual(any1, want) {
		t.Fatalf("got %#v", any1)
	}
	for _, target := range []any{nil, record{}, (*record)(nil), make(chan int)} {
		if err := canonical.Unmarshal(data, target); !errors.Is(err, canonical.ErrDecode) {
			t.Fatalf("into %T: %v", target, err)
		}
	}
}

func TestDeepestIsAccepted(t *testing.T) {
	data := []byte(strings.Repeat(`[`, canonical.MaxDepth) + strings.Repeat(`]`, canonical.MaxDepth))
	var v any
	if err := canonical.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
}

// FuzzUnmarshal holds that what is accepted is JSON, has exactly one form and survives a second pass.
func FuzzUnmarshal(f *testing.F) {
	for _, seed := range []string{
		`{"a":"x","b":1,"next":{"a":""}}`, `[]`, `"\u0001\n"`, `{"":{},"a":[-1,0,9007199254740991]}`, `{"😀":1,"ﬀ":2}`,
		`1.0`, `{"a":1,"a":1}`, "\"\xff\"", "\"\\\x00\"", `"\ud83d\ude00"`, ` null`, `nul`, `[1,]`, `{"a"}`, `-`, `"\`, `"\u00`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var r record
		if canonical.Unmarshal(data, &r) == nil {
			if again, err := canonical.Marshal(r); err != nil || !bytes.Equal(again, data) {
				t.Fatalf("struct: %q became %q (%v)", data, again, err)
			}
		}
		var v any
		if err := canonical.Unmarshal(data, &v); err != nil {
			if _, err := canonical.Marshal(json.RawMessage(data)); err == nil && len(data) > 0 {
				t.Fatalf("accepted raw but not decoded: %q", data)
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("not JSON: %q", data)
		}
		again, err := canonical.Marshal(v)
		if err != nil || !bytes.Equal(again, data) {
			t.Fatalf("%q became %q (%v)", data, again, err)
		}
		if reference := referenceJSON(v); reference != string(data) {
			t.Fatalf("%q, by reference %q", data, reference)
		}
	})
}
