package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// unlisted stands for the keys of a key.destroyed until the act gets its place: only then are they looked up.
const unlisted predicate.KeyID = "k00000000000000000000000000000000"

// DestroyKeys carries out a proposal: it records key.destroyed with the ids of all keys concerned, then waits a while until
// they and the content that they protected are removed. ErrErasing comes with the recorded event: not all is removed yet.
func (l *Ledger) DestroyKeys(ctx context.Context, a Act) (Recorded, error) {
	given, ok := a.Body.(*predicate.KeyDestroyedV1)
	if !ok {
		return Recorded{}, fmt.Errorf("%w: destroying keys needs a key.destroyed", ErrInvalid)
	}
	body := new(*given)
	body.Keys, a.Body = []predicate.KeyID{unlisted}, body
	rec, err := l.Record(ctx, a)
	if err != nil {
		return Recorded{}, err
	}
	return rec, l.erasures.wait(ctx, rec.Index)
}

// relist names the keys that a key.destroyed is about when the act is allowed and gets its place: so those of events that
// were sequenced just before go too, and no key is made for what is refused.
func (l *Ledger) relist(ctx context.Context, p *pending) error {
	b, ok := p.event.Predicate.Body.(*predicate.KeyDestroyedV1)
	if !ok {
		return nil
	}
	keys, err := l.keysOf(ctx, p.event.Predicate.Case, b)
	if errors.Is(err, ErrKeyDestroyed) {
		return &casefile.Refusal{Code: casefile.AlreadyDone, Detail: "what is to be destroyed was destroyed already"}
	}
	if err != nil || slices.Equal(keys, b.Keys) {
		return err
	}
	listed := new(*b)
	listed.Keys = keys
	p.event.Predicate.Body, p.sig = listed, nil
	if err := schemas.Validate(p.event.Kind, &p.event.Predicate); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, p.event.Kind, err)
	}
	return nil
}

func (l *Ledger) keysOf(ctx context.Context, caseID predicate.UUID, b *predicate.KeyDestroyedV1) ([]predicate.KeyID, error) {
	var id predicate.KeyID
	var err error
	switch b.Scope {
	case predicate.ScopeExhibit:
		id, err = l.cfg.Keyring.ExhibitKey(ctx, string(caseID), string(b.Exhibit))
	case predicate.ScopePerson:
		id, err = l.cfg.Keyring.SubjectKey(ctx, string(caseID), "person:"+string(b.Person))
	default:
		ids, err := l.cfg.Keyring.CaseKeys(ctx, string(caseID))
		if err != nil {
			return nil, fmt.Errorf("keys of case %s: %w", caseID, err)
		}
		return ids, nil
	}
	if err != nil {
		return nil, fmt.Errorf("key to be destroyed: %w", err)
	}
	return []predicate.KeyID{id}, nil
}
