package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// View is an integrated evidence.viewed or evidence.downloaded under which content may be fetched for a while.
type View struct {
	Case     predicate.UUID
	Item     predicate.Item
	Actor    predicate.Actor
	Download bool
	Until    time.Time
}

// views are the recent ones: two generations, of which the older is dropped whole.
type views struct {
	window time.Duration
	mu     sync.Mutex
	young  map[predicate.UUID]View
	old    map[predicate.UUID]View
	turned time.Time
}

func newViews(window time.Duration) *views {
	return &views{window: window, young: map[predicate.UUID]View{}, old: map[predicate.UUID]View{}}
}

// note remembers an integrated view for as long as content may be fetched under it.
func (v *views) note(c *Committed, now time.Time) {
	p := &c.Event.Predicate
	view := View{Case: p.Case, Actor: p.Actor, Until: p.RecordedAt.Std().Add(v.window)}
	switch b := p.Body.(type) {
	case *predicate.EvidenceViewedV1:
		view.Item = b.Item
	case *predicate.EvidenceDownloadedV1:
		view.Item, view.Download = b.Item, true
	default:
		return
	}
	if view.Until.Before(now) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.turned) > v.window {
		v.old, v.young, v.turned = v.young, map[predicate.UUID]View{}, now
	}
	v.young[p.EventID] = view
}

func (v *views) get(id predicate.UUID, now time.Time) (View, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	view, ok := v.young[id]
	if !ok {
		view, ok = v.old[id]
	}
	return view, ok && now.Before(view.Until)
}

// View finds a recent integrated view by its event id; where it is not known here the stream is read first, since another
// server may have recorded it.
func (l *Ledger) View(ctx context.Context, id predicate.UUID) (View, bool) {
	if v, ok := l.views.get(id, l.cfg.Clock()); ok {
		return v, true
	}
	l.catchUp(ctx)
	return l.views.get(id, l.cfg.Clock())
}

// Content opens the decrypted content of an item under a view by the same actor. It is refused without one.
func (l *Ledger) Content(ctx context.Context, u User, caseID, viewID predicate.UUID, exhibit predicate.UUID) (Blob, *casefile.Exhibit, error) {
	if err := l.ready(); err != nil {
		return nil, nil, err
	}
	v, ok := l.View(ctx, viewID)
	pseudonym, err := l.cfg.Keyring.Pseudonym(ctx, string(caseID), u.Subject)
	if err != nil {
		return nil, nil, fmt.Errorf("pseudonym: %w", err)
	}
	if !ok || v.Case != caseID || v.Item.Exhibit != exhibit || v.Actor.Organisation != u.Organisation ||
		v.Actor.Role != u.Role || string(v.Actor.Pseudonym) != pseudonym {
		return nil, nil, ErrViewRequired
	}
	want := predicate.PermView
	if v.Download {
		want = predicate.PermDownload
	}
	var e casefile.Exhibit
	err = l.State(ctx, caseID, func(s *casefile.State) error {
		if found, ok := s.Exhibit(exhibit); ok {
			e = *found
		}
		return s.MayAccess(v.Actor, exhibit, want)
	})
	if err != nil {
		return nil, nil, err
	}
	b, err := l.open(ctx, caseID, &e)
	return b, &e, err
}

// open decrypts an exhibit's content. It is for callers that have recorded why.
func (l *Ledger) open(ctx context.Context, caseID predicate.UUID, e *casefile.Exhibit) (Blob, error) {
	key, err := l.cfg.Keyring.ExhibitKey(ctx, string(caseID), string(e.ID))
	if err != nil {
		return nil, fmt.Errorf("key of exhibit %s: %w", e.Ref, err)
	}
	identity, _, err := l.cfg.Keyring.BlobIdentity(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("key of exhibit %s: %w", e.Ref, err)
	}
	b, err := l.cfg.Vault.Open(ctx, string(e.Content.Blob), identity)
	if err != nil {
		return nil, fmt.Errorf("content of exhibit %s: %w", e.Ref, err)
	}
	return b, nil
}
