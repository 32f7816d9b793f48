package trillianlog

import (
	"context"
	"fmt"
	"math"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caseledger/caseledger/ledger"
)

// remembered is how many roots a memory holds.
const remembered = 8192

// memory knows the roots of the last sizes that were integrated here.
type memory struct {
	roots map[int64][32]byte
	order []int64 // sizes in the order of coming, a ring once it is full
	next  int
}

func newMemory() *memory { return &memory{roots: map[int64][32]byte{0: emptyRoot}} }

func (m *memory) add(h ledger.Head) {
	if _, there := m.roots[h.Size]; there {
		return
	}
	m.roots[h.Size] = h.Root
	if len(m.order) < remembered {
		m.order = append(m.order, h.Size)
		return
	}
	delete(m.roots, m.order[m.next])
	m.order[m.next] = h.Size
	m.next = (m.next + 1) % remembered
}

func (l *Log) learn(h ledger.Head) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known.add(h)
}

func (l *Log) rootAt(size int64) (root [32]byte, known bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	root, known = l.known.roots[size]
	return root, known
}

// latest asks for the root and refuses one that went back, changed at the same size, or differs from what was computed.
func (l *Log) latest(ctx context.Context) (ledger.Head, error) {
	l.mu.Lock()
	before := l.seen // of before the call: answers to concurrent calls may overtake each other
	l.mu.Unlock()
	answer, err := l.client.GetLatestSignedLogRoot(ctx, &trillian.GetLatestSignedLogRootRequest{LogId: l.tree})
	if err != nil {
		return ledger.Head{}, l.fail("latest root", err)
	}
	got, err := l.parse(answer.GetSignedLogRoot())
	if err != nil {
		return ledger.Head{}, err
	}
	if got.Size < before.Size {
		return ledger.Head{}, fmt.Errorf("%w: tree %d went back from %d to %d leaves", ledger.ErrDiverged, l.tree, before.Size, got.Size)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if got.Size > l.seen.Size {
		l.seen = got
	}
	computed, known := l.known.roots[got.Size]
	if known && got.Root != computed || got.Size == l.seen.Size && got.Root != l.seen.Root {
		return ledger.Head{}, fmt.Errorf("%w: tree %d shows another root for its %d leaves than before", ledger.ErrDiverged, l.tree, got.Size)
	}
	return got, nil
}

// parse reads a root. Stock servers turn an error of their database into a root of size 0 without a hash.
func (l *Log) parse(signed *trillian.SignedLogRoot) (ledger.Head, error) {
	var root types.LogRootV1
	if err := root.UnmarshalBinary(signed.GetLogRoot()); err != nil {
		return ledger.Head{}, fmt.Errorf("%w: tree %d answers without a readable root: %w", ledger.ErrUnavailable, l.tree, err)
	}
	if len(root.RootHash) != len(emptyRoot) || root.TreeSize > math.MaxInt64 {
		return ledger.Head{}, fmt.Errorf("%w: tree %d answers with a root of %d leaves and %d bytes: its server could not read its database",
			ledger.ErrUnavailable, l.tree, root.TreeSize, len(root.RootHash))
	}
	return ledger.Head{Size: int64(root.TreeSize), Root: [32]byte(root.RootHash)}, nil
}

// compare checks that a computed head is what the tree shows at its size, which may have been passed.
func (l *Log) compare(ctx context.Context, computed, shown ledger.Head) error {
	if shown.Size == computed.Size {
		if shown.Root != computed.Root {
			return fmt.Errorf("%w: the root of tree %d at %d leaves is not the one of its events", ledger.ErrDiverged, l.tree, computed.Size)
		}
		l.learn(computed)
		return nil
	}
	hashes, err := l.consistency(ctx, computed.Size, shown.Size)
	if err != nil {
		return err
	}
	if err := l.verify(computed, shown, hashes); err != nil {
		return err
	}
	l.learn(computed)
	l.learn(shown)
	return nil
}

func (l *Log) verify(from, to ledger.Head, hashes [][]byte) error {
	err := proof.VerifyConsistency(rfc6962.DefaultHasher, uint64(from.Size), uint64(to.Size), hashes, from.Root[:], to.Root[:])
	if err != nil {
		return fmt.Errorf("%w: tree %d of %d leaves does not continue the one of %d leaves", ledger.ErrDiverged, l.tree, to.Size, from.Size)
	}
	return nil
}

// fail sorts the errors of a call: those that say that nothing can come of it as it is, and all others.
func (l *Log) fail(operation string, err error) error {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.Unauthenticated,
		codes.FailedPrecondition, codes.Unimplemented:
		return fmt.Errorf("tree %d: %s: %w", l.tree, operation, err)
	case codes.OutOfRange:
		return fmt.Errorf("%w: tree %d is shorter than it was: %s: %w", ledger.ErrDiverged, l.tree, operation, err)
	}
	return fmt.Errorf("%w: tree %d: %s: %w", ledger.ErrUnavailable, l.tree, operation, err)
}
