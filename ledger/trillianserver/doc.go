// Package trillianserver runs a Trillian log server inside the process, over one SQLite file. Its
// clients speak to it through an ordinary gRPC connection, so that the same client code also works
// with a stock Trillian log server and signer on PostgreSQL or MySQL.
//
// The RPC server and the integration of leaves are Trillian's own; only the storage, package
// sqliteprovider, is ours. In a PREORDERED_LOG tree AddSequencedLeaves stores the leaves and
// integrates them in one transaction: when it returns without an error and without a refused leaf,
// GetLatestSignedLogRoot covers the batch. There is no signer process, no timer and no queue.
//
// # What AddSequencedLeaves answers
//
//	every status OK            the batch is stored and integrated
//	a status ALREADY_EXISTS    an identical leaf is there, and comes with the answer; the leaves of
//	                           the batch that are new are stored and integrated
//	a status FAILED_PRECONDITION  another leaf is there, and comes with the answer; or the identity
//	                           hash belongs to another leaf. Nothing of the batch is stored: the
//	                           leaves that were not at fault have status ABORTED
//	the call fails OUT_OF_RANGE   the batch begins beyond the end of the tree and would leave a gap;
//	                           nothing is stored
//	the call fails PERMISSION_DENIED  the tree is frozen
//
// A stock server differs: it answers a repeated leaf with FAILED_PRECONDITION and no leaf, accepts
// gaps, and integrates later. Clients that must work with both read the leaf back and wait for the
// root.
//
// LogRootV1 is not signed. The server has no access control: its connection never leaves the process.
//
// # Durability
//
// The file is written with synchronous=NORMAL: after a crash of the machine the tree may have lost its
// last leaves, though it is never damaged by that. The caller must hold the leaves elsewhere, durably,
// before it adds them, and must compare and add again at every start before it signs or serves a root.
package trillianserver
