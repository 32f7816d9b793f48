package sqliteprovider

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var errTxDone = status.Error(codes.FailedPrecondition, "transaction is already closed")

// writeTx is an open write transaction. It collects the new values of the trees and publishes them
// after a successful commit.
type writeTx struct {
	p       *Provider
	w       *writer
	changed map[int64]*treeState // nil value: the tree is gone
	bytes   int                  // about how much was written
	done    bool
}

// begin waits for the turn to write and opens a transaction. The caller must call close.
func (p *Provider) begin(ctx context.Context) (*writeTx, error) {
	select {
	case <-p.turn:
	case <-ctx.Done():
		return nil, status.FromContextError(ctx.Err()).Err()
	}
	if err := p.beginTurn(); err != nil {
		p.turn <- struct{}{}
		return nil, err
	}
	return &writeTx{p: p, w: p.w}, nil
}

func (p *Provider) beginTurn() error {
	if p.closed {
		return status.Error(codes.Unavailable, ErrClosed.Error())
	}
	if p.stale {
		trees, err := loadTrees(context.Background(), p.w)
		if err != nil {
			return fmt.Errorf("reading the trees again after a failed commit: %w", err)
		}
		p.publish(trees)
		p.stale = false
	}
	if _, err := exec(p.w.begin); err != nil {
		return fmt.Errorf("beginning a transaction: %w", err)
	}
	return nil
}

// tree returns a tree as this transaction sees it.
func (t *writeTx) tree(id int64) (*treeState, error) {
	st, ok := t.changed[id]
	if !ok {
		return t.p.tree(id)
	}
	if st == nil {
		return nil, errNoTree(id)
	}
	return st, nil
}

// set replaces a tree within the transaction; nil deletes it.
func (t *writeTx) set(id int64, st *treeState) {
	if t.changed == nil {
		t.changed = make(map[int64]*treeState, 1)
	}
	t.changed[id] = st
}

// exec runs a kept statement of the writer within the transaction.
func (t *writeTx) exec(stmt *sql.Stmt, args ...any) (sql.Result, error) {
	if t.done {
		return nil, errTxDone
	}
	return exec(stmt, args...)
}

// insert stores leaves whose ids are free.
func (t *writeTx) insert(ordinal, queuedAt int64, leaves []*trillian.LogLeaf) error {
	args := make([]any, 0, insertColumns*min(len(leaves), insertSizes[0]))
	for i, n := range insertSizes {
		for len(leaves) >= n {
			args = args[:0]
			for _, leaf := range leaves[:n] {
				args = append(args, leafKey(ordinal, leaf.LeafIndex), leaf.MerkleLeafHash, leaf.LeafValue, orNull(leaf.ExtraData), storedIdentity(leaf), queuedAt)
			}
			if _, err := t.exec(t.w.insertLeaves[i], args...); err != nil {
				return fmt.Errorf("storing leaves from %d: %w", leaves[0].LeafIndex, err)
			}
			leaves = leaves[n:]
		}
	}
	return nil
}

// orNull stores absent bytes as NULL.
func orNull(b []byte) any {
	if len(b) == 0 {
		return nil
	}
	return b
}

// storedIdentity is what the column identity holds for a leaf.
func storedIdentity(leaf *trillian.LogLeaf) any {
	if _, ok := namesIndex(leaf.LeafIdentityHash); ok {
		return nil
	}
	return leaf.LeafIdentityHash
}

// commit makes the changes durable as far as the sync mode goes and only then visible.
func (t *writeTx) commit() error {
	if _, err := t.exec(t.w.commit); err != nil {
		if t.done {
			return err
		}
		t.p.stale = true
		return fmt.Errorf("committing: %w", errors.Join(err, t.close()))
	}
	t.done = true
	t.p.publishChanges(t.changed)
	t.p.checkpts.wrote(t.bytes)
	t.p.turn <- struct{}{}
	return nil
}

// close rolls back unless commit succeeded, and gives the turn back. It may be called twice.
func (t *writeTx) close() error {
	if t.done {
		return nil
	}
	t.done = true
	_, err := exec(t.w.rollback)
	if err != nil && !t.p.stale {
		t.p.stale = true
		t.p.log.Error("rolling back a tree transaction failed; the trees will be read again", "error", err)
	}
	t.p.turn <- struct{}{}
	return err
}
