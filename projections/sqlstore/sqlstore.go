// Package sqlstore keeps the read models of the ledger in one SQLite file that follows the journal of events.
//
//	entry        one small row for each event, with the event before it of the same case (or organisation)
//	owner        case (or organisation) → its last event: from there its revisions are followed backwards
//	event_id     event id → revision, for events whose id a client can ask for again
//	urn          URN → cases
//	cases, exhibits, people, grants    projections.State, changed by the events that change it, never by views
//	participant  organisation → cases in which it takes part
//	position     the first revision that is not applied, written in the same transaction as the rows
//
// Rows hold clear slots only: no opened field, no sealed opening. The file is as durable as it needs to be (WAL,
// synchronous=NORMAL): after a crash it stands at some earlier position and goes on from there. A file that is damaged is
// refused with ErrCorrupt when it is opened; move it aside and build it again from the journal. Whoever can change the
// file can at most hide or misplace events in lists until the next rebuild; receipts and reports are made from the
// journal, each event checked against its leaf.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"

	"modernc.org/sqlite"

	"github.com/caseledger/caseledger/projections"
)

var (
	// ErrCorrupt: the file is damaged. Move it aside and build the read models again from the journal.
	ErrCorrupt = errors.New("read models are damaged; move the file aside and build it again from the journal")
	// ErrNewer: a newer program made the file.
	ErrNewer = errors.New("read models were made by a newer program; use that one, or move the file aside and build it again")
	// ErrNotFound: there is no such case.
	ErrNotFound = errors.New("no such case in the read models")
	// ErrExists: Rebuild makes a new file and found one.
	ErrExists = errors.New("a file is there already; name another path")
)

// Store is a projections.Store on SQLite. It is safe for concurrent use; one process opens a file at a time.
type Store struct {
	db      *sql.DB // one connection, the writer's
	conn    *sql.Conn
	readers *sql.DB

	mu     sync.Mutex // guards the writer
	write  writerStatements
	words  words
	owners owners
	read   readerStatements
}

var _ projections.Store = (*Store)(nil)

// Close closes the file. Reads and writes that are under way fail.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	if s.readers != nil {
		errs = append(errs, s.readers.Close())
	}
	if s.conn != nil {
		errs = append(errs, s.write.close(), s.conn.Close())
	}
	if err := errors.Join(append(errs, s.db.Close())...); err != nil {
		return fmt.Errorf("close read models: %w", err)
	}
	return nil
}

// Position is the revision of the first event that is not yet applied.
func (s *Store) Position(ctx context.Context) (int64, error) {
	var next int64
	if err := s.read.position.QueryRowContext(ctx).Scan(&next); err != nil {
		return 0, failed("read the position", err)
	}
	return next, nil
}

// failed names the operation, and says ErrCorrupt where SQLite found the file damaged.
func failed(operation string, err error) error {
	const codeMask, codeCorrupt, codeNotADatabase = 0xff, 11, 26
	var e *sqlite.Error
	if errors.As(err, &e) {
		if code := e.Code() & codeMask; code == codeCorrupt || code == codeNotADatabase {
			return fmt.Errorf("%s: %w (%w)", operation, ErrCorrupt, err)
		}
	}
	return fmt.Errorf("%s: %w", operation, err)
}
