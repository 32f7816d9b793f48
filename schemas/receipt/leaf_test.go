package receipt_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// TestLeafBody holds the bytes against the template that stock verifiers rebuild.
func TestLeafBody(t *testing.T) {
	const template = `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"<b64 sha256(PAE)>"},` +
		`"signature":{"content":"<b64 DSSE sig bytes>","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"<b64 SPKI DER>"}}}}}}`
	b64 := base64.StdEncoding.EncodeToString
	rapid.Check(t, func(t *rapid.T) {
		var digest [32]byte
		copy(digest[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "digest"))
		sig := rapid.SliceOfN(rapid.Byte(), 1, 80).Draw(t, "signature")
		spki := rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "key")
		want := strings.NewReplacer("<b64 sha256(PAE)>", b64(digest[:]), "<b64 DSSE sig bytes>", b64(sig), "<b64 SPKI DER>", b64(spki)).Replace(template)
		body := receipt.LeafBody(digest, sig, spki)
		if string(body) != want {
			t.Fatalf("got  %s\nwant %s", body, want)
		}
		var any any
		if err := canonical.Unmarshal(body, &any); err != nil {
			t.Fatalf("not canonical: %v", err)
		}
		l, err := receipt.ParseLeaf(body)
		if err != nil || l.PAEDigest != digest || !bytes.Equal(l.Sig, sig) || !bytes.Equal(l.SPKI, spki) {
			t.Fatalf("parsed to other values (%v)", err)
		}
		if receipt.LeafHash(body) != tlog.RecordHash(body) {
			t.Fatal("the leaf hash is not RFC 6962's")
		}
	})
}

// TestLeafLength: base64 pads 70, 71 and 72 bytes of signature to one length.
func TestLeafLength(t *testing.T) {
	for n, want := range map[int]int{69: 485, 70: 489, 71: 489, 72: 489} {
		if got := len(receipt.LeafBody([32]byte{}, make([]byte, n), make([]byte, 91))); got != want {
			t.Errorf("signature of %d bytes: %d, want %d", n, got, want)
		}
	}
}

func TestParseLeafRefuses(t *testing.T) {
	good := string(testdata(t, "leaf.json"))
	sig := good[strings.Index(good, `"content":"`)+len(`"content":"`) : strings.Index(good, `","verifier"`)]
	tests := map[string]string{
		"nothing":          "",
		"no JSON":          good[1:],
		"null":             "null",
		"version":          replaced(t, good, `"0.0.2"`, `"0.0.1"`),
		"kind":             replaced(t, good, `hashedrekord`, `dsse`),
		"algorithm":        replaced(t, good, `SHA2_256`, `SHA2_384`),
		"key details":      replaced(t, good, `PKIX_ECDSA_P256_SHA_256`, `PKIX_ED25519`),
		"white space":      good + "\n",
		"unknown member":   replaced(t, good, `"kind"`, `"integratedTime":1,"kind"`),
		"doubled member":   replaced(t, good, `"kind"`, `"kind":"dsse","kind"`),
		"other case":       replaced(t, good, `"kind"`, `"Kind"`),
		"digest too short": replaced(t, good, `"digest":"`, `"digest":"","x":"`),
		"empty signature":  replaced(t, good, sig, ""),
		"base64 with feed": replaced(t, good, sig, sig[:4]+`\n`+sig[4:]),
		"escaped":          replaced(t, good, `hashedrekord`, `\u0068ashedrekord`),
		"too long":         replaced(t, good, sig, strings.Repeat("AAAA", 4<<10)),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			if l, err := receipt.ParseLeaf([]byte(in)); !errors.Is(err, receipt.ErrLeaf) || l.Sig != nil {
				t.Errorf("error %v", err)
			}
		})
	}
	if _, err := receipt.ParseLeaf([]byte(good)); err != nil {
		t.Error(err)
	}
}

// FuzzParseLeaf: whatever parses is made again, byte for byte, from its values.
func FuzzParseLeaf(f *testing.F) {
	good := testdata(f, "leaf.json")
	f.Add(good)
	f.Add(bytes.Replace(good, []byte("="), []byte("A"), 1))
	f.Add([]byte(`{"spec":{"hashedRekordV002":{"data":{"digest":null}}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		l, err := receipt.ParseLeaf(body)
		if err == nil && !bytes.Equal(receipt.LeafBody(l.PAEDigest, l.Sig, l.SPKI), body) {
			t.Error("made again with other bytes")
		}
	})
}
