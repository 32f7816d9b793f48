package verifiertest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// Chains writes events of a case in their chains: it knows where each chain stands.
type Chains struct {
	Log  *Log
	Case predicate.UUID
	// Edit, where set, may change an event before it is encoded.
	Edit  func(*predicate.Event)
	heads map[predicate.ChainID]predicate.Head
	count int
}

// NewChains begins a case in a log.
func NewChains(l *Log, id predicate.UUID) *Chains {
	return &Chains{Log: l, Case: id, heads: map[predicate.ChainID]predicate.Head{}}
}

// UUID is a readable id: the number in the last digits.
func UUID(n int) predicate.UUID {
	return predicate.UUID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n))
}

// Chain is the id of a chain of the case, such as "main".
func (c *Chains) Chain(name string) predicate.ChainID {
	return predicate.ChainID(string(c.Case) + "/" + name)
}

// Head is where a chain stands.
func (c *Chains) Head(chain predicate.ChainID) predicate.Head {
	if h, ok := c.heads[chain]; ok {
		return h
	}
	link := statement.Genesis(string(chain))
	return predicate.Head{Chain: chain, Link: predicate.Hex32(hex.EncodeToString(link[:]))}
}

// Add signs an event in a chain and appends it; sd are the digests of its openings. It returns the leaf index.
func (c *Chains) Add(chain predicate.ChainID, body predicate.Body, subjects []statement.Subject, sd []predicate.B64Digest) int64 {
	head := c.Head(chain)
	c.count++
	at := predicate.At(time.Date(2026, 3, 1, 9, 0, c.count, 0, time.UTC))
	if len(subjects) == 0 {
		subjects = []statement.Subject{{Name: "case", Digest: statement.Digests{SHA256: Hex([]byte(c.Case))}}}
	}
	e := predicate.Event{Kind: body.Kind(), Subject: subjects, Predicate: predicate.Predicate{
		Slots: predicate.Slots{
			Actor: predicate.Actor{Organisation: "force-01", Pseudonym: predicate.Pseudonym(Hex([]byte("actor"))[:32]), Role: "officer"},
			Case:  c.Case, Chain: chain, EventID: UUID(900000 + c.count), OccurredAt: at, RecordedAt: at, Policy: "test.allow",
			Previous: head.Link, Salt: predicate.Hex16(Hex([]byte{byte(c.count)})[:32]), Schema: predicate.Hex32(Hex([]byte(body.Kind()))),
			SD: sd, Sequence: head.Count + 1,
		},
		Body: body,
	}}
	for range sd {
		e.Predicate.OpeningKeys = append(e.Predicate.OpeningKeys, "key-1")
	}
	if c.Edit != nil {
		c.Edit(&e)
	}
	index := c.Log.Append(e)
	previous := must(hex.DecodeString(string(head.Link)))
	link := statement.Link([32]byte(previous), c.Log.PAEDigest(index))
	c.heads[chain] = predicate.Head{Chain: chain, Count: head.Count + 1, Link: predicate.Hex32(hex.EncodeToString(link[:]))}
	return index
}

// Hex is SHA-256 in hex.
func Hex(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
