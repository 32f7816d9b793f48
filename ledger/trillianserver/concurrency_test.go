package trillianserver

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
)

// TestRivalsAndReaders lets several writers offer leaves for the same indices while readers ask for
// proofs. Exactly one writer wins each index, and every root and proof that a reader sees is right.
func TestRivalsAndReaders(t *testing.T) {
	const rivals, rounds, perRound = 4, 25, 7
	tree := newTree(t)
	tree.grow(3)
	known := *tree // the readers' copy: 3 leaves
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					readOnce(t, &known)
				}
			}
		})
	}
	for range rounds {
		next := int64(len(tree.leaves))
		wins := make(chan []*trillian.LogLeaf, rivals)
		var writers sync.WaitGroup
		for rival := range rivals {
			writers.Go(func() {
				leaves := batch(next, perRound, 40+rival)
				got, _, err := tree.add(leaves)
				if err != nil {
					t.Error(err)
				} else if got[0] == codes.OK {
					wins <- leaves
				} else if got[0] != codes.FailedPrecondition {
					t.Errorf("a losing writer got %v", got[0])
				}
			})
		}
		writers.Wait()
		if len(wins) != 1 {
			t.Fatalf("%d writers won index %d, want 1", len(wins), next)
		}
		tree.follow(<-wins)
		tree.checkRoot()
	}
	close(done)
	readers.Wait()
}

func readOnce(t *testing.T, known *testTree) {
	ctx := context.Background()
	res, err := known.client.GetEntryAndProof(ctx, &trillian.GetEntryAndProofRequest{LogId: known.id, LeafIndex: 1, TreeSize: 3})
	if err != nil || len(res.Proof.GetHashes()) != 2 {
		t.Errorf("entry and proof: %v, %v", res, err)
	}
	if size := known.root().TreeSize; (size-3)%7 != 0 {
		t.Errorf("a reader saw a root over %d leaves, inside a batch", size)
	}
	known.checkConsistency(2, 3)
}

// TestClose refuses calls afterwards, can be repeated, and leaves no goroutine behind (TestMain).
func TestClose(t *testing.T) {
	tree := newTree(t)
	tree.grow(1)
	tree.close()
	tree.close()
	if _, _, err := tree.add(batch(1, 1, 40)); err == nil {
		t.Error("a call after Close succeeded")
	}
	if _, err := tree.server.Integrate(context.Background(), tree.id); err == nil {
		t.Error("Integrate after Close succeeded")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Start(ctx, Config{Path: t.TempDir()}); err == nil || errors.Is(err, context.Canceled) {
		t.Errorf("starting on a folder: %v", err)
	}
}
