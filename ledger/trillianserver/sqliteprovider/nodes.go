package sqliteprovider

import (
	"context"
	"fmt"
	"math/bits"

	"github.com/google/trillian/storage/tree"
	"github.com/transparency-dev/merkle/compact"
)

// nodeReader answers GetMerkleNodes for one edge. Tiles read once are kept for its short life.
type nodeReader struct {
	edge    *edge
	q       *queries
	ordinal int64
	tiles   map[tileAt][]byte
}

// nodes returns the nodes in the order of their ids.
func (r *nodeReader) nodes(ctx context.Context, ids []compact.NodeID) ([]tree.Node, error) {
	out := make([]tree.Node, 0, len(ids))
	for _, id := range ids {
		hash, err := r.node(ctx, id)
		if err != nil {
			return nil, err
		}
		out = append(out, tree.Node{ID: id, Hash: hash})
	}
	return out, nil
}

func (r *nodeReader) node(ctx context.Context, id compact.NodeID) ([]byte, error) {
	if hash, ok := r.edge.peak(id); ok {
		return hash, nil
	}
	_, end := id.Coverage()
	if id.Level >= treeHeight || end > r.edge.size || end == 0 {
		return nil, fmt.Errorf("node %+v is not complete in a tree of %d leaves", id, r.edge.size)
	}
	first := id.Index << (id.Level % tileHeight) // the first of its hashes on the tile's level
	at := tileAt{level: id.Level / tileHeight, index: first >> tileHeight}
	hashes, err := r.tile(ctx, at)
	if err != nil {
		return nil, err
	}
	from, n := int(first%tileWidth), 1<<(id.Level%tileHeight)
	if len(hashes) < (from+n)*hashSize {
		return nil, fmt.Errorf("tile %d/%d holds %d hashes, node %+v needs %d: %w", at.level, at.index, len(hashes)/hashSize, id, from+n, ErrCorrupt)
	}
	return subtreeHash(hashes[from*hashSize : (from+n)*hashSize]), nil
}

func (r *nodeReader) tile(ctx context.Context, at tileAt) ([]byte, error) {
	if tail, ok := r.edge.tail(at); ok {
		return tail, nil
	}
	if hashes, ok := r.tiles[at]; ok {
		return hashes, nil
	}
	hashes, err := r.q.readTile(ctx, r.ordinal, at)
	if err != nil {
		return nil, err
	}
	if r.tiles == nil {
		r.tiles = make(map[tileAt][]byte)
	}
	r.tiles[at] = hashes
	return hashes, nil
}

// subtreeHash hashes a perfect subtree given its lowest row, which it leaves untouched.
func subtreeHash(row []byte) []byte {
	if len(row) == hashSize {
		return row
	}
	var stack [tileHeight + 1][hashSize]byte
	top := 0
	for i := 0; i < len(row)/hashSize; i++ {
		copy(stack[top][:], row[i*hashSize:])
		top++
		for merges := bits.TrailingZeros(uint(i + 1)); merges > 0; merges-- {
			stack[top-2] = hashPair(stack[top-2][:], stack[top-1][:])
			top--
		}
	}
	root := stack[0]
	return root[:]
}

// loadEdge reads the right edge of a tree of size leaves.
func loadEdge(ctx context.Context, q *queries, ordinal int64, size uint64) (*edge, error) {
	e := &edge{size: size}
	for level := uint(0); level < tileLevels; level++ {
		at := tileAt{level: level, index: size >> (tileHeight * (level + 1))}
		want := int(size >> (tileHeight * level) % tileWidth * hashSize)
		if want == 0 {
			continue
		}
		hashes, err := loadTail(ctx, q, ordinal, at, want/hashSize)
		if err != nil {
			return nil, err
		}
		if len(hashes) < want {
			return nil, fmt.Errorf("unfinished tile %d/%d holds %d hashes, a tree of %d leaves needs %d: %w", level, at.index, len(hashes)/hashSize, size, want/hashSize, ErrCorrupt)
		}
		e.tails[level] = append(make([]byte, 0, tileBytes), hashes[:want]...)
	}
	for level := uint(0); level < treeHeight; level++ {
		if index, ok := peakIndex(size, level); ok {
			e.peaks[level] = e.peakFromTail(level, index)
		}
	}
	return e, nil
}

// peakFromTail computes a perfect subtree of the edge, which always lies in an unfinished tile.
func (e *edge) peakFromTail(level uint, index uint64) []byte {
	n := 1 << (level % tileHeight)
	from := int(index<<(level%tileHeight)) % tileWidth
	return subtreeHash(e.tails[level/tileHeight][from*hashSize : (from+n)*hashSize])
}

func loadTail(ctx context.Context, q *queries, ordinal int64, at tileAt, count int) ([]byte, error) {
	if at.level > 0 {
		return q.readTile(ctx, ordinal, at)
	}
	return q.readLeafHashes(ctx, ordinal, int64(at.index)*tileWidth, count)
}
