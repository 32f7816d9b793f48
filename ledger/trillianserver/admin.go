package trillianserver

import (
	"context"

	"github.com/google/trillian"
	"github.com/google/trillian/storage"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
)

// adminServer answers Trillian's admin calls from the storage. It stands in for Trillian's own
// package server/admin, which pulls in a large module for one old name of the field mask.
type adminServer struct {
	trillian.UnimplementedTrillianAdminServer
	trees storage.AdminStorage
}

// ListTrees returns the trees in order of creation.
func (s *adminServer) ListTrees(ctx context.Context, req *trillian.ListTreesRequest) (*trillian.ListTreesResponse, error) {
	trees, err := storage.ListTrees(ctx, s.trees, req.GetShowDeleted())
	if err != nil {
		return nil, err
	}
	return &trillian.ListTreesResponse{Tree: trees}, nil
}

// GetTree returns one tree, deleted or not.
func (s *adminServer) GetTree(ctx context.Context, req *trillian.GetTreeRequest) (*trillian.Tree, error) {
	return storage.GetTree(ctx, s.trees, req.GetTreeId())
}

// CreateTree makes a tree from the fields that a caller may choose.
func (s *adminServer) CreateTree(ctx context.Context, req *trillian.CreateTreeRequest) (*trillian.Tree, error) {
	tree := req.GetTree()
	if tree == nil {
		return nil, status.Error(codes.InvalidArgument, "a tree is required")
	}
	return storage.CreateTree(ctx, s.trees, &trillian.Tree{
		TreeState:       tree.TreeState,
		TreeType:        tree.TreeType,
		DisplayName:     tree.DisplayName,
		Description:     tree.Description,
		StorageSettings: tree.StorageSettings,
		MaxRootDuration: tree.MaxRootDuration,
	})
}

// UpdateTree changes the fields that the mask names.
func (s *adminServer) UpdateTree(ctx context.Context, req *trillian.UpdateTreeRequest) (*trillian.Tree, error) {
	from := req.GetTree()
	if from == nil {
		return nil, status.Error(codes.InvalidArgument, "a tree is required")
	}
	if err := copyFields(&trillian.Tree{}, from, req.GetUpdateMask()); err != nil {
		return nil, err
	}
	return storage.UpdateTree(ctx, s.trees, from.TreeId, func(to *trillian.Tree) {
		_ = copyFields(to, from, req.GetUpdateMask()) // the same mask was accepted above
	})
}

// copyFields copies what the mask names; an unknown name is refused.
func copyFields(to, from *trillian.Tree, mask *fieldmaskpb.FieldMask) error {
	if len(mask.GetPaths()) == 0 {
		return status.Error(codes.InvalidArgument, "an update_mask is required")
	}
	for _, path := range mask.GetPaths() {
		switch path {
		case "tree_state":
			to.TreeState = from.TreeState
		case "tree_type":
			to.TreeType = from.TreeType
		case "display_name":
			to.DisplayName = from.DisplayName
		case "description":
			to.Description = from.Description
		case "storage_settings":
			to.StorageSettings = from.StorageSettings
		case "max_root_duration":
			to.MaxRootDuration = from.MaxRootDuration
		default:
			return status.Errorf(codes.InvalidArgument, "update_mask names %q, which cannot be changed", path)
		}
	}
	return nil
}

// DeleteTree soft-deletes a tree; UndeleteTree brings it back.
func (s *adminServer) DeleteTree(ctx context.Context, req *trillian.DeleteTreeRequest) (*trillian.Tree, error) {
	return storage.SoftDeleteTree(ctx, s.trees, req.GetTreeId())
}

// UndeleteTree brings back a soft-deleted tree.
func (s *adminServer) UndeleteTree(ctx context.Context, req *trillian.UndeleteTreeRequest) (*trillian.Tree, error) {
	return storage.UndeleteTree(ctx, s.trees, req.GetTreeId())
}
