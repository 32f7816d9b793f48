package ledger

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// denialEvery is how long repeats of a refused attempt are gathered into one counted event.
const denialEvery = time.Minute

// Bounds of what is told apart within denialEvery. Past them attempts are counted for each actor and act, whatever their
// target: nobody makes events without end by trying one target after the other.
const (
	maxDenials = 10000 // attempts of all actors together
	maxTargets = 20    // targets of one actor and act
)

// manyTargets is the target of the attempts that are counted together. No request is called so.
const manyTargets = "*"

// Denial is a refused attempt by a known user.
type Denial struct {
	User   User
	Act    predicate.Act
	Target string // what was asked for; only a keyed digest of it is recorded
	Policy predicate.PolicyID
}

// denialActor is an actor and what they attempted.
type denialActor struct {
	user, org string
	act       predicate.Act
}

type denialKey struct {
	denialActor
	target string
}

// denialCount is what is known of a refused attempt and not recorded yet. A count of 0 stands for one that is recorded:
// its repeats are gathered.
type denialCount struct {
	Denial
	count       int64
	first, last time.Time
}

// denials records the first refusal of an actor, act and target at once and repeats as one event a minute. What cannot be
// recorded is kept, counted together with later repeats, and tried again every minute and when the ledger closes; where the
// answer to a record was lost, attempts may be counted twice.
type denials struct {
	l       *Ledger
	mu      sync.Mutex
	m       map[denialKey]*denialCount
	targets map[denialActor]int // how many of an actor's targets are in m
}

func newDenials(l *Ledger) *denials {
	return &denials{l: l, m: map[denialKey]*denialCount{}, targets: map[denialActor]int{}}
}

// Deny records a refused attempt as an event in the organisation's access chain, or counts it for the event that does. After
// an error it is kept and recorded later.
func (l *Ledger) Deny(ctx context.Context, d Denial) error {
	now := l.cfg.Clock()
	c := denialCount{Denial: d, count: 1, first: now, last: now}
	first, isFirst := l.denied.gather(c)
	if !isFirst {
		return nil
	}
	if err := l.denied.record(ctx, first); err != nil {
		l.denied.putBack(first)
		return err
	}
	return nil
}

// gather counts an attempt. If it is the first of its kind in this minute it is returned instead, to be recorded at once.
func (q *denials) gather(c denialCount) (first denialCount, isFirst bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, isNew := q.entry(&c)
	if isNew {
		return c, true
	}
	e.add(c)
	return c, false
}

// entry finds where an attempt is counted. It changes the attempt's target where that is no longer told apart.
func (q *denials) entry(c *denialCount) (e *denialCount, isNew bool) {
	actor := denialActor{user: c.User.Subject, org: string(c.User.Organisation), act: c.Act}
	if e, ok := q.m[denialKey{actor, c.Target}]; ok {
		return e, false
	}
	if q.targets[actor] >= maxTargets || len(q.m) >= maxDenials {
		c.Target = manyTargets
		if e, ok := q.m[denialKey{actor, c.Target}]; ok {
			return e, false
		}
	}
	e = &denialCount{Denial: c.Denial}
	q.m[denialKey{actor, c.Target}] = e
	q.targets[actor]++
	return e, true
}

// add counts attempts that are the same.
func (c *denialCount) add(more denialCount) {
	if c.count == 0 || more.first.Before(c.first) {
		c.first = more.first
	}
	if more.last.After(c.last) {
		c.last = more.last
	}
	c.count += more.count
}

// putBack keeps attempts that could not be recorded.
func (q *denials) putBack(c denialCount) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e, _ := q.entry(&c)
	e.add(c)
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
	q.m, q.targets = map[denialKey]*denialCount{}, map[denialActor]int{}
	q.mu.Unlock()
	var kept int64
	var last error
	for _, c := range gathered {
		if c.count == 0 {
			continue
		}
		err := last
		if !hopeless(last) { // nothing is recorded now: the rest waits too
			err = q.record(ctx, *c)
		}
		if errors.Is(err, ErrInvalid) { // it never can be
			q.l.cfg.Logger.Error("refused attempts make no valid event; they are dropped", "attempts", c.count, "error", err)
			continue
		}
		if err != nil {
			last, kept = err, kept+c.count
			q.putBack(*c)
		}
	}
	if kept > 0 {
		q.l.cfg.Logger.Error("refused attempts could not be recorded; they are kept and tried again", "attempts", kept, "error", last)
	}
}

// hopeless reports whether an error means that no act can be recorded now.
func hopeless(err error) bool {
	return errors.Is(err, ErrUnavailable) || errors.Is(err, ErrStopped) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
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
