package sqliteprovider

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite"
)

//go:embed schema.sql
var schema string

const (
	applicationID = 0x434c5452 // "CLTR", marks the file as ours
	schemaVersion = 1
	readers       = 4 // connections for reads beside the writer
	// cacheKiB bounds the page cache of each connection.
	cacheKiB = 8 << 10
)

// Options say how Open treats the file.
type Options struct {
	Path string // SQLite file, created with mode 0600 if absent; its folder must exist
	// Full syncs every commit to disk. Without it a crash of the machine may lose the last commits;
	// see the package comment.
	Full   bool
	Logger *slog.Logger // nil discards
}

// Provider is the storage of all trees in one file. It implements Trillian's storage.Provider.
type Provider struct {
	path     string
	log      *slog.Logger
	lock     *sql.DB // holds the lock file while open
	writeDB  *sql.DB
	readDB   *sql.DB
	w        *writer
	q        *queries
	checkpts *checkpointer
	turn     chan struct{} // holds one token: the right to write
	stale    bool          // guarded by turn: the outcome of a commit is unknown
	closed   bool          // guarded by turn

	mu    sync.RWMutex
	trees map[int64]*treeState // by tree id, committed and immutable
}

// Open opens or creates the file and checks the right edge of every tree in it against its root.
// The error is or wraps ErrCorrupt, ErrForeignFile or ErrInUse where one of these applies.
func Open(ctx context.Context, o Options) (*Provider, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	path, err := filepath.Abs(o.Path)
	if err != nil || o.Path == "" {
		return nil, fmt.Errorf("tree file %q: not a usable path", o.Path)
	}
	p := &Provider{path: path, log: o.Logger, turn: make(chan struct{}, 1)}
	p.turn <- struct{}{}
	if err := p.open(ctx, o); err != nil {
		return nil, fmt.Errorf("opening tree file %s: %w", path, errors.Join(err, p.Close()))
	}
	return p, nil
}

func (p *Provider) open(ctx context.Context, o Options) error {
	for _, name := range []string{p.path, p.path + "-lock"} {
		if err := createFile(name); err != nil {
			return err
		}
	}
	if err := p.takeLock(ctx); err != nil {
		return err
	}
	synchronous := "synchronous(normal)"
	if o.Full {
		synchronous = "synchronous(full)"
	}
	var err error
	p.writeDB, err = openDB(p.path, 1, waitForLocks, "journal_mode(wal)", synchronous, "wal_autocheckpoint(0)", fmt.Sprintf("cache_size(-%d)", cacheKiB))
	if err != nil {
		return err
	}
	if p.w, err = newWriter(ctx, p.writeDB); err != nil {
		return err
	}
	if p.readDB, err = openDB(p.path, readers, waitForLocks, "query_only(1)", fmt.Sprintf("cache_size(-%d)", cacheKiB)); err != nil {
		return err
	}
	if p.q, err = prepareQueries(ctx, p.readDB); err != nil {
		return err
	}
	if p.trees, err = loadTrees(ctx, p.w); err != nil {
		return err
	}
	if err := p.checkTrees(ctx); err != nil {
		return err
	}
	p.checkpts, err = startCheckpointer(p.path, p.turn, p.log)
	return err
}

// createFile makes an empty file that only its owner may read, unless it exists.
func createFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// waitForLocks lets the connections to the tree file wait up to 10 s for each other.
const waitForLocks = "busy_timeout(10000)"

// openDB opens a pool of up to n connections that all get the pragmas.
func openDB(path string, n int, pragmas ...string) (*sql.DB, error) {
	u := url.URL{Scheme: "file", Path: path, RawQuery: url.Values{"_pragma": pragmas}.Encode()}
	connector, err := sqlite.NewConnector(u.String())
	if err != nil {
		return nil, err
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(n)
	db.SetMaxIdleConns(n)
	return db, nil
}

// takeLock holds an exclusive transaction on a file of its own until Close, so that a second
// provider cannot write behind the values kept in memory. The lock dies with the process.
func (p *Provider) takeLock(ctx context.Context) error {
	var err error
	if p.lock, err = openDB(p.path+"-lock", 1, "busy_timeout(0)"); err != nil {
		return err
	}
	if _, err = p.lock.ExecContext(ctx, "BEGIN EXCLUSIVE"); isBusy(err) {
		return ErrInUse
	}
	return err
}

// Close waits for the transaction under way, moves the WAL into the file and closes it. It may be
// called more than once.
func (p *Provider) Close() error {
	<-p.turn
	closed := p.closed
	p.closed = true
	p.turn <- struct{}{}
	if closed {
		return nil
	}
	var errs []error
	if p.checkpts != nil {
		errs = append(errs, p.checkpts.stop())
	}
	if p.readDB != nil {
		errs = append(errs, p.readDB.Close())
	}
	if p.w != nil {
		errs = append(errs, p.w.close())
	}
	for _, db := range []*sql.DB{p.writeDB, p.lock} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	return errors.Join(errs...)
}
