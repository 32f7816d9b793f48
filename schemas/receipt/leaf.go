package receipt

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrLeaf marks a leaf body that is not the one form that is accepted.
var ErrLeaf = errors.New("leaf body is not a hashedrekord 0.0.2 entry in its one form")

// maxLeaf bounds a leaf body that is read; one that is made here has at most 489 bytes.
const maxLeaf = 4 << 10

// The leaf body is one line of canonical JSON with three values in it; between them it never changes.
const (
	leafA = `{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":"`
	leafB = `"},"signature":{"content":"`
	leafC = `","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"`
	leafD = `"}}}}}}`
)

// LeafBody is the bytes of an event's leaf: a pure function of SHA-256(PAE), the signature and the signer's public key
// (SubjectPublicKeyInfo, DER). It holds no case data. With a P-256 key (91 bytes of DER) it has 489 bytes for the usual
// signature of 70 to 72 bytes of DER, and 4 fewer for each 3 bytes that a rare shorter signature lacks.
func LeafBody(paeDigest [32]byte, sig, spki []byte) []byte {
	b64 := base64.StdEncoding
	out := make([]byte, 0, len(leafA)+len(leafB)+len(leafC)+len(leafD)+b64.EncodedLen(32)+b64.EncodedLen(len(sig))+b64.EncodedLen(len(spki)))
	out = append(out, leafA...)
	out = b64.AppendEncode(out, paeDigest[:])
	out = append(out, leafB...)
	out = b64.AppendEncode(out, sig)
	out = append(out, leafC...)
	out = b64.AppendEncode(out, spki)
	return append(out, leafD...)
}

// Leaf is what a leaf body says.
type Leaf struct {
	PAEDigest [32]byte
	Sig       []byte
	SPKI      []byte
}

// ParseLeaf reads a leaf body and refuses every other spelling of it.
func ParseLeaf(body []byte) (Leaf, error) {
	var l Leaf
	var doc struct {
		Spec struct {
			R struct {
				Data struct {
					Digest []byte `json:"digest"`
				} `json:"data"`
				Signature struct {
					Content  []byte `json:"content"`
					Verifier struct {
						PublicKey struct {
							RawBytes []byte `json:"rawBytes"`
						} `json:"publicKey"`
					} `json:"verifier"`
				} `json:"signature"`
			} `json:"hashedRekordV002"`
		} `json:"spec"`
	}
	if len(body) > maxLeaf {
		return l, fmt.Errorf("%w: %d bytes", ErrLeaf, len(body))
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return l, fmt.Errorf("%w: not JSON", ErrLeaf)
	}
	r := doc.Spec.R
	if len(r.Data.Digest) != len(l.PAEDigest) {
		return Leaf{}, fmt.Errorf("%w: the digest has %d bytes", ErrLeaf, len(r.Data.Digest))
	}
	copy(l.PAEDigest[:], r.Data.Digest)
	l.Sig, l.SPKI = r.Signature.Content, r.Signature.Verifier.PublicKey.RawBytes
	if len(l.Sig) == 0 || len(l.SPKI) == 0 {
		return Leaf{}, fmt.Errorf("%w: it lacks a signature or a key", ErrLeaf)
	}
	if !bytes.Equal(LeafBody(l.PAEDigest, l.Sig, l.SPKI), body) {
		return Leaf{}, fmt.Errorf("%w: its bytes differ from what its values make", ErrLeaf)
	}
	return l, nil
}

// LeafHash is the Merkle leaf hash of RFC 6962: SHA-256(0x00 || body).
func LeafHash(body []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte{0})
	h.Write(body)
	var out [32]byte
	h.Sum(out[:0])
	return out
}
