package trillianserver

import (
	"context"
	"testing"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

func TestAdminCalls(t *testing.T) {
	ctx, tree := context.Background(), newTree(t)
	admin := trillian.NewTrillianAdminClient(tree.server.Conn())
	_, err := admin.CreateTree(ctx, &trillian.CreateTreeRequest{})
	wantError(t, err, codes.InvalidArgument)
	_, err = admin.CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{TreeState: trillian.TreeState_FROZEN}})
	wantError(t, err, codes.InvalidArgument)
	_, err = admin.UpdateTree(ctx, &trillian.UpdateTreeRequest{})
	wantError(t, err, codes.InvalidArgument)
	for _, paths := range [][]string{nil, {"display_name", "tree_id"}} {
		_, err = admin.UpdateTree(ctx, &trillian.UpdateTreeRequest{Tree: &trillian.Tree{TreeId: tree.id}, UpdateMask: &fieldmaskpb.FieldMask{Paths: paths}})
		wantError(t, err, codes.InvalidArgument)
	}
	_, err = admin.GetTree(ctx, &trillian.GetTreeRequest{TreeId: tree.id + 1})
	wantError(t, err, codes.NotFound)

	// The fields of a request that only the storage may set are ignored.
	half, err := admin.CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeId: tree.id, Deleted: true, DisplayName: "half made",
		TreeState: trillian.TreeState_ACTIVE, TreeType: trillian.TreeType_PREORDERED_LOG, MaxRootDuration: durationpb.New(0),
	}})
	if err != nil || half.TreeId == tree.id || half.Deleted {
		t.Fatalf("created %v, %v", half, err)
	}
	_, err = admin.UpdateTree(ctx, &trillian.UpdateTreeRequest{
		Tree:       &trillian.Tree{TreeId: half.TreeId, Description: "new", DisplayName: "not in the mask"},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description", "max_root_duration", "storage_settings"}},
	})
	wantError(t, err, codes.InvalidArgument) // the mask names a duration that the request lacks
	got, err := admin.UpdateTree(ctx, &trillian.UpdateTreeRequest{
		Tree:       &trillian.Tree{TreeId: half.TreeId, Description: "new", DisplayName: "not in the mask"},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"description"}},
	})
	if err != nil || got.Description != "new" || got.DisplayName != "half made" {
		t.Fatalf("updated to %v, %v", got, err)
	}
	tree.reopen()
	admin = trillian.NewTrillianAdminClient(tree.server.Conn())
	all, err := admin.ListTrees(ctx, &trillian.ListTreesRequest{})
	if err != nil || len(all.Tree) != 2 || all.Tree[1].Description != "new" {
		t.Fatalf("trees are %v, %v", all, err)
	}
	if ids, err := tree.server.Trees(ctx); err != nil || len(ids) != 1 || ids[0] != tree.id {
		t.Errorf("Trees returned %v, %v, want only the tree with a root", ids, err)
	}
	tree.id = half.TreeId
	_, _, err = tree.add(batch(0, 1, 40))
	wantError(t, err, codes.FailedPrecondition)
}
