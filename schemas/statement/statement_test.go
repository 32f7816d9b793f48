package statement_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/statement"
)

// TestPAE holds the DSSE pre-authentication encoding by vectors written out by hand from the DSSE protocol.
func TestPAE(t *testing.T) {
	tests := map[string]string{
		"":              "DSSEv1 28 application/vnd.in-toto+json 0 ",
		"hello world":   "DSSEv1 28 application/vnd.in-toto+json 11 hello world",
		"two\nlines \n": "DSSEv1 28 application/vnd.in-toto+json 11 two\nlines \n",
		"é":             "DSSEv1 28 application/vnd.in-toto+json 2 é",
	}
	for payload, want := range tests {
		if got := string(statement.PAE([]byte(payload))); got != want {
			t.Errorf("%q: %q, want %q", payload, got, want)
		}
		if got := string(statement.AppendPAE([]byte("x"), []byte(payload))); got != "x"+want {
			t.Errorf("%q: appended %q", payload, got)
		}
	}
}

// TestVectors holds digests computed outside this program from the package comment.
func TestVectors(t *testing.T) {
	const chain = "6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d/main"
	genesis := statement.Genesis(chain)
	pae := statement.NewEnvelope([]byte("hello world"), []byte("s")).PAEDigest()
	one := statement.Link(genesis, pae)
	two := statement.Link(one, pae)
	tests := map[string]struct {
		got  [32]byte
		want string
	}{
		"PAE digest": {pae, "31cf768988d9736e397e281e7d5b750685714229a881efa8c2ce6159fb77f243"},
		"link(0)":    {genesis, "34f5872948e6488ccd193545dd4fc8ab7376f05a39bb6f7a1690a7383ba88485"},
		"link(1)":    {one, "299cf68e1e5d061399154668ec6152da54c440b3afbc5c3f98c156f381da5206"},
		"link(2)":    {two, "8cc3af11f019fe5e8bf9ab72a89886ad006a79c35d75e8633216a6dd32c1c3ea"},
	}
	for name, c := range tests {
		if got := hex.EncodeToString(c.got[:]); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

const goodEnvelope = `{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"c2ln"}]}`

func TestParseEnvelopeRefuses(t *testing.T) {
	tests := map[string]struct {
		in   string
		want error
	}{
		"nothing":            {"", canonical.ErrNotCanonical},
		"null":               {"null", statement.ErrEnvelope},
		"other type":         {strings.Replace(goodEnvelope, "vnd.in-toto", "x-marker", 1), statement.ErrEnvelope},
		"no signature":       {strings.Replace(goodEnvelope, `{"sig":"c2ln"}`, "", 1), statement.ErrEnvelope},
		"two signatures":     {strings.Replace(goodEnvelope, `{"sig":"c2ln"}`, `{"sig":"c2ln"},{"sig":"c2ln"}`, 1), statement.ErrEnvelope},
		"empty signature":    {strings.Replace(goodEnvelope, "c2ln", "", 1), statement.ErrEnvelope},
		"key id":             {strings.Replace(goodEnvelope, `{"sig"`, `{"keyid":"","sig"`, 1), canonical.ErrNotCanonical},
		"base64 with slack":  {strings.Replace(goodEnvelope, "e30=", "e31=", 1), canonical.ErrNotCanonical},
		"base64 for URLs":    {strings.Replace(goodEnvelope, "c2ln", "-_-_", 1), canonical.ErrDecode},
		"white space":        {goodEnvelope + " ", canonical.ErrNotCanonical},
		"unknown member":     {strings.Replace(goodEnvelope, `"signatures"`, `"q":1,"signatures"`, 1), canonical.ErrNotCanonical},
		"member in capitals": {strings.Replace(goodEnvelope, `"payload"`, `"Payload"`, 1), canonical.ErrNotCanonical},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			e, err := statement.ParseEnvelope([]byte(c.in))
			if !errors.Is(err, statement.ErrEnvelope) || !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "marker") {
				t.Errorf("the error repeats content: %v", err)
			}
			if e.Payload != nil || e.Signatures != nil || e.PayloadType != "" {
				t.Error("an envelope came with the error")
			}
		})
	}
}

func TestEnvelopeRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		payload := rapid.SliceOf(rapid.Byte()).Draw(t, "payload")
		sig := rapid.SliceOfN(rapid.Byte(), 1, 80).Draw(t, "signature")
		e := statement.NewEnvelope(payload, sig)
		b, err := canonical.Marshal(&e)
		if err != nil {
			t.Fatal(err)
		}
		back, err := statement.ParseEnvelope(b)
		if err != nil || !bytes.Equal(back.Payload, payload) || !bytes.Equal(back.Sig(), sig) || back.PAEDigest() != e.PAEDigest() {
			t.Fatalf("%v: %s", err, b)
		}
	})
	if (statement.Envelope{}).Sig() != nil {
		t.Error("a signature where there is none")
	}
}

// FuzzParseEnvelope: whatever parses encodes again to the same bytes.
func FuzzParseEnvelope(f *testing.F) {
	for _, s := range []string{goodEnvelope, "{}", strings.Replace(goodEnvelope, "e30=", "", 1), strings.Replace(goodEnvelope, "c2ln", "c2lu\\n", 1)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		e, err := statement.ParseEnvelope(data)
		if err != nil {
			return
		}
		again, err := canonical.Marshal(&e)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("encoded again to other bytes (%v)", err)
		}
		if e.Check() != nil || len(e.Sig()) == 0 {
			t.Error("accepted without a signature")
		}
	})
}
