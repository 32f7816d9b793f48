package trillianserver

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/trillian/util/clock"
	"pgregory.net/rapid"
)

// TestTreeIsRFC6962 grows trees by random batches, reopening the file at random, and compares roots,
// inclusion proofs and consistency proofs at random sizes with a reference.
func TestTreeIsRFC6962(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		sub, err := os.MkdirTemp(dir, "")
		if err != nil {
			rt.Fatal(err)
		}
		tree := openTree(rt, filepath.Join(sub, "tree.db"), clock.System)
		defer func() { tree.close() }()
		for range rapid.IntRange(1, 8).Draw(rt, "batches") {
			size := rapid.OneOf(rapid.IntRange(1, 20), rapid.IntRange(1, 400), rapid.SampledFrom([]int{1, 255, 256, 257, 512})).Draw(rt, "batch")
			tree.grow(size)
			if rapid.IntRange(0, 3).Draw(rt, "reopen") == 0 {
				tree.reopen()
				tree.checkRoot()
			}
			n := uint64(len(tree.leaves))
			for range 6 {
				second := rapid.Uint64Range(1, n).Draw(rt, "size")
				tree.checkInclusion(rapid.Uint64Range(0, second-1).Draw(rt, "index"), second)
				tree.checkConsistency(rapid.Uint64Range(1, second).Draw(rt, "first"), second)
			}
		}
	})
}

// TestEverySize grows a tree leaf by leaf over the end of its first tile and asks for every proof of
// a few sizes and for some proofs of every size.
func TestEverySize(t *testing.T) {
	tree := newTree(t)
	for size := uint64(1); size <= 300; size++ {
		tree.grow(1)
		tree.checkInclusion(size/2, size)
		tree.checkInclusion(size-1, size)
		tree.checkConsistency((size+1)/2, size)
	}
	for _, size := range []uint64{1, 2, 3, 64, 255, 256, 257, 300} {
		for index := range size {
			tree.checkInclusion(index, size)
			tree.checkConsistency(index+1, size)
		}
	}
}

// TestThreeTileLevels passes the point where a tile of level 2 begins.
func TestThreeTileLevels(t *testing.T) {
	tree := newTree(t)
	for len(tree.leaves) < 1<<16-500 {
		tree.grow(min(4000, 1<<16-500-len(tree.leaves)))
	}
	for range 10 {
		tree.grow(100)
	}
	tree.reopen()
	tree.checkRoot()
	tree.grow(1)
	for _, size := range []uint64{1, 256, 65535, 65536, 65537, uint64(len(tree.leaves))} {
		for _, index := range []uint64{0, 255, 256, 65279, 65280, 65535, 65536, uint64(len(tree.leaves)) - 1} {
			if index < size {
				tree.checkInclusion(index, size)
				tree.checkConsistency(index+1, size)
			}
		}
	}
}
