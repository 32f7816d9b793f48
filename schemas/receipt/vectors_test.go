package receipt_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/caseledger/caseledger/schemas"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
)

var update = flag.Bool("update", false, "write testdata from the fixed keys")

const (
	origin = "log2026.caseledger.example"
	caseID = "6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d"
	chain  = caseID + "/main"
	// shown is the index of the event whose receipt is in testdata.
	shown = 3
)

// TestVectors makes testdata again from fixed keys (all signatures are deterministic: RFC 6979 and RFC 8032) and
// compares, or writes it with -update.
func TestVectors(t *testing.T) {
	for name, want := range makeVectors(t) {
		path := filepath.Join("testdata", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the fixed keys make; after a change of format run go test ./schemas/receipt -run TestVectors -update", path)
		}
	}
}

// makeVectors makes a case of five events, the tree of their leaves and the receipt of one of them.
func makeVectors(t *testing.T) map[string][]byte {
	signer, spki := eventKey(t)
	logKey := logSeedKey()
	var envelopes []statement.Envelope
	var bodies [][]byte
	previous := statement.Genesis(chain)
	for i, kind := range []string{"case.opened", "evidence.uploaded", "evidence.viewed", "evidence.viewed", "evidence.downloaded"} {
		e := statement.NewEnvelope(payload(t, kind, int64(i+1), previous), nil)
		digest := e.PAEDigest()
		sig, err := signer.Sign(nil, digest[:], crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		e.Signatures[0].Sig = sig
		envelopes, bodies = append(envelopes, e), append(bodies, receipt.LeafBody(digest, sig, spki))
		previous = statement.Link(previous, digest)
	}
	root, proof := prove(t, bodies)
	r := receipt.Receipt{
		Checkpoint: checkpoint(t, logKey, uint64(len(bodies)), root), Envelope: envelopes[shown], Grade: receipt.GradeIntegrated, LogIndex: shown,
		InclusionProof: receipt.InclusionProof{Hashes: proof, LogIndex: shown, RootHash: root[:], TreeSize: receipt.Int64(len(bodies))},
	}
	pub := logKey.Public().(ed25519.PublicKey)
	bundle := receipt.NewBundle(r, spki, receipt.LogKeyID(origin, pub))
	tlogOf, err := receipt.NewTlog(origin, pub, "2026-01-01T00:00:00Z")
	if err != nil {
		t.Fatal(err)
	}
	trusted := receipt.TrustedRoot{MediaType: receipt.TrustedRootMediaType, Tlogs: []receipt.Tlog{tlogOf}}
	return map[string][]byte{
		"receipt.json":         marshal(t, &r),
		"bundle.sigstore.json": marshal(t, &bundle),
		"checkpoint":           []byte(r.Checkpoint),
		"trusted_root.json":    marshal(t, &trusted),
		"leaf.json":            bodies[shown],
		"event-signer.pem":     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki}),
		"log.vkey":             []byte(receipt.VerifierKey(origin, pub) + "\n"),
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	b, err := canonical.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func eventKey(t *testing.T) (*ecdsa.PrivateKey, []byte) {
	t.Helper()
	seed := sha256.Sum256([]byte("caseledger test vector: event key"))
	key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), seed[:])
	if err != nil {
		t.Fatal(err)
	}
	spki, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, spki
}

func logSeedKey() ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("caseledger test vector: log key"))
	return ed25519.NewKeyFromSeed(seed[:])
}

// payload makes the statement of the n-th event of the chain, which fits its schema.
func payload(t *testing.T, kind string, n int64, previous [32]byte) []byte {
	t.Helper()
	known, _ := predicate.Lookup(kind)
	schema, ok := schemas.Digest(kind)
	if !ok {
		t.Fatalf("no schema for %s", kind)
	}
	at := predicate.At(time.Date(2026, 11, 18, 9, 30, int(n), 0, time.UTC))
	id := func(of string) predicate.UUID { return predicate.UUID(caseID[:24] + hexOf(of)[:12]) }
	item := predicate.Item{Exhibit: id("exhibit"), Ref: "JS/1", SHA256: predicate.Hex32(hexOf("content"))}
	body := map[string]predicate.Body{
		"case.opened": &predicate.CaseOpenedV1{Area: "london-north", Force: "01", Stage: "pre-trial", URN: "01AB1234526"},
		"evidence.uploaded": &predicate.EvidenceUploadedV1{Exhibit: item.Exhibit, Handling: predicate.HandlingStandard, Ref: item.Ref, Schedule: predicate.ScheduleUsed,
			Content: predicate.Content{Blob: predicate.BlobID("b" + hexOf("blob")[:32]), MediaType: "video/mp4", SHA256: item.SHA256, Size: 7}},
		"evidence.viewed":     &predicate.EvidenceViewedV1{Item: item},
		"evidence.downloaded": &predicate.EvidenceDownloadedV1{Item: item},
	}[kind]
	p := predicate.Predicate{Body: body, Slots: predicate.Slots{
		Actor: predicate.Actor{Organisation: "force-01", Pseudonym: predicate.Pseudonym("a" + hexOf("actor")[:32]), Role: "officer"},
		Case:  caseID, Chain: chain, EventID: id("event " + kind + at.String()), OccurredAt: at, Policy: "officer-of-the-case",
		Previous: predicate.Hex32(hex.EncodeToString(previous[:])), RecordedAt: at, S62Op: known.S62Op,
		Salt: predicate.Hex16(hexOf("salt" + at.String())[:32]), Schema: schema, Sequence: n,
	}}
	if err := schemas.Validate(kind, &p); err != nil {
		t.Fatal(err)
	}
	subject := statement.Subject{Name: "JS/1", Digest: statement.Digests{SHA256: string(item.SHA256)}}
	if kind == "case.opened" {
		subject = statement.Subject{Name: "case", Digest: statement.Digests{SHA256: hexOf(caseID)}}
	}
	out, err := predicate.Encode(predicate.Event{Kind: kind, Predicate: p, Subject: []statement.Subject{subject}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func hexOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// prove builds the tree with golang.org/x/mod's implementation, which shares no code with ours.
func prove(t *testing.T, bodies [][]byte) (root [32]byte, proof [][]byte) {
	t.Helper()
	var stored []tlog.Hash
	read := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		out := make([]tlog.Hash, len(indexes))
		for i, n := range indexes {
			out[i] = stored[n]
		}
		return out, nil
	})
	for i, b := range bodies {
		more, err := tlog.StoredHashes(int64(i), b, read)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	treeHash, err := tlog.TreeHash(int64(len(bodies)), read)
	if err != nil {
		t.Fatal(err)
	}
	path, err := tlog.ProveRecord(int64(len(bodies)), shown, read)
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range path {
		proof = append(proof, h[:])
	}
	return treeHash, proof
}

// checkpoint signs with golang.org/x/mod's note package.
func checkpoint(t *testing.T, key ed25519.PrivateKey, size uint64, root [32]byte) string {
	t.Helper()
	id := receipt.LogKeyID(origin, key.Public().(ed25519.PublicKey))
	skey := "PRIVATE+KEY+" + origin + "+" + hex.EncodeToString(id[:4]) + "+" + base64.StdEncoding.EncodeToString(append([]byte{1}, key.Seed()...))
	signer, err := note.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	text := receipt.Checkpoint{Origin: origin, Size: size, Root: root}.Text()
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

func testdata(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// replaced changes one place and makes sure that there was one.
func replaced(t testing.TB, in, from, to string) string {
	t.Helper()
	out := strings.Replace(in, from, to, 1)
	if out == in {
		t.Fatalf("nothing to change: %s", from)
	}
	return out
}
