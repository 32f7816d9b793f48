package trillianlog

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/bits"

	"github.com/google/trillian"

	"github.com/caseledger/caseledger/ledger"
)

// Inclusion is the proof of the leaf at index in the tree of size, from Trillian. Its form is checked here; that it leads
// from the leaf to the root is the caller's to verify, who has both.
func (l *Log) Inclusion(ctx context.Context, index, size int64) ([][]byte, error) {
	if index < 0 || index >= size {
		return nil, fmt.Errorf("%w: leaf %d in a tree of %d leaves", ledger.ErrNotFound, index, size)
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	if err := l.reach(ctx, size); err != nil {
		return nil, err
	}
	answer, err := l.client.GetInclusionProof(ctx, &trillian.GetInclusionProofRequest{LogId: l.tree, LeafIndex: index, TreeSize: size})
	if err != nil {
		return nil, l.fail(fmt.Sprintf("proof of leaf %d", index), err)
	}
	p := answer.GetProof()
	if p == nil {
		return nil, l.noProof(answer.GetSignedLogRoot(), size)
	}
	path := bits.Len64(uint64(index) ^ uint64(size-1))
	want := path + bits.OnesCount64(uint64(index)>>path)
	if p.GetLeafIndex() != index || len(p.GetHashes()) != want || !areHashes(p.GetHashes()) {
		return nil, fmt.Errorf("%w: tree %d answers with no proof of leaf %d among %d", ledger.ErrDiverged, l.tree, index, size)
	}
	return p.GetHashes(), nil
}

// Consistency is the proof that the tree of size from is a prefix of the tree of size to. It is verified where this client
// knows both roots: those of the last thousands of batches that it integrated. Its form is always checked.
func (l *Log) Consistency(ctx context.Context, from, to int64) ([][]byte, error) {
	if from < 0 || from > to {
		return nil, fmt.Errorf("%w: trees of %d and %d leaves", ledger.ErrNotFound, from, to)
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	if err := l.reach(ctx, to); err != nil {
		return nil, err
	}
	hashes, err := l.consistency(ctx, from, to)
	if err != nil {
		return nil, err
	}
	smaller, knowsSmaller := l.rootAt(from)
	larger, knowsLarger := l.rootAt(to)
	if knowsSmaller && knowsLarger {
		if err := l.verify(ledger.Head{Size: from, Root: smaller}, ledger.Head{Size: to, Root: larger}, hashes); err != nil {
			return nil, err
		}
	}
	return hashes, nil
}

// consistency fetches a proof between two sizes that the tree has reached.
func (l *Log) consistency(ctx context.Context, from, to int64) ([][]byte, error) {
	if from == 0 || from == to {
		return nil, nil
	}
	answer, err := l.client.GetConsistencyProof(ctx, &trillian.GetConsistencyProofRequest{LogId: l.tree, FirstTreeSize: from, SecondTreeSize: to})
	if err != nil {
		return nil, l.fail(fmt.Sprintf("proof between %d and %d leaves", from, to), err)
	}
	p := answer.GetProof()
	if p == nil {
		return nil, l.noProof(answer.GetSignedLogRoot(), to)
	}
	if len(p.GetHashes()) != consistencyLength(from, to) || !areHashes(p.GetHashes()) {
		return nil, fmt.Errorf("%w: tree %d answers with no proof between %d and %d leaves", ledger.ErrDiverged, l.tree, from, to)
	}
	return p.GetHashes(), nil
}

// consistencyLength is the number of hashes of a proof, for 0 < from < to: the path from the last perfect subtree of the
// smaller tree to the larger root, and that subtree itself unless it is the whole.
func consistencyLength(from, to int64) int {
	shift := bits.TrailingZeros64(uint64(from))
	path := bits.Len64(uint64(from-1) ^ uint64(to-1))
	n := path - shift + bits.OnesCount64(uint64(from-1)>>path)
	if from == 1<<shift {
		return n
	}
	return n + 1
}

// reach refuses sizes that the tree does not have.
func (l *Log) reach(ctx context.Context, size int64) error {
	l.mu.Lock()
	seen := l.seen.Size
	l.mu.Unlock()
	if size <= seen {
		return nil
	}
	got, err := l.latest(ctx)
	if err != nil {
		return err
	}
	if size > got.Size {
		return fmt.Errorf("%w: tree %d has %d leaves, not %d", ledger.ErrNotFound, l.tree, got.Size, size)
	}
	return nil
}

// noProof explains an answer without a proof: the server thinks that its tree is smaller than it has shown it to be.
func (l *Log) noProof(signed *trillian.SignedLogRoot, size int64) error {
	got, err := l.parse(signed)
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: tree %d gives no proof for %d leaves, and says that it has %d", ledger.ErrDiverged, l.tree, size, got.Size)
}

func areHashes(hashes [][]byte) bool {
	for _, h := range hashes {
		if len(h) != sha256.Size {
			return false
		}
	}
	return true
}
