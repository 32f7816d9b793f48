package bagexport

import (
	"encoding/hex"
	"maps"
	"slices"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// heads follows the chains of a bag to their ends.
type heads struct {
	count map[predicate.ChainID]int64
	link  map[predicate.ChainID][32]byte
}

func newHeads() *heads {
	return &heads{count: map[predicate.ChainID]int64{}, link: map[predicate.ChainID][32]byte{}}
}

func (h *heads) add(c *ledger.Committed) {
	chain := c.Event.Predicate.Chain
	previous, ok := h.link[chain]
	if !ok {
		previous = statement.Genesis(string(chain))
	}
	h.count[chain]++
	h.link[chain] = statement.Link(previous, c.PAE)
}

func (h *heads) sorted() []predicate.Head {
	out := make([]predicate.Head, 0, len(h.count))
	for _, chain := range slices.Sorted(maps.Keys(h.count)) {
		link := h.link[chain]
		out = append(out, predicate.Head{Chain: chain, Count: h.count[chain], Link: predicate.Hex32(hex.EncodeToString(link[:]))})
	}
	return out
}
