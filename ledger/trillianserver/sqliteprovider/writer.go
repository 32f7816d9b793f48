package sqliteprovider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
)

// insertSizes are how many leaves one kept INSERT takes, largest first.
var insertSizes = [...]int{32, 8, 1}

// insertColumns is how many parameters one leaf takes in these statements.
const insertColumns = 6

// writer is the one connection that writes, with its kept statements. Only the holder of the
// provider's turn uses it. Its statements run without the caller's context: an interrupted
// statement would end the transaction behind our back.
type writer struct {
	conn *sql.Conn
	q    *queries
	kept []*sql.Stmt // all statements: database/sql does not close those of a single connection

	begin, commit, rollback                     *sql.Stmt
	insertLeaves                                [len(insertSizes)]*sql.Stmt
	putTile, setRoot, setDefinition, insertTree *sql.Stmt
	addIdentity, movePlace                      *sql.Stmt
	enqueue, dequeue, sequence, removeFromQueue *sql.Stmt
	dropTree, dropLeaves, dropTiles, dropHashes *sql.Stmt
	dropQueue                                   *sql.Stmt
}

func newWriter(ctx context.Context, db *sql.DB) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, classify(err)
	}
	w := &writer{conn: conn}
	if err := w.prepare(ctx); err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// PrepareContext prepares a statement that lives until close.
func (w *writer) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	stmt, err := w.conn.PrepareContext(ctx, query)
	if err == nil {
		w.kept = append(w.kept, stmt)
	}
	return stmt, err
}

// close lets go of the connection. With a statement left open SQLite would keep the file open and
// its WAL unmerged.
func (w *writer) close() error {
	var errs []error
	for _, stmt := range w.kept {
		errs = append(errs, stmt.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

func (w *writer) prepare(ctx context.Context) error {
	if err := w.createSchema(ctx); err != nil {
		return err
	}
	var err error
	if w.q, err = prepareQueries(ctx, w); err != nil {
		return err
	}
	statements := map[**sql.Stmt]string{
		&w.begin:           "BEGIN IMMEDIATE",
		&w.commit:          "COMMIT",
		&w.rollback:        "ROLLBACK",
		&w.putTile:         "INSERT INTO tiles (id, hashes) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET hashes = excluded.hashes",
		&w.setRoot:         "UPDATE trees SET root = ? WHERE ordinal = ?",
		&w.setDefinition:   "UPDATE trees SET definition = ? WHERE ordinal = ?",
		&w.insertTree:      "INSERT INTO trees (tree_id, definition) VALUES (?, ?)",
		&w.addIdentity:     "INSERT INTO identities (ordinal, hash, place) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		&w.movePlace:       "UPDATE identities SET place = ? WHERE ordinal = ? AND hash = ?",
		&w.enqueue:         "INSERT INTO queue (ordinal, merkle_hash, value, extra, identity, queued_at) VALUES (?, ?, ?, ?, ?, ?)",
		&w.dequeue:         "SELECT position, merkle_hash, identity, queued_at FROM queue WHERE ordinal = ? AND queued_at <= ? ORDER BY position LIMIT ?",
		&w.sequence:        "INSERT INTO leaves (" + leafColumns + ") SELECT ?, merkle_hash, value, extra, identity, queued_at, ? FROM queue WHERE position = ?",
		&w.removeFromQueue: "DELETE FROM queue WHERE position = ?",
		&w.dropTree:        "DELETE FROM trees WHERE ordinal = ?",
		&w.dropLeaves:      "DELETE FROM leaves WHERE id >= ? AND id < ?",
		&w.dropTiles:       "DELETE FROM tiles WHERE id >= ? AND id < ?",
		&w.dropHashes:      "DELETE FROM identities WHERE ordinal = ?",
		&w.dropQueue:       "DELETE FROM queue WHERE ordinal = ?",
	}
	for i, n := range insertSizes {
		rows := strings.Repeat(", (?, ?, ?, ?, ?, ?, 0)", n)[2:]
		statements[&w.insertLeaves[i]] = "INSERT INTO leaves (" + leafColumns + ") VALUES " + rows
	}
	return prepareAll(ctx, w, statements)
}

// createSchema makes the tables of an empty file and refuses a file that is not ours.
func (w *writer) createSchema(ctx context.Context) error {
	var id, version, objects int64
	for query, dest := range map[string]*int64{
		"PRAGMA application_id":              &id,
		"PRAGMA user_version":                &version,
		"SELECT count(*) FROM sqlite_schema": &objects,
	} {
		if err := w.conn.QueryRowContext(ctx, query).Scan(dest); err != nil {
			return fmt.Errorf("%s: %w", query, classify(err))
		}
	}
	if objects > 0 {
		if id != applicationID || version != schemaVersion {
			return fmt.Errorf("application id %#x, schema version %d: %w", id, version, ErrForeignFile)
		}
		return nil
	}
	_, err := w.conn.ExecContext(ctx, fmt.Sprintf("BEGIN IMMEDIATE; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", schema, applicationID, schemaVersion))
	if err != nil {
		return fmt.Errorf("creating the tables: %w", classify(err))
	}
	return nil
}

// exec runs a kept statement.
func exec(stmt *sql.Stmt, args ...any) (sql.Result, error) {
	res, err := stmt.ExecContext(context.Background(), args...)
	return res, classify(err)
}
