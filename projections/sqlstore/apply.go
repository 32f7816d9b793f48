package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// rowsPerInsert is how many entries one statement inserts.
const rowsPerInsert = 32

const entryColumns = 7

// writerStatements are prepared once, on the writer's connection.
type writerStatements struct {
	begin, commit, rollback, position, setPosition *sql.Stmt
	findWord, lastWord, addWord                    *sql.Stmt
	addEntry, addEntries, addEventID, addURN       *sql.Stmt
	findCase, putCase, addPart, removePart         *sql.Stmt
	removeFirm                                     *sql.Stmt
	exhibits, people, grants                       partStatements
}

// list names all statements with their text.
func (w *writerStatements) list() []prepared {
	one := "(?" + strings.Repeat(",?", entryColumns-1) + ")"
	entry := "INSERT INTO entry (owner, revision, kind, chain, sequence, actor, exhibit) VALUES " + one
	list := []prepared{
		{&w.begin, "BEGIN IMMEDIATE"}, {&w.commit, "COMMIT"}, {&w.rollback, "ROLLBACK"},
		{&w.position, "SELECT next, total, sum FROM position"},
		{&w.setPosition, "UPDATE position SET next = ?, total = ?, sum = ?, fold = ?"},
		{&w.findWord, "SELECT no FROM word WHERE text = ?"},
		{&w.lastWord, "SELECT coalesce(max(no), 0) FROM word"},
		{&w.addWord, "INSERT INTO word (no, text, revision) VALUES (?, ?, ?)"},
		{&w.addEntry, entry}, {&w.addEntries, entry + strings.Repeat(","+one, rowsPerInsert-1)},
		{&w.addEventID, "INSERT OR IGNORE INTO event_id (id, revision) VALUES (?, ?)"},
		{&w.addURN, "INSERT OR IGNORE INTO urn (key, owner, revision) VALUES (?, ?, ?)"},
		{&w.findCase, "SELECT state, revision FROM cases WHERE owner = ?"},
		{&w.putCase, "INSERT OR REPLACE INTO cases (owner, state, revision) VALUES (?, ?, ?)"},
		{&w.addPart, "INSERT OR IGNORE INTO participant (org, owner, revision, defendant) VALUES (?, ?, ?, ?)"},
		{&w.removePart, "DELETE FROM participant WHERE org = ? AND owner = ? AND revision = ? RETURNING revision"},
		{&w.removeFirm, "DELETE FROM participant WHERE org = ? AND owner = ? AND defendant = ? RETURNING revision"},
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
}

type entry struct{ owner, revision, kind, chain, sequence, actor, exhibit int64 }

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
	_, undo := s.write.rollback.ExecContext(ctx)
	return failed("apply events", errors.Join(err, undo))
}

func (b *batch) apply(records []projections.Record) error {
	ctx, st := context.Background(), &b.store.write
	var next, rows, sum int64
	if err := st.position.QueryRowContext(ctx).Scan(&next, &rows, &sum); err != nil {
		return err
	}
	b.entries = make([]entry, 0, len(records))
	for i := range records {
		if records[i].Revision != next {
			return fmt.Errorf("event %d at position %d: %w", records[i].Revision, next, projections.ErrPosition)
		}
		if err := b.event(&records[i]); err != nil {
			return fmt.Errorf("event %d: %w", next, err)
		}
		next++
	}
	if err := b.insertEntries(); err != nil {
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
	b.entries = append(b.entries, row)
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

// insertEntries writes the rows of entry in the order of its key.
func (b *batch) insertEntries() error {
	ctx, st := context.Background(), &b.store.write
	slices.SortFunc(b.entries, func(x, y entry) int {
		return cmp.Or(cmp.Compare(x.owner, y.owner), cmp.Compare(x.revision, y.revision))
	})
	args := make([]any, 0, rowsPerInsert*entryColumns)
	for rest := b.entries; len(rest) > 0; {
		n, insert := 1, st.addEntry
		if len(rest) >= rowsPerInsert {
			n, insert = rowsPerInsert, st.addEntries
		}
		args = args[:0]
		for _, e := range rest[:n] {
			args = append(args, e.owner, e.revision, e.kind, e.chain, e.sequence, e.actor, e.exhibit)
			b.added(e.revision)
		}
		if _, err := insert.ExecContext(ctx, args...); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
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
	return err
}
