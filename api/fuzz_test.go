package api_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/caseledger/caseledger/api"
)

// What is accepted is one JSON object in UTF-8 with exactly the members that the form has, each once.
func FuzzDecodeJSON(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"reason":"r"}`, `{"reason":"a\"b\\"}`, `{"reason":"r","reason":"s"}`, `{"x":{"y":[1,{"y":2}]}}`, `[]`, `null`, ` {} `, `{}{}`,
		`{"reason":"\ud800"}`, "{\"reason\":\"\xff\"}", `{"\u0072eason":"r"}`, `{"Reason":"r","reason":""}`, `{"list":["a","a"]}`, `{"a":"}"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v struct {
			Reason string                      `json:"reason"`
			List   []string                    `json:"list"`
			X      struct{ Y json.RawMessage } `json:"x"`
		}
		if api.DecodeJSON(data, &v) != nil {
			return
		}
		var plain map[string]any
		if !utf8.Valid(data) || json.Unmarshal(data, &plain) != nil || len(plain) > 3 {
			t.Fatalf("accepted %q", data)
		}
		d := json.NewDecoder(bytes.NewReader(data))
		names, depth := map[string]bool{}, 0
		for expect := false; ; {
			tok, err := d.Token()
			if err != nil {
				break
			}
			switch tok := tok.(type) {
			case json.Delim:
				if tok == '{' || tok == '[' {
					depth++
				} else {
					depth--
				}
				expect = depth == 1
			case string:
				if depth == 1 && expect {
					if names[tok] {
						t.Fatalf("%q has %s twice", data, tok)
					}
					names[tok], expect = true, false
					continue
				}
				expect = depth == 1
			default:
				expect = depth == 1
			}
		}
	})
}

// Strings are written so that any JSON reader reads them back.
func FuzzAppendString(f *testing.F) {
	f.Add("a\"\\\n\x00é— ")
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) {
			return
		}
		var back string
		if err := json.Unmarshal(api.AppendString(nil, s), &back); err != nil || back != s {
			t.Fatalf("%q became %q: %v", s, back, err)
		}
	})
}

// The short way to read a view's body takes only what the general way takes, and reads the same.
func FuzzReason(f *testing.F) {
	for _, seed := range []string{`{"reason":"r"}`, `{"reason":"a\"b"}`, `{"reason":"r","x":"y"}`, "{\"reason\":\"\xff\"}", "{\"reason\":\"\n\"}", `{"reason":""}`, `{"reason":"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		short, ok := api.QuickReason(data)
		if !ok {
			return
		}
		if long, err := api.SlowReason(data); err != nil || long != short {
			t.Fatalf("%q: %q and %q, %v", data, short, long, err)
		}
	})
}
