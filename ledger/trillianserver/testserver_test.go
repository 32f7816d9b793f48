package trillianserver

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"github.com/google/trillian/util/clock"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"

	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fataler is *testing.T, *testing.B or *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// testTree is a server with one tree, beside a reference that keeps every leaf hash and every root.
type testTree struct {
	t      fataler
	path   string
	clock  clock.TimeSource
	server *Server
	client trillian.TrillianLogClient
	id     int64

	reference *compact.Range
	leaves    [][]byte // Merkle leaf hashes
	roots     [][]byte // by tree size
}

func newTree(t testing.TB) *testTree {
	tree := openTree(t, filepath.Join(t.TempDir(), "tree.db"), clock.System)
	t.Cleanup(tree.close)
	return tree
}

// openTree starts a server on a new file and creates a tree.
func openTree(t fataler, path string, ts clock.TimeSource) *testTree {
	t.Helper()
	tree := &testTree{t: t, path: path, clock: ts}
	tree.start()
	id, err := tree.server.CreateTree(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	tree.id = id
	tree.reference = newReference()
	tree.roots = [][]byte{rfc6962.DefaultHasher.EmptyRoot()}
	return tree
}

func newReference() *compact.Range {
	return (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
}

func (tree *testTree) start() {
	tree.t.Helper()
	s, err := start(context.Background(), sqliteprovider.Options{Path: tree.path}, tree.clock)
	if err != nil {
		tree.t.Fatal(err)
	}
	tree.server, tree.client = s, trillian.NewTrillianLogClient(s.Conn())
}

func (tree *testTree) close() {
	tree.t.Helper()
	if err := tree.server.Close(); err != nil {
		tree.t.Fatal(err)
	}
}

func (tree *testTree) reopen() {
	tree.t.Helper()
	tree.close()
	tree.start()
}

// add sends leaves and returns their status codes.
func (tree *testTree) add(leaves []*trillian.LogLeaf) ([]codes.Code, *trillian.AddSequencedLeavesResponse, error) {
	res, err := tree.client.AddSequencedLeaves(context.Background(), &trillian.AddSequencedLeavesRequest{LogId: tree.id, Leaves: leaves})
	var out []codes.Code
	for _, r := range res.GetResults() {
		out = append(out, codes.Code(r.GetStatus().GetCode()))
	}
	return out, res, err
}

// grow adds n new leaves, which must be taken, and compares the root with the reference.
func (tree *testTree) grow(n int) {
	tree.t.Helper()
	leaves := batch(int64(len(tree.leaves)), n, 40)
	got, _, err := tree.add(leaves)
	if err != nil {
		tree.t.Fatal(err)
	}
	for i, code := range got {
		if code != codes.OK {
			tree.t.Fatalf("leaf %d: status %v", leaves[i].LeafIndex, code)
		}
	}
	tree.follow(leaves)
	tree.checkRoot()
}

// follow adds leaves to the reference.
func (tree *testTree) follow(leaves []*trillian.LogLeaf) {
	tree.t.Helper()
	for _, leaf := range leaves {
		hash := rfc6962.DefaultHasher.HashLeaf(leaf.LeafValue)
		if err := tree.reference.Append(hash, nil); err != nil {
			tree.t.Fatal(err)
		}
		root, err := tree.reference.GetRootHash(nil)
		if err != nil {
			tree.t.Fatal(err)
		}
		tree.leaves, tree.roots = append(tree.leaves, hash), append(tree.roots, root)
	}
}

func (tree *testTree) root() types.LogRootV1 {
	tree.t.Helper()
	res, err := tree.client.GetLatestSignedLogRoot(context.Background(), &trillian.GetLatestSignedLogRootRequest{LogId: tree.id})
	if err != nil {
		tree.t.Fatal(err)
	}
	var root types.LogRootV1
	if err := root.UnmarshalBinary(res.SignedLogRoot.LogRoot); err != nil {
		tree.t.Fatal(err)
	}
	return root
}

// checkRoot wants the root to be the reference's over all its leaves.
func (tree *testTree) checkRoot() {
	tree.t.Helper()
	root, size := tree.root(), uint64(len(tree.leaves))
	if root.TreeSize != size || string(root.RootHash) != string(tree.roots[size]) {
		tree.t.Fatalf("root over %d leaves is %x, want %x over %d", root.TreeSize, root.RootHash, tree.roots[size], size)
	}
}

func (tree *testTree) checkInclusion(index, size uint64) {
	tree.t.Helper()
	res, err := tree.client.GetInclusionProof(context.Background(), &trillian.GetInclusionProofRequest{LogId: tree.id, LeafIndex: int64(index), TreeSize: int64(size)})
	if err != nil {
		tree.t.Fatal(err)
	}
	if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, tree.leaves[index], res.Proof.GetHashes(), tree.roots[size]); err != nil {
		tree.t.Fatalf("leaf %d in %d: %v", index, size, err)
	}
}

func (tree *testTree) checkConsistency(first, second uint64) {
	tree.t.Helper()
	res, err := tree.client.GetConsistencyProof(context.Background(), &trillian.GetConsistencyProofRequest{LogId: tree.id, FirstTreeSize: int64(first), SecondTreeSize: int64(second)})
	if err != nil {
		tree.t.Fatal(err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, first, second, res.Proof.GetHashes(), tree.roots[first], tree.roots[second]); err != nil {
		tree.t.Fatalf("%d to %d: %v", first, second, err)
	}
}
