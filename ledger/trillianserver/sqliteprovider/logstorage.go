package sqliteprovider

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

var _ storage.Provider = (*Provider)(nil)

// LogStorage returns the part of the provider that keeps leaves, nodes and roots.
func (p *Provider) LogStorage() storage.LogStorage { return &logStorage{p} }

// AdminStorage returns the part of the provider that keeps the definitions of trees.
func (p *Provider) AdminStorage() storage.AdminStorage { return &adminStorage{p} }

type logStorage struct{ p *Provider }

// CheckDatabaseAccessible reads one row of the file.
func (s *logStorage) CheckDatabaseAccessible(ctx context.Context) error {
	return s.p.ping(ctx)
}

// ping reads something from the file.
func (p *Provider) ping(ctx context.Context) error {
	var version int
	return classify(p.readDB.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version))
}

// GetActiveLogIDs lists the trees into which leaves may still be integrated, in ascending order.
func (s *logStorage) GetActiveLogIDs(context.Context) ([]int64, error) {
	ids := []int64{}
	for id, st := range s.p.snapshot() {
		state := st.definition.TreeState
		if !st.definition.Deleted && (state == trillian.TreeState_ACTIVE || state == trillian.TreeState_DRAINING) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids, nil
}

// SnapshotForTree returns a view of the last committed state. With ErrTreeNeedsInit it also returns
// the view, as Trillian's other storages do.
func (s *logStorage) SnapshotForTree(_ context.Context, tree *trillian.Tree) (storage.ReadOnlyLogTreeTX, error) {
	st, err := s.p.tree(tree.TreeId)
	if err != nil {
		return nil, err
	}
	view := &logView{q: s.p.q, treeType: tree.TreeType, st: st}
	if st.slr == nil {
		return view, storage.ErrTreeNeedsInit
	}
	return view, nil
}

// ReadWriteTransaction calls f, which gets a *LogTX, and commits if f returns nil.
func (s *logStorage) ReadWriteTransaction(ctx context.Context, tree *trillian.Tree, f storage.LogTXFunc) (err error) {
	tx, err := s.beginLog(ctx, tree)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, tx.Close()) }()
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit(ctx)
}

func (s *logStorage) beginLog(ctx context.Context, tree *trillian.Tree) (*LogTX, error) {
	wtx, err := s.p.begin(ctx)
	if err != nil {
		return nil, err
	}
	st, err := wtx.tree(tree.TreeId)
	if err != nil {
		return nil, errors.Join(err, wtx.close())
	}
	cur := *st
	return &LogTX{logView: logView{q: wtx.w.q, treeType: tree.TreeType, st: &cur}, tx: wtx}, nil
}

// AddSequencedLeaves stores leaves at their indices, in any order, without integrating them.
// See LogTX.AddSequencedLeaves for the results.
func (s *logStorage) AddSequencedLeaves(ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, timestamp time.Time) (results []*trillian.QueuedLogLeaf, err error) {
	err = s.ReadWriteTransaction(ctx, tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		if _, err := tx.LatestSignedLogRoot(ctx); err != nil {
			return err
		}
		results, err = tx.(*LogTX).AddSequencedLeaves(ctx, leaves, timestamp)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}

// QueueLeaves puts leaves into the queue of a LOG tree.
func (s *logStorage) QueueLeaves(ctx context.Context, tree *trillian.Tree, leaves []*trillian.LogLeaf, queued time.Time) (results []*trillian.QueuedLogLeaf, err error) {
	if tree.TreeType != trillian.TreeType_LOG {
		return nil, status.Errorf(codes.InvalidArgument, "tree %d is a %v: only a LOG tree has a queue", tree.TreeId, tree.TreeType)
	}
	err = s.ReadWriteTransaction(ctx, tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		if _, err := tx.LatestSignedLogRoot(ctx); err != nil {
			return err
		}
		results, err = tx.(*LogTX).queueLeaves(ctx, leaves, queued)
		return err
	})
	if err != nil {
		return nil, err
	}
	return results, nil
}
