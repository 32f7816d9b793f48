package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// writerStatements are prepared once, on the writer's connection.
type writerStatements struct {
	begin, commit, rollback, position, setPosition *sql.Stmt
	findWord, lastWord, addWord                    *sql.Stmt
	addEventID, addURN, findOwner                  *sql.Stmt
	entries, owners                                inserts
	findCase, putCase, addPart, removePart         *sql.Stmt
	removeFirm                                     *sql.Stmt
	exhibits, people, grants                       partStatements
}

// list names all statements with their text.
func (w *writerStatements) list() []prepared {
	list := []prepared{
		{&w.begin, "BEGIN IMMEDIATE"}, {&w.commit, "COMMIT"}, {&w.rollback, "ROLLBACK"},
		{&w.position, "SELECT next, total, sum FROM position"},
		{&w.setPosition, "UPDATE position SET next = ?, total = ?, sum = ?, fold = ?"},
		{&w.findWord, "SELECT no FROM word WHERE text = ?"},
		{&w.lastWord, "SELECT coalesce(max(no), 0) FROM word"},
		{&w.addWord, "INSERT INTO word (no, text, revision) VALUES (?, ?, ?)"},
		{&w.findOwner, "SELECT revision FROM owner WHERE no = ?"},
		{&w.addEventID, "INSERT OR IGNORE INTO event_id (id, revision) VALUES (?, ?)"},
		{&w.addURN, "INSERT OR IGNORE INTO urn (key, owner, revision) VALUES (?, ?, ?)"},
		{&w.findCase, "SELECT state, revision FROM cases WHERE owner = ?"},
		{&w.putCase, "INSERT OR REPLACE INTO cases (owner, state, revision) VALUES (?, ?, ?)"},
		{&w.addPart, "INSERT OR IGNORE INTO participant (org, owner, revision, defendant) VALUES (?, ?, ?, ?)"},
		{&w.removePart, "DELETE FROM participant WHERE org = ? AND owner = ? AND revision = ? RETURNING revision"},
		{&w.removeFirm, "DELETE FROM participant WHERE org = ? AND owner = ? AND defendant = ? RETURNING revision"},
	}
	for i, width := range widths {
		list = append(list, prepared{&w.entries[i], insertEntry(width)}, prepared{&w.owners[i], insertOwner(width)})
	}
	list = append(list, w.exhibits.prepared("exhibits")...)
	list = append(list, w.people.prepared("people")...)
	return append(list, w.grants.prepared("grants")...)
}

// close must come before that of the connection, which SQLite otherwise keeps open.
func (w *writerStatements) close() error {
	var errs []error
	for _, p := range w.list() {
		if *p.into != nil {
			errs = append(errs, (*p.into).Close())
		}
	}
	return errors.Join(errs...)
}

type prepared struct {
	into **sql.Stmt
	text string
}

func prepareAll(ctx context.Context, on interface {
	PrepareContext(context.Context, string) (*sql.Stmt, error)
}, list []prepared) (err error) {
	for _, p := range list {
		if *p.into, err = on.PrepareContext(ctx, p.text); err != nil {
			return failed("prepare a statement", err)
		}
	}
	return nil
}

// batch is one transaction under way.
type batch struct {
	store     *Store
	revision  int64 // of the event being applied
	rows, sum int64 // what the transaction adds to the counts of position
	entries   []entry
	owners    map[int64]span
}

func (b *batch) added(revision int64) { b.rows, b.sum = b.rows+1, b.sum+revision }

// Apply takes in consecutive events: rows and position in one transaction. It refuses a batch that does not start at the
// position or has a gap with projections.ErrPosition. The context is looked at before the transaction and not within.
func (s *Store) Apply(ctx context.Context, records []projections.Record) error {
	if len(records) == 0 {
		return ctx.Err()
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("apply events: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.transact(func(b *batch) error { return b.apply(records) })
}

// transact runs one transaction on the writer's connection. The caller holds the lock.
func (s *Store) transact(do func(*batch) error) error {
	ctx := context.Background()
	if _, err := s.write.begin.ExecContext(ctx); err != nil {
		return failed("begin a transaction", err)
	}
	err := do(&batch{store: s})
	if err == nil {
		if _, err = s.write.commit.ExecContext(ctx); err == nil {
			return nil
		}
	}
	s.words.forget()
	s.owners.forget()
	_, undo := s.write.rollback.ExecContext(ctx)
	return failed("apply events", errors.Join(err, undo))
}

func (b *batch) apply(records []projections.Record) error {
	ctx, st := context.Background(), &b.store.write
	var next, rows, sum int64
	if err := st.position.QueryRowContext(ctx).Scan(&next, &rows, &sum); err != nil {
		return err
	}
	b.entries, b.owners = make([]entry, 0, len(records)), make(map[int64]span, min(len(records), 1024))
	for i := range records {
		if records[i].Revision != next {
			return fmt.Errorf("event %d at position %d: %w", records[i].Revision, next, projections.ErrPosition)
		}
		if err := b.event(&records[i]); err != nil {
			return fmt.Errorf("event %d: %w", next, err)
		}
		next++
	}
	if err := b.insert(); err != nil {
		return err
	}
	_, err := st.setPosition.ExecContext(ctx, next, rows+b.rows, sum+b.sum, foldVersion)
	return err
}

// event takes in one event, but for its row in entry, which waits for the rest of the batch.
func (b *batch) event(r *projections.Record) error {
	b.revision = r.Revision
	e := &r.Event
	p := &e.Predicate
	owner := string(p.Case)
	if owner == "" {
		owner = ownerOfChain(p.Chain, p.Actor)
	}
	row := entry{revision: r.Revision, sequence: p.Sequence}
	exhibit, _ := projections.ExhibitOf(e)
	for _, w := range []struct {
		into *int64
		text string
	}{{&row.owner, owner}, {&row.kind, e.Kind}, {&row.chain, string(p.Chain)}, {&row.actor, string(p.Actor.Organisation)}, {&row.exhibit, string(exhibit)}} {
		if w.text == "" {
			continue
		}
		var err error
		if *w.into, err = b.word(w.text); err != nil {
			return err
		}
	}
	if err := b.index(row); err != nil {
		return err
	}
	if _, opened := p.Body.(*predicate.CaseOpenedV1); opened || p.Idempotency != nil {
		if err := b.addOnce(b.store.write.addEventID, r.EventID[:], r.Revision); err != nil {
			return err
		}
	}
	if touch, changes := projections.Touched(e); changes && p.Case != "" {
		return b.fold(row.owner, e, touch)
	}
	return nil
}

// ownerOfChain is whom an event without a case belongs to: the organisation that its chain names.
func ownerOfChain(chain predicate.ChainID, actor predicate.Actor) string {
	if rest, ok := strings.CutPrefix(string(chain), "org/"); ok {
		if org, ok := strings.CutSuffix(rest, "/access"); ok {
			return org
		}
	}
	return string(actor.Organisation)
}

// addOnce runs an INSERT OR IGNORE and counts what it added.
func (b *batch) addOnce(st *sql.Stmt, args ...any) error {
	result, err := st.ExecContext(context.Background(), args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	if n > 0 {
		b.added(b.revision)
	}
	return err
}

// Reset forgets everything: the position is 0 again.
func (s *Store) Reset(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("reset read models: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.transact(func(*batch) error {
		for _, t := range tables {
			if _, err := s.conn.ExecContext(context.Background(), "DELETE FROM "+t.name); err != nil {
				return err
			}
		}
		_, err := s.write.setPosition.ExecContext(context.Background(), 0, 0, 0, foldVersion)
		return err
	})
	s.words.forget()
	s.owners.forget()
	return err
}
