package trillianserver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/util/clock"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
)

// integrateLimit bounds how many waiting leaves Integrate takes in one transaction.
const integrateLimit = 4096

// errRefused rolls back a batch of which a leaf was refused.
var errRefused = errors.New("a leaf of the batch was refused")

// integratingStorage is a log storage whose AddSequencedLeaves also integrates.
type integratingStorage struct {
	storage.LogStorage
	timeSource clock.TimeSource
}

// AddSequencedLeaves stores and integrates a batch in one transaction, or nothing of it.
func (s *integratingStorage) AddSequencedLeaves(ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, timestamp time.Time) (results []*trillian.QueuedLogLeaf, err error) {
	err = s.ReadWriteTransaction(ctx, tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		if _, err := tx.LatestSignedLogRoot(ctx); err != nil {
			return err
		}
		results, err = s.add(ctx, tree, tx.(*sqliteprovider.LogTX), leaves, timestamp)
		return err
	})
	if err != nil && !errors.Is(err, errRefused) {
		return nil, err
	}
	return results, nil
}

func (s *integratingStorage) add(ctx context.Context, tree *trillian.Tree, tx *sqliteprovider.LogTX, leaves []*trillian.LogLeaf, timestamp time.Time) ([]*trillian.QueuedLogLeaf, error) {
	size, ok := tx.TreeSize()
	if ok && len(leaves) > 0 && leaves[0].LeafIndex > size {
		return nil, status.Errorf(codes.OutOfRange, "leaf %d would leave a gap: tree %d ends at %d, add that leaf first", leaves[0].LeafIndex, tree.TreeId, size)
	}
	results, err := tx.AddSequencedLeaves(ctx, leaves, timestamp)
	if err != nil || !ok {
		return results, err
	}
	fresh, refused := count(results)
	if refused {
		abort(results)
		return results, errRefused
	}
	if fresh == 0 {
		return results, nil
	}
	n, err := integrate(ctx, tree, tx, fresh, s.timeSource)
	if err != nil {
		return nil, err
	}
	if n != fresh {
		return nil, status.Errorf(codes.Internal, "integrated %d of %d new leaves of tree %d", n, fresh, tree.TreeId)
	}
	return results, nil
}

// count tells how many leaves were stored and whether any was refused.
func count(results []*trillian.QueuedLogLeaf) (fresh int, refused bool) {
	for _, r := range results {
		switch codes.Code(r.GetStatus().GetCode()) {
		case codes.OK:
			fresh++
		case codes.AlreadyExists:
		default:
			refused = true
		}
	}
	return fresh, refused
}

// abort turns the leaves that were stored into leaves that were not.
func abort(results []*trillian.QueuedLogLeaf) {
	for i, r := range results {
		if codes.Code(r.GetStatus().GetCode()) == codes.OK {
			results[i] = &trillian.QueuedLogLeaf{Status: status.New(codes.Aborted, "not stored: another leaf of the batch was refused").Proto()}
		}
	}
}

// integrate lets Trillian's sequencer work inside an open transaction. The maximum root duration is
// 0: a root is made when there are leaves, never by a timer.
func integrate(ctx context.Context, tree *trillian.Tree, tx *sqliteprovider.LogTX, limit int, ts clock.TimeSource) (int, error) {
	ts = rootClock{TimeSource: ts, floor: tx.Timestamp().Add(time.Nanosecond)}
	return log.IntegrateBatch(ctx, tree, limit, 0, 0, ts, openTransaction{tx: tx}, quota.Noop())
}

// openTransaction is a log storage that can only continue the transaction it holds. The other
// methods are those of a nil interface: the sequencer calls none of them.
type openTransaction struct {
	storage.LogStorage
	tx *sqliteprovider.LogTX
}

// ReadWriteTransaction calls f with the open transaction, which its owner commits.
func (o openTransaction) ReadWriteTransaction(ctx context.Context, _ *trillian.Tree, f storage.LogTXFunc) error {
	return f(ctx, o.tx)
}

// Integrate takes up to 4096 waiting leaves into a tree and returns how many they were. Leaves
// of a PREORDERED_LOG tree never wait; it is for LOG trees, which have no other integrator.
func (s *Server) Integrate(ctx context.Context, treeID int64) (n int, err error) {
	tree, err := storage.GetTree(ctx, s.provider.AdminStorage(), treeID)
	if err != nil {
		return 0, fmt.Errorf("integrating tree %d: %w", treeID, err)
	}
	err = s.provider.LogStorage().ReadWriteTransaction(ctx, tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		n, err = integrate(ctx, tree, tx.(*sqliteprovider.LogTX), integrateLimit, s.timeSource)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("integrating tree %d: %w", treeID, err)
	}
	return n, nil
}
