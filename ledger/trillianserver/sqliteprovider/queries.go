package sqliteprovider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/google/trillian"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// queries are the kept read statements of one connection or pool.
type queries struct {
	leaves, leafHashes, lastLeaf, tile, identity, queued *sql.Stmt
}

// preparer is a *sql.DB, or the writer.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

const leafColumns = "id, merkle_hash, value, extra, identity, queued_at, integrated_at"

func prepareQueries(ctx context.Context, db preparer) (*queries, error) {
	q := &queries{}
	return q, prepareAll(ctx, db, map[**sql.Stmt]string{
		&q.leaves:     "SELECT " + leafColumns + " FROM leaves WHERE id >= ? AND id < ? ORDER BY id LIMIT ?",
		&q.leafHashes: "SELECT id, merkle_hash FROM leaves WHERE id >= ? AND id < ? ORDER BY id",
		&q.lastLeaf:   "SELECT max(id) FROM leaves WHERE id >= ? AND id < ?",
		&q.tile:       "SELECT hashes FROM tiles WHERE id = ?",
		&q.identity:   "SELECT place FROM identities WHERE ordinal = ? AND hash = ?",
		&q.queued:     "SELECT merkle_hash, value, extra, identity, queued_at FROM queue WHERE position = ?",
	})
}

func prepareAll(ctx context.Context, db preparer, statements map[**sql.Stmt]string) error {
	for stmt, query := range statements {
		var err error
		if *stmt, err = db.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("preparing %q: %w", query, classify(err))
		}
	}
	return nil
}

// leafKey is the rowid of a leaf in the table leaves.
func leafKey(ordinal, index int64) int64 { return ordinal<<treeHeight | index }

// leafIndex is the inverse of leafKey.
func leafIndex(key int64) int64 { return key & (maxLeaves - 1) }

// readTile returns the hashes of a tile above the tail.
func (q *queries) readTile(ctx context.Context, ordinal int64, at tileAt) ([]byte, error) {
	var hashes []byte
	err := q.tile.QueryRowContext(ctx, at.key(ordinal)).Scan(&hashes)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("tile %d/%d is missing: %w", at.level, at.index, ErrCorrupt)
	}
	if err != nil {
		return nil, fmt.Errorf("reading tile %d/%d: %w", at.level, at.index, classify(err))
	}
	if len(hashes) == 0 || len(hashes) > tileBytes || len(hashes)%hashSize != 0 {
		return nil, fmt.Errorf("tile %d/%d has %d bytes: %w", at.level, at.index, len(hashes), ErrCorrupt)
	}
	return hashes, nil
}

// readLeafHashes returns count Merkle leaf hashes from index on, fewer if leaves are missing.
func (q *queries) readLeafHashes(ctx context.Context, ordinal, index int64, count int) ([]byte, error) {
	rows, err := q.leafHashes.QueryContext(ctx, leafKey(ordinal, index), leafKey(ordinal, index+int64(count)))
	if err != nil {
		return nil, fmt.Errorf("reading leaf hashes: %w", classify(err))
	}
	defer rows.Close()
	hashes := make([]byte, 0, tileBytes)
	for rows.Next() {
		var key int64
		var hash sql.RawBytes
		if err := rows.Scan(&key, &hash); err != nil {
			return nil, fmt.Errorf("reading leaf hashes: %w", classify(err))
		}
		if want := index + int64(len(hashes)/hashSize); leafIndex(key) != want || len(hash) != hashSize {
			return nil, fmt.Errorf("leaf %d is missing or its hash is damaged: %w", want, ErrCorrupt)
		}
		hashes = append(hashes, hash...)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading leaf hashes: %w", classify(err))
	}
	return hashes, nil
}

// readLastLeaf returns the index after the highest leaf stored, 0 if there is none.
func (q *queries) readLastLeaf(ctx context.Context, ordinal int64) (int64, error) {
	var key sql.NullInt64
	if err := q.lastLeaf.QueryRowContext(ctx, leafKey(ordinal, 0), leafKey(ordinal+1, 0)).Scan(&key); err != nil {
		return 0, fmt.Errorf("reading the last leaf: %w", classify(err))
	}
	if !key.Valid {
		return 0, nil
	}
	return leafIndex(key.Int64) + 1, nil
}

// readLeaves returns the stored leaves of [start, start+count) in order, gaps left out, at most
// about maxBytes of them but always at least one.
func (q *queries) readLeaves(ctx context.Context, ordinal, start, count int64, maxBytes int) ([]*trillian.LogLeaf, error) {
	rows, err := q.leaves.QueryContext(ctx, leafKey(ordinal, start), leafKey(ordinal+1, 0), count)
	if err != nil {
		return nil, fmt.Errorf("reading leaves from %d: %w", start, classify(err))
	}
	defer rows.Close()
	var leaves []*trillian.LogLeaf
	for used := 0; used < maxBytes && rows.Next(); {
		leaf, err := scanLeaf(rows)
		if err != nil {
			return nil, fmt.Errorf("reading leaves from %d: %w", start, classify(err))
		}
		if leaf.LeafIndex >= start+count {
			break
		}
		used += len(leaf.LeafValue) + len(leaf.ExtraData) + leafOverhead
		leaves = append(leaves, leaf)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading leaves from %d: %w", start, classify(err))
	}
	return leaves, nil
}

// readLeaf returns one leaf, nil if it is not stored.
func (q *queries) readLeaf(ctx context.Context, ordinal, index int64) (*trillian.LogLeaf, error) {
	leaves, err := q.readLeaves(ctx, ordinal, index, 1, 1)
	if err != nil || len(leaves) == 0 {
		return nil, err
	}
	return leaves[0], nil
}

func scanLeaf(rows *sql.Rows) (*trillian.LogLeaf, error) {
	leaf := &trillian.LogLeaf{}
	var key, queued, integrated int64
	err := rows.Scan(&key, &leaf.MerkleLeafHash, &leaf.LeafValue, &leaf.ExtraData, &leaf.LeafIdentityHash, &queued, &integrated)
	if err != nil {
		return nil, err
	}
	leaf.LeafIndex = leafIndex(key)
	if leaf.LeafIdentityHash == nil {
		leaf.LeafIdentityHash = indexIdentity(leaf.LeafIndex)
	}
	leaf.QueueTimestamp = timestamppb.New(time.Unix(0, queued))
	leaf.IntegrateTimestamp = timestamppb.New(time.Unix(0, integrated))
	return leaf, nil
}

// readPlace returns where the leaf with an identity hash is: a leaves.id, or a negative
// queue.position. It is 0 if there is none; no leaf has id 0, because ordinals start at 1.
func (q *queries) readPlace(ctx context.Context, ordinal int64, identity []byte) (int64, error) {
	var place int64
	err := q.identity.QueryRowContext(ctx, ordinal, identity).Scan(&place)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, fmt.Errorf("looking up an identity hash: %w", classify(err))
	}
	return place, nil
}

// readQueued returns a leaf that waits in the queue of a LOG tree.
func (q *queries) readQueued(ctx context.Context, position int64) (*trillian.LogLeaf, error) {
	leaf := &trillian.LogLeaf{}
	var queued int64
	err := q.queued.QueryRowContext(ctx, position).Scan(&leaf.MerkleLeafHash, &leaf.LeafValue, &leaf.ExtraData, &leaf.LeafIdentityHash, &queued)
	if err != nil {
		return nil, fmt.Errorf("reading queued leaf %d: %w", position, classify(err))
	}
	leaf.QueueTimestamp = timestamppb.New(time.Unix(0, queued))
	return leaf, nil
}
