package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Destroy destroys one exhibit's or subject's key. When it returns nil the key is in no file of the keyring and in
// no cache of this process, and a tombstone refuses another key for that owner. Destroying again is no error and
// finishes what a crash or ErrResidue left. A case's own key is refused (ErrInvalid): see DestroyCase.
func (k *Keyring) Destroy(ctx context.Context, id ID) error {
	r, err := one(ctx, k.stmts.byID, string(id))
	if err == nil && (r.kind == kindCase || r.kind == kindIdentity) {
		err = fmt.Errorf("it is a %s key: %w", r.kind, ErrInvalid)
	}
	if err == nil {
		_, err = k.wipe(ctx, func(tx *sql.Tx) ([]ID, error) { return returned(ctx, tx, k.stmts.destroy, string(id)) })
	}
	if err != nil {
		return fmt.Errorf("destroy key %.40q: %w", id, err)
	}
	return k.finish(ctx, id)
}

// DestroyCase destroys a case's key and all keys under it, and returns the ids it destroyed, the case's own among
// them. A case already destroyed gives none and no error; an unknown case gives ErrNoKey.
func (k *Keyring) DestroyCase(ctx context.Context, caseID string) ([]ID, error) {
	r, err := one(ctx, k.stmts.byOwner, caseID, kindCase, "")
	if err != nil {
		return nil, fmt.Errorf("destroy keys of case %.60q: %w", caseID, err)
	}
	ids, err := k.wipe(ctx, func(tx *sql.Tx) ([]ID, error) { return returned(ctx, tx, k.stmts.destroyCase, caseID) })
	if err != nil {
		return nil, fmt.Errorf("destroy keys of case %s: %w", caseID, err)
	}
	return ids, k.finish(ctx, append([]ID{r.id}, ids...)...)
}

// Replay destroys again whatever a restored copy brought back, before anything is served: destroyed are the ids
// that the ledger's key.destroyed events name. Ids that this file does not know get a tombstone, so that they read
// as destroyed and not as unknown. removed counts the keys that were alive.
func (k *Keyring) Replay(ctx context.Context, destroyed []ID) (removed int, err error) {
	for _, id := range destroyed {
		if !valid(id) {
			return 0, fmt.Errorf("replay destruction of key %.40q: %w", id, ErrInvalid)
		}
	}
	ids, err := k.wipe(ctx, func(tx *sql.Tx) (all []ID, err error) {
		for _, id := range destroyed {
			ids, err := k.replayOne(ctx, tx, id)
			if err != nil {
				return nil, fmt.Errorf("key %s: %w", id, err)
			}
			all = append(all, ids...)
		}
		return all, nil
	})
	if err != nil {
		return 0, fmt.Errorf("replay destructions: %w", err)
	}
	return len(ids), k.finish(ctx, append(ids, destroyed...)...)
}

func (k *Keyring) replayOne(ctx context.Context, tx *sql.Tx, id ID) ([]ID, error) {
	r, err := one(ctx, tx.StmtContext(ctx, k.stmts.byID), string(id))
	switch {
	case errors.Is(err, ErrNoKey):
		_, err = tx.ExecContext(ctx, `INSERT INTO keys (id, case_id, kind, owner, destroyed, wrapped)
			VALUES (?, '', 'unknown', ?, 1, x'')`, string(id), string(id))
		return nil, err
	case err != nil:
		return nil, err
	case r.kind == kindIdentity:
		return nil, fmt.Errorf("it is the identity key, which no event may destroy: %w", ErrInvalid)
	case r.kind == kindCase:
		return returned(ctx, tx, k.stmts.destroyCase, r.caseID)
	}
	return returned(ctx, tx, k.stmts.destroy, string(id))
}

// Forget says that the ledger has recorded the destruction of a key, by whichever process. From then on this
// process refuses it (ErrDestroyed), even if the process that destroys it has not finished; a case key's id
// covers all keys of the case.
func (k *Keyring) Forget(id ID) { k.forget(id) }

// wipe runs destroying statements in one transaction.
func (k *Keyring) wipe(ctx context.Context, run func(*sql.Tx) ([]ID, error)) ([]ID, error) {
	if err := k.usable(); err != nil {
		return nil, err
	}
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer tx.Rollback()
	ids, err := run(tx)
	if err != nil {
		return nil, err
	}
	return ids, tx.Commit()
}

// finish makes sure that what was destroyed in the file is gone around it too.
func (k *Keyring) finish(ctx context.Context, ids ...ID) error {
	k.forget(ids...)
	if err := k.emptyLog(ctx); err != nil {
		return fmt.Errorf("destroy %d keys: %w", len(ids), err)
	}
	if _, err := k.db.ExecContext(ctx, `PRAGMA shrink_memory`); err != nil {
		return fmt.Errorf("empty the page cache: %w", err)
	}
	return nil
}

func (k *Keyring) forget(ids ...ID) {
	gone := make(map[ID]struct{}, len(ids))
	k.goneMu.Lock()
	for _, id := range ids {
		gone[id] = struct{}{}
		k.gone[id] = struct{}{}
	}
	k.goneMu.Unlock()

	in := func(id ID) bool { _, yes := gone[id]; return yes }
	k.cases.dropIf(func(_ *string, c *caseKeys) bool { return in(c.id) })
	k.keys.dropIf(func(id *ID, o *ownerKey) bool { return in(*id) || in(o.caseKey) })
	k.names.dropIf(func(_ *name, v *named) bool { return in(ID(v.value)) || in(v.caseKey) })
}

func returned(ctx context.Context, tx *sql.Tx, st *sql.Stmt, arg string) ([]ID, error) {
	rows, err := tx.StmtContext(ctx, st).QueryContext(ctx, arg)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var ids []ID
	for rows.Next() {
		var id ID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
