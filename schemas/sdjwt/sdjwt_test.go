package sdjwt_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/sdjwt"
	"pgregory.net/rapid"
)

const salt = "_26bc4LT-ac6q2KI6cBW5es"

func encode(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// TestRFC9901 holds the examples of RFC 9901 sections 4.2.1, 4.2.3 and 5.1. They have spaces after the commas.
func TestRFC9901(t *testing.T) {
	for disclosure, digest := range map[string]string{
		"WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsICJmYW1pbHlfbmFtZSIsICJNw7ZiaXVzIl0": "X9yH0Ajrdm1Oij4tWso9UzzKJvPoDxwmuEcO3XAdRC0",
		"WyIyR0xDNDJzS1F2ZUNmR2ZyeU5STjl3IiwgImdpdmVuX25hbWUiLCAiSm9obiJd":        "jsu9yVulwQQlhFlM_3JlzMaSFzglhQG0DpfayQwLUK4",
	} {
		if got := sdjwt.Digest(disclosure); got != digest {
			t.Errorf("digest of %s: %s", disclosure, got)
		}
		if _, err := sdjwt.Parse(disclosure); !errors.Is(err, sdjwt.ErrMalformed) {
			t.Errorf("%s is not canonical: %v", disclosure, err)
		}
	}
	// Section 4.2.1 names this as another valid encoding of the first; it is the canonical one.
	const compact = "WyJfMjZiYzRMVC1hYzZxMktJNmNCVzVlcyIsImZhbWlseV9uYW1lIiwiTcO2Yml1cyJd"
	d := sdjwt.Disclosure{Salt: salt, Name: "family_name", Value: "Möbius"}
	if got, err := d.Encode(); err != nil || got != compact {
		t.Errorf("got %s, %v", got, err)
	}
	if got, err := sdjwt.Parse(compact); err != nil || got != d {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseRefuses(t *testing.T) {
	good := `["` + salt + `","a","x"]`
	if _, err := sdjwt.Parse(encode(good)); err != nil {
		t.Fatal(err)
	}
	raw := func(tail string) string { return encode(`["` + salt + `",` + tail) }
	slack := []byte(encode(`["` + salt + `","ab","xy"]`))
	if len(slack)%4 == 0 {
		t.Fatal("the example must have slack bits")
	}
	slack[len(slack)-1]++
	tests := map[string]string{
		"empty":              "",
		"padding":            base64.URLEncoding.EncodeToString([]byte(`["` + salt + `","ab","xy"]`)),
		"standard base64":    base64.RawStdEncoding.EncodeToString([]byte(`["` + salt + `","a","?>?>~~"]`)),
		"line break":         encode(good)[:8] + "\n" + encode(good)[8:],
		"slack bits":         string(slack),
		"impossible length":  encode(good)[:5],
		"not JSON":           encode("hello"),
		"space":              raw(`"a", "x"]`),
		"escape":             raw(`"a","\u00e9"]`),
		"invalid UTF-8":      raw("\"a\",\"\xff\"]"),
		"trailing":           raw(`"a","x"]]`),
		"null":               encode(`null`),
		"object":             encode(`{"a":1}`),
		"two elements":       raw(`"a"]`),
		"value missing":      raw(`"a",]`),
		"value false-like":   raw(`"a",falsehood]`),
		"value 01":           raw(`"a",01]`),
		"four elements":      raw(`"a","x","y"]`),
		"salt a number":      encode(`[1,"a","x"]`),
		"salt short":         encode(`["` + strings.Repeat("A", 20) + `","a","x"]`),
		"salt long":          encode(`["` + strings.Repeat("A", 88) + `","a","x"]`),
		"salt not base64url": encode(`["` + strings.Repeat("+", 22) + `","a","x"]`),
		"salt with slack":    encode(`["` + strings.Repeat("A", 21) + `B","a","x"]`),
		"name a number":      raw(`1,"x"]`),
		"name empty":         raw(`"","x"]`),
		"name long":          raw(`"` + strings.Repeat("n", 65) + `","x"]`),
		"name with space":    raw(`"a b","x"]`),
		"name not ASCII":     raw(`"é","x"]`),
		"name _sd":           raw(`"_sd","x"]`),
		"name ...":           raw(`"...","x"]`),
		"value null":         raw(`"a",null]`),
		"value object":       raw(`"a",{}]`),
		"value fraction":     raw(`"a",1.5]`),
		"value too large":    raw(`"a",9007199254740992]`),
		"value mixed list":   raw(`"a",["x",1]]`),
		"value null in list": raw(`"a",[null]]`),
		"value nested list":  raw(`"a",[["x"]]]`),
		"value long":         raw(`"a","` + strings.Repeat("v", sdjwt.MaxValue-1) + `"]`),
		"very long":          encode(strings.Repeat("v", 1<<20)),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			if d, err := sdjwt.Parse(in); !errors.Is(err, sdjwt.ErrMalformed) {
				t.Fatalf("got %+v, %v", d, err)
			}
		})
	}
	if _, err := sdjwt.Parse(raw(`"a","` + strings.Repeat("v", sdjwt.MaxValue-2) + `"]`)); err != nil {
		t.Fatalf("longest value: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for name, value := range map[string]any{
		"": "x", "_sd": "x", "...": "x", "a b": "x", "int": 1, "nil": nil, "float": 1.5, "any": []any{"x"}, "map": map[string]any{},
	} {
		if _, err := sdjwt.New(rand.Reader, name, value); !errors.Is(err, sdjwt.ErrMalformed) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := sdjwt.New(bytes.NewReader(make([]byte, 15)), "a", "x"); err == nil {
		t.Error("a short random source was accepted")
	}
	for _, d := range []sdjwt.Disclosure{
		{Name: "a", Value: "x"}, {Salt: `"` + salt, Name: "a", Value: "x"}, {Salt: salt, Name: `"`, Value: "x"},
		{Salt: salt, Name: "a", Value: "\xff"}, {Salt: salt, Name: "a", Value: int64(1) << 53}, {Salt: salt, Name: "a"},
		{Salt: salt, Name: "a", Value: strings.Repeat("v", sdjwt.MaxValue)}, {Salt: salt + "\n", Name: "a", Value: "x"},
	} {
		if got, err := d.Encode(); !errors.Is(err, sdjwt.ErrMalformed) || got != "" {
			t.Errorf("%+v: %q, %v", d.Name, got, err)
		}
	}
}

func disclosure() *rapid.Generator[sdjwt.Disclosure] {
	return rapid.Custom(func(t *rapid.T) sdjwt.Disclosure {
		value := rapid.OneOf(rapid.String().AsAny(), rapid.Int64Range(-1<<53+1, 1<<53-1).AsAny(), rapid.Bool().AsAny(),
			rapid.SliceOfN(rapid.String(), 0, 4).AsAny()).Draw(t, "value")
		name := rapid.StringMatching(`[a-zA-Z0-9-][a-zA-Z0-9_.-]{0,63}`).Draw(t, "name")
		d, err := sdjwt.New(rand.Reader, name, value)
		if err != nil {
			t.Fatal(err)
		}
		return d
	})
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := disclosure().Draw(t, "d")
		encoded, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		back, err := sdjwt.Parse(encoded)
		if err != nil || !reflect.DeepEqual(back, d) {
			t.Fatalf("got %+v, %v, want %+v", back, err, d)
		}
	})
}

func TestSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfNDistinct(disclosure(), 1, 8, func(d sdjwt.Disclosure) string { return d.Name }).Draw(t, "all")
		encoded := make([]string, len(all))
		for i, d := range all {
			var err error
			if encoded[i], err = d.Encode(); err != nil {
				t.Fatal(err)
			}
		}
		sd := sdjwt.Sort(encoded)
		if !slices.IsSorted(sd) {
			t.Fatal("_sd is not sorted")
		}
		withheld := rapid.IntRange(0, len(all)-1).Draw(t, "withheld")
		shown := slices.Delete(slices.Clone(encoded), withheld, withheld+1)
		o, err := sdjwt.ParseSet(shown)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Against(sd); err != nil || len(o.Digests()) != len(all)-1 {
			t.Fatalf("%v, %d digests", err, len(o.Digests()))
		}
		full, err := sdjwt.ParseSet(encoded)
		if err != nil || !slices.Equal(full.Digests(), sd) {
			t.Fatal(err)
		}
		if err := full.Against(slices.Delete(slices.Clone(sd), withheld, withheld+1)); !errors.Is(err, sdjwt.ErrMismatch) {
			t.Fatalf("an opening of nothing was accepted: %v", err)
		}
		for _, d := range all {
			if got, ok := full.Get(d.Name); !ok || !reflect.DeepEqual(got, d) {
				t.Fatalf("%s: %+v", d.Name, got)
			}
		}
	})
}

func TestParseSetRefuses(t *testing.T) {
	make1 := func(salt, name string) string {
		e, err := sdjwt.Disclosure{Salt: salt, Name: name, Value: "x"}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		return e
	}
	pair := []string{make1(salt, "a"), make1(salt, "b")}
	sdjwt.Sort(pair)
	sameName := []string{make1(salt, "a"), make1(strings.Repeat("A", 22), "a")}
	sdjwt.Sort(sameName)
	for name, tt := range map[string]struct {
		in   []string
		want error
	}{
		"order":     {[]string{pair[1], pair[0]}, sdjwt.ErrMismatch},
		"twice":     {[]string{pair[0], pair[0]}, sdjwt.ErrMismatch},
		"same name": {sameName, sdjwt.ErrMismatch},
		"malformed": {[]string{pair[0], "!"}, sdjwt.ErrMalformed},
		"too many":  {make([]string, sdjwt.MaxSet+1), sdjwt.ErrMalformed},
	} {
		if _, err := sdjwt.ParseSet(tt.in); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if o, err := sdjwt.ParseSet(nil); err != nil || o.Against(nil) != nil {
		t.Errorf("no openings: %v", err)
	}
}

// FuzzParse holds that an accepted text is the only one for what it says. It fuzzes the JSON as well as the base64url.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`["` + salt + `","a","x"]`, `["` + salt + `","a",-1]`, `["` + salt + `","a",["x",""]]`, `["` + salt + `","a",true]`,
		`["` + salt + `", "a", "x"]`, `["` + salt + `","...",1]`, `[]`, `null`, "",
	} {
		f.Add(seed)
		f.Add(encode(seed))
	}
	f.Fuzz(func(t *testing.T, s string) {
		for _, in := range []string{s, encode(s)} {
			d, err := sdjwt.Parse(in)
			if err != nil {
				continue
			}
			again, err := d.Encode()
			if err != nil || again != in {
				t.Fatalf("%q became %q (%v)", in, again, err)
			}
		}
	})
}

// FuzzStrictBase64 compares the check of slack bits with encoding/base64's own strict mode.
func FuzzStrictBase64(f *testing.F) {
	for _, seed := range []string{"AAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "AAAAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAAE", salt} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(s)
		want := err == nil && !strings.ContainsAny(s, "\r\n") && len(raw) >= sdjwt.SaltSize && len(raw) <= sdjwt.MaxSalt
		if _, err := (sdjwt.Disclosure{Salt: s, Name: "a", Value: true}).Encode(); (err == nil) != want {
			t.Fatalf("%q: %v", s, err)
		}
	})
}

func BenchmarkNewEncodeDigest(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		d, err := sdjwt.New(rand.Reader, "reason", "Reviewing the footage before the charging decision")
		if err != nil {
			b.Fatal(err)
		}
		e, err := d.Encode()
		if err != nil {
			b.Fatal(err)
		}
		_ = sdjwt.Digest(e)
	}
}

func BenchmarkParse(b *testing.B) {
	e, err := sdjwt.Disclosure{Salt: salt, Name: "reason", Value: "Reviewing the footage before the charging decision"}.Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := sdjwt.Parse(e); err != nil {
			b.Fatal(err)
		}
	}
}
