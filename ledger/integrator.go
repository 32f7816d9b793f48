package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/caseledger/caseledger/schemas/receipt"
)

// integration is one committed event on its way into the tree, with the act that waits for it, if it was made here.
type integration struct {
	event  *Committed
	waiter *pending
}

// integrator puts committed events into the tree, in the order of the stream, and signs one checkpoint a batch.
type integrator struct {
	l    *Ledger
	work chan []integration
}

func newIntegrator(l *Ledger) *integrator {
	return &integrator{l: l, work: make(chan []integration, 4)}
}

// take queues committed events. If the ledger is closing they stay in the stream and are integrated at the next start.
func (in *integrator) take(ctx context.Context, work []integration) {
	select {
	case in.work <- work:
	case <-ctx.Done():
		failWaiters(work, unanswered(ErrStopped))
	}
}

func failWaiters(work []integration, err error) {
	for _, w := range work {
		if w.waiter != nil {
			w.waiter.fail(err)
		}
	}
}

func (in *integrator) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case work, ok := <-in.work:
			if !ok {
				return
			}
			if err := in.integrate(ctx, work); err != nil {
				failWaiters(work, unanswered(err))
			}
		case <-tick.C:
			in.probe(ctx)
		}
	}
}

// probe notices a tree that has gone away before anybody's act is appended in vain.
func (in *integrator) probe(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := in.l.cfg.Tree.Head(ctx)
	if errors.Is(ctx.Err(), context.Canceled) {
		return
	}
	in.l.alarmIf(err)
	if down := err != nil; in.l.treeDown.Swap(down) != down {
		in.l.cfg.Logger.Warn("log", "answers", !down, "error", err)
	}
}

// integrate repeats until the tree has taken the events: they are committed, so there is no way back.
func (in *integrator) integrate(ctx context.Context, work []integration) error {
	if err := in.l.Healthy(); err != nil {
		return err
	}
	first, bodies := work[0].event.Index, make([][]byte, len(work))
	for i, w := range work {
		bodies[i] = w.event.body
	}
	signing := in.signAhead(ctx, first, bodies)
	var done Integrated
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		var err error
		if done, err = in.l.cfg.Tree.Integrate(ctx, first, bodies); err == nil {
			break
		}
		if !errors.Is(err, ErrUnavailable) {
			in.l.raise(fmt.Errorf("integrate events %d to %d: %w", first, first+int64(len(work))-1, err))
			return in.l.Healthy()
		}
		in.l.treeDown.Store(true)
		failWaiters(work, fmt.Errorf("%w: the act is recorded but not yet integrated; repeat it with the same Idempotency-Key", ErrUnavailable))
		in.l.cfg.Logger.Warn("log does not answer; integration is repeated", "events", len(work), "error", err)
		clearWaiters(work)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ErrStopped
		}
	}
	in.l.treeDown.Store(false)
	return in.deliver(ctx, work, done, signing)
}

// ahead is a checkpoint that was signed while the tree still took the leaves.
type ahead struct {
	head Head
	text string
	err  error
}

// signAhead signs the head that the tree is going to have, where its client can compute it. The checkpoint is given out
// only if the tree then has this very head; else it is dropped.
func (in *integrator) signAhead(ctx context.Context, first int64, bodies [][]byte) <-chan ahead {
	out := make(chan ahead, 1)
	planner, ok := in.l.cfg.Tree.(Planner)
	if !ok {
		close(out)
		return out
	}
	head, err := planner.Plan(first, bodies)
	if err != nil {
		close(out)
		return out
	}
	go func() {
		text, err := in.l.signed(ctx, head)
		out <- ahead{head: head, text: text, err: err}
	}()
	return out
}

func clearWaiters(work []integration) {
	for i := range work {
		work[i].waiter = nil
	}
}

// deliver signs the checkpoint and gives every waiting act its receipt.
func (in *integrator) deliver(ctx context.Context, work []integration, done Integrated, signing <-chan ahead) error {
	last := work[len(work)-1].event.Index
	if done.Head.Size != last+1 || len(done.Proofs) != len(work) {
		in.l.raise(fmt.Errorf("%w: the tree has %d leaves after event %d", ErrDiverged, done.Head.Size, last))
		return in.l.Healthy()
	}
	checkpoint, err := in.checkpoint(ctx, work, done.Head, signing)
	if err != nil {
		return err
	}
	now := in.l.cfg.Clock()
	for i, w := range work {
		in.l.views.note(w.event, now)
		if w.waiter != nil {
			w.waiter.answer(outcome{index: w.event.Index, receipt: newReceipt(w.event, done.Head, done.Proofs[i], checkpoint)})
		}
	}
	return nil
}

// sign repeats until the head is signed: a key management system may be away for a while.
func (in *integrator) sign(ctx context.Context, work []integration, h Head) (string, error) {
	for wait := 50 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		checkpoint, err := in.l.sign(ctx, h)
		if err == nil {
			return checkpoint, nil
		}
		if errors.Is(err, ErrDiverged) {
			in.l.raise(err)
			return "", in.l.Healthy()
		}
		failWaiters(work, unanswered(err))
		clearWaiters(work)
		in.l.cfg.Logger.Warn("checkpoint could not be signed; it is tried again", "size", h.Size, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return "", ErrStopped
		}
	}
}

// checkpoint is the signed checkpoint of the head that the tree has reached.
func (in *integrator) checkpoint(ctx context.Context, work []integration, h Head, signing <-chan ahead) (string, error) {
	a, ok := <-signing
	if !ok || a.err != nil || a.head != h {
		return in.sign(ctx, work, h)
	}
	if err := in.l.advance(h, a.text); err != nil {
		in.l.raise(err)
		return "", in.l.Healthy()
	}
	return a.text, nil
}

// sign makes the checkpoint of a head that the tree has reached.
func (l *Ledger) sign(ctx context.Context, h Head) (string, error) {
	text, err := l.signed(ctx, h)
	if err != nil {
		return "", err
	}
	return text, l.advance(h, text)
}

// advance makes a head the newest; a tree may only grow.
func (l *Ledger) advance(h Head, checkpoint string) error {
	if was := l.integrated.Load(); was != nil && (h.Size < was.Size || (h.Size == was.Size && h.Root != was.Root)) {
		return fmt.Errorf("%w: the tree went from size %d to %d", ErrDiverged, was.Size, h.Size)
	}
	l.integrated.Store(&integratedHead{Head: h, checkpoint: checkpoint})
	return nil
}

// signed makes and verifies the checkpoint of a head.
func (l *Ledger) signed(ctx context.Context, h Head) (string, error) {
	text, err := l.cfg.Signers.signCheckpoint(ctx, l.cfg.Origin, h)
	if err != nil {
		return "", err
	}
	if err := l.check.checkpoint(text); err != nil {
		return "", fmt.Errorf("%w: a checkpoint just signed does not verify: %w", ErrDiverged, err)
	}
	return text, nil
}

func newReceipt(c *Committed, h Head, proof [][]byte, checkpoint string) receipt.Receipt {
	return receipt.Receipt{
		Checkpoint: checkpoint, Envelope: c.Envelope, Grade: receipt.GradeIntegrated, LogIndex: receipt.Int64(c.Index),
		InclusionProof: receipt.InclusionProof{
			Hashes: proof, LogIndex: receipt.Int64(c.Index), RootHash: h.Root[:], TreeSize: receipt.Int64(h.Size),
		},
	}
}
