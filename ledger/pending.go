package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
)

// pending is an act on its way through the sequencer and the integrator.
type pending struct {
	ctx    context.Context // of whoever waits: an act that nobody waits for any more is not begun
	id     uuid.UUID
	scope  predicate.UUID
	kind   predicate.Type
	event  *predicate.Event
	firmID string
	// contents are those of the act: what must still be the recipient's to have when the act gets its place.
	contents []predicate.UUID
	sealed   []sealed
	keyed    bool
	// actorKey seals what is about the actor; the fields of one event share the look-up.
	actorKey predicate.KeyID

	// What the sequencer makes of it.
	payload []byte
	pae     [32]byte
	sig     []byte
	meta    []byte
	tried   int64 // the revision it was last appended for

	done  chan outcome
	twins []*pending // the same act, sent once more at the same moment
}

// sealed is one opening, encrypted, as it is kept beside the event.
type sealed struct {
	digest string
	name   string
	key    predicate.KeyID
	box    []byte
}

// outcome of a pending act: a receipt, the revision at which the act was found in the stream, or an error.
type outcome struct {
	receipt  receipt.Receipt
	index    int64
	replayed bool
	found    bool // committed by an append whose answer was lost
	err      error
}

// answer gives the act its outcome. Whoever sent the same act at the same moment is told of the event that it became; if
// it became none they may try for themselves.
func (p *pending) answer(o outcome) {
	p.done <- o
	for _, twin := range p.twins {
		if o.err != nil {
			twin.done <- outcome{err: fmt.Errorf("%w: the same Idempotency-Key was sent twice at one moment; repeat the request", ErrUnavailable)}
			continue
		}
		twin.done <- outcome{index: o.index, replayed: true}
	}
}

func (p *pending) fail(err error) { p.answer(outcome{err: err}) }

// unanswered is the error for an act that is in the stream, or may be, and has no receipt.
func unanswered(err error) error {
	if err == nil || errors.Is(err, ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: the act may have been recorded all the same: %w", ErrUnavailable, err)
}

// place gives the event its position in its chain. It reports whether anything changed.
func (p *pending) place(d casefile.Decision, head casefile.Head, now time.Time) bool {
	slots := &p.event.Predicate.Slots
	previous := predicate.Hex32(hex.EncodeToString(head.Link[:]))
	if slots.Chain == d.Chain && slots.Sequence == head.Count+1 && slots.Previous == previous && p.sig != nil {
		return false
	}
	slots.Chain, slots.Sequence, slots.Previous, slots.RecordedAt = d.Chain, head.Count+1, previous, predicate.At(now)
	p.event.Subject = d.Subject
	return true
}

// encode makes the statement bytes and the digest that the signature, the leaf and the chain rest on.
func (p *pending) encode() error {
	payload, err := predicate.AppendEncode(make([]byte, 0, 2048), *p.event)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	p.payload, p.sig = payload, nil
	p.pae = sha256.Sum256(statement.PAE(payload))
	return nil
}

// maxListedKeys is how many keys a key.destroyed may name; those of a whole case are listed only when it gets its place.
const maxListedKeys = 10000

// size is about what the event takes in one append call, in bytes; never less than it takes. Strings of the statement count
// for 4/3 of their length, since it is stored in base64.
func (p *pending) size() int {
	n := 4096
	pr := &p.event.Predicate
	switch b := pr.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		n += 64 * (len(b.Concerns) + len(b.Categories))
	case *predicate.KeyDestroyedV1:
		keys := len(b.Keys)
		if b.Scope == predicate.ScopeCase {
			keys = maxListedKeys
		}
		n += 64 * keys
	case *predicate.BagExportedV1:
		n += 512 * len(b.Heads)
	}
	if a := pr.ActorProof; a != nil {
		n += 2 * (len(a.Intent) + len(a.Signature))
	}
	for _, s := range p.sealed {
		n += 2*len(s.box) + 192
	}
	return n
}

func (p *pending) envelope() statement.Envelope { return statement.NewEnvelope(p.payload, p.sig) }

// await hands an act to the sequencer and waits for its receipt.
func (l *Ledger) await(ctx context.Context, p *pending) (Recorded, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.AckTimeout)
	defer cancel()
	p.ctx = ctx
	select {
	case l.submit <- p:
	case <-l.idle:
		return Recorded{}, ErrStopped
	case <-ctx.Done():
		return Recorded{}, fmt.Errorf("%w: nothing was recorded: %w", ErrUnavailable, context.Cause(ctx))
	}
	select {
	case o := <-p.done:
		return l.finish(ctx, p, o)
	case <-ctx.Done():
		return Recorded{}, fmt.Errorf("%w: the act may have been recorded all the same; repeat it with the same Idempotency-Key to learn: %w",
			ErrUnavailable, context.Cause(ctx))
	case <-l.ended:
	}
	select {
	case o := <-p.done: // it was answered just before
		return l.finish(ctx, p, o)
	default:
		return Recorded{}, unanswered(ErrStopped)
	}
}

// finish checks the receipt as a court would before it leaves the ledger.
func (l *Ledger) finish(ctx context.Context, p *pending, o outcome) (Recorded, error) {
	if o.err != nil {
		return Recorded{}, o.err
	}
	if o.replayed {
		return l.recordedAt(ctx, o.index, p)
	}
	if o.found {
		return l.covered(ctx, o.index)
	}
	if err := l.check.own(o.receipt); err != nil {
		l.raise(fmt.Errorf("%w: a receipt just made does not verify: %w", ErrDiverged, err))
		return Recorded{}, unanswered(l.Healthy())
	}
	return Recorded{Receipt: o.receipt, Event: p.event, EventID: p.id, Index: o.index}, nil
}

// replay finds an act recorded before under the same idempotency key.
func (l *Ledger) replay(ctx context.Context, p *pending) (Recorded, bool, error) {
	index, found, err := l.findEvent(ctx, p.id)
	if err != nil || !found {
		return Recorded{}, false, err
	}
	r, err := l.recordedAt(ctx, index, p)
	return r, true, err
}

// recordedAt answers a repeated act with the event that it made the first time.
func (l *Ledger) recordedAt(ctx context.Context, index int64, p *pending) (Recorded, error) {
	r, err := l.covered(ctx, index)
	if err != nil {
		return Recorded{}, err
	}
	was, is := r.Event.Predicate.Idempotency, p.event.Predicate.Idempotency
	if was == nil || is == nil || *was != *is {
		return Recorded{}, ErrKeyReused
	}
	r.Replayed = true
	return r, nil
}

// covered reads a committed event with its receipt once the tree covers it.
func (l *Ledger) covered(ctx context.Context, index int64) (Recorded, error) {
	for wait := time.Millisecond; l.integrated.Load().Size <= index; wait = min(2*wait, 50*time.Millisecond) {
		if err := l.ready(); err != nil {
			return Recorded{}, unanswered(err)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return Recorded{}, fmt.Errorf("%w: the act is recorded but not yet integrated: %w", ErrUnavailable, context.Cause(ctx))
		case <-l.ended:
			return Recorded{}, unanswered(ErrStopped)
		}
	}
	return l.Recorded(ctx, index)
}

// findEvent looks for an event by id: in what the index does not cover yet, then in the index.
func (l *Ledger) findEvent(ctx context.Context, id uuid.UUID) (int64, bool, error) {
	if rev, ok := l.tail.byID(id); ok {
		return rev, true, nil
	}
	rev, ok, err := l.cfg.Index.ByEventID(ctx, id)
	if err != nil {
		return 0, false, fmt.Errorf("look up event: %w", err)
	}
	return rev, ok, nil
}

// urnTaken looks for an open or closed case with this URN.
func (l *Ledger) urnTaken(ctx context.Context, urn identifier.URN) (bool, error) {
	if l.tail.hasURN(urn.Key()) {
		return true, nil
	}
	ids, err := l.cfg.Index.CasesByURN(ctx, urn.Key())
	if err != nil {
		return false, fmt.Errorf("look up URN: %w", err)
	}
	return len(ids) > 0, nil
}

// CasesByURN finds cases by URN.
func (l *Ledger) CasesByURN(ctx context.Context, urn identifier.URN) ([]predicate.UUID, error) {
	since := l.folded.Load()
	ids, err := l.casesByURN(ctx, urn)
	if err == nil && len(ids) == 0 && l.fresh(ctx, since) { // another server may have opened it just now
		return l.casesByURN(ctx, urn)
	}
	return ids, err
}

// casesByURN asks the tail first: what leaves it is in the index by then.
func (l *Ledger) casesByURN(ctx context.Context, urn identifier.URN) ([]predicate.UUID, error) {
	recent := l.tail.casesOf(urn.Key())
	ids, err := l.cfg.Index.CasesByURN(ctx, urn.Key())
	if err != nil {
		return nil, fmt.Errorf("look up URN: %w", err)
	}
	for _, id := range recent {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// ready refuses acts while nothing could be integrated.
func (l *Ledger) ready() error {
	if err := l.Healthy(); err != nil {
		return fmt.Errorf("%w: %w", ErrStopped, err)
	}
	select {
	case <-l.ended:
		return fmt.Errorf("%w: it was closed", ErrStopped)
	default:
	}
	if l.storeDown.Load() {
		return fmt.Errorf("%w: the event store does not answer, so nothing can be recorded or shown now", ErrUnavailable)
	}
	if l.treeDown.Load() {
		return fmt.Errorf("%w: the log cannot be reached, so nothing can be recorded or shown now", ErrUnavailable)
	}
	return nil
}
