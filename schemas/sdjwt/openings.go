package sdjwt

import (
	"fmt"
	"slices"
	"strings"
)

// Openings is a checked set of disclosures: all names different, all digests different, sorted by digest.
type Openings struct {
	digests     []string
	disclosures []Disclosure
}

// ParseSet reads the openings that accompany one statement. They must be in the order of their digests, bytewise, and no
// digest and no name may be there twice.
func ParseSet(encoded []string) (Openings, error) {
	if len(encoded) > MaxSet {
		return Openings{}, fmt.Errorf("%w: more than %d openings", ErrMalformed, MaxSet)
	}
	o := Openings{digests: make([]string, 0, len(encoded)), disclosures: make([]Disclosure, 0, len(encoded))}
	names := make(map[string]bool, len(encoded))
	for i, e := range encoded {
		d, err := Parse(e)
		if err != nil {
			return Openings{}, fmt.Errorf("opening %d: %w", i+1, err)
		}
		digest := Digest(e)
		if i > 0 && digest <= o.digests[i-1] {
			return Openings{}, fmt.Errorf("%w: opening %d is out of order or there twice", ErrMismatch, i+1)
		}
		if names[d.Name] {
			return Openings{}, fmt.Errorf("%w: opening %d: the name %s is there twice", ErrMismatch, i+1, d.Name)
		}
		names[d.Name] = true
		o.digests = append(o.digests, digest)
		o.disclosures = append(o.disclosures, d)
	}
	return o, nil
}

// Get returns the opening of the named member, false if it is not revealed.
func (o Openings) Get(name string) (Disclosure, bool) {
	for _, d := range o.disclosures {
		if d.Name == name {
			return d, true
		}
	}
	return Disclosure{}, false
}

// Disclosures returns the openings in the order of their digests.
func (o Openings) Disclosures() []Disclosure { return slices.Clone(o.disclosures) }

// Digests returns the digests of the openings, sorted bytewise.
func (o Openings) Digests() []string { return slices.Clone(o.digests) }

// Against checks that each opening is of a digest in sd, the "_sd" member of the statement.
func (o Openings) Against(sd []string) error {
	present := make(map[string]bool, len(sd))
	for _, digest := range sd {
		present[digest] = true
	}
	for i, digest := range o.digests {
		if !present[digest] {
			return fmt.Errorf("%w: the statement holds no digest for the revealed field %s", ErrMismatch, o.disclosures[i].Name)
		}
	}
	return nil
}

// Sort puts encoded disclosures into the order that ParseSet demands and returns their digests in that order, which is
// the "_sd" member of the statement.
func Sort(encoded []string) (digests []string) {
	type pair struct{ digest, encoded string }
	pairs := make([]pair, len(encoded))
	for i, e := range encoded {
		pairs[i] = pair{Digest(e), e}
	}
	slices.SortFunc(pairs, func(a, b pair) int { return strings.Compare(a.digest, b.digest) })
	digests = make([]string, len(pairs))
	for i, p := range pairs {
		digests[i], encoded[i] = p.digest, p.encoded
	}
	return digests
}
