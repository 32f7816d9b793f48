package ledger

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// denialEvery is how long repeats of a refused attempt are gathered into one counted event.
const denialEvery = time.Minute

// maxDenials bounds the attempts gathered at once; past it each is recorded at once.
const maxDenials = 10000

// Denial is a refused attempt by a known user.
type Denial struct {
	User   User
	Act    predicate.Act
	Target string // what was asked for; only a keyed digest of it is recorded
	Policy predicate.PolicyID
}

type denialKey struct {
	user, org string
	act       predicate.Act
	target    string
}

type denialCount struct {
	Denial
	count       int64
	first, last time.Time
}

// denials records the first refusal of an actor, route and target at once and repeats as one event a minute.
type denials struct {
	l  *Ledger
	mu sync.Mutex
	m  map[denialKey]*denialCount
}

func newDenials(l *Ledger) *denials { return &denials{l: l, m: map[denialKey]*denialCount{}} }

// Deny records a refused attempt as an event in the organisation's access chain.
func (l *Ledger) Deny(ctx context.Context, d Denial) error {
	now := l.cfg.Clock()
	k := denialKey{user: d.User.Subject, org: string(d.User.Organisation), act: d.Act, target: d.Target}
	l.denied.mu.Lock()
	if c, ok := l.denied.m[k]; ok {
		c.count++
		if c.count == 1 {
			c.first = now
		}
		c.last = now
		l.denied.mu.Unlock()
		return nil
	}
	if len(l.denied.m) < maxDenials {
		l.denied.m[k] = &denialCount{Denial: d}
	}
	l.denied.mu.Unlock()
	return l.denied.record(ctx, denialCount{Denial: d, count: 1, first: now, last: now})
}

func (q *denials) record(ctx context.Context, d denialCount) error {
	org := string(scope("", d.User.Organisation))
	target, err := q.l.cfg.Keyring.Digest(ctx, org, "denial-target", d.Target)
	if err != nil {
		return fmt.Errorf("record denial: %w", err)
	}
	_, err = q.l.Record(ctx, Act{User: d.User, Policy: d.Policy, OccurredAt: d.last, Body: &predicate.AccessDeniedV1{
		Attempted: d.Act, Count: d.count, FirstAt: predicate.At(d.first), LastAt: predicate.At(d.last), Target: predicate.Hex32(target),
	}})
	if err != nil {
		return fmt.Errorf("record denial: %w", err)
	}
	return nil
}

// flush records what was gathered and begins anew.
func (q *denials) flush(ctx context.Context) {
	q.mu.Lock()
	gathered := q.m
	q.m = map[denialKey]*denialCount{}
	q.mu.Unlock()
	for _, c := range gathered {
		if c.count == 0 {
			continue
		}
		if err := q.record(ctx, *c); err != nil {
			q.l.cfg.Logger.Error("repeated denials could not be recorded", "count", c.count, "error", err)
		}
	}
}

func (q *denials) run(ctx context.Context) {
	tick := time.NewTicker(denialEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			q.flush(ctx)
		case <-ctx.Done():
			return
		}
	}
}
