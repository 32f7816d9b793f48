package keyring

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// KeySize is the length in bytes of every key.
const KeySize = 32

// Master wraps and unwraps case keys: a local key or a KMS.
type Master interface {
	// Wrap encrypts a key of KeySize bytes and authenticates aad, which it does not store. The result is at most
	// 4 KiB long.
	Wrap(ctx context.Context, plaintext, aad []byte) ([]byte, error)
	// Unwrap returns what Wrap was given. The error matches ErrWrongMaster when the bytes were not made by this
	// master with this aad, and only then.
	Unwrap(ctx context.Context, wrapped, aad []byte) ([]byte, error)
	// Describe names the master for an operator, without any secret.
	Describe() string
}

// localMaster holds the key expanded into an AEAD for the life of the process.
type localMaster struct {
	aead cipher.AEAD
	name string
}

// NewMaster returns a Master over a 32-byte key, which the caller may wipe afterwards. It wraps with AES-256-GCM.
func NewMaster(key []byte) (Master, error) {
	if len(key) != KeySize {
		return nil, fmt.Errorf("master key of %d bytes, want %d: %w", len(key), KeySize, ErrInvalid)
	}
	aead, err := newGCM(key)
	if err != nil {
		return nil, fmt.Errorf("master key: %w", err)
	}
	h := sha256.Sum256(append([]byte("caseledger-keyring/v1 master fingerprint"), key...))
	return &localMaster{aead: aead, name: "local master key " + hex.EncodeToString(h[:4])}, nil
}

func (m *localMaster) Wrap(_ context.Context, plaintext, aad []byte) ([]byte, error) {
	return seal(m.aead, plaintext, aad), nil
}

func (m *localMaster) Unwrap(_ context.Context, wrapped, aad []byte) ([]byte, error) {
	plain, ok := unseal(m.aead, wrapped, aad)
	if !ok {
		return nil, fmt.Errorf("unwrap with %s: %w", m.name, ErrWrongMaster)
	}
	return plain, nil
}

func (m *localMaster) Describe() string { return m.name }

const (
	formatGCM  = 0x01
	nonceSize  = 12
	tagSize    = 16
	sealedOver = 1 + nonceSize + tagSize
)

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal returns 0x01 || nonce || ciphertext || tag.
func seal(aead cipher.AEAD, plaintext, aad []byte) []byte {
	out := make([]byte, 1+nonceSize, sealedOver+len(plaintext))
	out[0] = formatGCM
	rand.Read(out[1 : 1+nonceSize]) // never fails (crypto/rand)
	return aead.Seal(out, out[1:1+nonceSize], plaintext, aad)
}

// unseal is the inverse of seal; false for anything that seal did not make with this key and aad.
func unseal(aead cipher.AEAD, sealed, aad []byte) ([]byte, bool) {
	if len(sealed) < sealedOver || sealed[0] != formatGCM {
		return nil, false
	}
	plain, err := aead.Open(nil, sealed[1:1+nonceSize], sealed[1+nonceSize:], aad)
	return plain, err == nil
}
