package receipt_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
)

// drawReceipt draws a receipt, also of shapes that are never made, which must be written alike all the same.
func drawReceipt(t *rapid.T) receipt.Receipt {
	some := func(label string, most int) []byte { return rapid.SliceOfN(rapid.Byte(), 0, most).Draw(t, label) }
	r := receipt.Receipt{
		Checkpoint: rapid.OneOf(rapid.String(), rapid.Just("o\n1\n\"<&>\u2028\x00\n\n— o x\n")).Draw(t, "checkpoint"),
		Envelope:   statement.NewEnvelope(some("payload", 300), some("signature", 72)),
		Grade:      rapid.SampledFrom([]string{receipt.GradeIntegrated, receipt.GradeWitnessed, "", `"`}).Draw(t, "grade"),
		LogIndex:   receipt.Int64(rapid.Int64().Draw(t, "index")),
		InclusionProof: receipt.InclusionProof{
			LogIndex: receipt.Int64(rapid.Int64().Draw(t, "index in proof")), RootHash: some("root", 32), TreeSize: receipt.Int64(rapid.Int64().Draw(t, "size")),
		},
	}
	for range rapid.IntRange(0, 4).Draw(t, "hashes") {
		r.InclusionProof.Hashes = append(r.InclusionProof.Hashes, some("hash", 32))
	}
	switch rapid.IntRange(0, 5).Draw(t, "odd") {
	case 0:
		r.Envelope.Signatures = nil
	case 1:
		r.Envelope.Signatures = append(r.Envelope.Signatures, statement.Signature{Sig: []byte("2")})
	case 2:
		r.Envelope.PayloadType = "text/plain"
	case 3:
		b := receipt.NewBundle(r, []byte("key"), [32]byte{1})
		r.Bundle = &b
	}
	return r
}

// TestAppendEqualsCanonical: the fast writer makes the bytes that reflection makes.
func TestAppendEqualsCanonical(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := drawReceipt(t)
		want, wantErr := canonical.Marshal(&r)
		got, err := r.Append([]byte("before"))
		if (err != nil) != (wantErr != nil) || err == nil && string(got) != "before"+string(want) {
			t.Fatalf("got  %s (%v)\nwant %s (%v)", got, err, want, wantErr)
		}
	})
}

func TestReceiptInTestdata(t *testing.T) {
	var r receipt.Receipt
	data := testdata(t, "receipt.json")
	if err := canonical.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	again, err := r.Append(nil)
	if err != nil || !bytes.Equal(again, data) {
		t.Errorf("written again with other bytes (%v)", err)
	}
	if r.Checkpoint != string(testdata(t, "checkpoint")) || r.LogIndex != shown || r.Grade != receipt.GradeIntegrated {
		t.Error("the receipt is not that of the checkpoint beside it")
	}
}

func TestInt64(t *testing.T) {
	for _, text := range []string{"", "-1", "+1", "01", "1.0", "0x1", " 1", "1e3", "9223372036854775808", "1\n"} {
		var i receipt.Int64
		if err := i.UnmarshalText([]byte(text)); !errors.Is(err, receipt.ErrShape) || i != 0 {
			t.Errorf("%q is taken for %d", text, i)
		}
	}
	for _, text := range []string{"0", "9007199254740993", "9223372036854775807"} {
		var i receipt.Int64
		err := i.UnmarshalText([]byte(text))
		if out, _ := i.MarshalText(); err != nil || string(out) != text {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseBundleRefuses(t *testing.T) {
	good := string(testdata(t, "bundle.sigstore.json"))
	entries := good[strings.Index(good, `"tlogEntries":[`)+len(`"tlogEntries":[`) : strings.LastIndex(good, `]`)]
	tests := map[string]struct {
		in   string
		want error
	}{
		"nothing":         {"", canonical.ErrNotCanonical},
		"null":            {"null", canonical.ErrNotCanonical},
		"media type":      {replaced(t, good, "bundle.v0.3+json", "bundle.v0.2+json"), receipt.ErrShape},
		"no entry":        {replaced(t, good, entries, ""), receipt.ErrShape},
		"two entries":     {replaced(t, good, entries, entries+","+entries), receipt.ErrShape},
		"entry kind":      {replaced(t, good, `"kind":"hashedrekord"`, `"kind":"dsse"`), receipt.ErrShape},
		"entry version":   {replaced(t, good, `"version":"0.0.2"`, `"version":"0.0.1"`), receipt.ErrShape},
		"payload type":    {replaced(t, good, "vnd.in-toto", "vnd.other"), statement.ErrEnvelope},
		"index as number": {replaced(t, good, `"logIndex":"3"`, `"logIndex":3`), canonical.ErrDecode},
		"leading zero":    {replaced(t, good, `"logIndex":"3"`, `"logIndex":"03"`), canonical.ErrDecode},
		"integrated time": {replaced(t, good, `"kindVersion"`, `"integratedTime":"1","kindVersion"`), canonical.ErrNotCanonical},
		"promise":         {replaced(t, good, `"inclusionProof"`, `"inclusionPromise":{},"inclusionProof"`), canonical.ErrNotCanonical},
		"certificate":     {replaced(t, good, `"publicKey"`, `"certificate":{},"publicKey"`), canonical.ErrNotCanonical},
		"unknown member":  {replaced(t, good, `"mediaType"`, `"extra":1,"mediaType"`), canonical.ErrNotCanonical},
		"white space":     {good + "\n", canonical.ErrNotCanonical},
		"null timestamps": {replaced(t, good, `"tlogEntries"`, `"timestampVerificationData":null,"tlogEntries"`), canonical.ErrNotCanonical},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			if b, err := receipt.ParseBundle([]byte(c.in)); !errors.Is(err, c.want) || b.MediaType != "" {
				t.Errorf("error %v, want %v", err, c.want)
			}
		})
	}
	if _, err := receipt.ParseBundle([]byte(good)); err != nil {
		t.Error(err)
	}
}

// FuzzParseBundle: whatever parses is written again in the same bytes.
func FuzzParseBundle(f *testing.F) {
	good := testdata(f, "bundle.sigstore.json")
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"tlogEntries"`), []byte(`"timestampVerificationData":{"rfc3161Timestamps":[{"signedTimestamp":"AA=="}]},"tlogEntries"`), 1))
	f.Add(bytes.Replace(good, []byte("\\n"), []byte("\\u000a"), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := receipt.ParseBundle(data)
		if err != nil {
			return
		}
		again, err := canonical.Marshal(&b)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("written again with other bytes (%v)", err)
		}
		if len(b.VerificationMaterial.TlogEntries) != 1 || b.DSSEEnvelope.Check() != nil {
			t.Error("accepted without its parts")
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	var r receipt.Receipt
	if err := canonical.Unmarshal(testdata(b, "receipt.json"), &r); err != nil {
		b.Fatal(err)
	}
	buf := make([]byte, 0, 8<<10)
	for b.Loop() {
		if _, err := r.Append(buf[:0]); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
}
