package ledger

import (
	"sync"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// ringSize is how many of the newest events are kept decoded in memory for followers.
const ringSize = 2048

// tail is what the case index does not cover yet, and the newest events for whoever follows the stream.
type tail struct {
	mu     sync.Mutex
	from   int64 // first revision covered
	next   int64 // revision after the last
	refs   []tailRef
	byCase map[predicate.UUID][]int64
	ids    map[uuid.UUID]int64
	urns   map[string][]predicate.UUID
	ring   [ringSize]*Committed
}

type tailRef struct {
	scope predicate.UUID
	id    uuid.UUID
	keyed bool
	urn   string
}

func newTail() *tail {
	return &tail{byCase: map[predicate.UUID][]int64{}, ids: map[uuid.UUID]int64{}, urns: map[string][]predicate.UUID{}}
}

// startAt makes the tail begin at a revision; called once, before anything is added.
func (t *tail) startAt(rev int64) { t.from, t.next = rev, rev }

// add notes an event that the stream holds; events come in order.
func (t *tail) add(c *Committed) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.addLocked(c)
}

func (t *tail) addLocked(c *Committed) {
	p := &c.Event.Predicate
	ref := tailRef{scope: scope(p.Case, p.Actor.Organisation), id: c.EventID}
	if open, ok := p.Body.(*predicate.CaseOpenedV1); ok {
		ref.urn = open.URN.Key()
		t.urns[ref.urn] = append(t.urns[ref.urn], p.Case)
	}
	if ref.keyed = p.Idempotency != nil; ref.keyed {
		t.ids[c.EventID] = c.Index
	}
	t.byCase[ref.scope] = append(t.byCase[ref.scope], c.Index)
	t.refs = append(t.refs, ref)
	t.next = c.Index + 1
	t.ring[c.Index%ringSize] = c
}

// trim forgets what the index covers by now: everything below position.
func (t *tail) trim(position int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := min(max(position-t.from, 0), int64(len(t.refs)))
	for _, r := range t.refs[:n] {
		if revs := t.byCase[r.scope]; len(revs) > 1 {
			t.byCase[r.scope] = revs[1:]
		} else {
			delete(t.byCase, r.scope)
		}
		if r.keyed {
			delete(t.ids, r.id)
		}
		if r.urn != "" {
			delete(t.urns, r.urn)
		}
	}
	t.refs = t.refs[n:]
	t.from += n
	if len(t.refs) == 0 {
		t.refs = nil
	}
}

func (t *tail) byID(id uuid.UUID) (int64, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	rev, ok := t.ids[id]
	return rev, ok
}

// committed finds a recent event from a revision on by its id, whether or not a client named it.
func (t *tail) committed(id uuid.UUID, from int64) (*Committed, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for rev := t.next - 1; rev >= max(from, 0, t.next-ringSize); rev-- {
		if c := t.ring[rev%ringSize]; c != nil && c.Index == rev && c.EventID == id {
			return c, true
		}
	}
	return nil, false
}

func (t *tail) hasURN(key string) bool { return len(t.casesOf(key)) > 0 }

func (t *tail) casesOf(key string) []predicate.UUID {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]predicate.UUID(nil), t.urns[key]...)
}

// after lists the revisions of a case above last that the tail covers, and the first revision that the tail does not know.
func (t *tail) after(scope predicate.UUID, last int64) (revs []int64, next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, rev := range t.byCase[scope] {
		if rev > last {
			revs = append(revs, rev)
		}
	}
	return revs, t.next
}

// since lists the revisions of a case from known on, and the first revision that the tail does not know. They are not
// complete where the tail has been trimmed beyond known.
func (t *tail) since(scope predicate.UUID, known int64) (revs []int64, next int64, complete bool) {
	revs, next = t.after(scope, known-1)
	t.mu.Lock()
	defer t.mu.Unlock()
	return revs, next, t.from <= known
}

// recent returns the event at a revision if it is still in memory.
func (t *tail) recent(rev int64) (*Committed, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if rev < 0 || rev >= t.next {
		return nil, false
	}
	c := t.ring[rev%ringSize]
	return c, c != nil && c.Index == rev
}

// head is the revision after the newest event known here.
func (t *tail) head() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}
