package verifier_test

import (
	"slices"
	"testing"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/verifiertest"
	"pgregory.net/rapid"
)

// chainOf lists the events of a log's one chain; hide says which are withheld.
func chainOf(t testing.TB, l *verifiertest.Log, hide func(int) bool) []verifier.ChainItem {
	t.Helper()
	var items []verifier.ChainItem
	for i := range l.Size() {
		v, err := l.Trust().Bundle(l.Bundle(i, l.Size()))
		if err != nil {
			t.Fatal(err)
		}
		item := verifier.ChainItem{Sequence: v.Event.Predicate.Sequence, PAEDigest: v.PAEDigest, Name: "Event"}
		if item.Withheld = hide(int(i)); !item.Withheld {
			item.Previous = v.Event.Predicate.Previous
		}
		items = append(items, item)
	}
	return items
}

func TestChainWithAnyEventsWithheld(t *testing.T) {
	l, c := sampleLog(9)
	chain := c.Chain("main")
	rapid.Check(t, func(r *rapid.T) {
		hidden := rapid.SliceOfNDistinct(rapid.IntRange(0, 8), 0, 9, rapid.ID[int]).Draw(r, "hidden")
		items := chainOf(t, l, func(i int) bool { return slices.Contains(hidden, i) })
		head, failures := verifier.VerifyChain(chain, items)
		if len(failures) > 0 || verifier.CompareHead(head, c.Head(chain)) != nil {
			t.Fatalf("whole chain: %v", failures)
		}
		// Remove one, exchange two, or change one: the chain or its head no longer fits.
		at := rapid.IntRange(0, 8).Draw(r, "at")
		broken := slices.Clone(items)
		switch rapid.IntRange(0, 2).Draw(r, "how") {
		case 0:
			broken = slices.Delete(broken, at, at+1)
		case 1:
			other := (at + 1) % 9
			broken[at].PAEDigest, broken[other].PAEDigest = broken[other].PAEDigest, broken[at].PAEDigest
		case 2:
			broken[at].PAEDigest[0] ^= 1
		}
		head, failures = verifier.VerifyChain(chain, broken)
		if len(failures) == 0 && verifier.CompareHead(head, c.Head(chain)) == nil {
			t.Fatalf("a broken chain passed")
		}
	})
}

func TestLinkIsTheHead(t *testing.T) {
	l, c := sampleLog(3)
	v, err := l.Trust().Bundle(l.Bundle(2, 3))
	if err != nil {
		t.Fatal(err)
	}
	link, err := v.Link()
	if err != nil || hex(link) != c.Head(c.Chain("main")).Link {
		t.Errorf("link = %x, %v", link, err)
	}
}

func hex(b [32]byte) predicate.Hex32 {
	const digits = "0123456789abcdef"
	var out []byte
	for _, c := range b {
		out = append(out, digits[c>>4], digits[c&15])
	}
	return predicate.Hex32(out)
}

func TestConsistency(t *testing.T) {
	l, _ := sampleLog(20)
	for first := int64(1); first <= 20; first++ {
		for second := first; second <= 20; second++ {
			var hashes [][]byte
			if first < second {
				hashes = l.Consistency(first, second)
			}
			if err := verifier.Consistency(l.Head(first), l.Head(second), hashes); err != nil {
				t.Fatalf("%d to %d: %v", first, second, err)
			}
			forked := l.Head(second)
			forked.Root[5] ^= 1
			failed(t, verifier.Consistency(l.Head(first), forked, hashes), verifier.CheckConsistency)
		}
	}
	hashes := l.Consistency(5, 9)
	failed(t, verifier.Consistency(l.Head(9), l.Head(5), hashes), verifier.CheckConsistency)
	failed(t, verifier.Consistency(l.Head(5), l.Head(9), hashes[1:]), verifier.CheckConsistency)
	failed(t, verifier.Consistency(receipt.Checkpoint{Origin: origin}, l.Head(9), nil), verifier.CheckConsistency)
	other := l.Head(9)
	other.Origin = "other.example"
	failed(t, verifier.Consistency(l.Head(5), other, hashes), verifier.CheckConsistency)
}

func TestWithheld(t *testing.T) {
	l, _ := sampleLog(6)
	c, err := l.Trust().Checkpoint(l.Checkpoint(6).String())
	if err != nil {
		t.Fatal(err)
	}
	r := l.Receipt(4, 6)
	digest, err := l.Trust().Withheld(l.LeafBody(4), r.LogIndex, r.InclusionProof, c)
	if err != nil || digest != l.PAEDigest(4) {
		t.Errorf("digest = %x, %v", digest, err)
	}
	_, err = l.Trust().Withheld(l.LeafBody(3), r.LogIndex, r.InclusionProof, c)
	failed(t, err, verifier.CheckInclusionProof)
	_, err = l.Trust().Withheld(append(l.LeafBody(4), ' '), r.LogIndex, r.InclusionProof, c)
	failed(t, err, verifier.CheckLeafBody)
	_, err = verifiertest.NewLog(origin).Trust().Withheld(l.LeafBody(4), r.LogIndex, r.InclusionProof, c)
	failed(t, err, verifier.CheckEventSigner)
	leaf, _ := receipt.ParseLeaf(l.LeafBody(4))
	leaf.PAEDigest[0] ^= 1
	_, err = l.Trust().Withheld(receipt.LeafBody(leaf.PAEDigest, leaf.Sig, leaf.SPKI), r.LogIndex, r.InclusionProof, c)
	failed(t, err, verifier.CheckEventSignature)
}
