package keyring

import (
	"context"
	"database/sql"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite"
)

//go:embed schema.sql
var schema string

const (
	kindIdentity = "identity"
	kindCase     = "case"
	kindExhibit  = "exhibit"
	kindSubject  = "subject"
	kindUnknown  = "unknown"
)

// row is one key as stored.
type row struct {
	id              ID
	caseID, kind    string
	owner           string
	destroyed       bool
	wrapped, secret []byte
}

// aad binds a wrapped key to its row, so that rows cannot be exchanged in the file.
func (r *row) aad() []byte {
	return lengthPrefixed(nil, "caseledger-keyring/v1", r.kind, string(r.id), r.caseID, r.owner)
}

// lengthPrefixed appends each part after its length (8 bytes, big-endian).
func lengthPrefixed(to []byte, parts ...string) []byte {
	for _, p := range parts {
		to = binary.BigEndian.AppendUint64(to, uint64(len(p)))
		to = append(to, p...)
	}
	return to
}

// openDB opens the file with one connection: reads are cache misses only, and with one connection the write-ahead
// log is never held open by a reader of our own.
func openDB(ctx context.Context, path string) (*sql.DB, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := createEmpty(path); err != nil {
		return nil, err
	}
	dsn := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{
		"_txlock": {"immediate"},
		"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)", "secure_delete(ON)", "temp_store(MEMORY)"},
	}.Encode()}
	db, err := sql.Open("sqlite", dsn.String())
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := createTables(ctx, db); err != nil {
		return nil, errors.Join(fmt.Errorf("create tables: %w", err), db.Close())
	}
	return db, nil
}

// firstOpen bounds the wait for another process that opens the same new file: the change to a write-ahead log is the one
// thing that SQLite does not wait for.
const (
	firstOpen = 10 * time.Second
	openPause = 20 * time.Millisecond
)

func createTables(ctx context.Context, db *sql.DB) error {
	for start := time.Now(); ; time.Sleep(openPause) {
		_, err := db.ExecContext(ctx, schema)
		var busy *sqlite.Error
		if err == nil || !errors.As(err, &busy) || busy.Code()&0xff != busyCode || time.Since(start) > firstOpen || ctx.Err() != nil {
			return err
		}
	}
}

// busyCode is SQLITE_BUSY.
const busyCode = 5

// createEmpty makes the file with mode 0600 before SQLite would with a wider one; its companions inherit the mode.
func createEmpty(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), syncFolder(filepath.Dir(path)))
}

// statements are prepared once; the text says what each does.
type statements struct{ byID, byOwner, insert, insertUnder, destroy, destroyCase *sql.Stmt }

const columns = `SELECT id, case_id, kind, owner, destroyed, wrapped, secret FROM keys `

func prepare(ctx context.Context, db *sql.DB) (s statements, err error) {
	const insert = `INSERT INTO keys (id, case_id, kind, owner, wrapped, secret) `
	const wipe = `UPDATE keys SET destroyed = 1, wrapped = zeroblob(length(wrapped)), secret = zeroblob(length(secret)) `
	for _, p := range []struct {
		to   **sql.Stmt
		text string
	}{
		{&s.byID, columns + `WHERE id = ?`},
		{&s.byOwner, columns + `WHERE case_id = ? AND kind = ? AND owner = ?`},
		{&s.insert, insert + `VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`},
		{&s.insertUnder, insert + `SELECT ?, ?, ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM keys WHERE id = ? AND NOT destroyed)
			ON CONFLICT DO NOTHING`},
		{&s.destroy, wipe + `WHERE id = ? AND NOT destroyed AND kind IN ('exhibit', 'subject') RETURNING id`},
		{&s.destroyCase, wipe + `WHERE case_id = ? AND NOT destroyed AND kind IN ('case', 'exhibit', 'subject') RETURNING id`},
	} {
		if *p.to, err = db.PrepareContext(ctx, p.text); err != nil {
			return s, errors.Join(fmt.Errorf("prepare: %w", err), s.close())
		}
	}
	return s, nil
}

func (s *statements) close() error {
	var errs error
	for _, st := range []*sql.Stmt{s.byID, s.byOwner, s.insert, s.insertUnder, s.destroy, s.destroyCase} {
		if st != nil {
			errs = errors.Join(errs, st.Close())
		}
	}
	return errs
}

// one reads the row that a byID or byOwner statement finds; ErrNoKey if none.
func one(ctx context.Context, st *sql.Stmt, args ...any) (row, error) {
	var r row
	err := st.QueryRowContext(ctx, args...).Scan(&r.id, &r.caseID, &r.kind, &r.owner, &r.destroyed, &r.wrapped, &r.secret)
	if errors.Is(err, sql.ErrNoRows) {
		return r, ErrNoKey
	}
	return r, err
}

// emptyLog moves the write-ahead log into the file and truncates it to nothing.
func (k *Keyring) emptyLog(ctx context.Context) error {
	var busy, frames, moved int
	if err := k.db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &frames, &moved); err != nil {
		return fmt.Errorf("empty the write-ahead log: %w", err)
	}
	if busy != 0 {
		return ErrResidue
	}
	return nil
}
