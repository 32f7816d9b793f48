package courtbundle_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

// TestEverythingWithheld: a recipient who may only count learns no URN and no exhibit, and the chains still close.
func TestEverythingWithheld(t *testing.T) {
	c := verifiertest.SampleCase(verifiertest.NewLog(origin))
	contents := c.Contents()
	for i, e := range contents.Events {
		if e.Bundle == nil {
			continue
		}
		event, err := predicate.Decode(e.Bundle.DSSEEnvelope.Payload)
		check(t, err)
		log := e.Bundle.VerificationMaterial.TlogEntries[0]
		r := c.Log.Receipt(int64(log.LogIndex), c.Log.Size())
		contents.Events[i] = courtbundle.Event{Withheld: &courtbundle.Withheld{
			Chain: event.Predicate.Chain, Sequence: event.Predicate.Sequence, Leaf: log.CanonicalizedBody,
			LogIndex: log.LogIndex, InclusionProof: r.InclusionProof,
		}}
	}
	contents.Evidence = nil
	dir := filepath.Join(t.TempDir(), "bag")
	size := c.Log.Size()
	digest, err := courtbundle.Prepare(dir, contents)
	check(t, err)
	exported, proof := c.Export(digest, size, "sensitive")
	check(t, courtbundle.Close(dir, exported, proof))
	r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
	if r.Verdict != courtbundle.Verified || r.Summary.URN != "" || r.Summary.Withheld != 7 {
		t.Errorf("%s: %+v %+v", r.Verdict, r.Summary, r.Failures())
	}
	f := load(t, dir)
	f.remove(4, 7)
	f.relist()
	if got := f.verify(t, courtbundle.Options{Trust: c.Log.Trust()}); !slices.ContainsFunc(got.Failures(), func(c courtbundle.Check) bool { return c.ID == verifier.CheckChain }) {
		t.Errorf("a withheld event removed: %+v", got.Failures())
	}
}

// TestActorSignature: the person's own signature is checked where their key is revealed, and said to be open where not.
func TestActorSignature(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	check(t, err)
	b64 := base64.StdEncoding.EncodeToString
	for name, test := range map[string]struct {
		exhibit  string
		revealed bool
		verdict  courtbundle.Verdict
		result   string
	}{
		"revealed":      {"JS/1", true, courtbundle.Verified, courtbundle.Passed},
		"other exhibit": {"JS/9", true, courtbundle.NotVerified, courtbundle.Failed},
		"not revealed":  {"JS/1", false, courtbundle.Verified, courtbundle.NotChecked},
	} {
		t.Run(name, func(t *testing.T) {
			c := verifiertest.NewCase(verifiertest.NewLog(origin), 1, "01AB1234526")
			item := c.Upload(11, "JS/1", "video/mp4", []byte("one"))
			intent, err := canonical.Marshal(predicate.Intent{Act: "evidence.viewed", Case: c.Case, Domain: predicate.IntentDomain, Exhibit: test.exhibit, Nonce: "n", Origin: origin})
			check(t, err)
			digest := sha256.Sum256(intent)
			sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
			check(t, err)
			c.Edit = func(e *predicate.Event) {
				e.Predicate.ActorProof = &predicate.ActorProof{Intent: predicate.Base64(b64(intent)), Scheme: predicate.ProofP256, Signature: predicate.Base64(b64(sig))}
			}
			fields := map[string]any{"reason": "hearing"}
			if test.revealed {
				fields["actorKey"] = b64(spki)
			}
			c.Event(&predicate.EvidenceViewedV1{Item: item}, fields, verifiertest.Subject(item))
			c.Edit = nil
			dir := filepath.Join(t.TempDir(), "bag")
			check(t, c.Write(dir))
			r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
			at := slices.IndexFunc(r.Checks, func(c courtbundle.Check) bool { return c.ID == verifier.CheckActorSignature })
			if r.Verdict != test.verdict || r.Checks[at].Result != test.result {
				t.Errorf("%s, %+v", r.Verdict, r.Checks[at])
			}
		})
	}
}

// TestContradictions are events that a ledger would never record, rightly signed and in the log all the same.
func TestContradictions(t *testing.T) {
	for name, test := range map[string]struct {
		want verifier.CheckID
		edit func(*predicate.Event)
	}{
		"other case":     {verifier.CheckRightCase, func(e *predicate.Event) { e.Predicate.Case = verifiertest.UUID(2) }},
		"case's digest":  {verifier.CheckRightCase, func(e *predicate.Event) { e.Subject[0].Name = "case" }},
		"other chain":    {verifier.CheckHeads, func(e *predicate.Event) { e.Predicate.Chain += "x" }},
		"sequence":       {verifier.CheckChain, func(e *predicate.Event) { e.Predicate.Sequence++ }},
		"previous":       {verifier.CheckChain, func(e *predicate.Event) { e.Predicate.Previous = e.Predicate.Schema }},
		"previous empty": {verifier.CheckChain, func(e *predicate.Event) { e.Predicate.Previous = "" }},
		"no subject":     {verifier.CheckSubjects, func(e *predicate.Event) { e.Subject[0].Digest.SHA256 = string(e.Predicate.Schema) }},
		"opened slot":    {verifier.CheckOpenings, func(e *predicate.Event) {}},
	} {
		t.Run(name, func(t *testing.T) {
			c := verifiertest.NewCase(verifiertest.NewLog(origin), 1, "01AB1234526")
			item := c.Upload(11, "JS/1", "video/mp4", []byte("one"))
			fields := map[string]any{"reason": "hearing"}
			if name == "opened slot" {
				fields["recordedAt"] = "2020-01-01T00:00:00.000000Z"
			}
			c.Edit = test.edit
			c.Event(&predicate.EvidenceViewedV1{Item: item}, fields, verifiertest.Subject(item))
			c.Edit = nil
			dir := filepath.Join(t.TempDir(), "bag")
			check(t, c.Write(dir))
			r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
			if !slices.ContainsFunc(r.Failures(), func(c courtbundle.Check) bool { return c.ID == test.want }) {
				t.Errorf("%s did not fail: %+v", test.want, r.Failures())
			}
		})
	}
}

func TestFolderWithLinks(t *testing.T) {
	dir, c := sample(t)
	content := filepath.Join(dir, "data", "evidence", "JS-1.mp4")
	check(t, os.Rename(content, filepath.Join(t.TempDir(), "x")))
	check(t, os.Symlink("/etc/hostname", content))
	check(t, os.Mkdir(filepath.Join(dir, "data", "more"), 0o755))
	r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
	n := 0
	for _, f := range r.Failures() {
		if f.ID == verifier.CheckBagFormat {
			n++
		}
	}
	if n != 2 {
		t.Errorf("failures = %+v", r.Failures())
	}
}
