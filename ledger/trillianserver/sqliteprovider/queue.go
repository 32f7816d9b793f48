package sqliteprovider

import (
	"context"
	"fmt"
	"time"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// queueLeaves puts new leaves at the end of the queue. A leaf whose identity hash is known already,
// also from earlier in the same call, gets ALREADY_EXISTS and the leaf that came first.
func (t *LogTX) queueLeaves(ctx context.Context, leaves []*trillian.LogLeaf, queued time.Time) ([]*trillian.QueuedLogLeaf, error) {
	results := make([]*trillian.QueuedLogLeaf, len(leaves))
	for i, leaf := range leaves {
		if err := checkLeaf(leaf); err != nil {
			return nil, err
		}
		if _, ok := namesIndex(leaf.LeafIdentityHash); ok {
			return nil, status.Error(codes.InvalidArgument, "identity hashes that begin with 24 zero bytes are for leaves with a given index")
		}
		stored, err := t.findByIdentity(ctx, leaf.LeafIdentityHash)
		if err != nil {
			return nil, err
		}
		if stored != nil {
			results[i] = refusal(stored, codes.AlreadyExists, "a leaf with this identity hash is known already")
			continue
		}
		if err := t.enqueue(leaf, queued); err != nil {
			return nil, fmt.Errorf("queueing a leaf: %w", err)
		}
		results[i] = &trillian.QueuedLogLeaf{Leaf: leaf}
	}
	return results, nil
}

func (t *LogTX) findByIdentity(ctx context.Context, identity []byte) (*trillian.LogLeaf, error) {
	place, err := t.q.readPlace(ctx, t.st.ordinal, identity)
	switch {
	case err != nil || place == 0:
		return nil, err
	case place < 0:
		return t.q.readQueued(ctx, -place)
	default:
		return t.q.readLeaf(ctx, t.st.ordinal, leafIndex(place))
	}
}

func (t *LogTX) enqueue(leaf *trillian.LogLeaf, queued time.Time) error {
	leaf.QueueTimestamp = timestamppb.New(queued)
	res, err := t.tx.exec(t.tx.w.enqueue, t.st.ordinal, leaf.MerkleLeafHash, leaf.LeafValue, orNull(leaf.ExtraData), leaf.LeafIdentityHash, queued.UnixNano())
	if err != nil {
		return err
	}
	position, err := res.LastInsertId()
	if err != nil {
		return err
	}
	t.tx.bytes += len(leaf.LeafValue) + len(leaf.ExtraData) + leafOverhead
	_, err = t.tx.exec(t.tx.w.addIdentity, t.st.ordinal, leaf.LeafIdentityHash, -position)
	return err
}

// dequeue returns up to limit waiting leaves that were queued no later than cutoff and that this
// transaction has not returned before. They carry hashes and the time of queueing only.
func (t *LogTX) dequeue(ctx context.Context, limit int, cutoff time.Time) ([]*trillian.LogLeaf, error) {
	if limit <= 0 {
		return nil, nil
	}
	rows, err := t.tx.w.dequeue.QueryContext(ctx, t.st.ordinal, cutoff.UnixNano(), limit+len(t.dequeued))
	if err != nil {
		return nil, fmt.Errorf("reading the queue: %w", classify(err))
	}
	defer rows.Close()
	if t.dequeued == nil {
		t.dequeued = make(map[string]int64)
	}
	var leaves []*trillian.LogLeaf
	for len(leaves) < limit && rows.Next() {
		leaf := &trillian.LogLeaf{}
		var position, queued int64
		if err := rows.Scan(&position, &leaf.MerkleLeafHash, &leaf.LeafIdentityHash, &queued); err != nil {
			return nil, fmt.Errorf("reading the queue: %w", classify(err))
		}
		if _, seen := t.dequeued[string(leaf.LeafIdentityHash)]; seen {
			continue
		}
		t.dequeued[string(leaf.LeafIdentityHash)] = position
		leaf.QueueTimestamp = timestamppb.New(time.Unix(0, queued))
		leaves = append(leaves, leaf)
	}
	return leaves, classify(rows.Err())
}

// UpdateSequencedLeaves moves dequeued leaves from the queue to their indices.
func (t *LogTX) UpdateSequencedLeaves(_ context.Context, leaves []*trillian.LogLeaf) error {
	for _, leaf := range leaves {
		position, ok := t.dequeued[string(leaf.LeafIdentityHash)]
		if !ok {
			return fmt.Errorf("leaf %d was not dequeued in this transaction", leaf.LeafIndex)
		}
		if err := checkLeaf(leaf); err != nil {
			return err
		}
		if err := t.sequence(leaf, position); err != nil {
			return fmt.Errorf("moving leaf %d out of the queue: %w", leaf.LeafIndex, err)
		}
		t.st.next = max(t.st.next, leaf.LeafIndex+1)
	}
	return nil
}

func (t *LogTX) sequence(leaf *trillian.LogLeaf, position int64) error {
	key := leafKey(t.st.ordinal, leaf.LeafIndex)
	if _, err := t.tx.exec(t.tx.w.sequence, key, leaf.IntegrateTimestamp.AsTime().UnixNano(), position); err != nil {
		return err
	}
	if _, err := t.tx.exec(t.tx.w.removeFromQueue, position); err != nil {
		return err
	}
	_, err := t.tx.exec(t.tx.w.movePlace, key, t.st.ordinal, leaf.LeafIdentityHash)
	return err
}
