package ledger

import (
	"context"
	"fmt"
	"slices"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// DestroyKeys carries out a proposal: it records key.destroyed with the ids of all keys concerned and then destroys them.
// Keys whose event is recorded are destroyed at the next start at the latest, whatever happens in between.
func (l *Ledger) DestroyKeys(ctx context.Context, a Act) (Recorded, error) {
	given, ok := a.Body.(*predicate.KeyDestroyedV1)
	if !ok {
		return Recorded{}, fmt.Errorf("%w: destroying keys needs a key.destroyed", ErrInvalid)
	}
	body := new(*given)
	keys, err := l.keysOf(ctx, a.Case, body)
	if err != nil {
		return Recorded{}, err
	}
	body.Keys, a.Body = keys, body
	blobs, err := l.blobsOf(ctx, a.Case, body)
	if err != nil {
		return Recorded{}, err
	}
	rec, err := l.Record(ctx, a)
	if err != nil {
		return Recorded{}, err
	}
	ctx = context.WithoutCancel(ctx) // what is recorded is carried out
	for _, id := range rec.Event.Predicate.Body.(*predicate.KeyDestroyedV1).Keys {
		if err := l.cfg.Keyring.Destroy(ctx, id); err != nil {
			return rec, fmt.Errorf("key %s is recorded as destroyed but could not be removed; it is at the next start: %w", id, err)
		}
	}
	for _, b := range blobs {
		if err := l.cfg.Vault.Delete(ctx, string(b)); err != nil {
			return rec, fmt.Errorf("content %s has lost its key but could not be removed: %w", b, err)
		}
	}
	return rec, nil
}

// relist names the keys of a whole case once more when its key.destroyed gets its place: keys of events that were sequenced
// since the caller looked go too.
func (l *Ledger) relist(ctx context.Context, p *pending) error {
	b, ok := p.event.Predicate.Body.(*predicate.KeyDestroyedV1)
	if !ok || b.Scope != predicate.ScopeCase {
		return nil
	}
	keys, err := l.keysOf(ctx, p.event.Predicate.Case, b)
	if err != nil || slices.Equal(keys, b.Keys) {
		return err
	}
	p.event.Predicate.Body, p.sig = &predicate.KeyDestroyedV1{Authority: b.Authority, Keys: keys, Proposal: b.Proposal, Scope: b.Scope}, nil
	if err := schemas.Validate(p.event.Kind, &p.event.Predicate); err != nil {
		return fmt.Errorf("%w: %s: %w", ErrInvalid, p.event.Kind, err)
	}
	return nil
}

func (l *Ledger) keysOf(ctx context.Context, caseID predicate.UUID, b *predicate.KeyDestroyedV1) ([]predicate.KeyID, error) {
	switch b.Scope {
	case predicate.ScopeExhibit:
		id, err := l.cfg.Keyring.ExhibitKey(ctx, string(caseID), string(b.Exhibit))
		return []predicate.KeyID{id}, err
	case predicate.ScopePerson:
		id, err := l.cfg.Keyring.SubjectKey(ctx, string(caseID), "person:"+string(b.Person))
		return []predicate.KeyID{id}, err
	}
	ids, err := l.cfg.Keyring.CaseKeys(ctx, string(caseID))
	if err != nil {
		return nil, fmt.Errorf("keys of case %s: %w", caseID, err)
	}
	return ids, nil
}

// blobsOf lists the stored content that the keys protect: without its key it is noise, so it goes too.
func (l *Ledger) blobsOf(ctx context.Context, caseID predicate.UUID, b *predicate.KeyDestroyedV1) ([]predicate.BlobID, error) {
	var out []predicate.BlobID
	err := l.State(ctx, caseID, func(s *casefile.State) error {
		for _, e := range s.Exhibits() {
			if !e.Erased && (b.Scope == predicate.ScopeCase || e.ID == b.Exhibit) {
				out = append(out, e.Content.Blob)
			}
		}
		return nil
	})
	return out, err
}
