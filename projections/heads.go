package projections

import (
	"cmp"
	"encoding/hex"
	"slices"

	"crypto/sha256"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// heads keeps the end of each chain.
type heads map[predicate.ChainID]*head

// head is the last entry of a chain and the link before it.
type head struct {
	last     Entry
	previous [32]byte
	known    bool // previous is known
}

func (h *heads) apply(e Entry) {
	if *h == nil {
		*h = make(heads)
	}
	now := &head{last: e}
	if e.Event != nil {
		now.previous, now.known = parseHex32(e.Event.Predicate.Previous)
	} else if before := (*h)[e.Chain]; before != nil && before.last.Sequence == e.Sequence-1 {
		now.previous, now.known = before.link()
	} else if e.Sequence == 1 {
		now.previous, now.known = statement.Genesis(string(e.Chain)), true
	}
	now.last.Openings = Entry{}.Openings
	(*h)[e.Chain] = now
}

func (h *head) link() ([32]byte, bool) {
	digest := h.last.PAEDigest
	if digest == ([32]byte{}) {
		if h.last.Event == nil {
			return digest, false
		}
		payload, err := predicate.Encode(*h.last.Event)
		if err != nil {
			return digest, false
		}
		digest = sha256.Sum256(statement.PAE(payload))
	}
	return statement.Link(h.previous, digest), h.known
}

// list is all heads, sorted by chain.
func (h heads) list() []predicate.Head {
	out := make([]predicate.Head, 0, len(h))
	for chain, head := range h {
		entry := predicate.Head{Chain: chain, Count: head.last.Sequence}
		if link, ok := head.link(); ok {
			entry.Link = hex32(link)
		}
		out = append(out, entry)
	}
	slices.SortFunc(out, func(a, b predicate.Head) int { return cmp.Compare(a.Chain, b.Chain) })
	return out
}

func hex32(b [32]byte) predicate.Hex32 { return predicate.Hex32(hex.EncodeToString(b[:])) }

func parseHex32(s predicate.Hex32) (out [32]byte, ok bool) {
	b, err := hex.DecodeString(string(s))
	if err != nil || len(b) != len(out) {
		return out, false
	}
	copy(out[:], b)
	return out, true
}
