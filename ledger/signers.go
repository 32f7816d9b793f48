package ledger

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/options"

	"github.com/caseledger/caseledger/schemas/receipt"
)

// ErrSigner marks a signing key of the wrong kind.
var ErrSigner = errors.New("signing key cannot be used")

// Signers sign events (ECDSA P-256) and checkpoints (Ed25519). They come from sigstore: a PEM file, a key management
// system or a hardware module look the same here.
type Signers struct {
	event      signature.Signer
	checkpoint signature.Signer
	spki       []byte
	hint       string
	logKey     ed25519.PublicKey
}

// NewSigners checks that the two keys are of the kinds that stock verifiers accept.
func NewSigners(event, checkpoint signature.Signer) (*Signers, error) {
	s := &Signers{event: event, checkpoint: checkpoint}
	pub, err := event.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("%w: event key: %w", ErrSigner, err)
	}
	ec, ok := pub.(*ecdsa.PublicKey)
	if !ok || ec.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: events are signed with ECDSA on P-256, this key is of another kind", ErrSigner)
	}
	if s.spki, err = x509.MarshalPKIXPublicKey(ec); err != nil {
		return nil, fmt.Errorf("%w: event key: %w", ErrSigner, err)
	}
	s.hint = receipt.Hint(s.spki)
	logPub, err := checkpoint.PublicKey()
	if err != nil {
		return nil, fmt.Errorf("%w: checkpoint key: %w", ErrSigner, err)
	}
	if s.logKey, ok = logPub.(ed25519.PublicKey); !ok {
		return nil, fmt.Errorf("%w: checkpoints are signed with Ed25519, this key is of another kind", ErrSigner)
	}
	return s, nil
}

// SPKI is the event key's SubjectPublicKeyInfo.
func (s *Signers) SPKI() []byte { return s.spki }

// LogKey is the public checkpoint key.
func (s *Signers) LogKey() ed25519.PublicKey { return s.logKey }

// EventKey is the event signer's public key.
func (s *Signers) EventKey() (crypto.PublicKey, error) { return s.event.PublicKey() }

func (s *Signers) signEvent(ctx context.Context, pae []byte) ([]byte, error) {
	sig, err := s.event.SignMessage(bytes.NewReader(pae), options.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("sign event: %w", err)
	}
	return sig, nil
}

// signCheckpoint makes the signed note of a tree head. Ed25519 makes the same bytes each time.
func (s *Signers) signCheckpoint(ctx context.Context, origin string, h Head) (string, error) {
	c := receipt.SignedCheckpoint{Checkpoint: receipt.Checkpoint{Origin: origin, Size: uint64(h.Size), Root: h.Root}}
	sig, err := s.checkpoint.SignMessage(bytes.NewReader([]byte(c.Text())), options.WithContext(ctx))
	if err != nil {
		return "", fmt.Errorf("sign checkpoint: %w", err)
	}
	id := receipt.LogKeyID(origin, s.logKey)
	c.Lines = []receipt.SignatureLine{{
		Name: origin, KeyID: uint32(id[0])<<24 | uint32(id[1])<<16 | uint32(id[2])<<8 | uint32(id[3]), Sig: sig,
	}}
	return c.String(), nil
}
