package sqliteprovider

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/google/trillian"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	identityZeros = hashSize - 8
	// maxField bounds a leaf value and its extra data, in bytes, as Trillian's MySQL storage does.
	maxField = 1<<16 - 1
	// leafOverhead is about what a leaf costs beside its value and extra data, in bytes.
	leafOverhead = 128
)

// indexIdentity is the identity hash that costs no index entry: 24 zero bytes || BE64(leaf index).
func indexIdentity(index int64) []byte {
	hash := make([]byte, hashSize)
	binary.BigEndian.PutUint64(hash[identityZeros:], uint64(index))
	return hash
}

// namesIndex tells whether an identity hash has the form of indexIdentity, and for which index.
func namesIndex(identity []byte) (index uint64, ok bool) {
	var zeros [identityZeros]byte
	if !bytes.HasPrefix(identity, zeros[:]) {
		return 0, false
	}
	return binary.BigEndian.Uint64(identity[identityZeros:]), true
}

// checkLeaf refuses a leaf that cannot be stored in any tree.
func checkLeaf(leaf *trillian.LogLeaf) error {
	var problem string
	switch {
	case len(leaf.LeafIdentityHash) != hashSize:
		problem = fmt.Sprintf("identity hash has %d bytes, want %d", len(leaf.LeafIdentityHash), hashSize)
	case len(leaf.MerkleLeafHash) != hashSize:
		problem = fmt.Sprintf("Merkle leaf hash has %d bytes, want %d", len(leaf.MerkleLeafHash), hashSize)
	case len(leaf.LeafValue) > maxField || len(leaf.ExtraData) > maxField:
		problem = fmt.Sprintf("value has %d bytes and extra data %d, the limit for each is %d", len(leaf.LeafValue), len(leaf.ExtraData), maxField)
	case leaf.LeafIndex < 0 || leaf.LeafIndex >= maxLeaves-1:
		problem = fmt.Sprintf("index is not in [0, %d)", int64(maxLeaves-1))
	default:
		return nil
	}
	return status.Errorf(codes.InvalidArgument, "leaf %d: %s", leaf.LeafIndex, problem)
}

// sameLeaf tells whether a leaf offered again is the one that is stored.
func sameLeaf(a, b *trillian.LogLeaf) bool {
	return bytes.Equal(a.MerkleLeafHash, b.MerkleLeafHash) &&
		bytes.Equal(a.LeafValue, b.LeafValue) &&
		bytes.Equal(a.ExtraData, b.ExtraData) &&
		bytes.Equal(a.LeafIdentityHash, b.LeafIdentityHash)
}
