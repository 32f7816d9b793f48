// Package projections folds events into what people read: the state of a case, the custody of each exhibit, who had
// access, and the report that goes with a court bag.
//
// The folds are pure. Fold gives the same Report for the same entries on every machine and on every day: it reads no
// clock, it writes times in UTC only, it orders everything by leaf index, and it decides nothing by the value of an
// opened field. A court replays the fold over the events of its bag and compares bytes.
//
//	Entry    an event as one reader may see it: read, counted only, with some fields opened
//	State    what the clear slots of a case's events say: hearings, persons, grants, exhibits
//	Report   State, opened fields, and a line for each event: version ReportVersion, encoded by schemas/canonical
//	Source   the journal of events; Store keeps read models that follow it
package projections

import (
	"context"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

// Entry is one event as a certain reader may see it.
type Entry struct {
	Index    int64 // leaf index
	Chain    predicate.ChainID
	Sequence int64
	// Event is nil where the reader may count but not read it.
	Event *predicate.Event
	// Openings are the fields of the event that this reader may read.
	Openings sdjwt.Openings
	LeafHash [32]byte
	// PAEDigest is SHA-256 of the signed bytes, as the leaf body carries it. It makes the heads of chains; where it is
	// zero it is computed from Event, and the head of a chain that ends in a withheld event has no link.
	PAEDigest [32]byte
}

// Record is one event of the journal.
type Record struct {
	// Revision in the journal stream, which is the leaf index.
	Revision int64
	EventID  [16]byte
	// Payload is the canonical statement, Event what it decodes to.
	Payload []byte
	Event   predicate.Event
}

// Source reads the journal.
type Source interface {
	// Read calls yield for every record from revision from on, in journal order and without gaps, until the end of the
	// journal as it is now. It returns the revision after the last record yielded, also with an error: an error of yield
	// is returned as it is, and a failure to read never looks like the end.
	Read(ctx context.Context, from int64, yield func(Record) error) (next int64, err error)
}

// Store keeps read models that follow a Source.
type Store interface {
	// Position is the revision of the first record that is not yet applied.
	Position(ctx context.Context) (next int64, err error)
	// Apply takes in consecutive records, rows and position in one transaction. A batch that does not start at the
	// position, or that has a gap, is refused with ErrPosition and changes nothing.
	Apply(ctx context.Context, batch []Record) error
	// Reset forgets everything: the position is 0 again.
	Reset(ctx context.Context) error
}
