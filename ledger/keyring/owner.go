package keyring

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
)

// ExhibitKey returns the id of an exhibit's key and makes the key, with its age identity, the first time. The key
// is durable when it returns. ErrDestroyed once the key, or its case's, is destroyed.
func (k *Keyring) ExhibitKey(ctx context.Context, caseID, exhibitID string) (ID, error) {
	id, err := k.ownerKeyID(ctx, name{kindExhibit, caseID, exhibitID})
	if err != nil {
		return "", fmt.Errorf("exhibit key: %w", err)
	}
	return id, nil
}

// SubjectKey is ExhibitKey for a person in one case. The file holds an HMAC of subject under a key of the case,
// never subject itself.
func (k *Keyring) SubjectKey(ctx context.Context, caseID, subject string) (ID, error) {
	id, err := k.ownerKeyID(ctx, name{kindSubject, caseID, subject})
	if err != nil {
		return "", fmt.Errorf("subject key: %w", err)
	}
	return id, nil
}

func (k *Keyring) ownerKeyID(ctx context.Context, n name) (ID, error) {
	if cached, ok := k.names.get(n); ok {
		return ID(cached.value), nil
	}
	if err := checkNames(n.caseID, n.owner); err != nil {
		return "", err
	}
	c, err := k.caseKeysOf(ctx, n.caseID)
	if err != nil {
		return "", err
	}
	r := row{caseID: n.caseID, kind: n.kind, owner: n.owner}
	if n.kind == kindSubject {
		sum := mac(&c.tag, []byte(n.owner))
		r.owner = hex.EncodeToString(sum[:])
	}
	got, err := one(ctx, k.stmts.byOwner, r.caseID, r.kind, r.owner)
	if errors.Is(err, ErrNoKey) {
		got, err = k.createOwnerKey(r, &c)
	}
	if err != nil {
		return "", err
	}
	if _, err := k.admit(&got, &c); err != nil {
		return "", err
	}
	return got.id, k.remember(n, named{string(got.id), c.id})
}

func (k *Keyring) createOwnerKey(r row, c *caseKeys) (row, error) {
	key := make([]byte, KeySize)
	rand.Read(key)
	defer clear(key)
	r.id, r.secret = newID(), []byte{}
	aead, err := newGCM(c.wrap[:])
	if err != nil {
		return row{}, err
	}
	r.wrapped = seal(aead, key, r.aad())
	if r.kind == kindExhibit {
		prk := extract(key)
		if r.secret, err = newBlobIdentity(&prk, &r); err != nil {
			return row{}, err
		}
	}
	return k.create(r, c.id)
}

// remember caches a name's value, unless one of the keys it rests on is gone by then.
func (k *Keyring) remember(n name, value named) error {
	k.names.put(n, value)
	err := k.usable(ID(value.value), value.caseKey)
	if err != nil {
		k.names.dropIf(func(m *name, _ *named) bool { return *m == n })
	}
	return err
}

// admit unwraps an owner's key into the cache.
func (k *Keyring) admit(r *row, c *caseKeys) (ownerKey, error) {
	if r.destroyed {
		return ownerKey{}, fmt.Errorf("key %s: %w", r.id, ErrDestroyed)
	}
	aead, err := newGCM(c.wrap[:])
	if err != nil {
		return ownerKey{}, err
	}
	key, ok := unseal(aead, r.wrapped, r.aad())
	if !ok || len(key) != KeySize {
		return ownerKey{}, fmt.Errorf("unwrap key %s under its case key: %w", r.id, ErrSealed)
	}
	defer clear(key)
	o := ownerKey{prk: extract(key), caseID: r.caseID, caseKey: c.id, exhibit: r.kind == kindExhibit}
	k.keys.put(r.id, o)
	if err := k.usable(r.id, c.id); err != nil {
		k.keys.dropIf(func(id *ID, _ *ownerKey) bool { return *id == r.id })
		return ownerKey{}, err
	}
	return o, nil
}

// key returns an exhibit or subject key by its id.
func (k *Keyring) key(ctx context.Context, id ID) (ownerKey, error) {
	if o, ok := k.keys.get(id); ok {
		return o, nil
	}
	if err := k.usable(id); err != nil {
		return ownerKey{}, err
	}
	r, err := one(ctx, k.stmts.byID, string(id))
	if err == nil && r.kind != kindExhibit && r.kind != kindSubject && r.kind != kindUnknown {
		err = ErrNoKey
	}
	if err != nil {
		return ownerKey{}, fmt.Errorf("key %.40q: %w", id, err)
	}
	if r.destroyed {
		return ownerKey{}, fmt.Errorf("key %s: %w", id, ErrDestroyed)
	}
	c, err := k.caseKeysOf(ctx, r.caseID)
	if err != nil {
		return ownerKey{}, err
	}
	return k.admit(&r, &c)
}
