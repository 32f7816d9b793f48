package ledger

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// keyCheck finds out at start whether the keyring is the one that belongs to the events. Without a case's key the same
// person would get another pseudonym in that case, and rules about two persons would no longer know them.
type keyCheck struct{ cases map[predicate.UUID]struct{} }

// keyPiece is how many cases are looked up at once.
const keyPiece = 500

// note takes the case, or the organisation, of an event.
func (k *keyCheck) note(ctx context.Context, ring Keyring, scope predicate.UUID) error {
	if k.cases == nil {
		k.cases = map[predicate.UUID]struct{}{}
	}
	if k.cases[scope] = struct{}{}; len(k.cases) < keyPiece {
		return nil
	}
	return k.lookUp(ctx, ring)
}

// lookUp refuses a keyring that lacks the key of a case that events belong to.
func (k *keyCheck) lookUp(ctx context.Context, ring Keyring) error {
	lacking, err := ring.LacksCases(ctx, slices.Collect(maps.Keys(k.cases)))
	if err != nil {
		return fmt.Errorf("look up keys of cases: %w", err)
	}
	if clear(k.cases); len(lacking) == 0 {
		return nil
	}
	return fmt.Errorf("%w: the keyring lacks the keys of cases that have events, such as %s: it is missing, older or of another ledger; restore the newest copy of it",
		ErrDiverged, lacking[0])
}
