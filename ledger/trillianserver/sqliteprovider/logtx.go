package sqliteprovider

import (
	"context"
	"fmt"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/tree"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// LogTX is an open write transaction on one tree. It is not safe for concurrent use.
type LogTX struct {
	logView
	tx       *writeTx
	added    []*trillian.LogLeaf // stored by this transaction, in the order given
	dequeued map[string]int64    // identity hash → queue.position, LOG trees only
}

var _ storage.LogTreeTX = (*LogTX)(nil)

// Commit makes the changes visible. ReadWriteTransaction calls it.
func (t *LogTX) Commit(context.Context) error {
	if t.st.edge != nil && t.st.edge.size != t.st.root.TreeSize {
		t.st.edge = nil // a root was stored without its nodes
	}
	t.tx.set(t.st.definition.TreeId, t.st)
	return t.tx.commit()
}

// Close rolls back unless Commit succeeded.
func (t *LogTX) Close() error { return t.tx.close() }

// TreeSize returns the number of leaves under the root, and whether the root is one on top of which
// leaves can be integrated: InitLog makes such a root.
func (t *LogTX) TreeSize() (size int64, ok bool) {
	return int64(t.st.root.TreeSize), t.st.hasHash()
}

// Timestamp returns the time of the root.
func (t *LogTX) Timestamp() time.Time { return time.Unix(0, int64(t.st.root.TimestampNanos)) }

// StoreSignedLogRoot replaces the root. A root over fewer leaves is refused.
func (t *LogTX) StoreSignedLogRoot(_ context.Context, root *trillian.SignedLogRoot) error {
	was := t.st.root.TreeSize
	next := *t.st
	if err := next.setRoot(&trillian.SignedLogRoot{LogRoot: root.GetLogRoot()}); err != nil {
		return fmt.Errorf("parsing the new root: %w", err)
	}
	if next.root.TreeSize < was {
		return status.Errorf(codes.FailedPrecondition, "root over %d leaves would shrink a tree of %d", next.root.TreeSize, was)
	}
	res, err := t.tx.exec(t.tx.w.setRoot, root.LogRoot, t.st.ordinal)
	if err != nil {
		return fmt.Errorf("storing the root: %w", err)
	}
	if n, err := res.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("storing the root changed %d trees, want 1 (%w)", n, ErrCorrupt)
	}
	*t.st = next
	return nil
}

// SetMerkleNodes adds the complete nodes by which the tree grows, all of them in one call.
func (t *LogTX) SetMerkleNodes(ctx context.Context, nodes []tree.Node) error {
	e, err := t.edge(ctx)
	if err != nil {
		return err
	}
	next, tiles, err := e.extend(nodes)
	if err != nil {
		return fmt.Errorf("adding nodes to tree %d: %w", t.st.definition.TreeId, err)
	}
	for _, tile := range tiles {
		if _, err := t.tx.exec(t.tx.w.putTile, tile.key(t.st.ordinal), tile.hashes); err != nil {
			return fmt.Errorf("storing tile %d/%d: %w", tile.level, tile.index, err)
		}
		t.tx.bytes += len(tile.hashes)
	}
	t.st.edge = next
	return nil
}

// DequeueLeaves returns the next leaves to integrate. In a PREORDERED_LOG tree these are the leaves
// stored from the end of the tree on; the cutoff time is for LOG trees only.
func (t *LogTX) DequeueLeaves(ctx context.Context, limit int, cutoff time.Time) ([]*trillian.LogLeaf, error) {
	if t.treeType == trillian.TreeType_LOG {
		return t.dequeue(ctx, limit, cutoff)
	}
	end := int64(t.st.root.TreeSize)
	var run []*trillian.LogLeaf
	for _, leaf := range t.added {
		if len(run) < limit && leaf.LeafIndex == end+int64(len(run)) {
			run = append(run, leaf)
		}
	}
	if len(run) > 0 || t.st.next <= end || limit <= 0 {
		return run, nil
	}
	return t.leavesFrom(ctx, end, int64(limit), dequeueBytes)
}

// AddSequencedLeaves stores leaves at their indices. The result for each leaf is, as Trillian's
// storage interface describes it:
//
//	OK                  stored; no leaf is returned
//	ALREADY_EXISTS      an identical leaf is stored there already, and is returned
//	FAILED_PRECONDITION another leaf is stored there, and is returned; or the identity hash
//	                    belongs to another leaf or names another index, then none is returned
//
// An error means that a leaf is malformed or that the file failed; the transaction must be closed.
func (t *LogTX) AddSequencedLeaves(ctx context.Context, leaves []*trillian.LogLeaf, timestamp time.Time) ([]*trillian.QueuedLogLeaf, error) {
	results := make([]*trillian.QueuedLogLeaf, len(leaves))
	queued, ok := timestamppb.New(timestamp), status.New(codes.OK, "").Proto()
	flushed := len(t.added)
	flush := func() error {
		err := t.tx.insert(t.st.ordinal, timestamp.UnixNano(), t.added[flushed:])
		flushed = len(t.added)
		return err
	}
	for i, leaf := range leaves {
		if err := checkLeaf(leaf); err != nil {
			return nil, err
		}
		if leaf.LeafIndex < t.st.next {
			if err := flush(); err != nil {
				return nil, err
			}
		}
		refused, err := t.refuse(ctx, leaf)
		if err != nil {
			return nil, err
		}
		if refused != nil {
			results[i] = refused
			continue
		}
		results[i] = &trillian.QueuedLogLeaf{Status: ok}
		leaf.QueueTimestamp = queued
		t.added = append(t.added, leaf)
		t.st.next = max(t.st.next, leaf.LeafIndex+1)
		t.tx.bytes += len(leaf.LeafValue) + len(leaf.ExtraData) + leafOverhead
	}
	return results, flush()
}

// refuse returns why a leaf cannot be stored, or nil after it took the identity hash for the leaf.
func (t *LogTX) refuse(ctx context.Context, leaf *trillian.LogLeaf) (*trillian.QueuedLogLeaf, error) {
	if leaf.LeafIndex < t.st.next {
		stored, err := t.q.readLeaf(ctx, t.st.ordinal, leaf.LeafIndex)
		if err != nil {
			return nil, err
		}
		if stored != nil && sameLeaf(stored, leaf) {
			return refusal(stored, codes.AlreadyExists, "leaf %d is stored already", leaf.LeafIndex), nil
		}
		if stored != nil {
			return refusal(stored, codes.FailedPrecondition, "another leaf is stored at index %d", leaf.LeafIndex), nil
		}
	}
	if index, ok := namesIndex(leaf.LeafIdentityHash); ok {
		if index != uint64(leaf.LeafIndex) {
			return refusal(nil, codes.FailedPrecondition, "identity hash of leaf %d names index %d", leaf.LeafIndex, index), nil
		}
		return nil, nil
	}
	res, err := t.tx.exec(t.tx.w.addIdentity, t.st.ordinal, leaf.LeafIdentityHash, leafKey(t.st.ordinal, leaf.LeafIndex))
	if err != nil {
		return nil, fmt.Errorf("storing the identity hash of leaf %d: %w", leaf.LeafIndex, err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		return refusal(nil, codes.FailedPrecondition, "identity hash of leaf %d belongs to another leaf", leaf.LeafIndex), err
	}
	return nil, nil
}

func refusal(stored *trillian.LogLeaf, code codes.Code, format string, args ...any) *trillian.QueuedLogLeaf {
	return &trillian.QueuedLogLeaf{Leaf: stored, Status: status.Newf(code, format, args...).Proto()}
}
