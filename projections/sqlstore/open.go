package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path/filepath"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

const maxReaders = 4

// Open opens the file, creating it where there is none, brings its tables up to date and checks it: SQLite's own check,
// and the count of rows and sum of revisions that go with its position. It reads the whole file. A damaged file is
// ErrCorrupt, and nothing in it is changed.
func Open(ctx context.Context, path string) (*Store, error) {
	s, err := open(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("open read models %s: %w", filepath.Base(path), err)
	}
	return s, nil
}

func open(ctx context.Context, path string) (_ *Store, err error) {
	s := &Store{}
	if s.db, err = sql.Open("sqlite", dsn(path, "page_size(2048)", "journal_mode(WAL)", "synchronous(NORMAL)",
		"wal_autocheckpoint(4000)", "journal_size_limit(33554432)", "cache_size(-16000)", "temp_store(MEMORY)")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	s.db.SetMaxOpenConns(1)
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	if err := migrate(ctx, s.db); err != nil {
		return nil, err
	}
	if err := s.checkRows(ctx); err != nil {
		return nil, err
	}
	if s.conn, err = s.db.Conn(ctx); err != nil {
		return nil, err
	}
	if err := prepareAll(ctx, s.conn, s.write.list()); err != nil {
		return nil, err
	}
	if s.readers, err = sql.Open("sqlite", dsn(path, "query_only(1)", "cache_size(-4000)")); err != nil {
		return nil, err
	}
	s.readers.SetMaxOpenConns(maxReaders)
	s.readers.SetMaxIdleConns(maxReaders)
	if err := prepareAll(ctx, s.readers, s.read.list()); err != nil {
		return nil, err
	}
	return s, s.refold(ctx)
}

func dsn(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(10000)"}, pragmas...)}
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: q.Encode()}).String()
}

// check runs SQLite's own check of the file's structure.
func (s *Store) check(ctx context.Context) error {
	var result string
	if err := s.db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&result); err != nil {
		return failed("check the file", err)
	}
	if result != "ok" {
		return fmt.Errorf("check the file: %w", ErrCorrupt)
	}
	return nil
}

func migrate(ctx context.Context, db *sql.DB) error {
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithLogger(goose.NopLogger()))
	if err != nil {
		return failed("read the migrations", err)
	}
	current, newest, err := provider.GetVersions(ctx)
	if err != nil {
		return failed("read the version of the tables", err)
	}
	if current > newest {
		return fmt.Errorf("%w: version %d, this program knows %d", ErrNewer, current, newest)
	}
	if _, err := provider.Up(ctx); err != nil {
		return failed("bring the tables up to date", err)
	}
	return nil
}

// checkRows compares the rows with what the position says of them: a page that is older than the rest shows here.
func (s *Store) checkRows(ctx context.Context) error {
	var next, wantRows, wantSum, rows, sum int64
	err := s.db.QueryRowContext(ctx, "SELECT next, total, sum FROM position").Scan(&next, &wantRows, &wantSum)
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("read the position: %w", ErrCorrupt)
	}
	if err != nil {
		return failed("read the position", err)
	}
	for _, t := range tables {
		var n, r int64
		if err := s.db.QueryRowContext(ctx, "SELECT count(*), coalesce(sum(revision), 0) FROM "+t.name).Scan(&n, &r); err != nil {
			return failed("count "+t.name, err)
		}
		if t.name == "entry" && n != next {
			return fmt.Errorf("%w: %d events in the index, %d applied", ErrCorrupt, n, next)
		}
		rows, sum = rows+n, sum+r
	}
	if rows != wantRows || sum != wantSum {
		return fmt.Errorf("%w: %d rows where the position counts %d, or rows of another time", ErrCorrupt, rows, wantRows)
	}
	return nil
}

// refold empties a file that another version of the fold filled.
func (s *Store) refold(ctx context.Context) error {
	var fold int64
	if err := s.conn.QueryRowContext(ctx, "SELECT fold FROM position").Scan(&fold); err != nil {
		return failed("read the version of the fold", err)
	}
	if fold == foldVersion {
		return nil
	}
	return s.Reset(ctx)
}
