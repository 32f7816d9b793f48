package keyring

import (
	"context"
	"fmt"

	"filippo.io/age"
)

// identityInfo is shorter than an event id, so it is no field's key.
const identityInfo = "age identity"

// newBlobIdentity makes an exhibit's post-quantum age identity and returns its secret, sealed under the exhibit key.
func newBlobIdentity(prk *[KeySize]byte, r *row) ([]byte, error) {
	identity, err := age.GenerateHybridIdentity()
	if err != nil {
		return nil, fmt.Errorf("age identity of exhibit key: %w", err)
	}
	wrap := expand(prk, identityInfo)
	defer clear(wrap[:])
	aead, err := newGCM(wrap[:])
	if err != nil {
		return nil, err
	}
	return seal(aead, []byte(identity.String()), r.aad()), nil
}

// BlobIdentity returns the age identity and recipient of an exhibit key, for its blobs. It is read from the file
// each time and not kept: nothing can overwrite the strings inside. Errors: ErrDestroyed, ErrNoKey (also for a
// subject's key), ErrSealed.
func (k *Keyring) BlobIdentity(ctx context.Context, id ID) (age.Identity, age.Recipient, error) {
	o, err := k.key(ctx, id)
	if err != nil {
		return nil, nil, fmt.Errorf("blob identity: %w", err)
	}
	defer clear(o.prk[:])
	if !o.exhibit {
		return nil, nil, fmt.Errorf("blob identity: key %s is not an exhibit's: %w", id, ErrNoKey)
	}
	r, err := one(ctx, k.stmts.byID, string(id))
	if err == nil && r.destroyed {
		err = ErrDestroyed
	}
	if err != nil {
		return nil, nil, fmt.Errorf("blob identity: key %s: %w", id, err)
	}
	wrap := expand(&o.prk, identityInfo)
	defer clear(wrap[:])
	aead, err := newGCM(wrap[:])
	if err != nil {
		return nil, nil, err
	}
	secret, ok := unseal(aead, r.secret, r.aad())
	if !ok {
		return nil, nil, fmt.Errorf("blob identity: key %s: %w", id, ErrSealed)
	}
	defer clear(secret)
	identity, err := age.ParseHybridIdentity(string(secret))
	if err != nil {
		return nil, nil, fmt.Errorf("blob identity: key %s: %w", id, err)
	}
	return identity, identity.Recipient(), nil
}
