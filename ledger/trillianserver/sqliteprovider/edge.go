package sqliteprovider

import (
	"bytes"
	"crypto/sha256"
	"fmt"

	"github.com/google/trillian/storage/tree"
	"github.com/transparency-dev/merkle/compact"
)

const (
	hashSize   = sha256.Size
	tileHeight = 8
	tileWidth  = 1 << tileHeight
	tileBytes  = tileWidth * hashSize
	tileLevels = 5                       // levels 0 to 4 cover every complete subtree
	treeHeight = tileLevels * tileHeight // 40
	maxLeaves  = 1 << treeHeight         // a leaf index is below this
)

// tileAt names a tile: level counts tiles of height 8 from the leaves.
type tileAt struct {
	level uint
	index uint64
}

// key is the rowid of the tile in the table tiles.
func (t tileAt) key(ordinal int64) int64 {
	return ordinal<<treeHeight | int64(t.level)<<32 | int64(t.index)
}

// writtenTile is a tile and its hashes, 32 bytes each.
type writtenTile struct {
	tileAt
	hashes []byte
}

// edge is the right edge of a tree of size leaves: everything needed to extend it. An edge is
// immutable. Edges that follow each other share the memory of their tails: extend writes only
// beyond the length that earlier edges see, and only the holder of the write transaction extends.
type edge struct {
	size  uint64
	tails [tileLevels][]byte // hashes of the unfinished tile of each level
	peaks [treeHeight][]byte // by level, the roots of the perfect subtrees that make up the tree
}

// peakIndex gives the index of the perfect subtree of the given level on the edge of a tree, and
// whether there is one.
func peakIndex(size uint64, level uint) (index uint64, ok bool) {
	n := size >> level
	return n - 1, n&1 == 1
}

// peak returns the hash of a node if it is one of the edge's perfect subtrees.
func (e *edge) peak(id compact.NodeID) ([]byte, bool) {
	if id.Level >= treeHeight {
		return nil, false
	}
	index, ok := peakIndex(e.size, id.Level)
	if !ok || index != id.Index {
		return nil, false
	}
	return e.peaks[id.Level], true
}

// tail returns the unfinished tile if at names it.
func (e *edge) tail(at tileAt) ([]byte, bool) {
	if e.size>>(tileHeight*(at.level+1)) != at.index {
		return nil, false
	}
	return e.tails[at.level], true
}

// extend returns the edge after all new complete nodes, leaves included, were added in any order,
// and the tiles to be written: the finished ones and the unfinished ones above level 0.
func (e *edge) extend(nodes []tree.Node) (*edge, []writtenTile, error) {
	next := &edge{size: e.size, tails: e.tails, peaks: e.peaks}
	for _, n := range nodes {
		if n.ID.Level == 0 {
			next.size++
		}
	}
	if next.size >= maxLeaves {
		return nil, nil, fmt.Errorf("a tree must stay below %d leaves, this one would have %d", int64(maxLeaves), next.size)
	}
	for level := uint(0); level < treeHeight; level++ {
		was, _ := peakIndex(e.size, level)
		if is, ok := peakIndex(next.size, level); !ok || is != was {
			next.peaks[level] = nil
		}
	}
	rows, err := e.place(nodes, next)
	if err != nil {
		return nil, nil, err
	}
	for level := uint(0); level < treeHeight; level++ {
		if _, ok := peakIndex(next.size, level); ok && next.peaks[level] == nil {
			return nil, nil, fmt.Errorf("no hash was given for the node of level %d on the edge of a tree of %d leaves", level, next.size)
		}
	}
	var written []writtenTile
	for level, row := range rows {
		written = next.grow(uint(level), e.size, row, written)
	}
	return next, written, nil
}

// place sorts the new nodes into one row of hashes per tile level and notes the new peaks.
func (e *edge) place(nodes []tree.Node, next *edge) (rows [tileLevels][]byte, err error) {
	var missing int
	for level := range rows {
		shift := uint(level) * tileHeight
		count := int(next.size>>shift - e.size>>shift)
		rows[level] = make([]byte, count*hashSize)
		missing += count
	}
	var empty [hashSize]byte
	for _, n := range nodes {
		if n.ID.Level >= treeHeight || len(n.Hash) != hashSize {
			return rows, fmt.Errorf("node %+v with %d bytes of hash: want a level below %d and %d bytes", n.ID, len(n.Hash), treeHeight, hashSize)
		}
		if index, ok := peakIndex(next.size, n.ID.Level); ok && index == n.ID.Index {
			next.peaks[n.ID.Level] = n.Hash
		}
		if n.ID.Level%tileHeight != 0 {
			continue
		}
		row := rows[n.ID.Level/tileHeight]
		at := n.ID.Index - e.size>>n.ID.Level
		if n.ID.Index < e.size>>n.ID.Level || at >= uint64(len(row)/hashSize) {
			return rows, fmt.Errorf("node %+v does not extend a tree of %d leaves to %d", n.ID, e.size, next.size)
		}
		slot := row[at*hashSize:][:hashSize]
		if !bytes.Equal(slot, empty[:]) {
			return rows, fmt.Errorf("node %+v was given twice", n.ID)
		}
		copy(slot, n.Hash)
		missing--
	}
	if missing != 0 {
		return rows, fmt.Errorf("%d nodes are missing between a tree of %d leaves and one of %d", missing, e.size, next.size)
	}
	return rows, nil
}

// grow appends a row of new hashes to the tail of one level and collects the tiles to be written.
func (e *edge) grow(level uint, oldSize uint64, row []byte, written []writtenTile) []writtenTile {
	if len(row) == 0 {
		return written
	}
	at := tileAt{level: level, index: oldSize >> (tileHeight * (level + 1))}
	tail := e.tails[level]
	for len(row) > 0 {
		if tail == nil {
			tail = make([]byte, 0, tileBytes)
		}
		n := min(len(row), tileBytes-len(tail))
		tail, row = append(tail, row[:n]...), row[n:]
		if len(tail) == tileBytes {
			written = append(written, writtenTile{at, tail})
			tail = nil
			at.index++
		}
	}
	if len(tail) > 0 && level > 0 {
		written = append(written, writtenTile{at, tail})
	}
	e.tails[level] = tail
	return written
}

// rootHash computes the Merkle tree hash of RFC 6962 section 2.1.
func (e *edge) rootHash() []byte {
	var root []byte
	for _, peak := range e.peaks {
		switch {
		case peak == nil:
		case root == nil:
			root = peak
		default:
			sum := hashPair(peak, root)
			root = sum[:]
		}
	}
	if root == nil {
		sum := sha256.Sum256(nil)
		return sum[:]
	}
	return root
}

// hashPair is the hash of an inner node: SHA-256(0x01 || left || right), RFC 6962 section 2.1.
func hashPair(left, right []byte) [hashSize]byte {
	var b [1 + 2*hashSize]byte
	b[0] = 1
	copy(b[1:], left)
	copy(b[1+hashSize:], right)
	return sha256.Sum256(b[:])
}
