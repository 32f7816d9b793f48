package sqliteprovider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

type adminStorage struct{ p *Provider }

// CheckDatabaseAccessible reads one row of the file.
func (s *adminStorage) CheckDatabaseAccessible(ctx context.Context) error { return s.p.ping(ctx) }

// Snapshot returns the definitions as last committed.
func (s *adminStorage) Snapshot(context.Context) (storage.ReadOnlyAdminTX, error) {
	return &adminView{p: s.p}, nil
}

// ReadWriteTransaction calls f and commits if f returns nil.
func (s *adminStorage) ReadWriteTransaction(ctx context.Context, f storage.AdminTXFunc) (err error) {
	wtx, err := s.p.begin(ctx)
	if err != nil {
		return err
	}
	tx := &adminTX{adminView{p: s.p, tx: wtx}}
	defer func() { err = errors.Join(err, tx.Close()) }()
	if err := f(ctx, tx); err != nil {
		return err
	}
	return tx.Commit()
}

// adminView reads definitions: as committed, or as seen by a write transaction.
type adminView struct {
	p  *Provider
	tx *writeTx // nil in a view of what is committed
}

func (v *adminView) Commit() error { return nil }

func (v *adminView) Close() error { return nil }

func (v *adminView) state(id int64) (*treeState, error) {
	if v.tx != nil {
		return v.tx.tree(id)
	}
	return v.p.tree(id)
}

// GetTree returns a copy of the definition of a tree, deleted or not.
func (v *adminView) GetTree(_ context.Context, id int64) (*trillian.Tree, error) {
	st, err := v.state(id)
	if err != nil {
		return nil, err
	}
	return proto.CloneOf(st.definition), nil
}

// ListTrees returns copies of the definitions in the order of creation.
func (v *adminView) ListTrees(_ context.Context, includeDeleted bool) ([]*trillian.Tree, error) {
	all := v.p.snapshot()
	if v.tx != nil {
		maps.Copy(all, v.tx.changed)
	}
	maps.DeleteFunc(all, func(_ int64, st *treeState) bool {
		return st == nil || st.definition.Deleted && !includeDeleted
	})
	states := slices.SortedFunc(maps.Values(all), func(a, b *treeState) int { return cmp.Compare(a.ordinal, b.ordinal) })
	trees := make([]*trillian.Tree, len(states))
	for i, st := range states {
		trees[i] = proto.CloneOf(st.definition)
	}
	return trees, nil
}

// adminTX is an open write transaction on definitions.
type adminTX struct{ adminView }

func (t *adminTX) Commit() error { return t.tx.commit() }

func (t *adminTX) Close() error { return t.tx.close() }

// CreateTree stores a new tree under a random id. It has no root until InitLog.
func (t *adminTX) CreateTree(ctx context.Context, tree *trillian.Tree) (*trillian.Tree, error) {
	if err := storage.ValidateTreeForCreation(ctx, tree); err != nil {
		return nil, err
	}
	id, err := storage.NewTreeID()
	if err != nil {
		return nil, fmt.Errorf("choosing a tree id: %w", err)
	}
	created := proto.CloneOf(tree)
	created.TreeId = id
	created.CreateTime = timestamppb.New(time.Now())
	created.UpdateTime = proto.CloneOf(created.CreateTime)
	definition, err := proto.Marshal(created)
	if err != nil {
		return nil, fmt.Errorf("encoding tree %d: %w", id, err)
	}
	res, err := t.tx.exec(t.tx.w.insertTree, id, definition)
	if err != nil {
		return nil, fmt.Errorf("storing tree %d: %w", id, err)
	}
	ordinal, err := res.LastInsertId()
	if err != nil {
		return nil, fmt.Errorf("storing tree %d: %w", id, err)
	}
	if ordinal > maxOrdinal {
		return nil, status.Errorf(codes.ResourceExhausted, "a file takes %d trees in its life: start another", maxOrdinal)
	}
	t.tx.set(id, &treeState{ordinal: ordinal, definition: created})
	return proto.CloneOf(created), nil
}

// maxOrdinal keeps packed rowids positive.
const maxOrdinal = 1<<(63-treeHeight) - 2

// UpdateTree lets f change a definition within Trillian's rules.
func (t *adminTX) UpdateTree(ctx context.Context, id int64, f func(*trillian.Tree)) (*trillian.Tree, error) {
	before, err := t.GetTree(ctx, id)
	if err != nil {
		return nil, err
	}
	after := proto.CloneOf(before)
	f(after)
	if err := storage.ValidateTreeForUpdate(ctx, before, after); err != nil {
		return nil, err
	}
	after.UpdateTime = timestamppb.New(time.Now())
	return after, t.store(after)
}

// store replaces the definition of an existing tree.
func (t *adminTX) store(definition *trillian.Tree) error {
	st, err := t.state(definition.TreeId)
	if err != nil {
		return err
	}
	encoded, err := proto.Marshal(definition)
	if err != nil {
		return fmt.Errorf("encoding tree %d: %w", definition.TreeId, err)
	}
	if _, err := t.tx.exec(t.tx.w.setDefinition, encoded, st.ordinal); err != nil {
		return fmt.Errorf("storing tree %d: %w", definition.TreeId, err)
	}
	next := *st
	next.definition = proto.CloneOf(definition)
	t.tx.set(definition.TreeId, &next)
	return nil
}

// SoftDeleteTree hides a tree; UndeleteTree brings it back.
func (t *adminTX) SoftDeleteTree(ctx context.Context, id int64) (*trillian.Tree, error) {
	tree, err := t.deleted(ctx, id, false)
	if err != nil {
		return nil, err
	}
	tree.Deleted, tree.DeleteTime = true, timestamppb.New(time.Now())
	return tree, t.store(tree)
}

// UndeleteTree brings back a tree that was soft-deleted.
func (t *adminTX) UndeleteTree(ctx context.Context, id int64) (*trillian.Tree, error) {
	tree, err := t.deleted(ctx, id, true)
	if err != nil {
		return nil, err
	}
	tree.Deleted, tree.DeleteTime = false, nil
	return tree, t.store(tree)
}

// deleted returns a tree if it is, or is not, soft-deleted as wanted.
func (t *adminTX) deleted(ctx context.Context, id int64, want bool) (*trillian.Tree, error) {
	tree, err := t.GetTree(ctx, id)
	if err != nil {
		return nil, err
	}
	if tree.Deleted != want {
		return nil, status.Errorf(codes.FailedPrecondition, "tree %d: soft-deleted is %t, want %t", id, tree.Deleted, want)
	}
	return tree, nil
}

// HardDeleteTree removes a soft-deleted tree and all that belongs to it.
func (t *adminTX) HardDeleteTree(ctx context.Context, id int64) error {
	if _, err := t.deleted(ctx, id, true); err != nil {
		return err
	}
	st, err := t.state(id)
	if err != nil {
		return err
	}
	from, to := leafKey(st.ordinal, 0), leafKey(st.ordinal+1, 0)
	_, err1 := t.tx.exec(t.tx.w.dropLeaves, from, to)
	_, err2 := t.tx.exec(t.tx.w.dropTiles, from, to)
	_, err3 := t.tx.exec(t.tx.w.dropHashes, st.ordinal)
	_, err4 := t.tx.exec(t.tx.w.dropQueue, st.ordinal)
	_, err5 := t.tx.exec(t.tx.w.dropTree, st.ordinal)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return fmt.Errorf("deleting tree %d: %w", id, err)
	}
	t.tx.set(id, nil)
	return nil
}
