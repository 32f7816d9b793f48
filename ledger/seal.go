package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sort"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

// seal turns the fields into salted digests and seals their openings, each under the key of whom or what it is about.
func (l *Ledger) seal(ctx context.Context, p *pending, a Act) error {
	fields := append([]Field{{"actorName", a.User.Name}, {"actorId", a.User.Subject}}, a.Fields...)
	if a.User.Session != "" {
		fields = append(fields, Field{"session", a.User.Session})
	}
	for _, f := range fields {
		if err := l.sealField(ctx, p, a, f); err != nil {
			return err
		}
	}
	sort.Slice(p.sealed, func(i, j int) bool { return p.sealed[i].digest < p.sealed[j].digest })
	slots := &p.event.Predicate.Slots
	slots.SD = make([]predicate.B64Digest, len(p.sealed))
	slots.OpeningKeys = make([]predicate.KeyID, len(p.sealed))
	for i, s := range p.sealed {
		slots.SD[i], slots.OpeningKeys[i] = predicate.B64Digest(s.digest), s.key
	}
	return nil
}

func (l *Ledger) sealField(ctx context.Context, p *pending, a Act, f Field) error {
	spec, err := p.fieldSpec(f)
	if err != nil {
		return err
	}
	key, err := l.keyFor(ctx, p, a, spec.Owner)
	if errors.Is(err, ErrKeyDestroyed) && spec.Owner == predicate.OwnerActor {
		if namesActor(f.Name) {
			return nil // who the actor is was erased in this case and stays so
		}
		return fmt.Errorf("%w: %w", ErrKeyDestroyed, &casefile.Refusal{Code: casefile.BadCombination,
			Detail: "the field " + f.Name + " cannot be kept: the keys of what you write in this case were destroyed; send the act without it"})
	}
	if err != nil {
		return fmt.Errorf("key for field %s: %w", f.Name, err)
	}
	d, err := sdjwt.New(rand.Reader, f.Name, f.Value)
	if err != nil {
		return fmt.Errorf("%w: field %s: %w", ErrInvalid, f.Name, err)
	}
	plain, digest, err := d.EncodeJSON()
	if err != nil {
		return fmt.Errorf("%w: field %s: %w", ErrInvalid, f.Name, err)
	}
	box, err := l.cfg.Keyring.SealOpening(key, p.id, f.Name, plain)
	if err != nil {
		return fmt.Errorf("seal field %s: %w", f.Name, err)
	}
	p.sealed = append(p.sealed, sealed{digest: digest, name: f.Name, key: key, box: box})
	return nil
}

// namesActor lists the only fields that are left out silently where their key was destroyed: they come from the sign-in, not
// from what the actor typed, and an erased case still takes acts.
func namesActor(field string) bool {
	switch field {
	case "actorName", "actorId", "session", "actorKey":
		return true
	}
	return false
}

// fieldSpec is what the kind of event says of a field, which is refused if there is none or it is too long.
func (p *pending) fieldSpec(f Field) (predicate.Field, error) {
	spec, ok := p.kind.Field(f.Name)
	if !ok {
		return spec, fmt.Errorf("%w: %s has no field %s", ErrInvalid, p.event.Kind, f.Name)
	}
	if n := textLength(f.Value); n > spec.Max {
		return spec, fmt.Errorf("%w: field %s has %d characters, %d are allowed", ErrInvalid, f.Name, n, spec.Max)
	}
	return spec, nil
}

func textLength(v any) int {
	switch v := v.(type) {
	case string:
		return len([]rune(v))
	case []string:
		n := 0
		for _, s := range v {
			n += len([]rune(s))
		}
		return n
	}
	return 0
}

func (l *Ledger) keyFor(ctx context.Context, p *pending, a Act, owner predicate.KeyOwner) (predicate.KeyID, error) {
	switch owner {
	case predicate.OwnerExhibit:
		return l.cfg.Keyring.ExhibitKey(ctx, string(p.scope), string(exhibitOf(a.Body)))
	case predicate.OwnerPerson:
		return l.cfg.Keyring.SubjectKey(ctx, string(p.scope), "person:"+string(personOf(a.Body)))
	}
	if p.actorKey != "" {
		return p.actorKey, nil
	}
	id, err := l.cfg.Keyring.SubjectKey(ctx, string(p.scope), "user:"+a.User.Subject)
	p.actorKey = id
	return id, err
}

// exhibitOf is the exhibit that the fields of an event are about.
func exhibitOf(body predicate.Body) predicate.UUID {
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return b.Exhibit
	case *predicate.RedactionProposedV1:
		return b.Exhibit
	case *predicate.RedactionApprovedV1:
		return b.Item.Exhibit
	case *predicate.EvidenceViewedV1:
		return b.Item.Exhibit
	case *predicate.EvidenceDownloadedV1:
		return b.Item.Exhibit
	case *predicate.EvidenceSharedV1:
		return b.Item.Exhibit
	case *predicate.EvidenceServedV1:
		return b.Item.Exhibit
	case *predicate.UnusedDisclosedV1:
		return b.Item.Exhibit
	case *predicate.UndertakingAcceptedV1:
		return b.Item.Exhibit
	}
	return ""
}

func personOf(body predicate.Body) predicate.UUID {
	switch b := body.(type) {
	case *predicate.DefendantAddedV1:
		return b.Defendant
	case *predicate.PersonAddedV1:
		return b.Person
	}
	return ""
}
