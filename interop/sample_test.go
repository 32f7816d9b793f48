package interop

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A sampleLog makes the few files of a bag that the oracles read, straight from the public specifications, so that the oracles are
// themselves under test: they must accept these and refuse altered ones.
type sampleLog struct {
	origin string
	signer *ecdsa.PrivateKey
	spki   []byte
	logKey ed25519.PublicKey
	note   note.Signer
	hashes []tlog.Hash
	leaves int64
}

type sampleEvent struct {
	payload, signature, leaf []byte
	index                    int64
}

func newSampleLog(t *testing.T) *sampleLog {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(t, err)
	spki, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	check(t, err)
	origin := "log.sample.example"
	secret, public, err := note.GenerateKey(rand.Reader, origin)
	check(t, err)
	signer, err := note.NewSigner(secret)
	check(t, err)
	parts := strings.SplitN(public, "+", 3)
	raw, err := base64.StdEncoding.DecodeString(parts[2])
	check(t, err)
	return &sampleLog{origin: origin, signer: key, spki: spki, logKey: raw[1:], note: signer}
}

// add signs a statement about content and appends its leaf.
func (l *sampleLog) add(t *testing.T, content string) sampleEvent {
	t.Helper()
	digest := sha256.Sum256([]byte(content))
	payload := fmt.Appendf(nil, `{"_type":"https://in-toto.io/Statement/v1","predicate":{"digests":{"sha256":"%064x"}},`+
		`"predicateType":"https://caseledger.dev/predicates/evidence.uploaded/v1","subject":[{"digest":{"sha256":"%x"},"name":"JS/1"}]}`, 0, digest)
	const payloadType = "application/vnd.in-toto+json"
	pae := sha256.Sum256(fmt.Appendf(nil, "DSSEv1 %d %s %d %s", len(payloadType), payloadType, len(payload), payload))
	signature, err := ecdsa.SignASN1(rand.Reader, l.signer, pae[:])
	check(t, err)
	leaf := fmt.Appendf(nil, `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"%s"},`+
		`"signature":{"content":"%s","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"%s"}}}}}}`,
		b64(pae[:]), b64(signature), b64(l.spki))
	stored, err := tlog.StoredHashes(l.leaves, leaf, l)
	check(t, err)
	l.hashes = append(l.hashes, stored...)
	l.leaves++
	return sampleEvent{payload, signature, leaf, l.leaves - 1}
}

// ReadHashes makes sampleLog a tlog.HashReader.
func (l *sampleLog) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = l.hashes[at]
	}
	return out, nil
}

func (l *sampleLog) bundle(t *testing.T, e sampleEvent) map[string]any {
	t.Helper()
	root, err := tlog.TreeHash(l.leaves, l)
	check(t, err)
	path, err := tlog.ProveRecord(l.leaves, e.index, l)
	check(t, err)
	hashes := make([]string, len(path))
	for i, h := range path {
		hashes[i] = b64(h[:])
	}
	checkpoint, err := note.Sign(&note.Note{Text: fmt.Sprintf("%s\n%d\n%s\n", l.origin, l.leaves, b64(root[:]))}, l.note)
	check(t, err)
	index := strconv.FormatInt(e.index, 10)
	entry := map[string]any{
		"canonicalizedBody": b64(e.leaf),
		"kindVersion":       map[string]any{"kind": "hashedrekord", "version": "0.0.2"},
		"logId":             map[string]any{"keyId": b64(l.logID())},
		"logIndex":          index,
		"inclusionProof": map[string]any{"logIndex": index, "treeSize": strconv.FormatInt(l.leaves, 10), "rootHash": b64(root[:]),
			"hashes": hashes, "checkpoint": map[string]any{"envelope": string(checkpoint)}},
	}
	return map[string]any{
		"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json",
		"dsseEnvelope": map[string]any{"payload": b64(e.payload), "payloadType": "application/vnd.in-toto+json",
			"signatures": []any{map[string]any{"sig": b64(e.signature)}}},
		"verificationMaterial": map[string]any{"publicKey": map[string]any{"hint": l.signerID()}, "tlogEntries": []any{entry}},
	}
}

func (l *sampleLog) logID() []byte {
	id := sha256.Sum256(append([]byte(l.origin+"\n\x01"), l.logKey...))
	return id[:]
}

func (l *sampleLog) signerID() string {
	id := sha256.Sum256(l.spki)
	return hex.EncodeToString(id[:])
}

func (l *sampleLog) trustedRoot(t *testing.T) map[string]any {
	t.Helper()
	spki, err := x509.MarshalPKIXPublicKey(l.logKey)
	check(t, err)
	return map[string]any{
		"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
		"tlogs": []any{map[string]any{
			"baseUrl": "https://" + l.origin, "hashAlgorithm": "SHA2_256", "logId": map[string]any{"keyId": b64(l.logID())},
			"publicKey": map[string]any{"rawBytes": b64(spki), "keyDetails": "PKIX_ED25519", "validFor": map[string]any{"start": "2026-01-01T00:00:00Z"}},
		}},
	}
}

// sampleBag writes a bag with three events and returns its folder, with bundles[i] that the caller may alter before they are written.
func sampleBag(t *testing.T, alter func(bundles []map[string]any)) string {
	t.Helper()
	bag, log := t.TempDir(), newSampleLog(t)
	events := []sampleEvent{log.add(t, "one"), log.add(t, "two"), log.add(t, "three")}
	var bundles []map[string]any
	for _, e := range events {
		bundles = append(bundles, log.bundle(t, e))
	}
	if alter != nil {
		alter(bundles)
	}
	for i, b := range bundles {
		writeJSON(t, filepath.Join(bag, "data", "events", fmt.Sprintf("%06d.sigstore.json", i+1)), b)
	}
	trust := filepath.Join(bag, "data", "trust")
	writeJSON(t, filepath.Join(trust, "trusted_root.json"), log.trustedRoot(t))
	signer := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: log.spki})
	check(t, os.MkdirAll(filepath.Join(trust, "event-signers"), 0o755))
	check(t, os.WriteFile(filepath.Join(trust, "event-signers", log.signerID()+".pem"), signer, 0o644))
	return bag
}

func writeJSON(t *testing.T, name string, value any) {
	t.Helper()
	data, err := json.Marshal(value)
	check(t, err)
	check(t, os.MkdirAll(filepath.Dir(name), 0o755))
	check(t, os.WriteFile(name, data, 0o644))
}

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
