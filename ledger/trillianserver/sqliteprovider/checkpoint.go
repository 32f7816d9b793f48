package sqliteprovider

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"
	"sync/atomic"
)

const (
	// checkpointBytes is about how much is written between two checkpoints of the WAL.
	checkpointBytes = 4 << 20
	// walPages is the length of the WAL, in pages, at which the writer is held up once so that the
	// WAL starts again from its beginning.
	walPages = 8 << 10
)

// checkpointer moves the WAL into the file beside the writer, so that no commit has to wait for it.
type checkpointer struct {
	db      *sql.DB
	turn    chan struct{}
	log     *slog.Logger
	pending atomic.Int64
	wake    chan struct{}
	done    chan struct{}
}

func startCheckpointer(path string, turn chan struct{}, log *slog.Logger) (*checkpointer, error) {
	db, err := openDB(path, 1, waitForLocks, "wal_autocheckpoint(0)")
	if err != nil {
		return nil, err
	}
	c := &checkpointer{db: db, turn: turn, log: log, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go c.run()
	return c, nil
}

// wrote notes that a commit of about n bytes was made.
func (c *checkpointer) wrote(n int) {
	if c.pending.Add(int64(n)) < checkpointBytes {
		return
	}
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *checkpointer) run() {
	defer close(c.done)
	for range c.wake {
		c.pending.Store(0)
		if err := c.checkpoint(); err != nil {
			c.log.Warn("checkpoint of the tree file failed; its WAL keeps growing", "error", err)
		}
	}
}

// checkpoint copies what it can beside the writer. If the WAL has grown long all the same, it copies
// what came meanwhile, and the rest with the writer held up, after which the writer starts the WAL
// again.
func (c *checkpointer) checkpoint() error {
	pages, err := c.pass()
	if err != nil || pages < walPages {
		return err
	}
	if _, err := c.pass(); err != nil {
		return err
	}
	<-c.turn
	defer func() { c.turn <- struct{}{} }()
	_, err = c.pass()
	return err
}

// pass returns the length of the WAL in pages.
func (c *checkpointer) pass() (pages int64, err error) {
	var busy, copied int64
	err = c.db.QueryRowContext(context.Background(), "PRAGMA wal_checkpoint(PASSIVE)").Scan(&busy, &pages, &copied)
	if err != nil {
		return 0, fmt.Errorf("checkpoint: %w", classify(err))
	}
	return pages, nil
}

// stop may be called once, when nothing writes any more.
func (c *checkpointer) stop() error {
	close(c.wake)
	<-c.done
	return c.db.Close()
}
