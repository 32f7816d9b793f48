package ledgertest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/ledger"
)

// TestTree checks that a tree keeps the promises of ledger.Tree. create makes an empty tree and returns a function that opens
// a new client of it, as a restart of the ledger does; several clients may be open at once.
func TestTree(t *testing.T, create func(t *testing.T) (open func(t *testing.T) ledger.Tree)) {
	for name, test := range map[string]func(*testing.T, func(*testing.T) func(*testing.T) ledger.Tree){
		"EmptyTree":        testEmptyTree,
		"Refusals":         testTreeRefusals,
		"RepeatedLeaves":   testRepeatedLeaves,
		"OtherLeaves":      testOtherLeaves,
		"Restore":          testRestore,
		"TwoServers":       testTwoServers,
		"LargeBatch":       testLargeBatch,
		"CancelledAndBack": testCancelledIntegrate,
		"RandomTrees":      testRandomTrees,
	} {
		t.Run(name, func(t *testing.T) { test(t, create) })
	}
}

// Bodies makes count leaf bodies for the indexes from first on; another salt makes others.
func Bodies(first int64, count int, salt string) [][]byte {
	bodies := make([][]byte, count)
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, "leaf %d %s %s", first+int64(i), salt, strings.Repeat("x", int(first+int64(i))%97))
	}
	return bodies
}

// reference keeps the leaves that a tree must have, and its root at every size.
type reference struct {
	whole  *compact.Range
	leaves [][32]byte
	roots  [][32]byte
}

func newReference() *reference {
	factory := &compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}
	return &reference{whole: factory.NewEmptyRange(0), roots: [][32]byte{sha256.Sum256(nil)}}
}

func (r *reference) size() int64 { return int64(len(r.leaves)) }

func (r *reference) head() ledger.Head { return ledger.Head{Size: r.size(), Root: r.roots[r.size()]} }

func (r *reference) add(t fataler, bodies [][]byte) {
	t.Helper()
	for _, b := range bodies {
		hash := rfc6962.DefaultHasher.HashLeaf(b)
		if err := r.whole.Append(hash, nil); err != nil {
			t.Fatal(err)
		}
		root, err := r.whole.GetRootHash(nil)
		if err != nil {
			t.Fatal(err)
		}
		r.leaves = append(r.leaves, [32]byte(hash))
		r.roots = append(r.roots, [32]byte(root))
	}
}

// grow integrates count leaves and checks the answer.
func (r *reference) grow(t fataler, tree ledger.Tree, count int) {
	t.Helper()
	first, bodies := r.size(), Bodies(r.size(), count, "")
	r.add(t, bodies)
	r.integrate(t, tree, first, bodies)
}

// integrate adds leaves that the reference has, and checks head and proofs for their size.
func (r *reference) integrate(t fataler, tree ledger.Tree, first int64, bodies [][]byte) {
	t.Helper()
	done, err := tree.Integrate(context.Background(), first, bodies)
	if err != nil {
		t.Fatal(err)
	}
	size := first + int64(len(bodies))
	if want := (ledger.Head{Size: size, Root: r.roots[size]}); done.Head != want || len(done.Proofs) != len(bodies) {
		t.Fatalf("head is %d %x with %d proofs, want %d %x", done.Head.Size, done.Head.Root, len(done.Proofs), size, want.Root)
	}
	for i, p := range done.Proofs {
		r.verify(t, first+int64(i), size, p)
	}
}

func (r *reference) verify(t fataler, index, size int64, hashes [][]byte) {
	t.Helper()
	err := proof.VerifyInclusion(rfc6962.DefaultHasher, uint64(index), uint64(size), r.leaves[index][:], hashes, r.roots[size][:])
	if err != nil {
		t.Fatalf("proof of leaf %d in %d: %v", index, size, err)
	}
}

func (r *reference) inclusion(t fataler, tree ledger.Tree, index, size int64) {
	t.Helper()
	hashes, err := tree.Inclusion(context.Background(), index, size)
	if err != nil {
		t.Fatal(err)
	}
	r.verify(t, index, size, hashes)
}

func (r *reference) consistency(t fataler, tree ledger.Tree, from, to int64) {
	t.Helper()
	hashes, err := tree.Consistency(context.Background(), from, to)
	if err != nil {
		t.Fatal(err)
	}
	if err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(from), uint64(to), hashes, r.roots[from][:], r.roots[to][:]); err != nil {
		t.Fatalf("proof between %d and %d leaves: %v", from, to, err)
	}
}

// restore gives a new client the leaves, in pieces.
func (r *reference) restore(t fataler, tree ledger.Tree, piece int) {
	t.Helper()
	for at := 0; at < len(r.leaves); at += piece {
		if err := tree.Restore(r.leaves[at:min(at+piece, len(r.leaves))], false); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.Restore(nil, true); err != nil {
		t.Fatal(err)
	}
}

func (r *reference) wantHead(t fataler, tree ledger.Tree) {
	t.Helper()
	if got, err := tree.Head(context.Background()); err != nil || got != r.head() {
		t.Fatalf("head is %d %x (%v), want %d %x", got.Size, got.Root, err, r.size(), r.head().Root)
	}
}

func testEmptyTree(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	tree, r := open(t), newReference()
	r.wantHead(t, tree)
	r.restore(t, tree, 1)
	r.consistency(t, tree, 0, 0)
	wantError(t, tree.Restore([][32]byte{{}}, true), nil)
	r.grow(t, tree, 1)
	r.inclusion(t, tree, 0, 1)
	r.wantHead(t, tree)
}

// wantError wants an error of the kind, or one that is none of the ledger's if kind is nil.
func wantError(t *testing.T, err, kind error) {
	t.Helper()
	if kind != nil && errors.Is(err, kind) {
		return
	}
	known := errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ledger.ErrDiverged) || errors.Is(err, ledger.ErrNotFound)
	if kind != nil || err == nil || known {
		t.Fatalf("error is %v, want %v", err, kind)
	}
}

func testTreeRefusals(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	tree, r := open(t), newReference()
	r.grow(t, tree, 5)
	ctx := context.Background()
	for name, c := range map[string]struct {
		first  int64
		bodies [][]byte
	}{
		"no leaves":      {5, nil},
		"a gap":          {6, Bodies(6, 1, "")},
		"before the end": {4, Bodies(4, 2, "")},
		"negative":       {-1, Bodies(5, 1, "")},
		"an empty leaf":  {5, [][]byte{{}}},
		"a huge leaf":    {5, [][]byte{make([]byte, 64<<10)}},
	} {
		if _, err := tree.Integrate(ctx, c.first, c.bodies); err == nil {
			t.Errorf("%s: integrated", name)
		}
	}
	for _, c := range [][2]int64{{-1, 5}, {5, 5}, {6, 5}, {5, 6}, {0, 6}, {0, 0}} {
		_, err := tree.Inclusion(ctx, c[0], c[1])
		wantError(t, err, ledger.ErrNotFound)
	}
	for _, c := range [][2]int64{{-1, 5}, {5, 4}, {3, 6}, {6, 6}, {0, 6}} {
		_, err := tree.Consistency(ctx, c[0], c[1])
		wantError(t, err, ledger.ErrNotFound)
	}
	r.grow(t, tree, 3)
	r.wantHead(t, tree)
}

// testRepeatedLeaves: a client whose answer was lost knows nothing of the leaves, and adds them again.
func testRepeatedLeaves(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	r, before := newReference(), newReference()
	r.grow(t, open(t), 7)
	before.add(t, Bodies(0, 7, ""))
	first := open(t)
	r.restore(t, first, 3)
	second := open(t)
	before.restore(t, second, 100)
	r.grow(t, first, 10)
	r.integrate(t, second, 7, Bodies(7, 10, ""))
	// Some of them are new.
	third := open(t)
	before.restore(t, third, 1)
	r.add(t, Bodies(17, 4, ""))
	r.integrate(t, third, 7, Bodies(7, 14, ""))
	r.wantHead(t, first)
	r.integrate(t, first, 17, Bodies(17, 4, ""))
}

func testOtherLeaves(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	r, before := newReference(), newReference()
	tree := open(t)
	r.grow(t, tree, 4)
	before.add(t, Bodies(0, 4, ""))
	late := open(t)
	before.restore(t, late, 10)
	r.grow(t, tree, 3)
	for _, bodies := range [][][]byte{Bodies(4, 3, "other"), append(Bodies(4, 2, ""), Bodies(6, 2, "other")...), Bodies(4, 1, "other")} {
		_, err := late.Integrate(context.Background(), 4, bodies)
		wantError(t, err, ledger.ErrDiverged)
	}
	r.integrate(t, late, 4, Bodies(4, 3, "")) // the refused ones left nothing behind
}

func testRestore(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	r := newReference()
	r.grow(t, open(t), 21)
	wrong := append([][32]byte{}, r.leaves...)
	wrong[20][0] ^= 1
	wantError(t, open(t).Restore(wrong, true), ledger.ErrDiverged)
	wantError(t, open(t).Restore(append(r.leaves[:21:21], r.leaves[0]), true), ledger.ErrDiverged)
	wrong[20] = r.leaves[20]
	wrong[3], wrong[4] = wrong[4], wrong[3]
	wantError(t, open(t).Restore(wrong[:11], true), ledger.ErrDiverged)
	tree := open(t)
	r.restore(t, tree, 4)
	wantError(t, tree.Restore(nil, true), nil)
	r.grow(t, tree, 2)
}

// testTwoServers: two processes put the same stream into one tree, now the one first, now the other.
func testTwoServers(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	r := newReference()
	trees := []ledger.Tree{open(t), open(t)}
	for _, tree := range trees {
		r.restore(t, tree, 1)
	}
	r.add(t, Bodies(0, 60, ""))
	at := []int64{0, 0}
	for _, step := range []struct{ who, count int }{{0, 5}, {1, 3}, {1, 9}, {0, 1}, {0, 20}, {1, 1}, {1, 2}, {1, 30}, {0, 19}} {
		r.integrate(t, trees[step.who], at[step.who], Bodies(at[step.who], step.count, ""))
		at[step.who] += int64(step.count)
	}
	late := open(t)
	short := newReference()
	short.add(t, Bodies(0, 13, ""))
	short.restore(t, late, 5) // the tree has more
	r.integrate(t, late, 13, Bodies(13, 4, ""))
	r.consistency(t, late, 17, 45)
}

func testLargeBatch(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	r, tree := newReference(), open(t)
	r.grow(t, tree, 3)
	r.grow(t, tree, 1500)
	large := make([][]byte, 100)
	for i := range large {
		large[i] = make([]byte, 60<<10)
		large[i][0] = byte(i)
	}
	first := r.size()
	r.add(t, large)
	r.integrate(t, tree, first, large)
	r.inclusion(t, tree, 1502, r.size())
	r.consistency(t, tree, 3, r.size())
}

func testCancelledIntegrate(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	r, tree := newReference(), open(t)
	for range 15 {
		first, bodies := r.size(), Bodies(r.size(), 6, "")
		ctx, cancel := context.WithCancel(context.Background())
		result := make(chan error, 1)
		go func() {
			_, err := tree.Integrate(ctx, first, bodies)
			result <- err
		}()
		cancel()
		r.add(t, bodies)
		if err := <-result; err == nil {
			continue
		} else if !errors.Is(err, ledger.ErrUnavailable) {
			t.Fatalf("error is %v, want unavailable", err)
		}
		r.integrate(t, tree, first, bodies)
	}
	r.wantHead(t, tree)
}

// testRandomTrees grows one tree by random batches with restarts and repeats, and asks for proofs at random sizes.
func testRandomTrees(t *testing.T, create func(*testing.T) func(*testing.T) ledger.Tree) {
	open := create(t)
	r, tree := newReference(), open(t)
	rapid.Check(t, func(rt *rapid.T) {
		switch rapid.SampledFrom([]string{"grow", "grow", "grow", "restart", "repeat", "proofs"}).Draw(rt, "step") {
		case "grow":
			r.grow(rt, tree, rapid.OneOf(rapid.IntRange(1, 3), rapid.IntRange(1, 70)).Draw(rt, "batch"))
		case "restart":
			tree = open(t)
			r.restore(rt, tree, rapid.IntRange(1, 300).Draw(rt, "piece"))
		case "repeat":
			again, size := open(t), r.size()
			known := rapid.Int64Range(max(0, size-50), size).Draw(rt, "known")
			if err := again.Restore(r.leaves[:known], true); err != nil {
				rt.Fatal(err)
			}
			if known < size {
				r.integrate(rt, again, known, Bodies(known, int(size-known), ""))
			}
		}
		r.wantHead(rt, tree)
		if r.size() == 0 {
			return
		}
		for range 4 {
			size := rapid.Int64Range(1, r.size()).Draw(rt, "size")
			r.inclusion(rt, tree, rapid.Int64Range(0, size-1).Draw(rt, "index"), size)
			r.consistency(rt, tree, rapid.Int64Range(0, size).Draw(rt, "from"), size)
		}
	})
}
