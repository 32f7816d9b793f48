package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// partStatements are for one of the tables exhibits, people and grants, which have the same columns.
type partStatements struct{ find, all, last, put *sql.Stmt }

func (p *partStatements) prepared(table string) []prepared {
	return []prepared{
		{&p.find, "SELECT no, id, state, revision FROM " + table + " WHERE owner = ? AND id = ?"},
		{&p.all, "SELECT no, id, state, revision FROM " + table + " WHERE owner = ? ORDER BY no"},
		{&p.last, "SELECT coalesce(max(no), 0) FROM " + table + " WHERE owner = ?"},
		{&p.put, "INSERT OR REPLACE INTO " + table + " (owner, no, id, state, revision) VALUES (?, ?, ?, ?, ?)"},
	}
}

// stored is a row as it was before the event.
type stored struct {
	no, revision int64
	state        []byte
}

// parts are the rows of one table that an event may change.
type parts[T any] struct {
	statements *partStatements
	id         func(T) predicate.UUID
	before     map[predicate.UUID]stored
}

// load reads the rows with these ids, or all of the case.
func (p *parts[T]) load(owner int64, ids []predicate.UUID, all bool) (out []T, err error) {
	p.before = make(map[predicate.UUID]stored)
	if all {
		return p.collect(out, p.statements.all, owner)
	}
	for _, id := range ids {
		if _, twice := p.before[id]; twice {
			continue
		}
		if out, err = p.collect(out, p.statements.find, owner, string(id)); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (p *parts[T]) collect(out []T, query *sql.Stmt, args ...any) ([]T, error) {
	rows, err := query.QueryContext(context.Background(), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var s stored
		var id predicate.UUID
		if err := rows.Scan(&s.no, &id, &s.state, &s.revision); err != nil {
			return nil, err
		}
		var part T
		if err := decode(s.state, &part); err != nil {
			return nil, err
		}
		p.before[id] = s
		out = append(out, part)
	}
	return out, rows.Err()
}

// save writes the rows that are new or differ.
func (p *parts[T]) save(b *batch, owner int64, now []T) error {
	ctx := context.Background()
	for _, part := range now {
		state, err := canonical.Marshal(part)
		if err != nil {
			return err
		}
		id := p.id(part)
		before, known := p.before[id]
		switch {
		case !known:
			if err := p.statements.last.QueryRowContext(ctx, owner).Scan(&before.no); err != nil {
				return err
			}
			before.no++
			b.added(b.revision)
		case bytes.Equal(before.state, state):
			continue
		default:
			b.sum += b.revision - before.revision
		}
		if _, err := p.statements.put.ExecContext(ctx, owner, before.no, string(id), state, b.revision); err != nil {
			return err
		}
	}
	return nil
}

func decode(state []byte, into any) error {
	if err := canonical.Unmarshal(state, into); err != nil {
		return fmt.Errorf("%w: a row does not hold what this program writes: %w", ErrCorrupt, err)
	}
	return nil
}

// findCase reads the state of a case as it was before the event.
func (b *batch) findCase(owner int64, into any) (before stored, known bool, err error) {
	err = b.store.write.findCase.QueryRowContext(context.Background(), owner).Scan(&before.state, &before.revision)
	if errors.Is(err, sql.ErrNoRows) {
		return before, false, nil
	}
	if err != nil {
		return before, false, err
	}
	return before, true, decode(before.state, into)
}
