package keyring

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
)

// creations collects rows to insert while a commit is under way, so that the next commit takes them all: whoever
// gets the writer's lock first commits for everyone who waits.
type creations struct {
	mu      sync.Mutex
	waiting []*creation
	writer  sync.Mutex
}

// creation is one row to insert unless its owner has one. parent is the case key that must still be alive.
type creation struct {
	want   row
	parent ID
	done   bool
	got    row
	err    error
}

const maxCreations = 1000

// create stores the row, or finds the one already stored for its owner, here or by another process. The row is
// durable when create returns.
func (k *Keyring) create(want row, parent ID) (row, error) {
	c := &creation{want: want, parent: parent}
	q := &k.queue
	q.mu.Lock()
	q.waiting = append(q.waiting, c)
	q.mu.Unlock()

	q.writer.Lock()
	defer q.writer.Unlock()
	for !c.done {
		q.mu.Lock()
		n := min(len(q.waiting), maxCreations)
		batch := q.waiting[:n:n]
		q.waiting = q.waiting[n:]
		q.mu.Unlock()
		err := k.commit(batch)
		for _, b := range batch {
			b.done = true
			b.err = errors.Join(b.err, err)
		}
	}
	return c.got, c.err
}

// commit is not bound to one caller's context, since it works for several.
func (k *Keyring) commit(batch []*creation) error {
	ctx, cancel := context.WithTimeout(context.Background(), backTimeout)
	defer cancel()
	tx, err := k.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("store keys: %w", err)
	}
	defer tx.Rollback()
	for _, c := range batch {
		if c.err = k.insert(ctx, tx, c); c.err != nil && !errors.Is(c.err, ErrDestroyed) {
			return fmt.Errorf("store keys: %w", c.err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("store keys: %w", err)
	}
	return nil
}

func (k *Keyring) insert(ctx context.Context, tx *sql.Tx, c *creation) error {
	w := &c.want
	st, args := k.stmts.insert, []any{string(w.id), w.caseID, w.kind, w.owner, w.wrapped, w.secret}
	if c.parent != "" {
		st, args = k.stmts.insertUnder, append(args, string(c.parent))
	}
	if _, err := tx.StmtContext(ctx, st).ExecContext(ctx, args...); err != nil {
		return err
	}
	var err error
	c.got, err = one(ctx, tx.StmtContext(ctx, k.stmts.byOwner), w.caseID, w.kind, w.owner)
	if errors.Is(err, ErrNoKey) && c.parent != "" {
		return fmt.Errorf("case key %s: %w", c.parent, ErrDestroyed)
	}
	return err
}
