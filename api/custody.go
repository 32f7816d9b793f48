package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/caseledger/caseledger/api/reading"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// custody answers the report of a case as this reader may read it, made of its events, each checked against its leaf.
func custody(c *call) error {
	id, err := c.findCase(nil)
	if err != nil {
		return err
	}
	report, err := c.report(id)
	if err != nil {
		return err
	}
	return c.canonical(http.StatusOK, &report)
}

func (c *call) report(id predicate.UUID) (projections.Report, error) {
	events, err := c.events(id)
	if err != nil {
		return projections.Report{}, err
	}
	access, err := c.reader(id, events)
	if err != nil {
		return projections.Report{}, err
	}
	var f projections.Folder
	next := map[predicate.ChainID]int64{}
	for _, e := range events {
		p := &e.Event.Predicate
		if next[p.Chain]++; p.Sequence != next[p.Chain] {
			return projections.Report{}, fmt.Errorf("read models lack event %d of chain %s: rebuild them", next[p.Chain], p.Chain)
		}
		entry, shown, err := c.entry(access, e)
		if err != nil {
			return projections.Report{}, err
		}
		if shown {
			f.Apply(entry)
		}
	}
	return f.Report(), nil
}

// entry is an event as the reader may see it; false where they may not even count it.
func (c *call) entry(access *reading.Access, e *ledger.Committed) (projections.Entry, bool, error) {
	p := &e.Event.Predicate
	entry := projections.Entry{Index: e.Index, Chain: p.Chain, Sequence: p.Sequence, LeafHash: e.LeafHash(), PAEDigest: e.PAE}
	switch {
	case !access.Knows(p.Chain):
		return entry, false, nil
	case !access.Readable(e.Event):
		return entry, true, nil
	}
	all, err := c.s.cfg.Ledger.Openings(e)
	if err != nil {
		return entry, false, err
	}
	entry.Event = e.Event
	entry.Openings, err = access.Openings(e.Event, all)
	return entry, true, err
}

// reader is what the actor may read in a case that has these events.
func (c *call) reader(id predicate.UUID, events []*ledger.Committed) (*reading.Access, error) {
	r := reading.Reader{Role: c.user.Role, Organisation: c.user.Organisation}
	if c.defence() {
		var err error
		if r.FirmID, err = c.s.cfg.Ledger.FirmID(c.ctx(), id, c.user.Organisation); err != nil {
			return nil, err
		}
	}
	decoded := make([]*predicate.Event, len(events))
	for i, e := range events {
		decoded[i] = e.Event
	}
	return reading.For(r, id, decoded), nil
}

// readers is how many events are read and checked at once.
const readers = 4

// events reads all integrated events of a case, each checked against its leaf.
func (c *call) events(id predicate.UUID) ([]*ledger.Committed, error) {
	if err := c.caughtUp(); err != nil {
		return nil, err
	}
	revisions, err := c.s.cfg.Cases.Revisions(c.ctx(), string(id))
	if err != nil {
		return nil, err
	}
	head, _ := c.s.cfg.Ledger.Integrated()
	for len(revisions) > 0 && revisions[len(revisions)-1] >= head.Size {
		revisions = revisions[:len(revisions)-1]
	}
	out := make([]*ledger.Committed, len(revisions))
	group, ctx := errgroup.WithContext(c.ctx())
	group.SetLimit(readers)
	for i, revision := range revisions {
		group.Go(func() (err error) {
			out[i], err = c.s.cfg.Ledger.Event(ctx, revision)
			return err
		})
	}
	return out, group.Wait()
}

// Limits of waiting for the read models.
const (
	lagLimit = 5 * time.Second
	lagStep  = 2 * time.Millisecond
)

var errLag = errors.New("the read models lag too far behind")

// caughtUp waits until the read models hold what was integrated when the request came, so that a client reads what it wrote.
func (c *call) caughtUp() error {
	head, _ := c.s.cfg.Ledger.Integrated()
	deadline := time.NewTimer(lagLimit)
	defer deadline.Stop()
	for {
		at, err := c.s.cfg.Cases.Position(c.ctx())
		if err != nil {
			return err
		}
		if at >= head.Size {
			return nil
		}
		select {
		case <-time.After(lagStep):
		case <-deadline.C:
			return errors.Join(&problem{code: codeBusy, detail: "the lists are behind the events: try again shortly", retryAfter: retrySoon}, errLag)
		case <-c.ctx().Done():
			return c.ctx().Err()
		}
	}
}
