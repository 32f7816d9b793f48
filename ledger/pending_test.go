package ledger

import (
	"crypto/rand"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/predicate/predicatetest"
)

// largest fills the lists of an event.
func largest(e *predicate.Event) {
	id, org := predicate.UUID("00000000-0000-4000-8000-000000000009"), predicate.Hex32(strings.Repeat("0a", 32))
	switch b := e.Predicate.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		b.Concerns = make([]predicate.UUID, 1000)
		for i := range b.Concerns {
			b.Concerns[i] = id
		}
	case *predicate.BagExportedV1:
		b.Heads = make([]predicate.Head, 1000)
		for i := range b.Heads {
			b.Heads[i] = predicate.Head{Chain: predicate.ChainID(string(id) + "/firm/" + strings.Repeat("0", 64)), Count: 1 << 52, Link: org}
		}
	case *predicate.KeyDestroyedV1:
		b.Scope, b.Keys = predicate.ScopeCase, make([]predicate.KeyID, maxListedKeys)
		for i := range b.Keys {
			b.Keys[i] = unlisted
		}
	}
	e.Predicate.ActorProof = &predicate.ActorProof{
		Intent: predicate.Base64(strings.Repeat("AAAA", 1024)), Scheme: predicate.ProofP256, Signature: predicate.Base64(strings.Repeat("AAAA", 1024)),
	}
}

// TestSizeCoversTheEvent: no event takes more in the store than its estimate, so that a batch stays below the limit.
func TestSizeCoversTheEvent(t *testing.T) {
	for kind := range predicate.Kinds {
		t.Run(kind.Kind, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				e := predicatetest.Event(t, kind.Kind)
				if rapid.Bool().Draw(t, "largest") {
					largest(&e)
				}
				p := &pending{event: &e, sig: make([]byte, 72)}
				p.seal(rapid.IntRange(0, 12).Draw(t, "openings"))
				p.payload, _ = predicate.AppendEncode(nil, e)
				s := p.stored(strings.Repeat("0", 64))
				if got := len(s.Data) + len(s.Meta); got > p.size() || len(p.payload) == 0 {
					t.Fatalf("%d bytes in the store, estimated were %d", got, p.size())
				}
			})
		})
	}
}

// seal gives an event the smallest openings, whose digests and names weigh most.
func (p *pending) seal(openings int) {
	slots := &p.event.Predicate.Slots
	slots.SD, slots.OpeningKeys = nil, nil
	for range openings {
		box := make([]byte, 64)
		rand.Read(box) // never fails
		digest := strings.Repeat("x", 43)
		p.sealed = append(p.sealed, sealed{digest: digest, key: unlisted, box: box})
		slots.SD, slots.OpeningKeys = append(slots.SD, predicate.B64Digest(digest)), append(slots.OpeningKeys, unlisted)
	}
}
