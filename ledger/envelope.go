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
	Openings []SealedOpening // in the order of the event's `_sd`
	body     []byte          // leaf body
}

// SealedOpening is an encrypted opening, by the digest that stands in the event.
type SealedOpening struct {
	Digest string
	Box    []byte
}

// LeafHash is the hash of the event's leaf.
func (c *Committed) LeafHash() [32]byte { return receipt.LeafHash(c.body) }

// LeafBody is the bytes of the event's leaf.
func (c *Committed) LeafBody() []byte { return c.body }

// stored makes the bytes that go to the event store.
func (p *pending) stored(hint string) StoredEvent {
	if p.meta == nil {
		p.meta = p.appendMeta(hint)
	}
	return StoredEvent{ID: p.id, Kind: p.event.Kind, Data: appendEnvelope(nil, p.payload, p.sig), Meta: p.meta}
}

// appendMeta writes the canonical JSON of the metadata: it is written for every act, and its strings need no escapes.
func (p *pending) appendMeta(hint string) []byte {
	b64, size := base64.StdEncoding, 192
	for _, s := range p.sealed {
		size += len(s.digest) + b64.EncodedLen(len(s.box)) + 8
	}
	dst := append(make([]byte, 0, size), '{')
	if id := p.event.Predicate.Case; id != "" {
		dst = append(append(append(dst, `"$correlationId":"`...), id...), `",`...)
	}
	if len(p.sealed) > 0 {
		dst = append(dst, `"openings":{`...)
		for i, s := range p.sealed { // sorted by digest, as canonical JSON wants them
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = append(append(append(dst, '"'), s.digest...), `":"`...)
			dst = append(b64.AppendEncode(dst, s.box), '"')
		}
		dst = append(dst, `},`...)
	}
	return append(append(append(dst, `"signer":"`...), hint...), `"}`...)
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
		body: receipt.LeafBody(p.pae, p.sig, s.spki), Openings: make([]SealedOpening, len(p.sealed)),
	}
	for i, o := range p.sealed {
		c.Openings[i] = SealedOpening{Digest: o.digest, Box: o.box}
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
	c := &Committed{Index: index, EventID: e.ID, Event: &ev, Envelope: env, PAE: env.PAEDigest(), Signer: m.Signer}
	for _, digest := range ev.Predicate.SD {
		box, ok := m.Openings[string(digest)]
		if !ok {
			return nil, fmt.Errorf("%w: revision %d lacks a sealed opening", ErrForeign, index)
		}
		c.Openings = append(c.Openings, SealedOpening{Digest: string(digest), Box: box})
	}
	c.body = receipt.LeafBody(c.PAE, env.Sig(), spki)
	return c, nil
}
