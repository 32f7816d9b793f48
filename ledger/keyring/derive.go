package keyring

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/google/uuid"
)

// extract is HKDF-Extract of RFC 5869 with SHA-256 and no salt: HMAC(zeros, key).
func extract(key []byte) (prk [KeySize]byte) {
	var noSalt [KeySize]byte
	return mac(&noSalt, key)
}

// expand is HKDF-Expand of RFC 5869 with SHA-256 to 32 bytes, which is one block: HMAC(prk, info || 0x01).
func expand(prk *[KeySize]byte, info string) [KeySize]byte {
	var buf [128]byte
	return mac(prk, append(append(buf[:0], info...), 1))
}

const macInline = 256

// mac is HMAC-SHA-256 (RFC 2104). Short messages, which are nearly all, are hashed from one buffer on the
// stack: this runs several times per event, and crypto/hmac allocates about 500 bytes each time.
func mac(key *[KeySize]byte, message []byte) (sum [KeySize]byte) {
	if len(message) > macInline {
		h := hmac.New(sha256.New, key[:])
		h.Write(bytes.Clone(message)) // the clone keeps callers' short messages on their stacks
		h.Sum(sum[:0])
		return sum
	}
	var inner [sha256.BlockSize + macInline]byte
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		var b byte
		if i < KeySize {
			b = key[i]
		}
		inner[i], outer[i] = b^0x36, b^0x5c
	}
	n := copy(inner[sha256.BlockSize:], message)
	sum = sha256.Sum256(inner[:sha256.BlockSize+n])
	copy(outer[sha256.BlockSize:], sum[:])
	clear(inner[:sha256.BlockSize])
	sum = sha256.Sum256(outer[:])
	clear(outer[:])
	return sum
}

// EventID derives the id of an event from what makes the act unique, as a version 8 UUID (RFC 9562, section 5.8):
// HMAC-SHA-256 under the identity key over the parts, each after its length. Equal parts give an equal id in every
// process on this keyring; without the key nobody can test a guess.
func (k *Keyring) EventID(parts ...string) uuid.UUID {
	var buf [512]byte
	message := lengthPrefixed(buf[:0], parts...)
	k.ledgerMu.RLock()
	defer k.ledgerMu.RUnlock()
	if k.closed.Load() {
		return uuid.Nil
	}
	sum := mac(&k.ledger.eventID, message)
	var id uuid.UUID
	copy(id[:], sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id
}

// Digest returns HMAC-SHA-256 in hex over label and value, under a key of the case, or of the whole ledger where
// caseID is "". It is for values that must be compared but not shown or guessed: idempotency keys, request bodies.
func (k *Keyring) Digest(ctx context.Context, caseID, label, value string) (string, error) {
	key, err := k.digestKey(ctx, caseID)
	if err != nil {
		return "", fmt.Errorf("digest of a %s: %w", label, err)
	}
	defer clear(key[:])
	var buf [512]byte
	sum := mac(&key, lengthPrefixed(buf[:0], label, value))
	return hex.EncodeToString(sum[:]), nil
}

func (k *Keyring) digestKey(ctx context.Context, caseID string) ([KeySize]byte, error) {
	if caseID != "" {
		if err := checkNames(caseID); err != nil {
			return [KeySize]byte{}, err
		}
		c, err := k.caseKeysOf(ctx, caseID)
		return c.digest, err
	}
	k.ledgerMu.RLock()
	defer k.ledgerMu.RUnlock()
	if k.closed.Load() {
		return [KeySize]byte{}, ErrClosed
	}
	return k.ledger.digest, nil
}

const kindPseudonym = "pseudonym" // in the name cache only

// Pseudonym names a subject within one case: "a" and 32 hex digits of an HMAC-SHA-256 under a key of that case.
// It is stable, and without the keys two cases' pseudonyms cannot be linked.
func (k *Keyring) Pseudonym(ctx context.Context, caseID, subject string) (string, error) {
	n := name{kindPseudonym, caseID, subject}
	if cached, ok := k.names.get(n); ok {
		return cached.value, nil
	}
	if err := checkNames(caseID, subject); err != nil {
		return "", fmt.Errorf("pseudonym: %w", err)
	}
	c, err := k.caseKeysOf(ctx, caseID)
	if err != nil {
		return "", fmt.Errorf("pseudonym: %w", err)
	}
	sum := mac(&c.pseudonym, []byte(subject))
	p := "a" + hex.EncodeToString(sum[:16])
	return p, k.remember(n, named{p, c.id})
}
