package verifier_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"testing"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

func TestActor(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	good := predicate.Intent{Act: "evidence.viewed", Case: verifiertest.UUID(1), Domain: predicate.IntentDomain, Exhibit: "JS/1", Nonce: "n", Origin: origin}
	sign := func(i predicate.Intent, raw bool) predicate.Event {
		text, err := canonical.Marshal(i)
		if err != nil {
			t.Fatal(err)
		}
		digest := sha256.Sum256(text)
		sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
		if raw {
			r, s, e := ecdsa.Sign(rand.Reader, key, digest[:])
			sig, err = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...), e
		}
		if err != nil {
			t.Fatal(err)
		}
		var e predicate.Event
		e.Kind, e.Predicate.Case = "evidence.viewed", verifiertest.UUID(1)
		e.Predicate.ActorProof = &predicate.ActorProof{Intent: predicate.Base64(b64(text)), Scheme: predicate.ProofP256, Signature: predicate.Base64(b64(sig))}
		return e
	}
	exhibits := []string{"JS/1", string(verifiertest.UUID(11))}
	for _, raw := range []bool{true, false} {
		if err := verifier.Actor(sign(good, raw), b64(spki), origin, exhibits); err != nil {
			t.Errorf("raw %v: %v", raw, err)
		}
	}
	for name, alter := range map[string]func(*predicate.Intent){
		"domain":  func(i *predicate.Intent) { i.Domain = "other" },
		"act":     func(i *predicate.Intent) { i.Act = "evidence.downloaded" },
		"case":    func(i *predicate.Intent) { i.Case = verifiertest.UUID(2) },
		"no case": func(i *predicate.Intent) { i.Case = "" },
		"log":     func(i *predicate.Intent) { i.Origin = "other.example" },
		"exhibit": func(i *predicate.Intent) { i.Exhibit = "JS/2" },
	} {
		t.Run(name, func(t *testing.T) {
			bad := good
			alter(&bad)
			failed(t, verifier.Actor(sign(bad, false), b64(spki), origin, exhibits), verifier.CheckActorSignature)
		})
	}
	changed := sign(good, false)
	changed.Predicate.ActorProof.Signature = predicate.Base64(b64(make([]byte, 64)))
	failed(t, verifier.Actor(changed, b64(spki), origin, exhibits), verifier.CheckActorSignature)
	failed(t, verifier.Actor(sign(good, false), "!", origin, exhibits), verifier.CheckActorSignature)
	failed(t, verifier.Actor(predicate.Event{}, b64(spki), origin, exhibits), verifier.CheckActorSignature)
}
