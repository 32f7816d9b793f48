package ledger

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// sequenced is one attempt at ordering a batch.
type sequenced struct {
	l     *Ledger
	cases map[predicate.UUID]*openCase
	ids   map[uuid.UUID]*pending
	urns  map[string]struct{}
}

func newSequenced(l *Ledger) *sequenced {
	return &sequenced{l: l, cases: map[predicate.UUID]*openCase{}, ids: map[uuid.UUID]*pending{}, urns: map[string]struct{}{}}
}

// sequence decides each act against all that came before it, gives it its place and encodes it. Acts that are refused
// are answered at once; the others are returned in order.
func (q *sequenced) sequence(ctx context.Context, batch []*pending) []*pending {
	out := batch[:0]
	next := q.l.tail.head()
	for _, p := range batch {
		done, err := q.place(ctx, p, next)
		switch {
		case err != nil && ctx.Err() != nil:
			p.fail(fmt.Errorf("%w: nothing was recorded: %w", ErrStopped, err))
		case err != nil:
			q.l.alarmIf(err)
			p.fail(err)
		case !done:
			next++
			out = append(out, p)
		}
	}
	return out
}

// place orders one act. done means that it has its answer already.
func (q *sequenced) place(ctx context.Context, p *pending, revision int64) (done bool, err error) {
	if done, err := q.seen(ctx, p); done || err != nil {
		return done, err
	}
	if err := p.ctx.Err(); err != nil {
		return false, fmt.Errorf("%w: nothing was recorded: %w", ErrUnavailable, err)
	}
	if err := q.freeURN(ctx, p); err != nil {
		return false, err
	}
	e, ok := q.cases[p.scope]
	if !ok {
		if e, err = q.l.cases.get(ctx, p.scope); err != nil {
			return false, err
		}
		q.cases[p.scope] = e
	}
	state := e.next()
	d, err := state.Decide(p.act())
	if err != nil {
		return false, err
	}
	p.tried = revision
	if err := q.l.relist(ctx, p); err != nil {
		return false, err
	}
	if p.place(d, state.Head(d.Chain), q.l.cfg.Clock()) {
		if err := p.encode(); err != nil {
			return false, err
		}
	}
	if err := state.Apply(p.event, p.pae); err != nil {
		return false, fmt.Errorf("%w: %w", ErrDiverged, err)
	}
	q.keep(p)
	return false, nil
}

// seen answers an act that is in the stream already: committed by an append whose answer was lost, or recorded before
// under the same idempotency key, also within this batch.
func (q *sequenced) seen(ctx context.Context, p *pending) (bool, error) {
	if p.sig != nil {
		if c, ok := q.l.tail.committed(p.id, p.tried); ok && c.PAE == p.pae {
			p.answer(outcome{index: c.Index, found: true})
			return true, nil
		}
	}
	if !p.keyed {
		return false, nil
	}
	if first, twice := q.ids[p.id]; twice {
		first.twins = append(first.twins, p)
		return true, nil
	}
	rev, found, err := q.l.findEvent(ctx, p.id)
	if err != nil {
		return false, err
	}
	if found {
		p.answer(outcome{index: rev, replayed: true})
		return true, nil
	}
	return false, nil
}

// freeURN refuses a second case under one URN.
func (q *sequenced) freeURN(ctx context.Context, p *pending) error {
	open, ok := p.event.Predicate.Body.(*predicate.CaseOpenedV1)
	if !ok {
		return nil
	}
	key := open.URN.Key()
	_, taken := q.urns[key]
	if !taken {
		var err error
		if taken, err = q.l.urnTaken(ctx, identifier.URN(key)); err != nil {
			return err
		}
	}
	if taken {
		return &casefile.Refusal{Code: casefile.CaseExists, Detail: "a case with this URN is open in this ledger already"}
	}
	return nil
}

// keep notes what the acts after this one in the batch must not repeat.
func (q *sequenced) keep(p *pending) {
	if p.keyed {
		q.ids[p.id] = p
	}
	if open, ok := p.event.Predicate.Body.(*predicate.CaseOpenedV1); ok {
		q.urns[open.URN.Key()] = struct{}{}
	}
}

// undo forgets what an attempt that was not committed has folded ahead.
func (q *sequenced) undo() {
	for _, e := range q.cases {
		e.ahead = nil
	}
}
