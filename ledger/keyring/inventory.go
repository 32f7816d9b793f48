package keyring

import (
	"context"
	"fmt"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Info describes a key without revealing it.
type Info struct {
	ID        ID
	Kind      string // "case", "exhibit" or "subject"
	Owner     string // exhibit id; "" for subjects and the case
	Destroyed bool
}

// Keys lists the keys of a case in order of creation, destroyed ones included; none for an unknown case.
func (k *Keyring) Keys(ctx context.Context, caseID string) ([]Info, error) {
	if err := checkNames(caseID); err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	if err := k.usable(); err != nil {
		return nil, fmt.Errorf("list keys: %w", err)
	}
	rows, err := k.db.QueryContext(ctx, `SELECT id, kind, CASE kind WHEN 'exhibit' THEN owner ELSE '' END, destroyed
		FROM keys WHERE case_id = ? ORDER BY n`, caseID)
	if err != nil {
		return nil, fmt.Errorf("list keys of case %s: %w", caseID, err)
	}
	defer rows.Close()
	var all []Info
	for rows.Next() {
		var i Info
		if err := rows.Scan(&i.ID, &i.Kind, &i.Owner, &i.Destroyed); err != nil {
			return nil, fmt.Errorf("list keys of case %s: %w", caseID, err)
		}
		all = append(all, i)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list keys of case %s: %w", caseID, err)
	}
	return all, nil
}

// CaseKeys lists the keys of a case's exhibits and data subjects that are still there.
func (k *Keyring) CaseKeys(ctx context.Context, caseID string) ([]ID, error) {
	all, err := k.Keys(ctx, caseID)
	if err != nil {
		return nil, err
	}
	var out []ID
	for _, i := range all {
		if !i.Destroyed && i.Kind != kindCase {
			out = append(out, i.ID)
		}
	}
	return out, nil
}

// LacksCases returns those of the given cases whose key this keyring neither holds nor knows to be destroyed.
func (k *Keyring) LacksCases(ctx context.Context, caseIDs []predicate.UUID) ([]predicate.UUID, error) {
	if err := k.usable(); err != nil {
		return nil, fmt.Errorf("look up keys of cases: %w", err)
	}
	stmt, err := k.db.PrepareContext(ctx, `SELECT count(*) FROM keys WHERE case_id = ? AND kind = 'case'`)
	if err != nil {
		return nil, fmt.Errorf("look up keys of cases: %w", err)
	}
	defer stmt.Close()
	var lacking []predicate.UUID
	for _, id := range caseIDs {
		var n int
		if err := stmt.QueryRowContext(ctx, string(id)).Scan(&n); err != nil {
			return nil, fmt.Errorf("look up key of case %s: %w", id, err)
		}
		if n == 0 {
			lacking = append(lacking, id)
		}
	}
	return lacking, nil
}
