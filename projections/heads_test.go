package projections_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// chained gives the story its links and returns link(n) of the main chain after each event.
func chained(t *testing.T, all []projections.Entry) (links []string) {
	t.Helper()
	link := statement.Genesis(string(all[0].Chain))
	for i := range all {
		all[i].Event.Predicate.Previous = predicate.Hex32(hex.EncodeToString(link[:]))
		payload, err := predicate.Encode(*all[i].Event)
		if err != nil {
			t.Fatal(err)
		}
		all[i].PAEDigest = sha256.Sum256(statement.PAE(payload))
		link = statement.Link(link, all[i].PAEDigest)
		links = append(links, hex.EncodeToString(link[:]))
	}
	return links
}

func TestHeadsAreTheLinksOfTheChains(t *testing.T) {
	all := story()
	links := chained(t, all)
	last := len(all) - 1
	check := func(what, want string, entries []projections.Entry) {
		t.Helper()
		head := projections.Fold(entries).Heads[0]
		if string(head.Link) != want || head.Count != int64(len(entries)) || head.Chain != all[0].Chain {
			t.Errorf("%s: %+v, want link %s", what, head, want)
		}
	}
	check("all read", links[last], all)
	check("a prefix", links[3], all[:4])
	noDigests := story()
	chained(t, noDigests)
	for i := range noDigests {
		noDigests[i].PAEDigest = [32]byte{}
	}
	check("digests computed from the events", links[last], noDigests)
	for i := range all {
		all[i].Event = nil
	}
	check("all withheld, leaves known", links[last], all)
	all[last].PAEDigest = [32]byte{}
	check("the last withheld, its leaf unknown", "", all)
}
