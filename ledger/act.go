package ledger

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// Errors of Record that are not a *casefile.Refusal.
var (
	// ErrKeyReused: the idempotency key was used before for another request.
	ErrKeyReused = errors.New("this idempotency key was used for a different request")
	// ErrInvalid: the event does not fit its schema or one of its fields is too long.
	ErrInvalid = errors.New("event is not valid")
	// ErrKeyDestroyed: the key that would seal or open a field was destroyed.
	ErrKeyDestroyed = errors.New("key was destroyed")
	// ErrKeyMissing: the keyring, restored from an older copy, does not have a key that an event names.
	ErrKeyMissing = errors.New("no such key in this keyring")
)

// User is who acts, as the identity provider says.
type User struct {
	Subject      string // stable id of the person at their identity provider
	Name         string
	Role         identifier.Role
	Organisation identifier.Org
	OnBehalfOf   identifier.Org
	Session      string
}

// Field is a value that goes into the event as a salted digest only.
type Field struct {
	Name  string
	Value any // string or []string
}

// Act is an intended act. Body holds what is clear, Fields what is not.
type Act struct {
	User       User
	Case       predicate.UUID // empty only for access.denied
	Body       predicate.Body
	Fields     []Field
	OccurredAt time.Time // zero: now
	Policy     predicate.PolicyID
	// IdempotencyKey is the client's; empty: none. Request identifies what was asked for under it.
	IdempotencyKey string
	Request        []byte
	Rendition      *predicate.Rendition
	Proof          *predicate.ActorProof
	Batch          predicate.UUID
	// Contents are the exhibits whose content goes out with the act: those in a bag, for bag.exported. The act is refused
	// where its recipient may not have one of them when it gets its place.
	Contents []predicate.UUID
}

// Recorded is an event with its receipt.
type Recorded struct {
	Receipt receipt.Receipt
	Event   *predicate.Event
	EventID uuid.UUID
	Index   int64
	// Replayed: the same act had been recorded before under the same idempotency key.
	Replayed bool
}

// Record makes an act an integrated event and returns its verified receipt. It returns a *casefile.Refusal where the act
// is not allowed, ErrInvalid, ErrKeyReused, or ErrUnavailable: then the act may have been recorded all the same, and
// repeating it with the same idempotency key tells.
func (l *Ledger) Record(ctx context.Context, a Act) (Recorded, error) {
	if err := l.ready(); err != nil {
		return Recorded{}, err
	}
	if err := l.refuseTaken(ctx, a); err != nil {
		return Recorded{}, err
	}
	p, err := l.prepare(ctx, a)
	if err != nil {
		return Recorded{}, err
	}
	if p.keyed {
		if r, found, err := l.replay(ctx, p); found || err != nil {
			return r, err
		}
	}
	if err := l.decideEarly(ctx, p); err != nil {
		return l.refusedEarly(ctx, p, err)
	}
	if err := l.seal(ctx, p, a); err != nil {
		return Recorded{}, err
	}
	if err := schemas.Validate(p.event.Kind, &p.event.Predicate); err != nil {
		return Recorded{}, fmt.Errorf("%w: %s: %w", ErrInvalid, p.event.Kind, err)
	}
	if n := p.size(); n > maxBatchBytes {
		return Recorded{}, fmt.Errorf("%w: %s would take about %d bytes, %d are allowed: say less in its fields", ErrInvalid, p.event.Kind, n, maxBatchBytes)
	}
	return l.await(ctx, p)
}

// allowed decides an act without recording it, for whoever has much to do before it can be recorded. A repeated request is
// always allowed: its event is there.
func (l *Ledger) allowed(ctx context.Context, a Act) error {
	if known, err := l.known(ctx, a); known || err != nil {
		return err
	}
	p, err := l.prepare(ctx, a)
	if err != nil {
		return err
	}
	for _, f := range a.Fields {
		if _, err := p.fieldSpec(f); err != nil {
			return err
		}
	}
	if err := l.decideEarly(ctx, p); err != nil {
		if known, _ := l.known(ctx, a); known { // recorded meanwhile: that may be the reason
			return nil
		}
		return err
	}
	if err := schemas.Validate(p.event.Kind, &p.event.Predicate); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, p.event.Kind, err)
	}
	return nil
}

// known reports whether an act's idempotency key names an event.
func (l *Ledger) known(ctx context.Context, a Act) (bool, error) {
	if a.IdempotencyKey == "" {
		return false, nil
	}
	_, found, err := l.findEvent(ctx, l.keyedID(a))
	return found, err
}

// keyedID is the event id that an act's idempotency key gives it.
func (l *Ledger) keyedID(a Act) uuid.UUID {
	return l.cfg.Keyring.EventID("event", string(a.User.Organisation), a.User.Subject, string(a.Case), a.IdempotencyKey, "0")
}

// refuseTaken refuses a second case under one URN before the new case gets a key. The sequencer looks again, in order.
func (l *Ledger) refuseTaken(ctx context.Context, a Act) error {
	open, ok := a.Body.(*predicate.CaseOpenedV1)
	if !ok {
		return nil
	}
	taken, err := l.urnTaken(ctx, open.URN)
	if err != nil || !taken {
		return err
	}
	if known, err := l.known(ctx, a); known || err != nil {
		return err
	}
	return &casefile.Refusal{Code: casefile.CaseExists, Detail: "a case with this URN is open in this ledger already"}
}

// EventIDFor derives the id that an idempotency key gives an act, so that a repeated request finds it. label keeps ids
// of different purposes apart.
func (l *Ledger) EventIDFor(label string, u User, caseID predicate.UUID, key string, ordinal int) predicate.UUID {
	id := l.cfg.Keyring.EventID(label, string(u.Organisation), u.Subject, string(caseID), key, strconv.Itoa(ordinal))
	return predicate.UUID(id.String())
}

// scope is what keys and states hang on: the case, or for an event without one the organisation.
func scope(caseID predicate.UUID, org identifier.Org) predicate.UUID {
	if caseID != "" {
		return caseID
	}
	return predicate.UUID("org/" + string(org))
}

func (l *Ledger) prepare(ctx context.Context, a Act) (*pending, error) {
	t, err := l.admit(a)
	if err != nil {
		return nil, err
	}
	p := &pending{scope: scope(a.Case, a.User.Organisation), done: make(chan outcome, 1), keyed: a.IdempotencyKey != "", contents: a.Contents}
	ring := l.cfg.Keyring
	pseudonym, err := ring.Pseudonym(ctx, string(p.scope), a.User.Subject)
	if err != nil {
		return nil, fmt.Errorf("pseudonym: %w", err)
	}
	if p.keyed {
		p.id = l.keyedID(a)
	} else if p.id, err = uuid.NewRandom(); err != nil {
		return nil, fmt.Errorf("event id: %w", err)
	}
	occurred := a.OccurredAt
	if occurred.IsZero() {
		occurred = l.cfg.Clock()
	}
	digest, ok := schemas.Digest(t.Kind)
	if !ok {
		return nil, fmt.Errorf("%w: no schema for %s", ErrInvalid, t.Kind)
	}
	p.kind = t
	p.event = &predicate.Event{Kind: t.Kind, Predicate: predicate.Predicate{Body: a.Body, Slots: predicate.Slots{
		Actor: predicate.Actor{
			Pseudonym: predicate.Pseudonym(pseudonym), Role: a.User.Role, Organisation: a.User.Organisation, OnBehalfOf: a.User.OnBehalfOf,
		},
		ActorProof: a.Proof, Batch: a.Batch, Case: a.Case, EventID: predicate.UUID(p.id.String()), OccurredAt: predicate.At(occurred),
		Policy: a.Policy, Rendition: a.Rendition, S62Op: t.S62Op, Salt: newSalt(), Schema: digest,
	}}}
	if p.keyed {
		return p, l.addIdempotency(ctx, p, a)
	}
	return p, nil
}

// admit refuses what cannot become an event, before any key is made for it.
func (l *Ledger) admit(a Act) (predicate.Type, error) {
	if a.Body == nil {
		return predicate.Type{}, fmt.Errorf("%w: the act has no body", ErrInvalid)
	}
	t, ok := predicate.Lookup(a.Body.Kind())
	switch {
	case !ok:
		return t, fmt.Errorf("%w: no such kind of event: %s", ErrInvalid, a.Body.Kind())
	case (a.Case == "") != (t.Chain == predicate.ChainOrgAccess):
		return t, fmt.Errorf("%w: %s belongs to a case, or to no case, and was given otherwise", ErrInvalid, t.Kind)
	case a.User.Subject == "":
		return t, fmt.Errorf("%w: %s has no actor", ErrInvalid, t.Kind)
	}
	return t, l.checkIntent(a)
}

func (l *Ledger) addIdempotency(ctx context.Context, p *pending, a Act) error {
	key, err := l.cfg.Keyring.Digest(ctx, string(p.scope), "idempotency-key", a.IdempotencyKey)
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	req, err := l.cfg.Keyring.Digest(ctx, string(p.scope), "request", string(a.Request))
	if err != nil {
		return fmt.Errorf("idempotency key: %w", err)
	}
	p.event.Predicate.Idempotency = &predicate.Idempotency{Key: predicate.Hex32(key), Request: predicate.Hex32(req)}
	return nil
}

func newSalt() predicate.Hex16 {
	var b [16]byte
	rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24: it ends the program instead
	return predicate.Hex16(hex.EncodeToString(b[:]))
}

// decideEarly refuses hopeless acts before keys of persons and exhibits are made (the case's own key is there by then); the
// sequencer decides again, in order. It fills what the schema needs with the values as they stand now.
func (l *Ledger) decideEarly(ctx context.Context, p *pending) error {
	if err := l.addFirm(ctx, p); err != nil {
		return err
	}
	var d casefile.Decision
	var head casefile.Head
	err := l.sure(ctx, func() error {
		e, err := l.cases.get(ctx, p.scope)
		if err != nil {
			return err
		}
		e.mu.RLock()
		defer e.mu.RUnlock()
		if d, err = e.state.Decide(p.act()); err == nil {
			head = e.state.Head(d.Chain)
		}
		return err
	})
	if err != nil {
		return err
	}
	if pub := l.published.Load(); pub != nil {
		p.event.Predicate.Published = pub.slot
	}
	p.place(d, head, l.cfg.Clock())
	return nil
}

// refusedEarly looks once more for the act of a repeated request: it may be the reason for the refusal.
func (l *Ledger) refusedEarly(ctx context.Context, p *pending, refusal error) (Recorded, error) {
	if p.keyed {
		if r, found, err := l.replay(ctx, p); found {
			return r, err
		}
	}
	return Recorded{}, refusal
}

// addFirm derives the id of the firm's own chain where the act could belong there.
func (l *Ledger) addFirm(ctx context.Context, p *pending) error {
	actor, org := p.event.Predicate.Actor, identifier.Org("")
	if actor.Role == identifier.RoleDefence {
		org = actor.Organisation
	}
	if b, ok := p.event.Predicate.Body.(*predicate.BagExportedV1); ok && b.Recipient.Role == identifier.RoleDefence {
		org = b.Recipient.Organisation
	}
	if org == "" || p.event.Predicate.Case == "" {
		return nil
	}
	id, err := l.FirmID(ctx, p.event.Predicate.Case, org)
	p.firmID = id
	return err
}

// FirmID is the id of a firm's own chain in a case.
func (l *Ledger) FirmID(ctx context.Context, caseID predicate.UUID, org identifier.Org) (string, error) {
	d, err := l.cfg.Keyring.Digest(ctx, string(caseID), "firm-chain", string(org))
	if err != nil {
		return "", fmt.Errorf("firm's chain: %w", err)
	}
	return d[:32], nil
}

func (p *pending) act() casefile.Act {
	return casefile.Act{Actor: p.event.Predicate.Actor, FirmID: p.firmID, Body: p.event.Predicate.Body, Contents: p.contents}
}
