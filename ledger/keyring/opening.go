package keyring

import (
	"context"
	"fmt"

	"github.com/google/uuid"
)

// Limits of one sealed opening, in bytes.
const (
	MaxOpening = 64 << 10 // plaintext
	MaxField   = 64       // field name
)

// SealOpening encrypts one field of one event under the key id; see the package comment for the form. Sealing the
// same field again gives other bytes that open alike.
func (k *Keyring) SealOpening(id ID, eventID uuid.UUID, field string, plaintext []byte) ([]byte, error) {
	if len(plaintext) > MaxOpening || len(field) > MaxField {
		return nil, fmt.Errorf("seal opening: %d bytes of plaintext, %d of field name, want at most %d and %d: %w",
			len(plaintext), len(field), MaxOpening, MaxField, ErrInvalid)
	}
	fk, err := k.fieldKey(id, eventID, field)
	if err != nil {
		return nil, fmt.Errorf("seal opening of event %s: %w", eventID, err)
	}
	defer clear(fk[:])
	aead, err := newGCM(fk[:])
	if err != nil {
		return nil, fmt.Errorf("seal opening of event %s: %w", eventID, err)
	}
	return seal(aead, plaintext, eventID[:]), nil
}

// OpenOpening returns what SealOpening encrypted. Errors: ErrDestroyed, ErrNoKey, ErrSealed.
func (k *Keyring) OpenOpening(id ID, eventID uuid.UUID, field string, sealed []byte) ([]byte, error) {
	if len(sealed) > MaxOpening+sealedOver || len(field) > MaxField {
		return nil, fmt.Errorf("open opening of event %s: too long: %w", eventID, ErrSealed)
	}
	fk, err := k.fieldKey(id, eventID, field)
	if err != nil {
		return nil, fmt.Errorf("open opening of event %s: %w", eventID, err)
	}
	defer clear(fk[:])
	aead, err := newGCM(fk[:])
	if err != nil {
		return nil, fmt.Errorf("open opening of event %s: %w", eventID, err)
	}
	plain, ok := unseal(aead, sealed, eventID[:])
	if !ok {
		return nil, fmt.Errorf("open opening of event %s under key %s: %w", eventID, id, ErrSealed)
	}
	return plain, nil
}

// fieldKey is HKDF-Expand(key, event id || field name), 32 bytes.
func (k *Keyring) fieldKey(id ID, eventID uuid.UUID, field string) ([KeySize]byte, error) {
	o, ok := k.keys.get(id)
	if !ok {
		ctx, cancel := context.WithTimeout(context.Background(), backTimeout)
		defer cancel()
		var err error
		if o, err = k.key(ctx, id); err != nil {
			return [KeySize]byte{}, err
		}
	}
	defer clear(o.prk[:])
	var buf [16 + MaxField + 1]byte
	info := append(append(append(buf[:0], eventID[:]...), field...), 1)
	return mac(&o.prk, info), nil
}
