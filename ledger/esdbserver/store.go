package esdbserver

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

//go:embed schema.sql
var schema string

// ErrStore marks a store that cannot be opened: damaged, in use, or of another program.
var ErrStore = errors.New("esdbserver: store")

const (
	databaseFile  = "events.db"
	lockFile      = "events.lock"
	schemaVersion = 1
	applicationID = 1163084866 // "ESDB"
	readers       = 4
	busyTimeout   = 10 * time.Second
)

// store is the database: one writing connection, a few reading ones, and a lock that keeps a second server out.
type store struct {
	dir     string
	lock    *sql.DB
	readers *sql.DB
	all     *sql.Stmt // after n, up to n, limit
	allBack *sql.Stmt
	fwd     *sql.Stmt // stream id, from revision, up to n, limit
	back    *sql.Stmt
	find    *sql.Stmt
	last    *sql.Stmt
	newest  *sql.Stmt
	kept    statements
}

// statements are closed before their database: SQLite keeps a connection open, with its locks and its log, for as
// long as one of its statements is.
type statements []*sql.Stmt

// prepare adds one statement through prepareOn, which is the method of a database or of a connection.
func (k *statements) prepare(prepareOn func(context.Context, string) (*sql.Stmt, error), into **sql.Stmt, text string) error {
	stmt, err := prepareOn(context.Background(), text)
	if err != nil {
		return fmt.Errorf("%w: prepare a statement: %w", ErrStore, err)
	}
	*into = stmt
	*k = append(*k, stmt)
	return nil
}

func (k *statements) close() error {
	var errs []error
	for _, stmt := range *k {
		errs = append(errs, stmt.Close())
	}
	*k = nil
	return errors.Join(errs...)
}

// eventColumns are what scanEvent reads. CROSS JOIN keeps SQLite from walking the streams first.
const eventColumns = `SELECT e.n, e.stream, s.name, e.rev, e.id, e.created, e.json, e.type, e.meta, e.data
	FROM event e CROSS JOIN stream s ON s.id = e.stream `

const (
	selectAll     = eventColumns + `WHERE e.n > ? AND e.n <= ? ORDER BY e.n LIMIT ?`
	selectAllBack = eventColumns + `WHERE e.n > ? AND e.n <= ? ORDER BY e.n DESC LIMIT ?`
	selectFwd     = eventColumns + `WHERE e.stream = ? AND e.rev BETWEEN ? AND ? AND e.n <= ? ORDER BY e.rev LIMIT ?`
	selectBack    = eventColumns + `WHERE e.stream = ? AND e.rev BETWEEN ? AND ? AND e.n <= ? ORDER BY e.rev DESC LIMIT ?`
	selectStream  = `SELECT id FROM stream WHERE name = ?`
	selectLast    = `SELECT coalesce(max(rev), -1) FROM event WHERE stream = ?`
	selectNewest  = `SELECT data FROM event WHERE stream = ? ORDER BY rev DESC LIMIT 1`
)

func openStore(dir string) (_ *store, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: create the folder: %w", ErrStore, err)
	}
	s := &store{dir: dir}
	defer func() {
		if err != nil {
			s.close() //nolint:errcheck // err says what went wrong
		}
	}()
	if err := s.takeLock(); err != nil {
		return nil, err
	}
	if err := s.migrate(); err != nil {
		return nil, err
	}
	if s.readers, err = sql.Open("sqlite", s.dsn(databaseFile, busyTimeout, "query_only(1)", "cache_size(-8000)")); err != nil {
		return nil, fmt.Errorf("%w: open for reading: %w", ErrStore, err)
	}
	s.readers.SetMaxOpenConns(readers)
	s.readers.SetMaxIdleConns(readers)
	err = errors.Join(
		s.kept.prepare(s.readers.PrepareContext, &s.all, selectAll),
		s.kept.prepare(s.readers.PrepareContext, &s.allBack, selectAllBack),
		s.kept.prepare(s.readers.PrepareContext, &s.fwd, selectFwd),
		s.kept.prepare(s.readers.PrepareContext, &s.back, selectBack),
		s.kept.prepare(s.readers.PrepareContext, &s.find, selectStream),
		s.kept.prepare(s.readers.PrepareContext, &s.last, selectLast),
		s.kept.prepare(s.readers.PrepareContext, &s.newest, selectNewest))
	if err != nil {
		return nil, err
	}
	return s, nil
}

// dsn names a database file of the store and how long to wait for a lock that another connection holds.
func (s *store) dsn(file string, wait time.Duration, pragmas ...string) string {
	pragmas = append([]string{fmt.Sprintf("busy_timeout(%d)", wait.Milliseconds())}, pragmas...)
	q := url.Values{"_pragma": pragmas}
	path := filepath.ToSlash(filepath.Join(s.dir, file))
	if !strings.HasPrefix(path, "/") {
		path = "/" + path // a drive letter
	}
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// takeLock holds an exclusive transaction on a file of its own for as long as the server runs. The system releases
// it when the process dies.
func (s *store) takeLock() (err error) {
	if s.lock, err = sql.Open("sqlite", s.dsn(lockFile, 0)); err != nil {
		return fmt.Errorf("%w: open the lock: %w", ErrStore, err)
	}
	s.lock.SetMaxOpenConns(1)
	if _, err = s.lock.Exec("BEGIN EXCLUSIVE"); err != nil {
		return fmt.Errorf("%w: %s is in use by another server, or its lock cannot be written: %w", ErrStore, s.dir, err)
	}
	return nil
}

// openWriter opens the one connection that writes. Every commit is on disk before Exec returns: WAL with
// synchronous=FULL. Checkpoints are made by the writer itself, never inside a commit.
func (s *store) openWriter() (*sql.DB, error) {
	db, err := sql.Open("sqlite", s.dsn(databaseFile, busyTimeout, "journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(0)",
		"journal_size_limit(67108864)", "cache_size(-16000)", "temp_store(MEMORY)"))
	if err != nil {
		return nil, fmt.Errorf("%w: open for writing: %w", ErrStore, err)
	}
	db.SetMaxOpenConns(1)
	return db, nil
}

// migrate creates the tables of a new store and refuses a file that is not ours.
func (s *store) migrate() error {
	db, err := s.openWriter()
	if err != nil {
		return err
	}
	defer db.Close()
	var mode string
	var version, application, objects int64
	if err := db.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrStore, databaseFile, err)
	}
	if mode != "wal" {
		return fmt.Errorf("%w: journal mode is %q: the folder must be on a disk that supports WAL", ErrStore, mode)
	}
	err = errors.Join(db.QueryRow("PRAGMA user_version").Scan(&version), db.QueryRow("PRAGMA application_id").Scan(&application),
		db.QueryRow("SELECT count(*) FROM sqlite_schema").Scan(&objects))
	if err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrStore, databaseFile, err)
	}
	switch {
	case objects == 0 && version == 0:
		if _, err := db.Exec("BEGIN IMMEDIATE;" + schema + "COMMIT;"); err != nil {
			return fmt.Errorf("%w: create the tables: %w", ErrStore, err)
		}
		return nil
	case application != applicationID || version != schemaVersion:
		return fmt.Errorf("%w: %s holds application %d version %d, not an event store of version %d", ErrStore,
			databaseFile, application, version, schemaVersion)
	}
	return nil
}

func (s *store) close() error {
	errs := []error{s.kept.close()}
	for _, db := range []*sql.DB{s.readers, s.lock} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}

// state loads what is known of a stream. It may be newer than what has been published.
func (s *store) state(ctx context.Context, name string) (streamState, error) {
	return loadState(ctx, name, s.find, s.last, s.newest)
}

// loadState asks through the statements selectStream, selectLast and selectNewest of any connection.
func loadState(ctx context.Context, name string, find, last, newest *sql.Stmt) (streamState, error) {
	st := streamState{last: -1}
	err := find.QueryRowContext(ctx, name).Scan(&st.id)
	if err == nil {
		err = last.QueryRowContext(ctx, st.id).Scan(&st.last)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return st, fmt.Errorf("look up a stream: %w", err)
	}
	if strings.HasPrefix(name, metaPrefix) {
		st.keep.maxCount = 1
		return st, nil
	}
	var metaID int64
	var data []byte
	err = find.QueryRowContext(ctx, metaPrefix+name).Scan(&metaID)
	if err == nil {
		err = newest.QueryRowContext(ctx, metaID).Scan(&data)
	}
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return st, fmt.Errorf("look up stream metadata: %w", err)
	}
	if err == nil {
		st.keep = parseRetention(data)
	}
	return st, nil
}

// pageBytes ends a page of a read early, so that large events do not pile up in memory.
const pageBytes = 2 << 20

// page reads events in one short transaction and holds no database lock when it returns. full says that it stopped
// because of the limit or of pageBytes; there may be more.
func page(ctx context.Context, q *sql.Stmt, limit int, args ...any) (events []*event, full bool, err error) {
	rows, err := q.QueryContext(ctx, append(args, limit)...)
	if err != nil {
		return nil, false, fmt.Errorf("read events: %w", err)
	}
	defer rows.Close()
	size := 0
	for rows.Next() {
		e := &event{}
		var id []byte
		if err := rows.Scan(&e.n, &e.streamID, &e.stream, &e.rev, &id, &e.created, &e.json, &e.kind, &e.meta, &e.data); err != nil {
			return nil, false, fmt.Errorf("read an event: %w", err)
		}
		if copy(e.id[:], id) != len(e.id) {
			return nil, false, fmt.Errorf("read event %d: its id has %d bytes: the store is damaged", e.n, len(id))
		}
		events = append(events, e)
		if size += e.size(); size >= pageBytes {
			return events, true, nil
		}
	}
	if err := rows.Err(); err != nil {
		return nil, false, fmt.Errorf("read events: %w", err)
	}
	return events, len(events) == limit, nil
}
