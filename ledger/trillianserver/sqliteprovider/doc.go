// Package sqliteprovider keeps Trillian trees in one SQLite file. It offers what Trillian calls a
// storage provider: an AdminStorage for the definitions of the trees and a LogStorage for their
// leaves, Merkle nodes and roots. PREORDERED_LOG trees are its purpose; LOG trees work as far as
// Trillian's own test suites ask.
//
// # Durability
//
// The file runs in WAL mode with synchronous=NORMAL: a crash of the machine may lose the last
// committed transactions but never damages the file or leaves half a transaction. That is only
// sound where the caller can add the lost leaves again. The ledger can: its event stream is fsynced
// before a leaf is added, and at every start it adds what the tree does not yet hold. Options.Full
// selects synchronous=FULL for callers that have no such stream.
//
// A file that lost its tail, or that is an older copy, opens without complaint and shows its older
// root. When a copy is put in place, the files beside it named -wal and -shm must be removed first.
//
// # Layout
//
// Merkle hashes are kept as the tiles of C2SP tlog-tiles: tile (level L, index N) holds the hashes of
// the complete subtrees of height 8L with indices 256N to 256N+255, 32 raw bytes each. Trillian names
// the same tile by a path prefix: L = 7-len(prefix)/8 with the length in bits, N = the prefix as a
// big-endian number. Nodes between two tile levels are hashed again when they are asked for.
//
// A leaf whose identity hash is 24 zero bytes followed by its index (8 bytes, big-endian) costs no
// index entry. Any other identity hash must be unique within its tree. An identity hash of that form
// which names another index is refused.
//
// There is no index by Merkle leaf hash: GetLeavesByHash, and with it GetInclusionProofByHash, is
// Unimplemented. Ask by leaf index.
//
// # Concurrency
//
// One connection writes, one transaction at a time. The definition, the root and the right edge of
// every tree are kept in memory as immutable values that are replaced only after a Commit succeeded;
// if the outcome of a Commit is unknown they are read from the file again. Readers take the current
// value and need no SQL transaction, because what lies below a published root never changes.
package sqliteprovider
