package sqliteprovider

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"testing"

	"github.com/google/trillian/storage/tree"
	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"
	"pgregory.net/rapid"
)

func newRange() *compact.Range {
	return (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
}

// appendNodes adds n leaves to a range and returns the new complete nodes.
func appendNodes(t interface{ Fatal(...any) }, cr *compact.Range, n int) []tree.Node {
	var nodes []tree.Node
	for range n {
		hash := sha256.Sum256([]byte{byte(cr.End()), byte(cr.End() >> 8), byte(cr.End() >> 16)})
		err := cr.Append(hash[:], func(id compact.NodeID, hash []byte) {
			nodes = append(nodes, tree.Node{ID: id, Hash: hash})
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return nodes
}

// TestEdgeFollowsReference extends an edge by nodes in random order, and now and then tries an
// extension that is thrown away, as by a rollback.
func TestEdgeFollowsReference(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cr, e := newRange(), &edge{}
		tiles := make(map[tileAt][]byte)
		for range rapid.IntRange(1, 10).Draw(rt, "steps") {
			thrownAway := rapid.Permutation(appendNodes(rt, clone(rt, cr), rapid.IntRange(0, 300).Draw(rt, "away"))).Draw(rt, "away")
			for i := range thrownAway {
				thrownAway[i].Hash = bytes.Repeat([]byte{0xee}, hashSize)
			}
			if _, _, err := e.extend(thrownAway); err != nil {
				rt.Fatal(err)
			}
			nodes := appendNodes(rt, cr, rapid.IntRange(0, 700).Draw(rt, "leaves"))
			next, written, err := e.extend(rapid.Permutation(nodes).Draw(rt, "order"))
			if err != nil {
				rt.Fatal(err)
			}
			e = next
			for _, w := range written {
				tiles[w.tileAt] = slices.Clone(w.hashes)
			}
			want, err := cr.GetRootHash(nil)
			if err != nil {
				rt.Fatal(err)
			}
			if cr.End() > 0 && !bytes.Equal(e.rootHash(), want) {
				rt.Fatalf("root of %d leaves is %x, want %x", e.size, e.rootHash(), want)
			}
		}
		if got, want := len(tiles[tileAt{0, 0}])/hashSize, tileWidth; cr.End() >= tileWidth && got != want {
			rt.Fatalf("the first tile was written with %d hashes, want %d", got, want)
		}
		for i := range cr.End() >> tileHeight { // tiles of level 1 hold the roots of the tiles of level 0
			above := tiles[tileAt{1, i / tileWidth}][i%tileWidth*hashSize:][:hashSize]
			if !bytes.Equal(above, subtreeHash(tiles[tileAt{0, i}])) {
				rt.Fatalf("tile 1/0 does not hold the root of tile 0/%d", i)
			}
		}
	})
}

func clone(t interface{ Fatal(...any) }, cr *compact.Range) *compact.Range {
	c, err := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewRange(0, cr.End(), slices.Clone(cr.Hashes()))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestEdgeRefuses(t *testing.T) {
	cr := newRange()
	e, _, err := (&edge{}).extend(appendNodes(t, cr, 5))
	if err != nil {
		t.Fatal(err)
	}
	good := appendNodes(t, cr, 300)
	leaf := slices.IndexFunc(good, func(n tree.Node) bool { return n.ID.Level == 0 && n.ID.Index == 9 })
	peak := slices.IndexFunc(good, func(n tree.Node) bool { return n.ID.Level == 5 && n.ID.Index == 8 })
	for name, nodes := range map[string][]tree.Node{
		"leaf missing":  slices.Concat(good[:leaf], good[leaf+1:]),
		"peak missing":  slices.Concat(good[:peak], good[peak+1:]),
		"given twice":   slices.Concat(good, good[leaf:leaf+1]),
		"known leaf":    slices.Concat(good, []tree.Node{{ID: compact.NewNodeID(0, 3), Hash: good[0].Hash}}),
		"short hash":    slices.Concat(good, []tree.Node{{ID: compact.NewNodeID(3, 3), Hash: []byte("short")}}),
		"level too big": slices.Concat(good, []tree.Node{{ID: compact.NewNodeID(40, 0), Hash: good[0].Hash}}),
		"not complete":  slices.Concat(good, []tree.Node{{ID: compact.NewNodeID(8, 1), Hash: good[0].Hash}}),
	} {
		if _, _, err := e.extend(nodes); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	if _, _, err := e.extend(good); err != nil {
		t.Error(err)
	}
}
