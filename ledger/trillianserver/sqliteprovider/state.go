package sqliteprovider

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// treeState is all that is kept in memory about one tree. It is immutable.
type treeState struct {
	ordinal    int64
	definition *trillian.Tree
	slr        *trillian.SignedLogRoot // nil before InitLog
	root       types.LogRootV1
	next       int64 // the index after the highest leaf stored
	edge       *edge // nil: to be loaded when needed
}

func errNoTree(id int64) error { return status.Errorf(codes.NotFound, "tree %d not found", id) }

// tree returns the committed value of a tree.
func (p *Provider) tree(id int64) (*treeState, error) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	st, ok := p.trees[id]
	if !ok {
		return nil, errNoTree(id)
	}
	return st, nil
}

// snapshot returns the committed values of all trees.
func (p *Provider) snapshot() map[int64]*treeState {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return maps.Clone(p.trees)
}

func (p *Provider) publish(trees map[int64]*treeState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trees = trees
}

func (p *Provider) publishChanges(changed map[int64]*treeState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, st := range changed {
		if st == nil {
			delete(p.trees, id)
		} else {
			p.trees[id] = st
		}
	}
}

// loadTrees reads every tree of the file; edges are left for later.
func loadTrees(ctx context.Context, w *writer) (map[int64]*treeState, error) {
	rows, err := w.conn.QueryContext(ctx, "SELECT ordinal, definition, root FROM trees")
	if err != nil {
		return nil, fmt.Errorf("reading the trees: %w", classify(err))
	}
	defer rows.Close()
	trees := make(map[int64]*treeState)
	for rows.Next() {
		st := &treeState{definition: &trillian.Tree{}}
		var definition, root []byte
		if err := rows.Scan(&st.ordinal, &definition, &root); err != nil {
			return nil, fmt.Errorf("reading the trees: %w", classify(err))
		}
		if err := proto.Unmarshal(definition, st.definition); err != nil {
			return nil, fmt.Errorf("definition of tree number %d: %w: %w", st.ordinal, ErrCorrupt, err)
		}
		if root != nil {
			if err := st.setRoot(&trillian.SignedLogRoot{LogRoot: root}); err != nil {
				return nil, fmt.Errorf("root of tree %d: %w: %w", st.definition.TreeId, ErrCorrupt, err)
			}
		}
		trees[st.definition.TreeId] = st
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the trees: %w", classify(err))
	}
	for _, st := range trees {
		if st.next, err = w.q.readLastLeaf(ctx, st.ordinal); err != nil {
			return nil, err
		}
	}
	return trees, nil
}

// setRoot is for a state that is not yet shared.
func (st *treeState) setRoot(slr *trillian.SignedLogRoot) error {
	if err := st.root.UnmarshalBinary(slr.LogRoot); err != nil {
		return err
	}
	st.slr = slr
	return nil
}

// hasHash tells whether the root is one that InitLog or an integration made. Only storage-level
// tests store roots without a proper hash; nothing can be integrated on top of these.
func (st *treeState) hasHash() bool { return st.slr != nil && len(st.root.RootHash) == hashSize }

// checkTrees loads the right edge of every tree and compares it with the root.
func (p *Provider) checkTrees(ctx context.Context) error {
	for id, st := range p.trees {
		if !st.hasHash() {
			continue
		}
		if st.next < int64(st.root.TreeSize) {
			return fmt.Errorf("tree %d has a root over %d leaves but holds %d: %w", id, st.root.TreeSize, st.next, ErrCorrupt)
		}
		e, err := loadEdge(ctx, p.w.q, st.ordinal, st.root.TreeSize)
		if err != nil {
			return fmt.Errorf("tree %d: %w", id, err)
		}
		if got := e.rootHash(); !bytes.Equal(got, st.root.RootHash) {
			return fmt.Errorf("tree %d of %d leaves: its tiles give the root hash %x, stored is %x: %w", id, st.root.TreeSize, got, st.root.RootHash, ErrCorrupt)
		}
		st.edge = e
	}
	return nil
}
