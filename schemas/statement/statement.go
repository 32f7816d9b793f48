// Package statement is the outer shape of every event: an in-toto Statement v1 inside one DSSE envelope.
//
// The payload is RFC 8785 canonical JSON. The signature is made over the pre-authentication encoding (PAE) of the DSSE
// protocol, version 1, and SHA-256 of that encoding is what the transparency log's leaf carries and what the chain of a
// case links:
//
//	PAE     = "DSSEv1" SP len(type) SP type SP len(payload) SP payload
//	link(0) = SHA-256("caseledger-link/v1" || chain id)
//	link(n) = SHA-256("caseledger-link/v1" || link(n-1) || SHA-256(PAE n))
package statement

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"

	"github.com/caseledger/caseledger/schemas/canonical"
)

// Fixed words of in-toto and DSSE.
const (
	TypeV1      = "https://in-toto.io/Statement/v1"
	PayloadType = "application/vnd.in-toto+json"
	linkDomain  = "caseledger-link/v1"
)

// MaxSubjects is the greatest number of subjects that stock verifiers accept in one statement.
const MaxSubjects = 1024

// ErrEnvelope marks an envelope that is not one DSSE envelope of an in-toto statement with exactly one signature.
var ErrEnvelope = errors.New("not a signed in-toto statement")

// Digests of one subject; SHA-256 in lower-case hex.
type Digests struct {
	SHA256 string `json:"sha256"`
}

// Subject names what an act concerns: an exhibit reference or a fixed word, never a file name.
type Subject struct {
	Digest Digests `json:"digest"`
	Name   string  `json:"name"`
}

// Statement is in-toto Statement v1. Predicate holds a predicate struct when encoding.
type Statement struct {
	Type          string    `json:"_type"`
	Predicate     any       `json:"predicate"`
	PredicateType string    `json:"predicateType"`
	Subject       []Subject `json:"subject"`
}

// Signature is one DSSE signature; there is no key id: the signer is named by the leaf and the bundle's hint.
type Signature struct {
	Sig []byte `json:"sig"`
}

// Envelope is a DSSE envelope with exactly one signature.
type Envelope struct {
	Payload     []byte      `json:"payload"`
	PayloadType string      `json:"payloadType"`
	Signatures  []Signature `json:"signatures"`
}

// NewEnvelope puts a signed payload into its envelope.
func NewEnvelope(payload, sig []byte) Envelope {
	return Envelope{Payload: payload, PayloadType: PayloadType, Signatures: []Signature{{Sig: sig}}}
}

// ParseEnvelope reads canonical JSON and refuses anything but one in-toto payload with one signature.
func ParseEnvelope(data []byte) (Envelope, error) {
	var e Envelope
	if err := canonical.Unmarshal(data, &e); err != nil {
		return Envelope{}, fmt.Errorf("%w: %w", ErrEnvelope, err)
	}
	if err := e.Check(); err != nil {
		return Envelope{}, err
	}
	return e, nil
}

// Check says whether the envelope has the one shape that is accepted.
func (e Envelope) Check() error {
	switch {
	case e.PayloadType != PayloadType:
		return fmt.Errorf("%w: the payload type is not %s", ErrEnvelope, PayloadType)
	case len(e.Signatures) != 1:
		return fmt.Errorf("%w: %d signatures where exactly one is allowed", ErrEnvelope, len(e.Signatures))
	case len(e.Signatures[0].Sig) == 0:
		return fmt.Errorf("%w: the signature is empty", ErrEnvelope)
	}
	return nil
}

// Sig returns the bytes of the one signature, nil if there is none.
func (e Envelope) Sig() []byte {
	if len(e.Signatures) == 0 {
		return nil
	}
	return e.Signatures[0].Sig
}

// PAE is the DSSE pre-authentication encoding of an in-toto payload: the bytes that are signed.
func PAE(payload []byte) []byte {
	return AppendPAE(make([]byte, 0, len(payload)+64), payload)
}

// AppendPAE appends the pre-authentication encoding of payload to dst.
func AppendPAE(dst, payload []byte) []byte {
	dst = append(dst, "DSSEv1 "...)
	dst = strconv.AppendInt(dst, int64(len(PayloadType)), 10)
	dst = append(dst, ' ')
	dst = append(dst, PayloadType...)
	dst = append(dst, ' ')
	dst = strconv.AppendInt(dst, int64(len(payload)), 10)
	dst = append(dst, ' ')
	return append(dst, payload...)
}

// PAEDigest is SHA-256 of the pre-authentication encoding.
func (e Envelope) PAEDigest() [32]byte { return sha256.Sum256(PAE(e.Payload)) }

// Genesis is link(0) of a chain.
func Genesis(chainID string) [32]byte {
	return sha256.Sum256([]byte(linkDomain + chainID))
}

// Link is link(n) from link(n-1) and SHA-256 of the n-th event's PAE.
func Link(previous, paeDigest [32]byte) [32]byte {
	buf := make([]byte, 0, len(linkDomain)+64)
	buf = append(buf, linkDomain...)
	buf = append(buf, previous[:]...)
	return sha256.Sum256(append(buf, paeDigest[:]...))
}
