package esdbserver

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

const (
	eventParams = 9
	manyRows    = 16
)

// inserts are the kept statements of the writing connection.
type inserts struct {
	begin, commit, name, one, many *sql.Stmt
	args                           []any
}

func (s *inserts) prepare(kept *statements, conn *sql.Conn) error {
	const insert = `INSERT INTO event (n, stream, rev, id, created, json, type, meta, data) VALUES `
	const row = `(?, ?, ?, ?, ?, ?, ?, ?, ?)`
	s.args = make([]any, 0, manyRows*eventParams)
	return errors.Join(
		kept.prepare(conn.PrepareContext, &s.begin, `BEGIN IMMEDIATE`),
		kept.prepare(conn.PrepareContext, &s.commit, `COMMIT`),
		kept.prepare(conn.PrepareContext, &s.name, `INSERT INTO stream (id, name) VALUES (?, ?)`),
		kept.prepare(conn.PrepareContext, &s.one, insert+row),
		kept.prepare(conn.PrepareContext, &s.many, insert+strings.Repeat(row+", ", manyRows-1)+row))
}

// write commits a batch: all of it or nothing. A single event needs no explicit transaction.
func (s *inserts) write(b *batch) error {
	if len(b.events) == 1 && len(b.named) == 0 {
		return s.insert(s.one, b.events)
	}
	if _, err := s.begin.Exec(); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	for _, name := range b.named {
		if _, err := s.name.Exec(b.states[name].id, name); err != nil {
			return fmt.Errorf("name a stream: %w", err)
		}
	}
	events := b.events
	for ; len(events) >= manyRows; events = events[manyRows:] {
		if err := s.insert(s.many, events[:manyRows]); err != nil {
			return err
		}
	}
	for ; len(events) > 0; events = events[1:] {
		if err := s.insert(s.one, events[:1]); err != nil {
			return err
		}
	}
	if _, err := s.commit.Exec(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	return nil
}

func (s *inserts) insert(stmt *sql.Stmt, events []*event) error {
	args := s.args[:0]
	for _, e := range events {
		args = append(args, e.n, e.streamID, e.rev, e.id[:], e.created, e.json, e.kind, present(e.meta), present(e.data))
	}
	_, err := stmt.Exec(args...)
	clear(args)
	if err != nil {
		return fmt.Errorf("insert: %w", err)
	}
	return nil
}

// present keeps an absent field from being stored as NULL.
func present(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
