package trillianserver

import (
	"context"
	"slices"
	"testing"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// wantCodes compares the statuses of an answer.
func wantCodes(t *testing.T, got []codes.Code, err error, want ...codes.Code) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("statuses are %v, want %v", got, want)
	}
}

func wantError(t *testing.T, err error, code codes.Code) {
	t.Helper()
	if status.Code(err) != code {
		t.Fatalf("error is %v, want code %v", err, code)
	}
}

func TestGapIsRefused(t *testing.T) {
	tree := newTree(t)
	_, _, err := tree.add(batch(1, 3, 40))
	wantError(t, err, codes.OutOfRange)
	tree.grow(5)
	_, _, err = tree.add(batch(6, 1, 40))
	wantError(t, err, codes.OutOfRange)
	holed := batch(5, 3, 40)
	_, _, err = tree.add([]*trillian.LogLeaf{holed[0], holed[2]})
	wantError(t, err, codes.FailedPrecondition)
	tree.checkRoot()
	tree.grow(5)
}

func TestRetryOfTheSameLeaves(t *testing.T) {
	tree := newTree(t)
	tree.grow(4)
	got, res, err := tree.add(batch(0, 4, 40))
	wantCodes(t, got, err, codes.AlreadyExists, codes.AlreadyExists, codes.AlreadyExists, codes.AlreadyExists)
	if stored := res.Results[2].Leaf; stored.LeafIndex != 2 || string(stored.LeafValue) != string(batch(2, 1, 40)[0].LeafValue) {
		t.Errorf("the answer holds %v, want the stored leaf 2", stored)
	}
	tree.checkRoot()

	leaves := batch(2, 4, 40)
	got, _, err = tree.add(leaves)
	wantCodes(t, got, err, codes.AlreadyExists, codes.AlreadyExists, codes.OK, codes.OK)
	tree.follow(leaves[2:])
	tree.checkRoot()
}

func TestOtherLeafAtTheSameIndex(t *testing.T) {
	tree := newTree(t)
	tree.grow(4)
	for name, change := range map[string]func(*trillian.LogLeaf){
		"value":      func(l *trillian.LogLeaf) { l.LeafValue = []byte("other") },
		"extra data": func(l *trillian.LogLeaf) { l.ExtraData = []byte("other") },
	} {
		t.Run(name, func(t *testing.T) {
			leaves := batch(2, 4, 40)
			change(leaves[1])
			got, res, err := tree.add(leaves)
			wantCodes(t, got, err, codes.AlreadyExists, codes.FailedPrecondition, codes.Aborted, codes.Aborted)
			if stored := res.Results[1].Leaf; string(stored.GetLeafValue()) != string(batch(3, 1, 40)[0].LeafValue) {
				t.Errorf("the answer holds %v, want the stored leaf 3", stored)
			}
			tree.checkRoot()
		})
	}
	tree.grow(3) // nothing of the refused batches was kept
}

func TestIdentityHashes(t *testing.T) {
	tree := newTree(t)
	tree.grow(2)
	leaves := batch(2, 3, 40)
	leaves[2].LeafIdentityHash = leaves[1].LeafIdentityHash
	got, _, err := tree.add(leaves)
	wantCodes(t, got, err, codes.Aborted, codes.Aborted, codes.FailedPrecondition)

	random := func(index int64, n int) []*trillian.LogLeaf {
		leaves := batch(index, n, 40)
		for _, leaf := range leaves {
			leaf.LeafIdentityHash = nil // the server takes the Merkle leaf hash
		}
		return leaves
	}
	leaves = random(2, 3)
	leaves[2].LeafValue = leaves[1].LeafValue
	got, _, err = tree.add(leaves)
	wantCodes(t, got, err, codes.Aborted, codes.Aborted, codes.FailedPrecondition)

	leaves = random(2, 3)
	got, _, err = tree.add(leaves)
	wantCodes(t, got, err, codes.OK, codes.OK, codes.OK)
	tree.follow(leaves)
	again := random(5, 1)
	again[0].LeafValue = leaves[0].LeafValue
	got, _, err = tree.add(again)
	wantCodes(t, got, err, codes.FailedPrecondition)
	got, _, err = tree.add(random(2, 3))
	wantCodes(t, got, err, codes.AlreadyExists, codes.AlreadyExists, codes.AlreadyExists)
	tree.checkRoot()
	tree.grow(1)
}

func TestMalformedLeaves(t *testing.T) {
	tree := newTree(t)
	tree.grow(1)
	for name, change := range map[string]func(*trillian.LogLeaf){
		"short identity":  func(l *trillian.LogLeaf) { l.LeafIdentityHash = []byte("short") },
		"long value":      func(l *trillian.LogLeaf) { l.LeafValue = make([]byte, 1<<16) },
		"long extra data": func(l *trillian.LogLeaf) { l.ExtraData = make([]byte, 1<<16) },
		"empty value":     func(l *trillian.LogLeaf) { l.LeafValue = nil },
		"negative index":  func(l *trillian.LogLeaf) { l.LeafIndex = -1 },
	} {
		t.Run(name, func(t *testing.T) {
			leaves := batch(1, 1, 40)
			change(leaves[0])
			_, _, err := tree.add(leaves)
			wantError(t, err, codes.InvalidArgument)
		})
	}
	tree.checkRoot()
	tree.grow(1)
}

// TestBeyondTheRoot holds what Trillian's server answers there, because clients must guard against it.
func TestBeyondTheRoot(t *testing.T) {
	ctx, tree := context.Background(), newTree(t)
	tree.grow(10)
	inclusion, err := tree.client.GetInclusionProof(ctx, &trillian.GetInclusionProofRequest{LogId: tree.id, LeafIndex: 10, TreeSize: 11})
	if err != nil || inclusion.Proof != nil {
		t.Errorf("inclusion beyond the root: %v, %v, want no proof and no error", inclusion.GetProof(), err)
	}
	consistency, err := tree.client.GetConsistencyProof(ctx, &trillian.GetConsistencyProofRequest{LogId: tree.id, FirstTreeSize: 5, SecondTreeSize: 11})
	if err != nil || consistency.Proof != nil {
		t.Errorf("consistency beyond the root: %v, %v, want no proof and no error", consistency.GetProof(), err)
	}
	leaves, err := tree.client.GetLeavesByRange(ctx, &trillian.GetLeavesByRangeRequest{LogId: tree.id, StartIndex: 8, Count: 100})
	if err != nil || len(leaves.Leaves) != 2 {
		t.Errorf("range over the end: %d leaves, %v, want 2", len(leaves.GetLeaves()), err)
	}
	leaves, err = tree.client.GetLeavesByRange(ctx, &trillian.GetLeavesByRangeRequest{LogId: tree.id, StartIndex: 10, Count: 1})
	if err != nil || len(leaves.Leaves) != 0 {
		t.Errorf("range beyond the end: %d leaves, %v, want none", len(leaves.GetLeaves()), err)
	}
	entry, err := tree.client.GetEntryAndProof(ctx, &trillian.GetEntryAndProofRequest{LogId: tree.id, LeafIndex: 3, TreeSize: 11})
	if err != nil || entry.Leaf.GetLeafIndex() != 3 || len(entry.Proof.GetHashes()) != 4 {
		t.Errorf("entry and proof: %v, %v, want the proof in the tree of 10", entry, err)
	}
	_, err = tree.client.GetInclusionProofByHash(ctx, &trillian.GetInclusionProofByHashRequest{LogId: tree.id, LeafHash: tree.leaves[0], TreeSize: 10})
	wantError(t, err, codes.Unimplemented)
}

func TestLongRangeIsCutShort(t *testing.T) {
	ctx, tree := context.Background(), newTree(t)
	leaves := batch(0, 80, 65000)
	for chunk := range slices.Chunk(leaves, 40) {
		got, _, err := tree.add(chunk)
		if err != nil || slices.Max(got) != codes.OK {
			t.Fatal(got, err)
		}
	}
	for at := int64(0); at < 80; {
		res, err := tree.client.GetLeavesByRange(ctx, &trillian.GetLeavesByRangeRequest{LogId: tree.id, StartIndex: at, Count: 80 - at})
		if err != nil || len(res.Leaves) == 0 {
			t.Fatalf("from %d: %d leaves, %v", at, len(res.GetLeaves()), err)
		}
		for _, leaf := range res.Leaves {
			if leaf.LeafIndex != at || string(leaf.LeafValue) != string(leaves[at].LeafValue) || string(leaf.LeafIdentityHash) != string(leaves[at].LeafIdentityHash) {
				t.Fatalf("leaf %d differs from what was added", at)
			}
			at++
		}
	}
}

func TestTreeStates(t *testing.T) {
	ctx, tree := context.Background(), newTree(t)
	tree.grow(2)
	admin := trillian.NewTrillianAdminClient(tree.server.Conn())
	set := func(state trillian.TreeState) {
		t.Helper()
		_, err := admin.UpdateTree(ctx, &trillian.UpdateTreeRequest{
			Tree:       &trillian.Tree{TreeId: tree.id, TreeState: state},
			UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"tree_state"}},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set(trillian.TreeState_DRAINING)
	tree.grow(1)
	set(trillian.TreeState_FROZEN)
	_, _, err := tree.add(batch(3, 1, 40))
	wantError(t, err, codes.PermissionDenied)
	tree.reopen()
	admin = trillian.NewTrillianAdminClient(tree.server.Conn())
	_, _, err = tree.add(batch(3, 1, 40))
	wantError(t, err, codes.PermissionDenied)
	tree.checkInclusion(1, 3)
	set(trillian.TreeState_ACTIVE)
	tree.grow(1)

	if _, err := admin.DeleteTree(ctx, &trillian.DeleteTreeRequest{TreeId: tree.id}); err != nil {
		t.Fatal(err)
	}
	_, _, err = tree.add(batch(4, 1, 40))
	wantError(t, err, codes.NotFound)
	if ids, err := tree.server.Trees(ctx); err != nil || len(ids) != 0 {
		t.Errorf("trees after deletion: %v, %v", ids, err)
	}
	if _, err := admin.UndeleteTree(ctx, &trillian.UndeleteTreeRequest{TreeId: tree.id}); err != nil {
		t.Fatal(err)
	}
	tree.grow(1)
}

func TestTreesAreApart(t *testing.T) {
	ctx, a := context.Background(), newTree(t)
	id, err := a.server.CreateTree(ctx, "second")
	if err != nil {
		t.Fatal(err)
	}
	b := *a
	b.id, b.leaves, b.roots, b.reference = id, nil, a.roots[:1:1], newReference()
	for i := range 8 {
		a.grow(60 + i)
		b.grow(90 - i)
	}
	a.reopen()
	b.server, b.client = a.server, a.client
	for _, tree := range []*testTree{a, &b} {
		tree.checkRoot()
		tree.checkInclusion(250, 400)
		tree.grow(1)
	}
	if ids, err := a.server.Trees(ctx); err != nil || !slices.Equal(ids, []int64{a.id, b.id}) {
		t.Errorf("trees are %v, %v, want %v in order of creation", ids, err, []int64{a.id, b.id})
	}
}

// TestLogTree queues leaves of a LOG tree and integrates them by call.
func TestLogTree(t *testing.T) {
	ctx, tree := context.Background(), newTree(t)
	created, err := trillian.NewTrillianAdminClient(tree.server.Conn()).CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeState: trillian.TreeState_ACTIVE, TreeType: trillian.TreeType_LOG, MaxRootDuration: durationpb.New(0),
	}})
	if err != nil {
		t.Fatal(err)
	}
	tree.id = created.TreeId
	queue := func(leaf *trillian.LogLeaf) (codes.Code, error) {
		res, err := tree.client.QueueLeaf(ctx, &trillian.QueueLeafRequest{LogId: tree.id, Leaf: leaf})
		return codes.Code(res.GetQueuedLeaf().GetStatus().GetCode()), err
	}
	leaves := batch(0, 5, 40)
	for _, leaf := range leaves {
		leaf.LeafIdentityHash, leaf.LeafIndex = nil, 0
	}
	_, err = queue(leaves[0])
	wantError(t, err, codes.FailedPrecondition) // no InitLog yet
	if _, err := tree.client.InitLog(ctx, &trillian.InitLogRequest{LogId: tree.id}); err != nil {
		t.Fatal(err)
	}
	for _, leaf := range leaves {
		code, err := queue(leaf)
		wantCodes(t, []codes.Code{code}, err, codes.OK)
	}
	for range 2 { // a repeated leaf while it waits, then after its integration
		code, err := queue(leaves[3])
		wantCodes(t, []codes.Code{code}, err, codes.AlreadyExists)
		if _, err := tree.server.Integrate(ctx, tree.id); err != nil {
			t.Fatal(err)
		}
	}
	_, _, err = tree.add(batch(5, 1, 40))
	wantError(t, err, codes.InvalidArgument)
	tree.follow(leaves)
	tree.checkRoot()
	tree.reopen()
	tree.checkRoot()
	tree.checkInclusion(3, 5)
}
