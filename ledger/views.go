package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"

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

// maxViews is how many views a generation holds; one takes about 80 bytes.
const maxViews = 1_000_000

// views are where the recent ones stand in the stream: two generations, of which the older is dropped whole. Where more come
// than a generation holds, older ones are forgotten before their time: then content needs a new view.
type views struct {
	window time.Duration
	most   int // of one generation
	mu     sync.Mutex
	young  map[uuid.UUID]viewRef
	old    map[uuid.UUID]viewRef
	turned time.Time
}

// viewRef is the revision of a view and the end of its time.
type viewRef struct {
	index int64
	until int64 // nanoseconds of Unix time
}

func newViews(window time.Duration) *views {
	return &views{window: window, most: maxViews, young: map[uuid.UUID]viewRef{}, old: map[uuid.UUID]viewRef{}}
}

// note remembers an integrated view for as long as content may be fetched under it.
func (v *views) note(c *Committed, now time.Time) {
	switch c.Event.Predicate.Body.(type) {
	case *predicate.EvidenceViewedV1, *predicate.EvidenceDownloadedV1:
	default:
		return
	}
	until := v.until(c)
	if until.Before(now) {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if now.Sub(v.turned) > v.window || len(v.young) >= v.most {
		v.old, v.young, v.turned = v.young, map[uuid.UUID]viewRef{}, now
	}
	v.young[c.EventID] = viewRef{index: c.Index, until: until.UnixNano()}
}

func (v *views) until(c *Committed) time.Time {
	return c.Event.Predicate.RecordedAt.Std().Add(v.window)
}

// get finds the revision of a view whose time is not over.
func (v *views) get(id predicate.UUID, now time.Time) (index int64, ok bool) {
	key, err := uuid.Parse(string(id))
	if err != nil || key.String() != string(id) {
		return 0, false
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	ref, ok := v.young[key]
	if !ok {
		ref, ok = v.old[key]
	}
	return ref.index, ok && now.UnixNano() < ref.until
}

// of is what a view event allows.
func (v *views) of(c *Committed) (View, bool) {
	p := &c.Event.Predicate
	view := View{Case: p.Case, Actor: p.Actor, Until: v.until(c)}
	switch b := p.Body.(type) {
	case *predicate.EvidenceViewedV1:
		view.Item = b.Item
	case *predicate.EvidenceDownloadedV1:
		view.Item, view.Download = b.Item, true
	default:
		return View{}, false
	}
	return view, true
}

// View finds a recent integrated view by its event id; where it is not known here the stream is read first, since another
// server may have recorded it.
func (l *Ledger) View(ctx context.Context, id predicate.UUID) (View, bool) {
	v, ok, err := l.view(ctx, id)
	return v, ok && err == nil
}

func (l *Ledger) view(ctx context.Context, id predicate.UUID) (View, bool, error) {
	index, ok := l.views.get(id, l.cfg.Clock())
	if !ok {
		l.catchUp(ctx)
		if index, ok = l.views.get(id, l.cfg.Clock()); !ok {
			return View{}, false, nil
		}
	}
	c, ok := l.tail.recent(index)
	if !ok {
		var err error
		if c, err = l.Event(ctx, index); err != nil { // checked against its leaf: content depends on it
			return View{}, false, fmt.Errorf("view: %w", err)
		}
	}
	v, ok := l.views.of(c)
	return v, ok && string(id) == c.EventID.String(), nil
}

// Content opens the decrypted content of an item under a view by the same actor. It is refused without one.
func (l *Ledger) Content(ctx context.Context, u User, caseID, viewID predicate.UUID, exhibit predicate.UUID) (Blob, *casefile.Exhibit, error) {
	if err := l.ready(); err != nil {
		return nil, nil, err
	}
	v, ok, err := l.view(ctx, viewID)
	if err != nil {
		return nil, nil, err
	}
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
