package ledger

import (
	"context"
	"errors"
	"io"
	"time"

	"filippo.io/age"
	"github.com/google/uuid"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Errors that the stores behind the interfaces report.
var (
	// ErrConflict: the stream is not at the expected revision; another writer was there first.
	ErrConflict = errors.New("another writer appended first")
	// ErrUnavailable: an engine cannot be reached or does not answer now; what was asked may or may not have happened.
	ErrUnavailable = errors.New("engine is not available")
	// ErrDiverged: tree and stream, or tree and an earlier checkpoint, contradict each other. Writing stops.
	ErrDiverged = errors.New("log and events contradict each other")
	// ErrNotFound: there is no such event.
	ErrNotFound = errors.New("not found")
)

// StoredEvent is one event as it lies in the journal stream. Data is the DSSE envelope, Meta the unsigned companion
// (correlation id, signer hint, sealed openings), both canonical JSON.
type StoredEvent struct {
	ID   uuid.UUID
	Kind string
	Data []byte
	Meta []byte
}

// EventStore is the one journal stream of a ledger. Revisions are dense and start at 0; a revision is a leaf index.
type EventStore interface {
	// Append returns nil only after all events are durable, in order, directly after revision expected (-1: an empty
	// stream). ErrConflict: nothing was stored since the stream is elsewhere. A repeat of the same events at the same
	// expected revision after a lost answer returns nil and stores nothing twice. ErrUnavailable: not known; repeat.
	Append(ctx context.Context, expected int64, events []StoredEvent) error
	// Read calls yield for at most max events from revision from on, in order without a gap, and stops at the end of
	// the stream. An error on the way is returned; it never looks like the end.
	Read(ctx context.Context, from int64, max int, yield func(revision int64, e StoredEvent) error) error
	// Head is the last revision, -1 for an empty stream.
	Head(ctx context.Context) (int64, error)
}

// Head is a size and root of the tree.
type Head struct {
	Size int64
	Root [32]byte
}

// Integrated is what adding a batch gave: the new head and, for each leaf of the batch, its inclusion proof under that
// head, hashes from the leaf to the root.
type Integrated struct {
	Head   Head
	Proofs [][][]byte
}

// Tree is the transparency log. It is used by one goroutine for Integrate and by many for the proofs.
type Tree interface {
	// Head is the tree's own latest root.
	Head(ctx context.Context) (Head, error)
	// Restore tells the tree's client the leaf hashes of the leaves that the tree already holds, in order, in pieces,
	// before the first Integrate. Its last call has done set: the client then compares its root with the tree's and
	// returns ErrDiverged if they differ.
	Restore(leafHashes [][32]byte, done bool) error
	// Integrate adds leaf bodies at first, first+1, … and returns once they are under the tree's root, which the client
	// has computed for itself and compared. ErrDiverged: never go on. ErrUnavailable: repeat the same call.
	Integrate(ctx context.Context, first int64, bodies [][]byte) (Integrated, error)
	// Inclusion is the proof of the leaf at index in the tree of size; it is verified against leafHash and root.
	Inclusion(ctx context.Context, index, size int64) ([][]byte, error)
	// Consistency is the proof that the tree of size from is a prefix of the tree of size to.
	Consistency(ctx context.Context, from, to int64) ([][]byte, error)
}

// Planner is a Tree that computes beforehand which head a batch will give, so that its checkpoint can be signed while the
// tree still works. The signature is given to nobody before Integrate has returned the same head.
type Planner interface {
	// Plan is for the batch that the next Integrate will be called with.
	Plan(first int64, bodies [][]byte) (Head, error)
}

// CaseIndex finds events without reading the whole stream. It lags behind the stream; the ledger covers the rest itself.
type CaseIndex interface {
	// Position is the first revision that the index does not cover.
	Position(ctx context.Context) (int64, error)
	// Revisions of a case's events below Position, ascending.
	Revisions(ctx context.Context, caseID string) ([]int64, error)
	// ByEventID finds an event that a client's idempotency key named, or a case.opened.
	ByEventID(ctx context.Context, id [16]byte) (revision int64, found bool, err error)
	// CasesByURN finds cases by the URN's key (identifier.URN.Key).
	CasesByURN(ctx context.Context, urnKey string) ([]predicate.UUID, error)
}

// Keyring holds the keys that can be destroyed. See package keyring.
type Keyring interface {
	ExhibitKey(ctx context.Context, caseID, exhibitID string) (predicate.KeyID, error)
	SubjectKey(ctx context.Context, caseID, subject string) (predicate.KeyID, error)
	Pseudonym(ctx context.Context, caseID, subject string) (string, error)
	EventID(parts ...string) uuid.UUID
	Digest(ctx context.Context, caseID, label, value string) (string, error)
	SealOpening(id predicate.KeyID, eventID uuid.UUID, field string, plaintext []byte) ([]byte, error)
	OpenOpening(id predicate.KeyID, eventID uuid.UUID, field string, sealed []byte) ([]byte, error)
	BlobIdentity(ctx context.Context, id predicate.KeyID) (age.Identity, age.Recipient, error)
	Destroy(ctx context.Context, id predicate.KeyID) error
	Replay(ctx context.Context, destroyed []predicate.KeyID) (int, error)
	CaseKeys(ctx context.Context, caseID string) ([]predicate.KeyID, error)
	Forget(id predicate.KeyID)
	// LacksCases returns those of the given cases whose key this keyring neither holds nor knows to be destroyed.
	LacksCases(ctx context.Context, caseIDs []predicate.UUID) ([]predicate.UUID, error)
}

// StoredBlob is what a vault stored.
type StoredBlob struct {
	ID     string
	Size   int64
	SHA256 [32]byte
	Head   []byte // the first bytes, at most 3072, to sniff the media type from
}

// Blob gives random access to decrypted content.
type Blob interface {
	io.ReadSeeker
	io.ReaderAt
	io.Closer
	Size() int64
}

// Vault stores content encrypted.
type Vault interface {
	// Put is durable when it returns; a reader that fails, or exceeds limit bytes, leaves nothing behind.
	Put(ctx context.Context, r io.Reader, to age.Recipient, limit int64) (StoredBlob, error)
	Open(ctx context.Context, id string, as age.Identity) (Blob, error)
	Delete(ctx context.Context, id string) error
}

// Publications keeps the published checkpoints durably.
type Publications interface {
	// Load returns the last published checkpoint, "" if there is none.
	Load() (string, error)
	// Save is durable when it returns.
	Save(checkpoint string) error
}

// Clock tells the time.
type Clock func() time.Time
