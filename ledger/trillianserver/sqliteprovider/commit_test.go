package sqliteprovider

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/testonly"
	"google.golang.org/grpc/codes"
)

func openTest(t *testing.T) (*Provider, *trillian.Tree) {
	t.Helper()
	ctx := context.Background()
	p, err := Open(ctx, Options{Path: filepath.Join(t.TempDir(), "tree.db")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	tree, err := storage.CreateTree(ctx, p.AdminStorage(), testonly.PreorderedLogTree)
	if err != nil {
		t.Fatal(err)
	}
	return p, tree
}

func testLeaf(index int64) *trillian.LogLeaf {
	return &trillian.LogLeaf{LeafIndex: index, LeafValue: []byte{byte(index)}, MerkleLeafHash: make([]byte, hashSize), LeafIdentityHash: indexIdentity(index)}
}

// store adds one leaf in a transaction of its own and returns its status.
func store(p *Provider, tree *trillian.Tree, index int64) (code codes.Code, err error) {
	err = p.LogStorage().ReadWriteTransaction(context.Background(), tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		results, err := tx.(*LogTX).AddSequencedLeaves(ctx, []*trillian.LogLeaf{testLeaf(index)}, time.Now())
		if err == nil {
			code = codes.Code(results[0].Status.Code)
		}
		return err
	})
	return code, err
}

// TestCommitFails makes COMMIT fail, without and with effect. In both cases the next transaction
// must start from what the file really holds.
func TestCommitFails(t *testing.T) {
	for name, c := range map[string]struct {
		commit string
		want   codes.Code // when the same leaf is added again
	}{
		"and does not persist": {"SELECT 1; nonsense", codes.OK},
		"and persists":         {"COMMIT; nonsense", codes.AlreadyExists},
	} {
		t.Run(name, func(t *testing.T) {
			p, tree := openTest(t)
			if code, err := store(p, tree, 0); code != codes.OK || err != nil {
				t.Fatal(code, err)
			}
			good := p.w.commit
			bad, err := p.w.PrepareContext(context.Background(), c.commit)
			if err != nil {
				t.Fatal(err)
			}
			p.w.commit = bad
			_, err = store(p, tree, 1)
			p.w.commit = good
			if err == nil {
				t.Fatal("the failed commit was not reported")
			}
			if st, _ := p.tree(tree.TreeId); st.next != 1 {
				t.Fatalf("%d leaves were published by a failed commit, want the 1 from before", st.next)
			}
			if code, err := store(p, tree, 1); code != c.want || err != nil {
				t.Fatalf("adding the leaf again: %v, %v, want %v", code, err, c.want)
			}
			if st, _ := p.tree(tree.TreeId); st.next != 2 {
				t.Fatalf("%d leaves are published at the end, want 2", st.next)
			}
		})
	}
}

// TestFailureInside rolls back after an error and after a panic, and frees the turn to write.
func TestFailureInside(t *testing.T) {
	p, tree := openTest(t)
	before, _ := p.tree(tree.TreeId)
	fail := errors.New("stop")
	run := func(f func()) (err error) {
		defer func() {
			if recover() != nil {
				err = fail
			}
		}()
		return p.LogStorage().ReadWriteTransaction(context.Background(), tree, func(ctx context.Context, tx storage.LogTreeTX) error {
			if _, err := tx.(*LogTX).AddSequencedLeaves(ctx, []*trillian.LogLeaf{testLeaf(0)}, time.Now()); err != nil {
				return err
			}
			f()
			return fail
		})
	}
	for _, f := range []func(){func() {}, func() { panic("stop") }} {
		if err := run(f); !errors.Is(err, fail) {
			t.Fatal(err)
		}
		if after, _ := p.tree(tree.TreeId); after != before {
			t.Fatal("a failed transaction changed what is published")
		}
	}
	if code, err := store(p, tree, 0); code != codes.OK || err != nil {
		t.Fatal(code, err)
	}
}

// TestUseAfterEnd keeps a transaction beyond its end.
func TestUseAfterEnd(t *testing.T) {
	p, tree := openTest(t)
	var kept *LogTX
	err := p.LogStorage().ReadWriteTransaction(context.Background(), tree, func(_ context.Context, tx storage.LogTreeTX) error {
		kept = tx.(*LogTX)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := kept.AddSequencedLeaves(context.Background(), []*trillian.LogLeaf{testLeaf(0)}, time.Now()); err == nil {
		t.Error("a leaf was stored outside a transaction")
	}
	if err := kept.Commit(context.Background()); err == nil {
		t.Error("a transaction was committed twice")
	}
	if err := kept.Close(); err != nil {
		t.Error(err)
	}
}

// TestWaitingIsCancelled gives up the wait for the turn to write.
func TestWaitingIsCancelled(t *testing.T) {
	p, tree := openTest(t)
	ctx, cancel := context.WithCancel(context.Background())
	err := p.LogStorage().ReadWriteTransaction(context.Background(), tree, func(context.Context, storage.LogTreeTX) error {
		cancel()
		err := p.LogStorage().ReadWriteTransaction(ctx, tree, func(context.Context, storage.LogTreeTX) error { return nil })
		if err == nil {
			t.Error("two transactions at once")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestSameIndexTwice offers two leaves for one index in one call, which only the storage allows.
func TestSameIndexTwice(t *testing.T) {
	p, tree := openTest(t)
	other := testLeaf(0)
	other.LeafValue = []byte("other")
	err := p.LogStorage().ReadWriteTransaction(context.Background(), tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		results, err := tx.(*LogTX).AddSequencedLeaves(ctx, []*trillian.LogLeaf{testLeaf(0), testLeaf(0), other}, time.Now())
		if err != nil {
			return err
		}
		for i, want := range []codes.Code{codes.OK, codes.AlreadyExists, codes.FailedPrecondition} {
			if got := codes.Code(results[i].Status.Code); got != want {
				t.Errorf("leaf %d: %v, want %v", i, got, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
