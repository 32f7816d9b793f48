package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// MaxList is the most cases that ListCases returns at once.
const MaxList = 500

// readerStatements are prepared once, on the pool of readers.
type readerStatements struct {
	position, revisions, eventID, byURN, caseState, listCases *sql.Stmt
	exhibits, people, grants                                  *sql.Stmt
}

func (r *readerStatements) list() []prepared {
	part := func(table string) string {
		return "SELECT p.state FROM " + table + " p JOIN word w ON w.no = p.owner WHERE w.text = ? ORDER BY p.no"
	}
	return []prepared{
		{&r.position, "SELECT next FROM position"},
		{&r.revisions, `WITH RECURSIVE walk(revision) AS (
			SELECT revision FROM owner WHERE no = (SELECT no FROM word WHERE text = ?1) AND revision >= ?2
			UNION ALL SELECT before FROM walk JOIN entry USING (revision) WHERE before >= ?2)
			SELECT revision FROM walk`},
		{&r.eventID, "SELECT revision FROM event_id WHERE id = ?"},
		{&r.byURN, "SELECT w.text FROM urn u JOIN word w ON w.no = u.owner WHERE u.key = ? ORDER BY u.revision"},
		{&r.caseState, "SELECT c.state FROM cases c JOIN word w ON w.no = c.owner WHERE w.text = ?"},
		{&r.listCases, `SELECT c.state FROM cases c WHERE c.owner IN (
			SELECT DISTINCT owner FROM participant WHERE org = (SELECT no FROM word WHERE text = ?)
				AND (? = '' OR owner < (SELECT no FROM word WHERE text = ?)) ORDER BY owner DESC LIMIT ?)
			ORDER BY c.owner DESC`},
		{&r.exhibits, part("exhibits")}, {&r.people, part("people")}, {&r.grants, part("grants")},
	}
}

// Revisions are the revisions of all events of a case, ascending; none for an unknown case.
func (s *Store) Revisions(ctx context.Context, caseID string) ([]int64, error) {
	return s.revisions(ctx, caseID, 0)
}

// RevisionsFrom are those of a case from a revision on, ascending. It costs as much as there are, however long the case is.
func (s *Store) RevisionsFrom(ctx context.Context, caseID string, from int64) ([]int64, error) {
	return s.revisions(ctx, caseID, from)
}

// OrgRevisions are the revisions of an organisation's events that belong to no case, such as refusals, ascending.
func (s *Store) OrgRevisions(ctx context.Context, org identifier.Org) ([]int64, error) {
	return s.revisions(ctx, string(org), 0)
}

// revisions follows an owner's events from the last one back.
func (s *Store) revisions(ctx context.Context, owner string, from int64) ([]int64, error) {
	rows, err := s.read.revisions.QueryContext(ctx, owner, max(from, 0))
	if err != nil {
		return nil, failed("read the revisions of a case", err)
	}
	out, err := scanAll[int64](rows)
	if err != nil {
		return nil, failed("read the revisions of a case", err)
	}
	slices.Reverse(out)
	return out, nil
}

func scanAll[T any](rows *sql.Rows) (out []T, err error) {
	defer rows.Close()
	for rows.Next() {
		var v T
		if err := rows.Scan(&v); err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// ByEventID finds the event with an id that a client can ask for again: one that came with an idempotency key, or the
// opening of a case.
func (s *Store) ByEventID(ctx context.Context, id [16]byte) (revision int64, found bool, err error) {
	err = s.read.eventID.QueryRowContext(ctx, id[:]).Scan(&revision)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, failed("look up an event id", err)
	}
	return revision, true, nil
}

// CasesByURN are the cases opened under a URN (identifier.URN.Key), oldest first.
func (s *Store) CasesByURN(ctx context.Context, urnKey string) ([]predicate.UUID, error) {
	rows, err := s.read.byURN.QueryContext(ctx, urnKey)
	if err != nil {
		return nil, failed("look up a URN", err)
	}
	out, err := scanAll[predicate.UUID](rows)
	if err != nil {
		return nil, failed("look up a URN", err)
	}
	return out, nil
}

// Case is the state of a case, ErrNotFound where no event changed it.
func (s *Store) Case(ctx context.Context, id predicate.UUID) (projections.Case, error) {
	found, err := states[projections.Case](ctx, s.read.caseState, string(id))
	if err == nil && len(found) == 0 {
		err = ErrNotFound
	}
	if err != nil {
		return projections.Case{}, failed("read a case", err)
	}
	return found[0], nil
}

// ListCases are up to limit (at most MaxList) cases in which an organisation takes part, newest first, beginning after
// the case whose id is after ("" for the newest).
func (s *Store) ListCases(ctx context.Context, org identifier.Org, after string, limit int) ([]projections.Case, error) {
	found, err := states[projections.Case](ctx, s.read.listCases, string(org), after, after, min(max(limit, 0), MaxList))
	if err != nil {
		return nil, failed("list cases", err)
	}
	return found, nil
}

// Exhibits of a case, in the order in which events first named them.
func (s *Store) Exhibits(ctx context.Context, caseID predicate.UUID) ([]projections.Exhibit, error) {
	return partsOf[projections.Exhibit](ctx, s.read.exhibits, caseID, "exhibits")
}

// People of a case, defendants included.
func (s *Store) People(ctx context.Context, caseID predicate.UUID) ([]projections.Person, error) {
	return partsOf[projections.Person](ctx, s.read.people, caseID, "people")
}

// Grants in a case, ended ones included.
func (s *Store) Grants(ctx context.Context, caseID predicate.UUID) ([]projections.Grant, error) {
	return partsOf[projections.Grant](ctx, s.read.grants, caseID, "grants")
}

func partsOf[T any](ctx context.Context, query *sql.Stmt, caseID predicate.UUID, what string) ([]T, error) {
	found, err := states[T](ctx, query, string(caseID))
	if err != nil {
		return nil, failed("read the "+what+" of a case", err)
	}
	return found, nil
}

// states decodes the states that a query finds.
func states[T any](ctx context.Context, query *sql.Stmt, args ...any) ([]T, error) {
	rows, err := query.QueryContext(ctx, args...)
	if err != nil {
		return nil, err
	}
	raw, err := scanAll[[]byte](rows)
	if err != nil {
		return nil, err
	}
	out := make([]T, len(raw))
	for i := range raw {
		if err := decode(raw[i], &out[i]); err != nil {
			return nil, fmt.Errorf("row %d: %w", i, err)
		}
	}
	return out, nil
}
