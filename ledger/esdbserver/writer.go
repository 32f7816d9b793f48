package esdbserver

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/google/uuid"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

const (
	maxBatchCommands = 512
	maxBatchBytes    = 4 << 20
)

// writer is the one goroutine that changes the store. It takes all commands that wait, decides them in order, writes
// them in one transaction and answers after the commit is on disk. While a commit runs the next commands gather; it
// never waits for company.
type writer struct {
	store  *store
	recent *recent
	log    *slog.Logger
	queue  chan *command
	stop   chan struct{} // closed when no more commands can come
	done   chan struct{}
	failed atomic.Bool // a write failed in a way that only a restart may mend
	ckpt   *checkpointer

	db                      *sql.DB
	conn                    *sql.Conn
	fwd, find, last, newest *sql.Stmt
	inserts                 inserts
	kept                    statements
	nextN, nextStream       int64
	ids                     map[uuid.UUID]*event // of the events in memory, for retries
}

func startWriter(s *store, log *slog.Logger) (*writer, error) {
	w := &writer{store: s, log: log, queue: make(chan *command, maxBatchCommands), stop: make(chan struct{}),
		done: make(chan struct{}), ids: map[uuid.UUID]*event{}}
	if err := w.open(); err != nil {
		w.closeDB()
		return nil, err
	}
	if err := w.preload(); err != nil {
		w.closeDB()
		return nil, err
	}
	w.ckpt = startCheckpointer(s, log)
	go w.run()
	return w, nil
}

// open makes a fresh connection and reads where the store ends.
func (w *writer) open() (err error) {
	ctx := context.Background()
	if w.db, err = w.store.openWriter(); err != nil {
		return err
	}
	if w.conn, err = w.db.Conn(ctx); err != nil {
		return fmt.Errorf("%w: open for writing: %w", ErrStore, err)
	}
	err = errors.Join(
		w.kept.prepare(w.conn.PrepareContext, &w.fwd, selectFwd),
		w.kept.prepare(w.conn.PrepareContext, &w.find, selectStream),
		w.kept.prepare(w.conn.PrepareContext, &w.last, selectLast),
		w.kept.prepare(w.conn.PrepareContext, &w.newest, selectNewest),
		w.inserts.prepare(&w.kept, w.conn))
	if err != nil {
		return err
	}
	row := w.conn.QueryRowContext(ctx, `SELECT coalesce((SELECT max(n) FROM event), 0) + 1, coalesce((SELECT max(id) FROM stream), 0) + 1`)
	if err := row.Scan(&w.nextN, &w.nextStream); err != nil {
		return fmt.Errorf("%w: find the end: %w", ErrStore, err)
	}
	return nil
}

// preload fills the memory with the newest events, so that subscriptions resume and retries are known after a start.
func (w *writer) preload() error {
	head := w.nextN - 1
	var newest []*event
	for from, size := head, 0; from > 0 && len(newest) < recentEvents && size < recentBytes; {
		events, _, err := page(context.Background(), w.store.allBack, 256, 0, from)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrStore, err)
		}
		for _, e := range events {
			if e.n != from {
				return fmt.Errorf("%w: event %d is missing: the store is damaged, restore it from a backup", ErrStore, from)
			}
			from, size = from-1, size+e.size()
			newest = append(newest, e)
		}
		if len(events) == 0 {
			return fmt.Errorf("%w: event %d is missing: the store is damaged, restore it from a backup", ErrStore, from)
		}
	}
	w.recent = newRecent(head - int64(len(newest)))
	for i := len(newest) - 1; i >= 0; i-- {
		w.ids[newest[i].id] = newest[i]
		w.forgetIDs(w.recent.publish(newest[i:i+1], nil))
	}
	return nil
}

func (w *writer) run() {
	defer close(w.done)
	defer w.closeDB()
	defer w.ckpt.close()
	var commands []*command
	for {
		select {
		case first := <-w.queue:
			commands = w.gather(append(commands[:0], first))
			w.commit(commands)
			clear(commands)
		case <-w.stop:
			return
		}
	}
}

// gather adds what waits already, within the limits of one transaction.
func (w *writer) gather(commands []*command) []*command {
	size := commands[0].size()
	for len(commands) < maxBatchCommands && size < maxBatchBytes {
		select {
		case c := <-w.queue:
			commands = append(commands, c)
			size += c.size()
		default:
			return commands
		}
	}
	return commands
}

func (c *command) size() (sum int) {
	for _, e := range c.events {
		sum += e.size()
	}
	return sum
}

// commit decides the commands, writes them in one transaction and answers each of them once.
func (w *writer) commit(commands []*command) {
	outcomes := make([]outcome, len(commands))
	written, err := w.write(commands, outcomes)
	for i, c := range commands {
		if err != nil {
			c.done <- outcome{err: err}
			continue
		}
		c.done <- outcomes[i]
	}
	if len(written) > 0 {
		w.ckpt.wrote(w.conn, written) // after the answers: nobody waits for it
	}
}

// write gives the events that it committed.
func (w *writer) write(commands []*command, outcomes []outcome) (_ []*event, err error) {
	if w.failed.Load() {
		return nil, stopped()
	}
	b := newBatch(w)
	for i, c := range commands {
		if err := c.ctx.Err(); err != nil {
			outcomes[i].err = err // the caller has gone, and nothing was written
			continue
		}
		if outcomes[i], err = b.decide(c); err != nil {
			return nil, w.fail(b, err)
		}
	}
	if len(b.events) == 0 {
		return nil, nil
	}
	if err := w.inserts.write(b); err != nil {
		return nil, w.fail(b, err)
	}
	w.nextN += int64(len(b.events))
	w.nextStream = b.nextID
	w.forgetIDs(w.recent.publish(b.events, b.states))
	return b.events, nil
}

func (w *writer) forgetIDs(dropped []*event) {
	for _, e := range dropped {
		if w.ids[e.id] == e {
			delete(w.ids, e.id)
		}
	}
}

// fail is the end of a batch that could not be written. The connection is closed, which rolls back whatever was open.
// After a full disk or a lock held by another program the store is opened again and its end read from the disk; after
// anything else no append is taken until a restart, since what the disk holds is no longer certain.
func (w *writer) fail(b *batch, cause error) error {
	w.forgetIDs(b.events)
	w.closeDB()
	var e *sqlite.Error
	code := -1
	if errors.As(cause, &e) {
		code = e.Code() & 0xff
	}
	w.log.Error("esdbserver: an append could not be written", "error", cause, "events", len(b.events))
	if code == sqlite3.SQLITE_FULL || code == sqlite3.SQLITE_BUSY {
		if err := w.reopen(); err != nil {
			cause = err
		} else {
			return fmt.Errorf("write events: %w", cause)
		}
	}
	w.failed.Store(true)
	w.log.Error("esdbserver: no more appends are taken until a restart", "error", cause)
	return stopped()
}

// reopen trusts only what the disk holds: it publishes events that a failed commit left behind after all.
func (w *writer) reopen() error {
	if err := w.open(); err != nil {
		return err
	}
	w.recent.forget()
	for head := w.recent.top(); head < w.nextN-1; head = w.recent.top() {
		events, _, err := page(context.Background(), w.store.all, 256, head, w.nextN-1)
		if err != nil {
			return err
		}
		if len(events) == 0 {
			return fmt.Errorf("%w: event %d is missing after a failed write", ErrStore, head+1)
		}
		w.forgetIDs(w.recent.publish(events, nil))
	}
	return nil
}

func (w *writer) closeDB() {
	// Closing the statements and connections of a failed database may fail again: the cause is reported already.
	_ = w.kept.close()
	if w.conn != nil {
		_ = w.conn.Close()
	}
	if w.db != nil {
		_ = w.db.Close()
	}
	w.conn, w.db = nil, nil
}

// do hands a command to the writer and waits for its outcome.
func (w *writer) do(c *command) outcome {
	c.done = make(chan outcome, 1)
	select {
	case w.queue <- c:
	case <-c.ctx.Done():
		return outcome{err: c.ctx.Err()}
	case <-w.done:
		return outcome{err: shuttingDown()}
	}
	select {
	case o := <-c.done:
		return o
	case <-c.ctx.Done():
		return outcome{err: c.ctx.Err()}
	case <-w.done:
		return outcome{err: shuttingDown()}
	}
}

// close ends the goroutine. No command may be handed in any more.
func (w *writer) close() {
	close(w.stop)
	<-w.done
}
