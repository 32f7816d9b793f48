package api_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// The same key and request gives the same receipt and makes nothing twice; another request with the key is refused.
func TestIdempotency(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	key := []string{"Idempotency-Key", "k-1"}
	again := func(path string, body any, headers ...string) answer {
		t.Helper()
		headers = append(headers, key...)
		first := w.made(ann, path, body, headers...)
		before := w.events()
		second := w.made(ann, path, body, headers...)
		if second.header.Get("Idempotent-Replay") != "true" || first.header.Get("Idempotent-Replay") != "" || w.events() != before {
			t.Errorf("%s: the repeat is not a repeat: %v", path, second.header)
		}
		for _, name := range []string{"logIndex", "case", "exhibit", "id", "view", "content", "event", "sha256", "proposal"} {
			if first.text(name) != second.text(name) {
				t.Errorf("%s: %s was %q and is %q", path, name, first.text(name), second.text(name))
			}
		}
		return first
	}
	again("/api/v1/cases", `{"urn":"01AB1234526"}`)
	w.refused(w.post(ann, "/api/v1/cases", `{"urn":"01AB1234527"}`, key...), 422, "idempotency_key_reused")
	key[1] = "k-1b"
	again(c+"/persons", `{"roles":["witness"],"name":"Jo"}`)
	w.refused(w.post(ann, c+"/persons", `{"roles":["witness"],"name":"Joe"}`, key...), 422, "idempotency_key_reused")
	w.refused(w.post(ann, c+"/defendants", `{"name":"Joe"}`, key...), 422, "idempotency_key_reused")
	key[1] = "k-2"
	again(c+"/exhibits?ref=JS/1", "content", "Caseledger-Title", "t")
	w.refused(w.post(ann, c+"/exhibits?ref=JS/1", "other", append(key, "Caseledger-Title", "t")...), 422, "idempotency_key_reused")
	w.refused(w.post(ann, c+"/exhibits?ref=JS/1", "content", append(key, "Caseledger-Title", "u")...), 422, "idempotency_key_reused")
	key[1] = "k-3"
	at := again(c+"/exhibits/JS%2F1/views", `{"reason":"r"}`).text("content")
	if a := w.get(ann, at); string(a.body) != "content" {
		t.Errorf("after the repeats: %s", a)
	}
	w.refused(w.post(ann, c+"/exhibits/JS%2F1/downloads", `{"reason":"r"}`, key...), 422, "idempotency_key_reused")
	if a := w.made(bob, c+"/exhibits/JS%2F1/views", `{"reason":"other"}`, key...); a.header.Get("Idempotent-Replay") != "" {
		t.Error("a key of one person is taken for another's")
	}
	key[1] = "k-4"
	again(c+"/exhibits/JS%2F1/redactions?ref=JS/1A&tool=x&toolVersion=1", "cont")
	key[1] = "k-5"
	again(c+"/grants", `{"organisation":"cps-wessex","permissions":["view"]}`)
	key[1] = "k-6"
	again(c+"/closure", `{"reason":"concluded"}`)
	ledgertest.CheckLedger(t, w.node)
}

// signedBy makes an actorProof of an intent.
func signedBy(t *testing.T, key *ecdsa.PrivateKey, intent predicate.Intent) map[string]string {
	t.Helper()
	text, err := canonical.Marshal(&intent)
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(text)
	sig, err := ecdsa.SignASN1(rand.Reader, key, digest[:])
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	b64 := base64.StdEncoding.EncodeToString
	return map[string]string{"intent": b64(text), "key": b64(spki), "scheme": "ecdsa-p256-sha256", "signature": b64(sig)}
}

func TestActorSignature(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	id := predicate.UUID(w.openCase(ann, "01AB1234526"))
	w.upload(ann, "01AB1234526", "JS/1", "x")
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := predicate.Intent{
		Act: "evidence.viewed", Case: id, Domain: predicate.IntentDomain, Exhibit: "JS/1", Nonce: strings.Repeat("0a", 16), Origin: ledgertest.Origin, Time: predicate.At(time.Now()),
	}
	before := w.events()
	for name, change := range map[string]func(*predicate.Intent){
		"act":     func(i *predicate.Intent) { i.Act = "evidence.downloaded" },
		"case":    func(i *predicate.Intent) { i.Case = "00000000-0000-4000-8000-000000000000" },
		"domain":  func(i *predicate.Intent) { i.Domain = "other" },
		"exhibit": func(i *predicate.Intent) { i.Exhibit = "JS/2" },
		"log":     func(i *predicate.Intent) { i.Origin = "other.test" },
	} {
		bad := good
		change(&bad)
		a := w.post(ann, c+"/exhibits/JS%2F1/views", map[string]any{"actorProof": signedBy(t, key, bad)})
		if a.code() != "actor_signature_invalid" || a.status != 422 {
			t.Errorf("another %s: %s", name, a)
		}
	}
	proof := signedBy(t, key, good)
	other, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	wrongKey := signedBy(t, other, good)
	wrongKey["signature"] = proof["signature"]
	w.refused(w.post(ann, c+"/exhibits/JS%2F1/views", map[string]any{"actorProof": wrongKey}), 422, "actor_signature_invalid")
	if w.events() != before {
		t.Error("an act with a wrong signature was recorded")
	}
	e := w.verify(w.made(ann, c+"/exhibits/JS%2F1/views", map[string]any{"actorProof": proof}))
	if p := e.Predicate.ActorProof; p == nil || strings.Contains(string(p.Intent)+string(p.Signature), proof["key"]) {
		t.Errorf("proof in the event: %+v", p)
	}
	upload := good
	upload.Act, upload.Exhibit = "evidence.uploaded", "JS/2"
	text, err := canonical.Marshal(signedBy(t, key, upload))
	if err != nil {
		t.Fatal(err)
	}
	w.made(ann, c+"/exhibits?ref=JS/2", "y", "Caseledger-Actor-Proof", base64.StdEncoding.EncodeToString(text))
	w.refused(w.post(ann, c+"/exhibits?ref=JS/3", "y", "Caseledger-Actor-Proof", base64.StdEncoding.EncodeToString(text)), 422, "actor_signature_invalid")
}
