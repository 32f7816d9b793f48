package sqliteprovider

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

var (
	// ErrCorrupt means that the file is damaged: it is not SQLite, a page is broken, or its tiles do
	// not give the stored root. Move the file and its -wal and -shm aside and build the tree again.
	ErrCorrupt = errors.New("tree file is damaged; move it aside and build the tree again")
	// ErrForeignFile means that the file is a sound SQLite database but not ours, or that a newer
	// version of the program wrote it. It must not be moved aside without a look.
	ErrForeignFile = errors.New("not a tree file of this program version")
	// ErrInUse means that another provider, in this process or another, holds the file.
	ErrInUse = errors.New("tree file is in use")
	// ErrClosed means that the provider was closed.
	ErrClosed = errors.New("tree storage is closed")
)

// classify adds ErrCorrupt to the errors by which SQLite says that the file is damaged.
func classify(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	default:
		return err
	}
}

// isBusy tells whether another connection holds the lock that was asked for.
func isBusy(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == sqlite3.SQLITE_BUSY
}
