package ledger

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// maxCases is how many folded cases are kept in memory.
const maxCases = 20000

// cases keeps the folded state of the cases that are being worked on.
type cases struct {
	l   *Ledger
	mu  sync.Mutex
	m   map[predicate.UUID]*list.Element
	lru *list.List
	max int // how many
}

// openCase is one folded case. Its state holds committed events only.
type openCase struct {
	scope predicate.UUID
	load  sync.Mutex // held while folding from the stream
	ready bool

	mu    sync.RWMutex
	state *casefile.State
	last  int64 // revision of the last event folded in

	// ahead also holds what is sequenced but not yet committed; nil: nothing is, or nobody has asked yet. Only the
	// sequencer touches it.
	ahead *casefile.State
}

// next is the state that the next act is decided on.
func (e *openCase) next() *casefile.State {
	if e.ahead == nil {
		e.mu.RLock()
		e.ahead = e.state.Clone()
		e.mu.RUnlock()
	}
	return e.ahead
}

func newCases(l *Ledger) *cases {
	return &cases{l: l, m: map[predicate.UUID]*list.Element{}, lru: list.New(), max: maxCases}
}

// get returns the case, folded from the stream if it was not in memory. A case that does not exist has an empty state.
func (c *cases) get(ctx context.Context, scope predicate.UUID) (*openCase, error) {
	c.mu.Lock()
	el, ok := c.m[scope]
	if ok {
		c.lru.MoveToFront(el)
	} else {
		el = c.lru.PushFront(&openCase{scope: scope, last: -1, state: casefile.New(scope)})
		c.m[scope] = el
		c.evict()
	}
	e := el.Value.(*openCase)
	c.mu.Unlock()
	e.load.Lock()
	defer e.load.Unlock()
	if e.ready {
		return e, nil
	}
	if err := c.fold(ctx, e); err != nil {
		c.drop(scope)
		return nil, err
	}
	if e.last < 0 {
		c.drop(scope) // nothing has happened here: whoever asks for what does not exist fills no memory
	}
	return e, nil
}

// evict drops the case that was not used for longest.
func (c *cases) evict() {
	if c.lru.Len() <= c.max {
		return
	}
	el := c.lru.Back()
	c.lru.Remove(el)
	delete(c.m, el.Value.(*openCase).scope)
}

// drop forgets a case, so that it is folded anew from the stream when it is next needed.
func (c *cases) drop(scope predicate.UUID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.m[scope]; ok {
		c.lru.Remove(el)
		delete(c.m, scope)
	}
}

// fold reads the case's events: those that the tail covers are noted, then the index is asked for the rest, so that
// together they miss nothing; then what has come meanwhile, until nothing new has. Where events have left the tail before
// they were noted the index is asked again: an entry that was evicted while it loads is told of no event.
func (c *cases) fold(ctx context.Context, e *openCase) error {
	for {
		revs, known := c.l.tail.after(e.scope, e.last)
		indexed, err := c.l.cfg.Index.Revisions(ctx, string(e.scope))
		if err != nil {
			return fmt.Errorf("events of case %s: %w", e.scope, err)
		}
		revs = slices.Compact(slices.Sorted(slices.Values(append(indexed, revs...))))
		for complete := true; complete; {
			if err := c.l.events(ctx, revs, func(ev *Committed) error { return e.apply(ev) }); err != nil {
				return fmt.Errorf("fold case %s: %w", e.scope, err)
			}
			if revs, known, complete = c.l.tail.since(e.scope, known); complete && len(revs) == 0 {
				e.ready = true
				return nil
			}
		}
	}
}

// apply folds a committed event in, unless it is in already.
func (e *openCase) apply(c *Committed) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.Index <= e.last {
		return nil
	}
	if err := e.state.Apply(c.Event, c.PAE); err != nil {
		return fmt.Errorf("%w: revision %d: %w", ErrDiverged, c.Index, err)
	}
	e.last = c.Index
	return nil
}

// committed folds in an event that the stream holds and the tail covers, if the case is in memory.
func (c *cases) committed(ev *Committed) error {
	p := &ev.Event.Predicate
	c.mu.Lock()
	el, ok := c.m[scope(p.Case, p.Actor.Organisation)]
	c.mu.Unlock()
	if !ok {
		return nil
	}
	e := el.Value.(*openCase)
	e.load.Lock()
	defer e.load.Unlock()
	if !e.ready {
		return nil // whoever loads it reads the tail, which has the event by now
	}
	return e.apply(ev)
}

// foreign folds in an event of another server. The case is folded for it where it was not in memory, so that an event out
// of its order is noticed at once.
func (c *cases) foreign(ctx context.Context, ev *Committed) error {
	p := &ev.Event.Predicate
	e, err := c.get(ctx, scope(p.Case, p.Actor.Organisation))
	if err != nil {
		return err
	}
	e.ahead = nil
	return e.apply(ev)
}

// State calls use with the folded case, locked for reading. It returns a *casefile.Refusal if there is no such case. Where
// the answer is a refusal and another server has recorded something meanwhile, use is called once more.
func (l *Ledger) State(ctx context.Context, caseID predicate.UUID, use func(*casefile.State) error) error {
	return l.sure(ctx, func() error { return l.withState(ctx, caseID, use) })
}

// sure asks again after a refusal that another server's events may have overtaken.
func (l *Ledger) sure(ctx context.Context, ask func() error) error {
	since := l.folded.Load()
	err := ask()
	var refused *casefile.Refusal
	if errors.As(err, &refused) && l.fresh(ctx, since) {
		return ask()
	}
	return err
}

func (l *Ledger) withState(ctx context.Context, caseID predicate.UUID, use func(*casefile.State) error) error {
	e, err := l.cases.get(ctx, caseID)
	if err != nil {
		return err
	}
	e.mu.RLock()
	defer e.mu.RUnlock()
	if !e.state.Opened {
		return &casefile.Refusal{Code: casefile.CaseUnknown, Detail: "there is no such case in this ledger"}
	}
	return use(e.state)
}
