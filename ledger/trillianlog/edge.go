package trillianlog

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/caseledger/caseledger/ledger"
)

// emptyRoot is the root of a tree without leaves (RFC 6962, section 2.1).
var emptyRoot = sha256.Sum256(nil)

// hashes makes ranges with the node hash of RFC 6962.
var hashes = &compact.RangeFactory{Hash: hashChildren}

func hashChildren(left, right []byte) []byte {
	var b [1 + 2*sha256.Size]byte
	b[0] = rfc6962.RFC6962NodeHashPrefix
	copy(b[1:], left)
	copy(b[1+sha256.Size:], right)
	sum := sha256.Sum256(b[:])
	return sum[:]
}

// edge is the right edge of the whole tree: the roots of its maximal perfect subtrees.
type edge struct{ whole *compact.Range }

func newEdge() *edge { return &edge{hashes.NewEmptyRange(0)} }

func (e *edge) size() int64 { return int64(e.whole.End()) }

func (e *edge) add(leafHash []byte) error {
	return e.whole.Append(slices.Clone(leafHash), nil)
}

func (e *edge) head() (ledger.Head, error) {
	h := ledger.Head{Size: e.size(), Root: emptyRoot}
	if h.Size == 0 {
		return h, nil
	}
	root, err := e.whole.GetRootHash(nil)
	if err != nil {
		return h, fmt.Errorf("root of %d leaves: %w", h.Size, err)
	}
	copy(h.Root[:], root)
	return h, nil
}

// level holds the known nodes of one level of the tree from index first on: the edge's, if it has one there, and the new ones.
type level struct {
	first uint64
	nodes [][]byte
}

// growth is what a batch makes of an edge, which itself stays as it is.
type growth struct {
	edge   *edge
	head   ledger.Head
	first  uint64
	leaves [][]byte // leaf hashes of the batch
	levels [64]level
}

// grow appends leaf bodies and keeps every node that their inclusion proofs can need.
func (e *edge) grow(bodies [][]byte) (*growth, error) {
	g := &growth{first: e.whole.End(), leaves: make([][]byte, len(bodies))}
	whole, err := hashes.NewRange(0, g.first, slices.Clone(e.whole.Hashes()))
	if err != nil {
		return nil, fmt.Errorf("copy of the tree's edge: %w", err)
	}
	g.edge = &edge{whole}
	for i := range g.levels {
		g.levels[i].first = g.first >> i
	}
	for i, id := range compact.RangeNodes(0, g.first, nil) {
		g.levels[id.Level] = level{first: id.Index, nodes: [][]byte{whole.Hashes()[i]}}
	}
	keep := func(id compact.NodeID, hash []byte) {
		at := &g.levels[id.Level]
		at.nodes = append(at.nodes, hash)
	}
	var buf []byte
	for i, body := range bodies {
		buf = append(append(buf[:0], rfc6962.RFC6962LeafHashPrefix), body...)
		sum := sha256.Sum256(buf)
		g.leaves[i] = sum[:]
		if err := whole.Append(g.leaves[i], keep); err != nil {
			return nil, fmt.Errorf("leaf %d: %w", g.first+uint64(i), err)
		}
	}
	g.head, err = g.edge.head()
	return g, err
}

// proofs gives the inclusion proof of each leaf of the batch under the new head. The first and the last are verified.
func (g *growth) proofs() ([][][]byte, error) {
	all := make([][][]byte, len(g.leaves))
	for i := range all {
		var err error
		if all[i], err = g.proof(g.first + uint64(i)); err != nil {
			return nil, fmt.Errorf("inclusion proof of leaf %d: %w", g.first+uint64(i), err)
		}
	}
	for _, i := range []int{0, len(all) - 1} {
		err := proof.VerifyInclusion(rfc6962.DefaultHasher, g.first+uint64(i), uint64(g.head.Size), g.leaves[i], all[i], g.head.Root[:])
		if err != nil {
			return nil, fmt.Errorf("inclusion proof of leaf %d: %w", g.first+uint64(i), err)
		}
	}
	return all, nil
}

func (g *growth) proof(index uint64) ([][]byte, error) {
	needed, err := proof.Inclusion(index, uint64(g.head.Size))
	if err != nil {
		return nil, err
	}
	found := make([][]byte, len(needed.IDs))
	for i, id := range needed.IDs {
		at := &g.levels[id.Level]
		if id.Index < at.first || id.Index-at.first >= uint64(len(at.nodes)) {
			return nil, fmt.Errorf("node %d of level %d is not at hand", id.Index, id.Level)
		}
		found[i] = at.nodes[id.Index-at.first]
	}
	return needed.Rehash(found, hashChildren)
}
