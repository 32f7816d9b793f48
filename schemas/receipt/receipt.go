// Package receipt is the proof that an event is in the log: leaf body, checkpoint, inclusion proof, the receipt that the
// API answers and the Sigstore bundle that stock tools verify. The Example verifies a real one with the standard library
// and golang.org/x/mod alone.
//
// An event's leaf is one line of RFC 8785 JSON (shown broken), in standard base64: SHA-256 of the DSSE pre-authentication
// encoding, the signature, and the signer's SubjectPublicKeyInfo. Its hash is SHA-256(0x00 || leaf), RFC 6962.
//
//	{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{
//	"data":{"algorithm":"SHA2_256","digest":"<SHA-256(PAE)>"},
//	"signature":{"content":"<DSSE signature>","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256",
//	"publicKey":{"rawBytes":"<SubjectPublicKeyInfo>"}}}}}}
//
// The leaf is in the tree below a checkpoint, a signed note of C2SP tlog-checkpoint:
//
//	<origin>\n<size>\n<base64 root>\n\n— <origin> <base64 of key id (4 bytes) and Ed25519 signature>\n
//
// A receipt, as the API answers it (shown broken):
//
//	{"checkpoint":"…","envelope":{"payload":"…","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"…"}]},
//	"grade":"integrated","inclusionProof":{"hashes":["…"],"logIndex":"3","rootHash":"…","treeSize":"5"},"logIndex":"3"}
//
// In both, 64-bit integers are decimal strings and byte strings are standard base64. The bundle is version 0.3 of
// Sigstore's; its log entry is a hashedrekord 0.0.2 whose body verifiers rebuild from the envelope and the key.
package receipt

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/statement"
)

// Grades of a receipt.
const (
	GradeIntegrated = "integrated"
	GradeWitnessed  = "witnessed"
)

// Fixed words of a Sigstore bundle.
const (
	BundleMediaType = "application/vnd.dev.sigstore.bundle.v0.3+json"
	EntryKind       = "hashedrekord"
	EntryVersion    = "0.0.2"
)

// ErrShape marks a receipt or bundle whose parts are missing or doubled.
var ErrShape = errors.New("receipt is not complete")

// Int64 is a 64-bit integer written as a decimal string.
type Int64 int64

// AppendText writes the decimal form.
func (i Int64) AppendText(dst []byte) ([]byte, error) {
	return strconv.AppendInt(dst, int64(i), 10), nil
}

// MarshalText writes the decimal form.
func (i Int64) MarshalText() ([]byte, error) { return i.AppendText(nil) }

// UnmarshalText accepts the decimal form of an integer that is not negative, without sign or leading zeros.
func (i *Int64) UnmarshalText(b []byte) error {
	n, err := strconv.ParseInt(string(b), 10, 64)
	if err != nil || n < 0 || strconv.FormatInt(n, 10) != string(b) {
		return fmt.Errorf("%w: a number is not a plain decimal string", ErrShape)
	}
	*i = Int64(n)
	return nil
}

// InclusionProof shows that the leaf at LogIndex is in the tree of TreeSize with RootHash (RFC 6962, 2.1.1); Hashes run
// from the leaf to the root.
type InclusionProof struct {
	Hashes   [][]byte `json:"hashes"`
	LogIndex Int64    `json:"logIndex"`
	RootHash []byte   `json:"rootHash"`
	TreeSize Int64    `json:"treeSize"`
}

// Receipt is what the API answers once an event is integrated.
type Receipt struct {
	Bundle         *Bundle            `json:"bundle,omitempty"`
	Checkpoint     string             `json:"checkpoint"`
	Envelope       statement.Envelope `json:"envelope"`
	Grade          string             `json:"grade"`
	InclusionProof InclusionProof     `json:"inclusionProof"`
	LogIndex       Int64              `json:"logIndex"`
}

// Bundle is a Sigstore bundle v0.3 of one event.
type Bundle struct {
	DSSEEnvelope         statement.Envelope   `json:"dsseEnvelope"`
	MediaType            string               `json:"mediaType"`
	VerificationMaterial VerificationMaterial `json:"verificationMaterial"`
}

// VerificationMaterial names the signer and carries the log entry.
type VerificationMaterial struct {
	PublicKey                 KeyHint        `json:"publicKey"`
	TimestampVerificationData *TimestampData `json:"timestampVerificationData,omitempty"`
	TlogEntries               []TlogEntry    `json:"tlogEntries"`
}

// KeyHint is the hex SHA-256 of the signer's SubjectPublicKeyInfo.
type KeyHint struct {
	Hint string `json:"hint"`
}

// TimestampData carries RFC 3161 responses over the signature.
type TimestampData struct {
	RFC3161Timestamps []Timestamp `json:"rfc3161Timestamps"`
}

// Timestamp is one whole TimeStampResp.
type Timestamp struct {
	SignedTimestamp []byte `json:"signedTimestamp"`
}

// TlogEntry is the log entry of a bundle.
type TlogEntry struct {
	CanonicalizedBody []byte      `json:"canonicalizedBody"`
	InclusionProof    BundleProof `json:"inclusionProof"`
	KindVersion       KindVersion `json:"kindVersion"`
	LogID             LogID       `json:"logId"`
	LogIndex          Int64       `json:"logIndex"`
}

// BundleProof is an inclusion proof with its checkpoint.
type BundleProof struct {
	Checkpoint CheckpointText `json:"checkpoint"`
	Hashes     [][]byte       `json:"hashes"`
	LogIndex   Int64          `json:"logIndex"`
	RootHash   []byte         `json:"rootHash"`
	TreeSize   Int64          `json:"treeSize"`
}

// CheckpointText holds a signed note.
type CheckpointText struct {
	Envelope string `json:"envelope"`
}

// KindVersion names the kind of log entry.
type KindVersion struct {
	Kind    string `json:"kind"`
	Version string `json:"version"`
}

// LogID is the full 32-byte hash whose first four bytes are the checkpoint's key id.
type LogID struct {
	KeyID []byte `json:"keyId"`
}

// Hint is the hex SHA-256 of a SubjectPublicKeyInfo.
func Hint(spki []byte) string {
	sum := sha256.Sum256(spki)
	return hex.EncodeToString(sum[:])
}

// NewBundle makes the bundle of an event from its receipt, the signer's SubjectPublicKeyInfo and the log's id.
func NewBundle(r Receipt, spki []byte, logID [32]byte) Bundle {
	return Bundle{
		DSSEEnvelope: r.Envelope, MediaType: BundleMediaType,
		VerificationMaterial: VerificationMaterial{
			PublicKey: KeyHint{Hint: Hint(spki)},
			TlogEntries: []TlogEntry{{
				CanonicalizedBody: LeafBody(r.Envelope.PAEDigest(), r.Envelope.Sig(), spki),
				InclusionProof: BundleProof{
					Checkpoint: CheckpointText{Envelope: r.Checkpoint}, Hashes: r.InclusionProof.Hashes,
					LogIndex: r.InclusionProof.LogIndex, RootHash: r.InclusionProof.RootHash, TreeSize: r.InclusionProof.TreeSize,
				},
				KindVersion: KindVersion{Kind: EntryKind, Version: EntryVersion},
				LogID:       LogID{KeyID: logID[:]},
				LogIndex:    r.LogIndex,
			}},
		},
	}
}

// ParseBundle reads a bundle: canonical JSON, one signature, one log entry.
func ParseBundle(data []byte) (Bundle, error) {
	var b Bundle
	if err := canonical.Unmarshal(data, &b); err != nil {
		return Bundle{}, err
	}
	if b.MediaType != BundleMediaType {
		return Bundle{}, fmt.Errorf("%w: media type is not %s", ErrShape, BundleMediaType)
	}
	if n := len(b.VerificationMaterial.TlogEntries); n != 1 {
		return Bundle{}, fmt.Errorf("%w: %d log entries where exactly one is allowed", ErrShape, n)
	}
	if err := b.DSSEEnvelope.Check(); err != nil {
		return Bundle{}, err
	}
	e := b.VerificationMaterial.TlogEntries[0]
	if e.KindVersion != (KindVersion{Kind: EntryKind, Version: EntryVersion}) {
		return Bundle{}, fmt.Errorf("%w: the entry's kind or version is not %s %s", ErrShape, EntryKind, EntryVersion)
	}
	return b, nil
}

// Append writes the API's JSON of a receipt, canonical and without reflection: it is written for every act.
func (r *Receipt) Append(dst []byte) ([]byte, error) {
	plain := r.Bundle == nil && r.Envelope.Check() == nil && (r.Grade == GradeIntegrated || r.Grade == GradeWitnessed)
	if !plain {
		return canonical.Append(dst, r)
	}
	b64 := base64.StdEncoding
	dst = append(dst, `{"checkpoint":`...)
	dst, err := canonical.Append(dst, r.Checkpoint)
	if err != nil {
		return nil, err
	}
	dst = append(dst, `,"envelope":{"payload":"`...)
	dst = b64.AppendEncode(dst, r.Envelope.Payload)
	dst = append(dst, `","payloadType":"`+statement.PayloadType+`","signatures":[{"sig":"`...)
	dst = b64.AppendEncode(dst, r.Envelope.Signatures[0].Sig)
	dst = append(dst, `"}]},"grade":"`...)
	dst = append(dst, r.Grade...)
	dst = append(dst, `","inclusionProof":{"hashes":[`...)
	for i, h := range r.InclusionProof.Hashes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, '"')
		dst = append(b64.AppendEncode(dst, h), '"')
	}
	dst = append(dst, `],"logIndex":"`...)
	dst = strconv.AppendInt(dst, int64(r.InclusionProof.LogIndex), 10)
	dst = append(dst, `","rootHash":"`...)
	dst = b64.AppendEncode(dst, r.InclusionProof.RootHash)
	dst = append(dst, `","treeSize":"`...)
	dst = strconv.AppendInt(dst, int64(r.InclusionProof.TreeSize), 10)
	dst = append(dst, `"},"logIndex":"`...)
	dst = strconv.AppendInt(dst, int64(r.LogIndex), 10)
	return append(dst, `"}`...), nil
}
