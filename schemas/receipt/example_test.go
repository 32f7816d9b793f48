package receipt_test

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"log"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
)

func must[T any](v T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return v
}

// A bundle verified step by step. The verifier of this project checks more, such as key windows and witnesses.
func Example() {
	read := func(name string) []byte { return must(os.ReadFile("testdata/" + name)) }

	// What the court trusts beforehand: the log's key and the event signer's key.
	trusted := must(receipt.ParseTrustedRoot(read("trusted_root.json")))
	origin, logKey, err := trusted.Tlogs[0].Key()
	if err != nil {
		log.Fatal(err)
	}
	block, _ := pem.Decode(read("event-signer.pem"))
	signer := must(x509.ParsePKIXPublicKey(block.Bytes)).(*ecdsa.PublicKey)

	// The event was signed by the signer.
	bundle := must(receipt.ParseBundle(read("bundle.sigstore.json")))
	envelope := bundle.DSSEEnvelope
	digest := sha256.Sum256(statement.PAE(envelope.Payload))
	fmt.Println("signature:", ecdsa.VerifyASN1(signer, digest[:], envelope.Sig()))

	// The log signed a checkpoint.
	entry := bundle.VerificationMaterial.TlogEntries[0]
	signed := entry.InclusionProof.Checkpoint.Envelope
	verifier := must(note.NewVerifier(receipt.VerifierKey(origin, logKey)))
	_, err = note.Open([]byte(signed), note.VerifierList(verifier))
	checkpoint := must(receipt.ParseCheckpoint(signed))
	fmt.Println("checkpoint:", err == nil, checkpoint.Origin, checkpoint.Size)

	// The leaf that envelope and key make is in the tree below it.
	leaf := receipt.LeafBody(digest, envelope.Sig(), block.Bytes)
	var proof tlog.RecordProof
	for _, h := range entry.InclusionProof.Hashes {
		proof = append(proof, tlog.Hash(h))
	}
	err = tlog.CheckRecord(proof, int64(checkpoint.Size), checkpoint.Root, int64(entry.LogIndex), receipt.LeafHash(leaf))
	fmt.Println("included:", err == nil, "at", entry.LogIndex)

	event := must(predicate.Decode(envelope.Payload))
	fmt.Println(event.Kind, "of", event.Subject[0].Name, "at", event.Predicate.RecordedAt)
	// Output:
	// signature: true
	// checkpoint: true log2026.caseledger.example 5
	// included: true at 3
	// evidence.viewed of JS/1 at 2026-11-18T09:30:04.000000Z
}
