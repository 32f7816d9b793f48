package trillianlog

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"

	"github.com/caseledger/caseledger/ledger"
)

const (
	maxLeaves   = 4096     // of one Integrate
	maxBody     = 64 << 10 // bytes of a leaf, excluded: what the columns of Trillian's MySQL schema hold
	chunkBytes  = 2 << 20  // leaf bodies of one call: half of what servers take by default
	chunkLeaves = 1024
	firstWait   = time.Millisecond // between looks at the root; it doubles up to longestWait
	longestWait = 100 * time.Millisecond
)

// Integrate adds leaf bodies and returns once the root covers them. See ledger.Tree. If another server process has added the
// same leaves, or more, the answer is still for the size first + len(bodies).
func (l *Log) Integrate(ctx context.Context, first int64, bodies [][]byte) (ledger.Integrated, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.admit(first, bodies); err != nil {
		return ledger.Integrated{}, fmt.Errorf("integrate into tree %d: %w", l.tree, err)
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	g, err := l.growth(first, bodies)
	if err != nil {
		return ledger.Integrated{}, fmt.Errorf("integrate into tree %d: %w", l.tree, err)
	}
	proofs := make(chan provenBatch, 1)
	go func() { proofs <- g.prove() }()
	if err := l.add(ctx, first, bodies); err != nil {
		return ledger.Integrated{}, err
	}
	if err := l.await(ctx, g.head); err != nil {
		return ledger.Integrated{}, err
	}
	proven := <-proofs
	if proven.err != nil {
		return ledger.Integrated{}, fmt.Errorf("integrate into tree %d: %w", l.tree, proven.err)
	}
	l.edge, l.restored, l.planned = g.edge, true, nil
	l.learn(g.head)
	return ledger.Integrated{Head: g.head, Proofs: proven.proofs}, nil
}

// Plan implements ledger.Planner.
func (l *Log) Plan(first int64, bodies [][]byte) (ledger.Head, error) {
	l.writing.Lock()
	defer l.writing.Unlock()
	if err := l.admit(first, bodies); err != nil {
		return ledger.Head{}, fmt.Errorf("plan for tree %d: %w", l.tree, err)
	}
	g, err := l.growth(first, bodies)
	if err != nil {
		return ledger.Head{}, fmt.Errorf("plan for tree %d: %w", l.tree, err)
	}
	return g.head, nil
}

// growth is what a batch makes of the edge. It is kept for the Integrate that follows a Plan of the same batch.
func (l *Log) growth(first int64, bodies [][]byte) (*growth, error) {
	if p := l.planned; p != nil && p.first == first && &p.bodies[0] == &bodies[0] && len(p.bodies) == len(bodies) {
		return p.growth, nil
	}
	g, err := l.edge.grow(bodies)
	if err != nil {
		return nil, err
	}
	l.planned = &plan{first: first, bodies: bodies, growth: g}
	return g, nil
}

// plan is a batch with its growth, computed on the edge as it is.
type plan struct {
	first  int64
	bodies [][]byte
	growth *growth
}

// provenBatch is the inclusion proofs of a batch, computed while the tree works.
type provenBatch struct {
	proofs [][][]byte
	err    error
}

func (g *growth) prove() (p provenBatch) {
	p.proofs, p.err = g.proofs()
	return p
}

// admit refuses what Trillian would take and stall on.
func (l *Log) admit(first int64, bodies [][]byte) error {
	size := l.edge.size()
	switch {
	case len(bodies) == 0 || len(bodies) > maxLeaves:
		return fmt.Errorf("%d leaves in one call: give 1 to %d", len(bodies), maxLeaves)
	case first < 0 || first > math.MaxInt64-maxLeaves:
		return fmt.Errorf("leaf %d cannot be", first)
	case first > size:
		return fmt.Errorf("leaf %d would leave a gap after the %d leaves that are known: restore or add those first", first, size)
	case first < size:
		return fmt.Errorf("leaf %d is integrated already: the tree has %d leaves", first, size)
	}
	for i, b := range bodies {
		if len(b) == 0 || len(b) >= maxBody {
			return fmt.Errorf("leaf %d has %d bytes: it must have 1 to %d", first+int64(i), len(b), maxBody-1)
		}
	}
	return nil
}

// add sends the leaves in as few calls as fit.
func (l *Log) add(ctx context.Context, first int64, bodies [][]byte) error {
	for start := 0; start < len(bodies); {
		end, size := start, 0
		for end < len(bodies) && end-start < chunkLeaves {
			if size += len(bodies[end]); size > chunkBytes {
				break
			}
			end++
		}
		if err := l.addChunk(ctx, first+int64(start), bodies[start:end]); err != nil {
			return err
		}
		start = end
	}
	return nil
}

func (l *Log) addChunk(ctx context.Context, first int64, bodies [][]byte) error {
	leaves := make([]*trillian.LogLeaf, len(bodies))
	for i, body := range bodies {
		leaves[i] = &trillian.LogLeaf{LeafIndex: first + int64(i), LeafValue: body, LeafIdentityHash: identity(first + int64(i))}
	}
	answer, err := l.client.AddSequencedLeaves(ctx, &trillian.AddSequencedLeavesRequest{LogId: l.tree, Leaves: leaves})
	if err != nil {
		return l.fail(fmt.Sprintf("add leaves %d to %d", first, first+int64(len(bodies))-1), err)
	}
	from, to, why := doubtful(answer.GetResults(), len(leaves))
	if from == to {
		return nil
	}
	l.log.Debug("tree: leaves are read back", "tree", l.tree, "first", first+int64(from), "last", first+int64(to)-1, "status", why)
	return l.readBack(ctx, first+int64(from), bodies[from:to], why)
}

// identity is unique to an index, and in order, which the databases like.
func identity(index int64) []byte {
	return binary.BigEndian.AppendUint64(make([]byte, 24, 32), uint64(index))
}

// doubtful gives the range of leaves outside of which all were plainly accepted.
func doubtful(results []*trillian.QueuedLogLeaf, want int) (from, to int, why string) {
	if len(results) != want {
		return 0, want, fmt.Sprintf("%d statuses for %d leaves", len(results), want)
	}
	for i, r := range results {
		s := r.GetStatus()
		if s != nil && codes.Code(s.GetCode()) == codes.OK {
			continue
		}
		if from == to {
			from, why = i, "no status"
			if s != nil {
				why = codes.Code(s.GetCode()).String() + " " + s.GetMessage()
			}
		}
		to = i + 1
	}
	return from, to, why
}

// readBack compares stored leaves with what was to be stored. They may lie beyond the root: that they are under it is
// another question, which the root answers.
func (l *Log) readBack(ctx context.Context, first int64, bodies [][]byte, why string) error {
	end := first + int64(len(bodies))
	for at := first; at < end; {
		answer, err := l.client.GetLeavesByRange(ctx, &trillian.GetLeavesByRangeRequest{LogId: l.tree, StartIndex: at, Count: end - at})
		if err != nil {
			return l.fail(fmt.Sprintf("read leaf %d back", at), err)
		}
		leaves := answer.GetLeaves()
		if len(leaves) == 0 || leaves[0].GetLeafIndex() != at {
			return fmt.Errorf("%w: tree %d neither took leaf %d nor has it (%s)", ledger.ErrUnavailable, l.tree, at, why)
		}
		for _, leaf := range leaves {
			if leaf.GetLeafIndex() != at || at == end {
				break
			}
			if !bytes.Equal(leaf.GetLeafValue(), bodies[at-first]) {
				return fmt.Errorf("%w: tree %d holds another leaf at index %d", ledger.ErrDiverged, l.tree, at)
			}
			at++
		}
	}
	return nil
}

// await looks at the root until it covers the head that was computed, and compares.
func (l *Log) await(ctx context.Context, head ledger.Head) error {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		got, err := l.latest(ctx)
		if err != nil {
			return err
		}
		if got.Size >= head.Size {
			return l.compare(ctx, head, got)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return fmt.Errorf("%w: tree %d has integrated %d of %d leaves: is its signer running?", ledger.ErrUnavailable, l.tree, got.Size, head.Size)
		}
	}
}
