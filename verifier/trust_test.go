package verifier_test

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

func folder(files map[string][]byte) fstest.MapFS {
	m := fstest.MapFS{}
	for name, data := range files {
		m[name] = &fstest.MapFile{Data: data}
	}
	return m
}

func TestTrustFolderRoundTrip(t *testing.T) {
	l := verifiertest.NewLog(origin)
	w := verifiertest.NewWitness("witness.example")
	trust := l.TrustWith(verifier.Policy{Quorum: 1, Witnesses: []string{w.Key()}})
	again, err := verifier.LoadTrust(folder(trust.Files()))
	if err != nil {
		t.Fatal(err)
	}
	if again.Fingerprint() != trust.Fingerprint() || again.Origin() != origin || again.Policy().Quorum != 1 {
		t.Errorf("loaded %+v", again)
	}
	bag, err := trust.BagFiles(receipt.Hint(l.SPKI))
	if err != nil {
		t.Fatal(err)
	}
	own, newest, err := verifier.LoadBagTrust(folder(bag))
	if err != nil || newest != receipt.Hint(l.SPKI) || own.Fingerprint() != trust.Fingerprint() {
		t.Errorf("bag trust: %v, newest %s", err, newest)
	}
	if f := trust.Covers(own); len(f) != 0 {
		t.Errorf("not covered: %v", f[0])
	}
	if f := trust.Covers(verifiertest.NewLog(origin).Trust()); len(f) != 2 {
		t.Errorf("foreign keys: %v", f)
	}
}

func TestLoadTrustRefuses(t *testing.T) {
	l := verifiertest.NewLog(origin)
	pem := "event-signers/" + receipt.Hint(l.SPKI) + ".pem"
	other := verifiertest.NewLog("other.example").Trust().Files()
	for name, alter := range map[string]func(map[string][]byte){
		"no policy":       func(f map[string][]byte) { delete(f, "policy.json") },
		"no root":         func(f map[string][]byte) { delete(f, "trusted_root.json") },
		"no log.vkey":     func(f map[string][]byte) { delete(f, "log.vkey") },
		"no signers":      func(f map[string][]byte) { delete(f, pem) },
		"policy not JSON": func(f map[string][]byte) { f["policy.json"] = []byte("{") },
		"policy spaced":   func(f map[string][]byte) { f["policy.json"] = append(f["policy.json"], '\n') },
		"quorum unreachable": func(f map[string][]byte) {
			f["policy.json"] = []byte(`{"quorum":1,"timestampRequired":false,"witnesses":[]}`)
		},
		"witness malformed": func(f map[string][]byte) {
			f["policy.json"] = []byte(`{"quorum":0,"timestampRequired":false,"witnesses":["a+b+c"]}`)
		},
		"witness twice": func(f map[string][]byte) {
			k := verifiertest.NewWitness("w").Key()
			f["policy.json"] = []byte(`{"quorum":2,"timestampRequired":false,"witnesses":["` + k + `","` + k + `"]}`)
		},
		"signer renamed":  func(f map[string][]byte) { f["event-signers/x.pem"] = f[pem] },
		"signer changed":  func(f map[string][]byte) { f[pem] = bytes.Replace(f[pem], []byte("PUBLIC"), []byte("PRIVATE"), 2) },
		"signer and more": func(f map[string][]byte) { f[pem] = append(f[pem], "x"...) },
		"log of others":   func(f map[string][]byte) { f["log.vkey"] = other["log.vkey"] },
		"log key type": func(f map[string][]byte) {
			f["trusted_root.json"] = bytes.Replace(f["trusted_root.json"], []byte("PKIX_ED25519"), []byte("PKIX_RSA"), 1)
		},
		"validity": func(f map[string][]byte) {
			f["trusted_root.json"] = bytes.Replace(f["trusted_root.json"], []byte("2026-01-01T"), []byte("2026-13-01T"), 1)
		},
	} {
		t.Run(name, func(t *testing.T) {
			files := maps.Clone(l.Trust().Files())
			alter(files)
			if _, err := verifier.LoadTrust(folder(files)); !errors.Is(err, verifier.ErrTrust) {
				t.Errorf("error = %v", err)
			}
		})
	}
}

func TestWitnesses(t *testing.T) {
	l, _ := sampleLog(3)
	a, b, stranger := verifiertest.NewWitness("a.example"), verifiertest.NewWitness("b.example"), verifiertest.NewWitness("c.example")
	trust := l.TrustWith(verifier.Policy{Quorum: 2, Witnesses: []string{a.Key(), b.Key()}})
	c := l.Checkpoint(3)
	const at = 1_780_000_000
	both := b.Cosign(a.Cosign(c, at), at)
	got, err := trust.Checkpoint(both.String())
	if err != nil || got.Grade != receipt.GradeWitnessed || len(got.Cosigned) != 2 || got.Cosigned[0].Unix() != at {
		t.Fatalf("cosigned by both: %+v, %v", got, err)
	}
	r := l.Receipt(1, 3)
	r.Checkpoint, r.Grade = both.String(), receipt.GradeWitnessed
	v, err := trust.Receipt(r)
	if err != nil || slices.Contains(v.NotChecked, verifier.CheckWitness) {
		t.Errorf("witnessed receipt: %v", err)
	}
	r.Grade = receipt.GradeIntegrated
	_, err = trust.Receipt(r)
	failed(t, err, verifier.CheckCheckpointGrade)
	for name, test := range map[string]struct {
		note receipt.SignedCheckpoint
		want verifier.CheckID
	}{
		"none":        {c, verifier.CheckWitness},
		"one":         {a.Cosign(c, at), verifier.CheckWitness},
		"order":       {a.Cosign(b.Cosign(c, at), at), verifier.CheckCheckpointSignature},
		"twice":       {a.Cosign(a.Cosign(c, at), at), verifier.CheckCheckpointSignature},
		"stranger":    {stranger.Cosign(both, at), verifier.CheckCheckpointSignature},
		"not the log": {a.Cosign(receipt.SignedCheckpoint{Checkpoint: c.Checkpoint}, at), verifier.CheckCheckpointSignature},
		"too early":   {b.Cosign(a.Cosign(c, 1_600_000_000), at), verifier.CheckKeyWindow},
		"other time":  {func() receipt.SignedCheckpoint { x := a.Cosign(c, at); x.Lines[1].Sig[7]++; return x }(), verifier.CheckCheckpointSignature},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := trust.Checkpoint(test.note.String())
			failed(t, err, test.want)
		})
	}
	_, err = l.TrustWith(verifier.Policy{TimestampRequired: true}).Checkpoint(c.String())
	failed(t, err, verifier.CheckTimestamp)
}

func TestFailureIsASentence(t *testing.T) {
	l, _ := sampleLog(2)
	_, err := verifiertest.NewLog(origin).Trust().Bundle(l.Bundle(1, 2), verifier.About("Event 000007", "data/events/000007.sigstore.json"))
	failed(t, err, verifier.CheckEventSigner)
	if !strings.HasPrefix(err.Error(), "Event 000007 is signed by a key that is not trusted. (event-signer)") {
		t.Errorf("error = %q", err)
	}
}

// TestCheckpointOfAnotherOrigin: a key speaks only for the log that it is named after.
func TestCheckpointOfAnotherOrigin(t *testing.T) {
	l, _ := sampleLog(3)
	head := l.Head(3)
	head.Origin = "other.example"
	_, err := l.Trust().Checkpoint(l.Sign(head).String())
	failed(t, err, verifier.CheckCheckpointSignature)
}
