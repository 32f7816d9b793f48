package sqliteprovider

import (
	"context"

	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/tree"
	"github.com/transparency-dev/merkle/compact"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// rangeLeaves and rangeBytes bound one answer of GetLeavesByRange, below gRPC's 4 MiB a message.
	rangeLeaves = 4096
	rangeBytes  = 3 << 20
	// dequeueBytes bounds what one integration reads back from the file.
	dequeueBytes = 64 << 20
)

// logView reads one tree: as committed, or as its write transaction has made it so far. It holds
// nothing open, so Commit and Close of a committed view do nothing.
type logView struct {
	q        *queries
	treeType trillian.TreeType
	st       *treeState // changed in place by LogTX only, on a copy of its own
}

func (v *logView) Commit(context.Context) error { return nil }

func (v *logView) Close() error { return nil }

// LatestSignedLogRoot returns the root. The caller must not change it.
func (v *logView) LatestSignedLogRoot(context.Context) (*trillian.SignedLogRoot, error) {
	if v.st.slr == nil {
		return nil, storage.ErrTreeNeedsInit
	}
	return v.st.slr, nil
}

// GetMerkleNodes returns complete nodes by their ids, in that order.
func (v *logView) GetMerkleNodes(ctx context.Context, ids []compact.NodeID) ([]tree.Node, error) {
	e, err := v.edge(ctx)
	if err != nil {
		return nil, err
	}
	r := nodeReader{edge: e, q: v.q, ordinal: v.st.ordinal}
	return r.nodes(ctx, ids)
}

// edge returns the right edge that belongs to the root.
func (v *logView) edge(ctx context.Context) (*edge, error) {
	if v.st.edge != nil {
		return v.st.edge, nil
	}
	return loadEdge(ctx, v.q, v.st.ordinal, v.st.root.TreeSize)
}

// GetLeavesByRange returns the leaves of [start, start+count) in order. It stops early at the end of
// a LOG tree, at the first missing leaf beyond the root, and after 4096 leaves or about 3 MiB.
func (v *logView) GetLeavesByRange(ctx context.Context, start, count int64) ([]*trillian.LogLeaf, error) {
	size := int64(v.st.root.TreeSize)
	switch {
	case count <= 0:
		return nil, status.Errorf(codes.InvalidArgument, "count is %d, want more than 0", count)
	case start < 0:
		return nil, status.Errorf(codes.InvalidArgument, "start is %d, want 0 or more", start)
	case v.treeType == trillian.TreeType_LOG && start >= size:
		return nil, status.Errorf(codes.OutOfRange, "start is %d, the tree has %d leaves", start, size)
	case v.treeType == trillian.TreeType_LOG:
		count = min(count, size-start)
	}
	return v.leavesFrom(ctx, start, min(count, rangeLeaves), rangeBytes)
}

// leavesFrom returns a contiguous run of stored leaves. A gap below the root is an error, one beyond
// it ends the run.
func (v *logView) leavesFrom(ctx context.Context, start, count int64, maxBytes int) ([]*trillian.LogLeaf, error) {
	if start >= maxLeaves {
		return nil, nil
	}
	leaves, err := v.q.readLeaves(ctx, v.st.ordinal, start, count, maxBytes)
	if err != nil {
		return nil, err
	}
	size := int64(v.st.root.TreeSize)
	for i, leaf := range leaves {
		want := start + int64(i)
		if leaf.LeafIndex == want {
			continue
		}
		if want < size {
			return nil, status.Errorf(codes.DataLoss, "leaf %d is missing below the root over %d leaves", want, size)
		}
		return leaves[:i], nil
	}
	if len(leaves) == 0 && start < size {
		return nil, status.Errorf(codes.DataLoss, "leaf %d is missing below the root over %d leaves", start, size)
	}
	return leaves, nil
}

// GetLeavesByHash is not offered: the file has no index by Merkle leaf hash.
func (v *logView) GetLeavesByHash(context.Context, [][]byte, bool) ([]*trillian.LogLeaf, error) {
	return nil, status.Error(codes.Unimplemented, "this storage keeps no index by leaf hash: ask by leaf index")
}
