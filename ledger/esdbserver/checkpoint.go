package esdbserver

import (
	"context"
	"database/sql"
	"log/slog"
	"sync/atomic"
)

// Sizes of the write-ahead log at which its content is copied into the database.
const (
	checkpointBytes = 8 << 20
	commitOverhead  = 16 << 10 // pages that a commit writes besides its events, roughly
)

// checkpointer copies the write-ahead log into the database in the background, so that no commit has to. When it has
// copied nearly all, the writer copies the few pages since between two commits, and SQLite starts the log afresh.
type checkpointer struct {
	log     *slog.Logger
	pending int // bytes, estimated; the writer's
	kick    chan struct{}
	tidy    atomic.Bool
	done    chan struct{}
}

func startCheckpointer(s *store, log *slog.Logger) *checkpointer {
	c := &checkpointer{log: log, kick: make(chan struct{}, 1), done: make(chan struct{})}
	go func() {
		defer close(c.done)
		db, err := s.openWriter()
		if err != nil {
			log.Error("esdbserver: the write-ahead log cannot be checkpointed", "error", err)
			return
		}
		defer db.Close()
		for range c.kick {
			if c.passive(db.QueryRow(checkpointQuery)) {
				c.tidy.Store(true)
			}
		}
	}()
	return c
}

const checkpointQuery = `PRAGMA wal_checkpoint(PASSIVE)`

// passive reports a failure and says whether the log was copied. A failed checkpoint loses nothing: the log stays.
func (c *checkpointer) passive(row *sql.Row) bool {
	var busy, frames, copied int
	if err := row.Scan(&busy, &frames, &copied); err != nil {
		c.log.Error("esdbserver: checkpointing the write-ahead log failed", "error", err)
		return false
	}
	return busy == 0
}

// wrote is called by the writer after each commit.
func (c *checkpointer) wrote(conn *sql.Conn, events []*event) {
	if c.tidy.CompareAndSwap(true, false) {
		c.passive(conn.QueryRowContext(context.Background(), checkpointQuery))
	}
	c.pending += commitOverhead
	for _, e := range events {
		c.pending += e.size()
	}
	if c.pending < checkpointBytes {
		return
	}
	c.pending = 0
	select {
	case c.kick <- struct{}{}:
	default:
	}
}

func (c *checkpointer) close() {
	close(c.kick)
	<-c.done
}
