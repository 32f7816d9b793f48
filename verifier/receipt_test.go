package verifier_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

const origin = "log.test.example"

// sampleLog holds n events of one case.
func sampleLog(n int) (*verifiertest.Log, *verifiertest.Chains) {
	l := verifiertest.NewLog(origin)
	return l, fill(l, n)
}

func fill(l *verifiertest.Log, n int) *verifiertest.Chains {
	c := verifiertest.NewChains(l, verifiertest.UUID(1))
	for range n {
		c.Add(c.Chain("main"), &predicate.CaseClosedV1{Reason: "concluded"}, nil, nil)
	}
	return c
}

func failed(t *testing.T, err error, want verifier.CheckID) {
	t.Helper()
	var f *verifier.Failure
	if !errors.As(err, &f) {
		t.Fatalf("error = %v, want a failure of %s", err, want)
	}
	if f.Check != want {
		t.Errorf("failed check = %s (%s), want %s", f.Check, f.Sentence, want)
	}
	if !strings.HasSuffix(f.Sentence, ".") || strings.Contains(f.Sentence, "%") {
		t.Errorf("not a sentence: %q", f.Sentence)
	}
	if !slices.Contains(verifier.Checks(), f.Check) {
		t.Errorf("%s is not in the closed list", f.Check)
	}
}

func flip(b []byte) []byte {
	out := slices.Clone(b)
	out[len(out)/2] ^= 1
	return out
}

func TestReceiptRefuses(t *testing.T) {
	other := verifiertest.NewLog(origin)
	cases := map[string]struct {
		want  verifier.CheckID
		alter func(*receipt.Receipt)
	}{
		"payload":      {verifier.CheckEventSignature, func(r *receipt.Receipt) { r.Envelope.Payload = flip(r.Envelope.Payload) }},
		"signature":    {verifier.CheckEventSignature, func(r *receipt.Receipt) { r.Envelope.Signatures = []statement.Signature{{Sig: flip(r.Envelope.Sig())}} }},
		"no signature": {verifier.CheckReceiptShape, func(r *receipt.Receipt) { r.Envelope.Signatures = nil }},
		"two": {verifier.CheckReceiptShape, func(r *receipt.Receipt) {
			r.Envelope.Signatures = append(r.Envelope.Signatures, r.Envelope.Signatures...)
		}},
		"type":          {verifier.CheckReceiptShape, func(r *receipt.Receipt) { r.Envelope.PayloadType = "text/plain" }},
		"proof hash":    {verifier.CheckInclusionProof, func(r *receipt.Receipt) { r.InclusionProof.Hashes[1] = flip(r.InclusionProof.Hashes[1]) }},
		"proof shorter": {verifier.CheckInclusionProof, func(r *receipt.Receipt) { r.InclusionProof.Hashes = r.InclusionProof.Hashes[1:] }},
		"hash length":   {verifier.CheckInclusionProof, func(r *receipt.Receipt) { r.InclusionProof.Hashes[0] = r.InclusionProof.Hashes[0][:31] }},
		"root":          {verifier.CheckInclusionProof, func(r *receipt.Receipt) { r.InclusionProof.RootHash = flip(r.InclusionProof.RootHash) }},
		"size":          {verifier.CheckInclusionProof, func(r *receipt.Receipt) { r.InclusionProof.TreeSize++ }},
		"index":         {verifier.CheckLogIndex, func(r *receipt.Receipt) { r.LogIndex++ }},
		"both indexes":  {verifier.CheckInclusionProof, func(r *receipt.Receipt) { r.LogIndex++; r.InclusionProof.LogIndex++ }},
		"beyond":        {verifier.CheckLogIndex, func(r *receipt.Receipt) { r.LogIndex, r.InclusionProof.LogIndex = 70, 70 }},
		"grade":         {verifier.CheckCheckpointGrade, func(r *receipt.Receipt) { r.Grade = receipt.GradeWitnessed }},
		"checkpoint":    {verifier.CheckCheckpointSignature, func(r *receipt.Receipt) { r.Checkpoint = strings.Replace(r.Checkpoint, "\n7\n", "\n8\n", 1) }},
		"other log": {verifier.CheckCheckpointSignature, func(r *receipt.Receipt) {
			c, _ := receipt.ParseCheckpoint(r.Checkpoint)
			r.Checkpoint = other.Sign(c.Checkpoint).String()
		}},
		"unsigned": {verifier.CheckCheckpointSignature, func(r *receipt.Receipt) { r.Checkpoint, _, _ = strings.Cut(r.Checkpoint, "—") }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l, _ := sampleLog(7)
			r := l.Receipt(3, 7)
			c.alter(&r)
			_, err := l.Trust().Receipt(r)
			failed(t, err, c.want)
			_, err = l.Trust().Receipt(r, verifier.WithCheckpoints(l.Trust().NewCheckpointVerifier(2)))
			failed(t, err, c.want)
			if name != "signature" && name != "payload" {
				_, err = l.Trust().Receipt(r, verifier.SkipSignature())
				failed(t, err, c.want)
			}
		})
	}
}

func TestReceipt(t *testing.T) {
	for _, n := range []int64{1, 2, 3, 7, 8, 33} {
		l, _ := sampleLog(int(n))
		trust := l.Trust()
		keep := trust.NewCheckpointVerifier(3)
		for i := range n {
			r := l.Receipt(i, n)
			v, err := trust.Receipt(r, verifier.WithCheckpoints(keep))
			if err != nil {
				t.Fatalf("leaf %d of %d: %v", i, n, err)
			}
			if v.Event.Kind != "case.closed" || v.Index != i || v.Signer != receipt.Hint(l.SPKI) || v.Checkpoint.Size != uint64(n) {
				t.Errorf("verified = %+v", v)
			}
			if !slices.Contains(v.NotChecked, verifier.CheckWitness) || !slices.Contains(v.NotChecked, verifier.CheckTimestamp) {
				t.Errorf("not checked = %v", v.NotChecked)
			}
			b := l.Bundle(i, n)
			r.Bundle = &b
			if _, err := trust.Receipt(r); err != nil {
				t.Errorf("with its bundle: %v", err)
			}
			b.VerificationMaterial.PublicKey.Hint = "x"
			_, err = trust.Receipt(r)
			failed(t, err, verifier.CheckReceiptShape)
		}
	}
}

func TestSkipSignatureSkipsOnlyThat(t *testing.T) {
	l, _ := sampleLog(5)
	v, err := l.Trust().Receipt(l.Receipt(2, 5), verifier.SkipSignature())
	if err != nil || v.Event.Kind != "" || v.PAEDigest != l.PAEDigest(2) {
		t.Errorf("verified = %+v, %v", v, err)
	}
}

func TestReceiptOfUnknownStatement(t *testing.T) {
	l, _ := sampleLog(1)
	l.AppendPayload([]byte(`{"predicateType":"https://example.org/x"}`))
	payload := l.Receipt(0, 1).Envelope.Payload
	l.AppendPayload(append([]byte(" "), payload...))
	_, err := l.Trust().Receipt(l.Receipt(1, 3))
	failed(t, err, verifier.CheckStatement)
	_, err = l.Trust().Receipt(l.Receipt(2, 3))
	failed(t, err, verifier.CheckCanonicalForm)
}

func BenchmarkReceipt(b *testing.B) {
	const n = 4096
	l, _ := sampleLog(n)
	trust := l.Trust()
	keep := verifier.WithCheckpoints(trust.NewCheckpointVerifier(4))
	receipts := make([]receipt.Receipt, 64)
	for i := range receipts {
		receipts[i] = l.Receipt(int64(i*61), n)
	}
	bench := func(name string, opts ...verifier.Option) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := trust.Receipt(receipts[i%len(receipts)], opts...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	bench("full")
	bench("checkpoint-kept", keep)
	bench("signed-here", keep, verifier.SkipSignature())
}
