package interop

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"golang.org/x/mod/sumdb/tlog"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
)

// TestPreorderedLog shows that real Trillian servers (TEST_TRILLIAN, set by trillian-postgres.sh) take leaves in an order of our
// choosing and reach the root that golang.org/x/mod/sumdb/tlog computes.
func TestPreorderedLog(t *testing.T) {
	address := os.Getenv("TEST_TRILLIAN")
	if address == "" {
		t.Skipf("no real Trillian: run through trillian-postgres.sh")
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	check(t, err)
	defer conn.Close()
	log := trillian.NewTrillianLogClient(conn)
	tree, err := trillian.NewTrillianAdminClient(conn).CreateTree(t.Context(), &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeType: trillian.TreeType_PREORDERED_LOG, TreeState: trillian.TreeState_ACTIVE, MaxRootDuration: durationpb.New(0)}})
	check(t, err)
	_, err = log.InitLog(t.Context(), &trillian.InitLogRequest{LogId: tree.TreeId})
	check(t, err)

	var leaves []*trillian.LogLeaf
	want := &sampleLog{}
	for i := range int64(300) {
		value := fmt.Appendf(nil, "leaf %d", i)
		identity := binary.BigEndian.AppendUint64(make([]byte, sha256.Size-8), uint64(i))
		leaves = append(leaves, &trillian.LogLeaf{LeafValue: value, LeafIndex: i, LeafIdentityHash: identity})
		stored, err := tlog.StoredHashes(i, value, want)
		check(t, err)
		want.hashes = append(want.hashes, stored...)
	}
	added, err := log.AddSequencedLeaves(t.Context(), &trillian.AddSequencedLeavesRequest{LogId: tree.TreeId, Leaves: leaves})
	check(t, err)
	for _, r := range added.Results {
		if r.GetStatus().GetCode() != 0 {
			t.Fatalf("leaf refused: %v", r.Status)
		}
	}
	root := waitForSize(t, log, tree.TreeId, 300)
	hash, err := tlog.TreeHash(300, want)
	check(t, err)
	if !bytes.Equal(root.RootHash, hash[:]) {
		t.Errorf("root = %x, want %x", root.RootHash, hash)
	}
}

func waitForSize(t *testing.T, log trillian.TrillianLogClient, tree int64, size uint64) types.LogRootV1 {
	t.Helper()
	for range 600 {
		latest, err := log.GetLatestSignedLogRoot(t.Context(), &trillian.GetLatestSignedLogRootRequest{LogId: tree})
		check(t, err)
		var root types.LogRootV1
		check(t, root.UnmarshalBinary(latest.SignedLogRoot.LogRoot))
		if root.TreeSize >= size {
			return root
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("the tree does not reach %d leaves", size)
	return types.LogRootV1{}
}
