// Package verifiertest makes real logs in memory, with real keys, for tests of what verifies them. It panics on what
// cannot happen in a test, and no program imports it.
package verifiertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"strconv"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
	"github.com/caseledger/caseledger/verifier"
	"golang.org/x/mod/sumdb/tlog"
)

// Log is a transparency log with one event signer.
type Log struct {
	Origin string
	signer *ecdsa.PrivateKey
	// SPKI is the event signer's SubjectPublicKeyInfo.
	SPKI      []byte
	key       ed25519.PrivateKey
	hashes    []tlog.Hash
	envelopes []statement.Envelope
	random    io.Reader // nil signs deterministically (RFC 6979)
	salts     io.Reader
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// NewLog makes keys and an empty log.
func NewLog(origin string) *Log {
	return newLog(origin, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader)), must(seed(rand.Reader)), rand.Reader, rand.Reader)
}

// SeededLog is a log whose every byte follows from its name: for fuzzing, where several processes must see the same bytes.
func SeededLog(origin string) *Log {
	stream := mathrand.NewChaCha8(sha256.Sum256([]byte(origin)))
	key := must(ecdsa.ParseRawPrivateKey(elliptic.P256(), must(seed(stream))))
	return newLog(origin, key, must(seed(stream)), nil, stream)
}

func seed(r io.Reader) ([]byte, error) {
	out := make([]byte, 32)
	_, err := io.ReadFull(r, out)
	return out, err
}

func newLog(origin string, signer *ecdsa.PrivateKey, logSeed []byte, random, salts io.Reader) *Log {
	l := &Log{Origin: origin, signer: signer, key: ed25519.NewKeyFromSeed(logSeed), random: random, salts: salts}
	l.SPKI = must(x509.MarshalPKIXPublicKey(&l.signer.PublicKey))
	return l
}

// Size is the number of leaves.
func (l *Log) Size() int64 { return int64(len(l.envelopes)) }

// Append signs an event and adds its leaf; it returns the leaf's index.
func (l *Log) Append(e predicate.Event) int64 {
	return l.AppendPayload(must(predicate.Encode(e)))
}

// AppendPayload signs any payload and adds its leaf.
func (l *Log) AppendPayload(payload []byte) int64 {
	digest := sha256.Sum256(statement.PAE(payload))
	e := statement.NewEnvelope(payload, must(l.signer.Sign(l.random, digest[:], crypto.SHA256)))
	return l.AppendEnvelope(e)
}

// AppendEnvelope adds the leaf of a signed envelope.
func (l *Log) AppendEnvelope(e statement.Envelope) int64 {
	body := receipt.LeafBody(e.PAEDigest(), e.Sig(), l.SPKI)
	l.hashes = append(l.hashes, must(tlog.StoredHashes(l.Size(), body, l))...)
	l.envelopes = append(l.envelopes, e)
	return l.Size() - 1
}

// ReadHashes makes Log a tlog.HashReader.
func (l *Log) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	for i, at := range indexes {
		out[i] = l.hashes[at]
	}
	return out, nil
}

// Head is the unsigned checkpoint of the first size leaves.
func (l *Log) Head(size int64) receipt.Checkpoint {
	return receipt.Checkpoint{Origin: l.Origin, Size: uint64(size), Root: must(tlog.TreeHash(size, l))}
}

// Checkpoint is the signed checkpoint of the first size leaves.
func (l *Log) Checkpoint(size int64) receipt.SignedCheckpoint {
	return l.Sign(l.Head(size))
}

// Sign signs any checkpoint.
func (l *Log) Sign(c receipt.Checkpoint) receipt.SignedCheckpoint {
	id := l.ID()
	line := receipt.SignatureLine{Name: l.Origin, KeyID: binary.BigEndian.Uint32(id[:4]), Sig: ed25519.Sign(l.key, []byte(c.Text()))}
	return receipt.SignedCheckpoint{Checkpoint: c, Lines: []receipt.SignatureLine{line}}
}

// ID is the log id.
func (l *Log) ID() [32]byte { return receipt.LogKeyID(l.Origin, l.key.Public().(ed25519.PublicKey)) }

// Receipt is the integrated receipt of a leaf under the checkpoint of the first size leaves.
func (l *Log) Receipt(index, size int64) receipt.Receipt {
	c := l.Checkpoint(size)
	return receipt.Receipt{
		Checkpoint: c.String(), Envelope: l.envelopes[index], Grade: receipt.GradeIntegrated, LogIndex: receipt.Int64(index),
		InclusionProof: receipt.InclusionProof{
			Hashes: list(must(tlog.ProveRecord(size, index, l))), LogIndex: receipt.Int64(index), RootHash: c.Root[:], TreeSize: receipt.Int64(size),
		},
	}
}

// Bundle is the Sigstore bundle of a leaf.
func (l *Log) Bundle(index, size int64) receipt.Bundle {
	return receipt.NewBundle(l.Receipt(index, size), l.SPKI, l.ID())
}

// LeafBody is the body of a leaf.
func (l *Log) LeafBody(index int64) []byte {
	e := l.envelopes[index]
	return receipt.LeafBody(e.PAEDigest(), e.Sig(), l.SPKI)
}

// PAEDigest is SHA-256 of what was signed.
func (l *Log) PAEDigest(index int64) [32]byte { return l.envelopes[index].PAEDigest() }

// Consistency proves that the first second leaves continue the first first.
func (l *Log) Consistency(first, second int64) [][]byte {
	return list(must(tlog.ProveTree(second, first, l)))
}

func list[P ~[]tlog.Hash](p P) [][]byte {
	out := make([][]byte, len(p))
	for i, h := range p {
		out[i] = h[:]
	}
	return out
}

// Root is the trusted root that names the log.
func (l *Log) Root() receipt.TrustedRoot {
	log := must(receipt.NewTlog(l.Origin, l.key.Public().(ed25519.PublicKey), "2026-01-01T00:00:00Z"))
	return receipt.TrustedRoot{MediaType: receipt.TrustedRootMediaType, Tlogs: []receipt.Tlog{log}}
}

// Trust trusts the log and its signer and asks for no witnesses.
func (l *Log) Trust() *verifier.Trust { return l.TrustWith(verifier.Policy{}) }

// TrustWith is Trust under a policy.
func (l *Log) TrustWith(p verifier.Policy) *verifier.Trust {
	return must(verifier.NewTrust(l.Root(), [][]byte{l.SPKI}, p))
}

// Witness cosigns checkpoints (C2SP tlog-cosignature, Ed25519).
type Witness struct {
	Name string
	key  ed25519.PrivateKey
}

// NewWitness makes a key.
func NewWitness(name string) Witness {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	return Witness{name, must(key, err)}
}

// Key is the witness's verifier key.
func (w Witness) Key() string {
	raw, id := w.raw()
	return verifierKey(w.Name, id, raw)
}

func (w Witness) raw() (raw []byte, id uint32) {
	raw = append([]byte{4}, w.key.Public().(ed25519.PublicKey)...)
	sum := sha256.Sum256(append([]byte(w.Name+"\n"), raw...))
	return raw, binary.BigEndian.Uint32(sum[:4])
}

// Cosign adds the witness's line.
func (w Witness) Cosign(c receipt.SignedCheckpoint, unix uint64) receipt.SignedCheckpoint {
	_, id := w.raw()
	message := "cosignature/v1\ntime " + strconv.FormatUint(unix, 10) + "\n" + c.Text()
	sig := binary.BigEndian.AppendUint64(nil, unix)
	sig = append(sig, ed25519.Sign(w.key, []byte(message))...)
	c.Lines = append(append([]receipt.SignatureLine{}, c.Lines...), receipt.SignatureLine{Name: w.Name, KeyID: id, Sig: sig})
	return c
}

func verifierKey(name string, id uint32, raw []byte) string {
	return fmt.Sprintf("%s+%08x+%s", name, id, base64.StdEncoding.EncodeToString(raw))
}
