package ledger

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
)

// ErrForeign marks an event in the stream that this ledger did not write in this form.
var ErrForeign = errors.New("event in the stream is not one of this ledger")

// metadata is the unsigned companion of an event. `$correlationId` lets a real server keep a stream for each case.
type metadata struct {
	CorrelationID string            `json:"$correlationId,omitempty"`
	Openings      map[string][]byte `json:"openings,omitempty"`
	Signer        string            `json:"signer"`
}

// Committed is one event of the stream, read back and decoded.
type Committed struct {
	Index    int64
	EventID  uuid.UUID
	Event    *predicate.Event
	Envelope statement.Envelope
	PAE      [32]byte
	Signer   string
	Openings map[string][]byte // sealed, by digest
	body     []byte            // leaf body
}

// LeafHash is the hash of the event's leaf.
func (c *Committed) LeafHash() [32]byte { return receipt.LeafHash(c.body) }

// LeafBody is the bytes of the event's leaf.
func (c *Committed) LeafBody() []byte { return c.body }

// stored makes the bytes that go to the event store.
func (p *pending) stored(hint string) (StoredEvent, error) {
	if p.meta == nil {
		m := metadata{CorrelationID: string(p.event.Predicate.Case), Signer: hint, Openings: make(map[string][]byte, len(p.sealed))}
		for _, s := range p.sealed {
			m.Openings[s.digest] = s.box
		}
		meta, err := canonical.Marshal(&m)
		if err != nil {
			return StoredEvent{}, fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		p.meta = meta
	}
	return StoredEvent{ID: p.id, Kind: p.event.Kind, Data: appendEnvelope(nil, p.payload, p.sig), Meta: p.meta}, nil
}

// appendEnvelope writes the canonical JSON of a DSSE envelope.
func appendEnvelope(dst, payload, sig []byte) []byte {
	b64 := base64.StdEncoding
	if dst == nil {
		dst = make([]byte, 0, b64.EncodedLen(len(payload))+b64.EncodedLen(len(sig))+96)
	}
	dst = append(dst, `{"payload":"`...)
	dst = b64.AppendEncode(dst, payload)
	dst = append(dst, `","payloadType":"`+statement.PayloadType+`","signatures":[{"sig":"`...)
	dst = b64.AppendEncode(dst, sig)
	return append(dst, `"}]}`...)
}

// committed is what a pending event is once the stream holds it.
func (p *pending) committed(index int64, s *Signers) *Committed {
	c := &Committed{
		Index: index, EventID: p.id, Event: p.event, Envelope: p.envelope(), PAE: p.pae, Signer: s.hint,
		body: receipt.LeafBody(p.pae, p.sig, s.spki), Openings: make(map[string][]byte, len(p.sealed)),
	}
	for _, o := range p.sealed {
		c.Openings[o.digest] = o.box
	}
	return c
}

// decode reads a stored event back. Everything that is not exactly an event of this ledger is ErrForeign.
func (l *Ledger) decode(index int64, e StoredEvent) (*Committed, error) {
	env, err := statement.ParseEnvelope(e.Data)
	if err != nil {
		return nil, fmt.Errorf("%w: revision %d: %w", ErrForeign, index, err)
	}
	ev, err := predicate.Decode(env.Payload)
	if err != nil {
		return nil, fmt.Errorf("%w: revision %d: %w", ErrForeign, index, err)
	}
	var m metadata
	if err := canonical.Unmarshal(e.Meta, &m); err != nil {
		return nil, fmt.Errorf("%w: metadata of revision %d: %w", ErrForeign, index, err)
	}
	if string(ev.Predicate.EventID) != e.ID.String() || ev.Kind != e.Kind {
		return nil, fmt.Errorf("%w: revision %d is filed under another id or kind than it states", ErrForeign, index)
	}
	spki, ok := l.check.spki(m.Signer)
	if !ok {
		return nil, fmt.Errorf("%w: revision %d was signed by a key that this ledger does not know", ErrForeign, index)
	}
	c := &Committed{Index: index, EventID: e.ID, Event: &ev, Envelope: env, PAE: env.PAEDigest(), Signer: m.Signer, Openings: m.Openings}
	c.body = receipt.LeafBody(c.PAE, env.Sig(), spki)
	return c, nil
}
