package verifier_test

import (
	"bytes"
	"testing"
	"testing/fstest"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

// FuzzBundle: whatever is not the bundle, byte for byte, is refused.
func FuzzBundle(f *testing.F) {
	l := verifiertest.SeededLog(origin)
	fill(l, 5)
	good, err := canonical.Marshal(l.Bundle(3, 5))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"logIndex":"3"`), []byte(`"logIndex":"4"`), 1))
	f.Add([]byte(`{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json"}`))
	trust := l.Trust()
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := receipt.ParseBundle(data)
		if err != nil {
			return
		}
		_, _ = verifier.Unkeyed(b)
		if _, err := trust.Bundle(b); err == nil && !bytes.Equal(data, good) {
			t.Errorf("accepted another bundle: %q", data)
		}
	})
}

// FuzzCheckpoint: only the signed note verifies.
func FuzzCheckpoint(f *testing.F) {
	l := verifiertest.SeededLog(origin)
	fill(l, 5)
	w := verifiertest.NewWitness("w.example")
	good := w.Cosign(l.Checkpoint(5), 1_780_000_000).String()
	f.Add(good)
	f.Add(l.Checkpoint(4).String())
	f.Add("origin\n1\nAAAA\n\n— origin AAAA\n")
	trust := l.TrustWith(verifier.Policy{Quorum: 1, Witnesses: []string{w.Key()}})
	f.Fuzz(func(t *testing.T, note string) {
		if _, err := trust.Checkpoint(note); err == nil && note != good {
			t.Errorf("accepted %q", note)
		}
	})
}

// FuzzLoadTrust: a trust folder that loads writes the same files again.
func FuzzLoadTrust(f *testing.F) {
	l := verifiertest.SeededLog(origin)
	files := l.TrustWith(verifier.Policy{Quorum: 1, Witnesses: []string{verifiertest.NewWitness("w").Key()}}).Files()
	pem := "event-signers/" + receipt.Hint(l.SPKI) + ".pem"
	f.Add(files["policy.json"], files["trusted_root.json"], files["log.vkey"], files[pem])
	f.Fuzz(func(t *testing.T, policy, root, vkey, signer []byte) {
		folder := fstest.MapFS{
			"policy.json": {Data: policy}, "trusted_root.json": {Data: root}, "log.vkey": {Data: vkey}, pem: {Data: signer},
		}
		trust, err := verifier.LoadTrust(folder)
		if err != nil {
			return
		}
		again := trust.Files()
		if !bytes.Equal(again["policy.json"], policy) || !bytes.Equal(again["trusted_root.json"], root) || !bytes.Equal(again[pem], signer) {
			t.Errorf("a loaded folder is written differently")
		}
	})
}
