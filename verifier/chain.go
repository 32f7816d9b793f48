package verifier

import (
	"encoding/hex"
	"fmt"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// A ChainItem is one event of a chain. Previous is not known of a withheld event: its place is proved by the next event
// that is not withheld, or by the head.
type ChainItem struct {
	Sequence  int64
	Withheld  bool
	Previous  predicate.Hex32
	PAEDigest [32]byte
	// Name and File are what a sentence calls the event and where it is.
	Name, File string
}

// VerifyChain follows a chain from its first event: sequences run from 1 without gaps and each event that says what was
// before it says so truly. It returns the head of what it followed and every break; after a break it goes on from what the
// event itself says. Links are
//
//	link(0) = SHA-256("caseledger-link/v1" || chain id)
//	link(n) = SHA-256("caseledger-link/v1" || link(n-1) || SHA-256(PAE n))
func VerifyChain(chain predicate.ChainID, items []ChainItem) (predicate.Head, []*Failure) {
	link := statement.Genesis(string(chain))
	var failures []*Failure
	for i, item := range items {
		s := subject{item.Name, item.File}
		if item.Sequence != int64(i)+1 {
			return predicate.Head{Chain: chain, Count: int64(i), Link: hexLink(link)},
				append(failures, s.fault(CheckChain, "is not the next one in its chain: an event before it is missing, added or out of order."))
		}
		if !item.Withheld && item.Previous != hexLink(link) {
			failures = append(failures, s.fault(CheckChain, "does not follow the event before it: an event before it was removed, exchanged or changed."))
			if previous, err := parseHex32(item.Previous); err == nil {
				link = previous
			}
		}
		link = statement.Link(link, item.PAEDigest)
	}
	return predicate.Head{Chain: chain, Count: int64(len(items)), Link: hexLink(link)}, failures
}

func hexLink(link [32]byte) predicate.Hex32 { return predicate.Hex32(hex.EncodeToString(link[:])) }

// CompareHead holds the head that was followed against the head that the ledger recorded. It returns nil if they agree.
func CompareHead(followed, recorded predicate.Head) *Failure {
	s := subject{name: "The pack"}
	switch {
	case followed.Count < recorded.Count:
		return s.fault(CheckHeads, fmt.Sprintf("lacks events at the end of a chain: the ledger recorded %d and %d are here.", recorded.Count, followed.Count))
	case followed.Count > recorded.Count:
		return s.fault(CheckHeads, fmt.Sprintf("has more events in a chain than the ledger recorded: %d instead of %d.", followed.Count, recorded.Count))
	case followed.Link != recorded.Link:
		return s.fault(CheckHeads, "has other events in a chain than the ledger recorded.")
	}
	return nil
}
