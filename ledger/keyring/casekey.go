package keyring

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
)

// loadIdentity reads the identity key, or makes it in a new keyring. Unwrapping it proves the master.
func (k *Keyring) loadIdentity(ctx context.Context) error {
	key, _, err := k.masterKey(ctx, "", kindIdentity)
	if err != nil {
		return fmt.Errorf("identity key: %w", err)
	}
	defer clear(key)
	prk := extract(key)
	k.ledgerMu.Lock()
	defer k.ledgerMu.Unlock()
	k.ledger = ledgerKeys{eventID: expand(&prk, "event id"), digest: expand(&prk, "digest")}
	return nil
}

// caseKeysOf returns the keys of a case, and makes them for a new one.
func (k *Keyring) caseKeysOf(ctx context.Context, caseID string) (caseKeys, error) {
	if c, ok := k.cases.get(caseID); ok {
		return c, nil
	}
	if err := k.usable(); err != nil {
		return caseKeys{}, err
	}
	key, id, err := k.masterKey(ctx, caseID, kindCase)
	if err != nil {
		return caseKeys{}, fmt.Errorf("key of case %s: %w", caseID, err)
	}
	defer clear(key)
	prk := extract(key)
	c := caseKeys{
		id:        id,
		wrap:      expand(&prk, "wrap"),
		tag:       expand(&prk, "subject tag"),
		pseudonym: expand(&prk, "pseudonym"),
		digest:    expand(&prk, "digest"),
	}
	k.cases.put(caseID, c)
	// Checked after the entry is in place: whoever destroys in between removes it or is seen here.
	if err := k.usable(id); err != nil {
		k.cases.dropIf(func(key *string, _ *caseKeys) bool { return *key == caseID })
		return caseKeys{}, fmt.Errorf("key of case %s: %w", caseID, err)
	}
	return c, nil
}

// masterKey gets or creates a key that the master itself wraps. The caller wipes it.
func (k *Keyring) masterKey(ctx context.Context, caseID, kind string) ([]byte, ID, error) {
	r, err := one(ctx, k.stmts.byOwner, caseID, kind, "")
	if errors.Is(err, ErrNoKey) {
		r, err = k.createMasterKey(ctx, caseID, kind)
	}
	if err != nil {
		return nil, "", err
	}
	if r.destroyed {
		return nil, "", fmt.Errorf("key %s: %w", r.id, ErrDestroyed)
	}
	key, err := k.master.Unwrap(ctx, r.wrapped, r.aad())
	if err != nil {
		return nil, "", fmt.Errorf("key %s: %w", r.id, err)
	}
	if len(key) != KeySize {
		return nil, "", fmt.Errorf("key %s: master returned %d bytes: %w", r.id, len(key), ErrWrongMaster)
	}
	return key, r.id, nil
}

func (k *Keyring) createMasterKey(ctx context.Context, caseID, kind string) (row, error) {
	key := make([]byte, KeySize)
	rand.Read(key)
	defer clear(key)
	r := row{id: newID(), caseID: caseID, kind: kind, secret: []byte{}}
	var err error
	if r.wrapped, err = k.master.Wrap(ctx, key, r.aad()); err != nil {
		return row{}, fmt.Errorf("wrap a new key with %s: %w", k.master.Describe(), err)
	}
	return k.create(r, "")
}
