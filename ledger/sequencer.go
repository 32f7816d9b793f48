package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/caseledger/caseledger/schemas/statement"
)

// Limits of one append call.
const (
	maxBatch      = 400
	maxBatchBytes = 900 << 10
	// company is how long a batch waits for more when the last one was shared.
	company = 200 * time.Microsecond
)

// sequencer is the only writer of the stream in this process.
type sequencer struct {
	l    *Ledger
	in   *integrator
	next int64 // revision that the next event gets
	held *pending
	last int // size of the last batch
}

func newSequencer(l *Ledger, in *integrator) *sequencer {
	return &sequencer{l: l, in: in, next: l.tail.head()}
}

// run takes acts until ctx ends; then it fails those that still wait.
func (s *sequencer) run(ctx context.Context) {
	defer close(s.l.idle)
	defer close(s.in.work)
	tick := time.NewTicker(s.l.cfg.FollowEvery)
	defer tick.Stop()
	for {
		if p := s.held; p != nil {
			s.held = nil
			s.commit(ctx, s.drain(p))
			continue
		}
		select {
		case p := <-s.l.submit:
			s.commit(ctx, s.drain(p))
		case <-s.l.poke:
			s.look(ctx)
		case <-tick.C:
			s.look(ctx)
			s.trim(ctx)
		case <-ctx.Done():
			s.refuseRest()
			return
		}
	}
}

// look follows the stream while no act is under way; a store that does not answer is noticed before an act is begun.
func (s *sequencer) look(ctx context.Context) {
	err := s.follow(ctx)
	down := errors.Is(err, ErrUnavailable)
	if s.l.storeDown.Swap(down) != down {
		s.l.cfg.Logger.Warn("event store", "answers", !down, "error", err)
	}
	if err != nil && !down && s.l.Healthy() == nil && ctx.Err() == nil {
		s.l.cfg.Logger.Error("the stream cannot be followed; it is tried again", "error", err)
	}
}

func (s *sequencer) refuseRest() {
	for {
		select {
		case p := <-s.l.submit:
			p.fail(ErrStopped)
		default:
			return
		}
	}
}

// drain takes what waits, up to the limits of one append.
func (s *sequencer) drain(first *pending) []*pending {
	batch, size := []*pending{first}, first.size()
	var wait <-chan time.Time
	if s.last > 1 && len(s.l.submit) < s.last {
		wait = time.After(company)
	}
	for len(batch) < maxBatch {
		var p *pending
		select {
		case p = <-s.l.submit:
		default:
			if wait == nil {
				s.last = len(batch)
				return batch
			}
			select {
			case p = <-s.l.submit:
			case <-wait:
				s.last = len(batch)
				return batch
			}
		}
		if size += p.size(); size > maxBatchBytes {
			s.held = p
			break
		}
		batch = append(batch, p)
	}
	s.last = len(batch)
	return batch
}

// commit sequences, signs and appends a batch; after a conflict it decides again. It returns once every act of the batch
// is committed and on its way into the tree, or has failed.
func (s *sequencer) commit(ctx context.Context, batch []*pending) {
	for len(batch) > 0 {
		if err := s.l.Healthy(); err != nil {
			failAll(batch, fmt.Errorf("%w: %w", ErrStopped, err))
			return
		}
		seq := newSequenced(s.l)
		batch = seq.sequence(ctx, batch)
		if len(batch) == 0 {
			return
		}
		events, err := s.sign(ctx, batch)
		if err != nil {
			seq.undo()
			failAll(batch, err)
			return
		}
		err = s.append(ctx, batch, events)
		if err == nil {
			s.committed(ctx, batch)
			return
		}
		seq.undo()
		if !errors.Is(err, ErrConflict) {
			s.l.alarmIf(err)
			failAll(batch, err)
			return
		}
		if !s.learn(ctx, batch) {
			return
		}
	}
}

// conflictPause is a wait after a conflict that brought nothing new to light.
const conflictPause = 20 * time.Millisecond

// learn reads what another writer appended. It fails the batch where that cannot be had: an act of it may be in the
// stream after a lost answer, so none is said to be unrecorded.
func (s *sequencer) learn(ctx context.Context, batch []*pending) bool {
	was := s.next
	if err := s.follow(ctx); err != nil {
		failAll(batch, unanswered(err))
		return false
	}
	if s.next > was {
		return true
	}
	select {
	case <-time.After(conflictPause):
		return true
	case <-ctx.Done():
		failAll(batch, unanswered(ErrStopped))
		return false
	}
}

func failAll(batch []*pending, err error) {
	for _, p := range batch {
		p.fail(err)
	}
}

// sign signs what has no signature yet, in parallel, and makes the stored form of each event.
func (s *sequencer) sign(ctx context.Context, batch []*pending) ([]StoredEvent, error) {
	events := make([]StoredEvent, len(batch))
	one := func(i int) error {
		p := batch[i]
		if p.sig == nil {
			sig, err := s.l.cfg.Signers.signEvent(ctx, statement.PAE(p.payload))
			if err != nil {
				return err
			}
			p.sig = sig
		}
		events[i] = p.stored(s.l.cfg.Signers.hint)
		return nil
	}
	if len(batch) == 1 {
		return events, one(0)
	}
	const workers = 2
	var g errgroup.Group
	for w := range workers {
		g.Go(func() error {
			for i := w; i < len(batch); i += workers {
				if err := one(i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return events, g.Wait()
}

// committed hands a batch that the stream holds to the integrator.
func (s *sequencer) committed(ctx context.Context, batch []*pending) {
	work := make([]integration, len(batch))
	for i, p := range batch {
		c := p.committed(s.next+int64(i), s.l.cfg.Signers)
		s.l.erasures.note(c)
		s.l.tail.add(c)
		if err := s.l.cases.committed(c); err != nil {
			s.l.raise(err)
		}
		work[i] = integration{event: c, waiter: p}
	}
	s.next += int64(len(batch))
	s.l.folded.Store(s.next)
	s.in.take(ctx, work)
}

// follow reads events that other servers have appended and hands them to the integrator.
func (s *sequencer) follow(ctx context.Context) error {
	var work []integration
	flush := func() {
		if len(work) > 0 {
			s.in.take(ctx, work)
			work = nil
		}
	}
	last := max(s.next-1, 0) // the last event that is known here is read again: it must still be there
	rereads := s.next > 0
	err := s.l.cfg.Events.Read(ctx, last, 0, func(rev int64, e StoredEvent) error {
		c, err := s.l.decode(rev, e)
		if err != nil {
			return err
		}
		if rereads {
			rereads = false
			return s.same(c)
		}
		if rev != s.next {
			return fmt.Errorf("%w: the stream jumps from revision %d to %d", ErrDiverged, s.next-1, rev)
		}
		if err := s.takeForeign(ctx, c); err != nil {
			return err
		}
		if work = append(work, integration{event: c}); len(work) == maxBatch {
			flush()
		}
		return nil
	})
	flush()
	if err == nil && rereads {
		err = fmt.Errorf("%w: the stream ends before revision %d, which was committed: events were lost or an old copy was restored", ErrDiverged, s.next-1)
	}
	if err != nil && ctx.Err() == nil {
		s.l.alarmIf(err)
		return fmt.Errorf("follow the stream: %w", err)
	}
	return nil
}

// same compares an event with what was known at its revision.
func (s *sequencer) same(c *Committed) error {
	known, ok := s.l.tail.recent(c.Index)
	if !ok || c.Index != s.next-1 || known.EventID != c.EventID || known.PAE != c.PAE || !bytes.Equal(known.body, c.body) {
		return fmt.Errorf("%w: revision %d holds another event than it did", ErrDiverged, c.Index)
	}
	return nil
}

// takeForeign takes in an event of another server once its signature and its place in its chain are checked.
func (s *sequencer) takeForeign(ctx context.Context, c *Committed) error {
	if err := s.l.check.signature(c); err != nil {
		return err
	}
	if err := s.l.cases.foreign(ctx, c); err != nil {
		return err
	}
	s.l.erasures.note(c)
	s.l.tail.add(c)
	s.next++
	if err := s.l.cases.committed(c); err != nil { // for whoever began to fold the case in between
		return err
	}
	s.l.folded.Store(s.next)
	return nil
}

func (s *sequencer) trim(ctx context.Context) {
	if pos, err := s.l.cfg.Index.Position(ctx); err == nil {
		s.l.tail.trim(pos)
	}
}

// alarmIf stops writing for errors that no repetition can mend.
func (l *Ledger) alarmIf(err error) {
	if errors.Is(err, ErrDiverged) || errors.Is(err, ErrForeign) {
		l.raise(err)
	}
}
