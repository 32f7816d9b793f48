// Package ledger is the personality of the log: it turns an intended act into one signed event of the journal stream,
// integrates it into the tree, and answers with a receipt that it has checked with the court's own verifier.
//
// The flow of one act:
//
//	Record      builds the event: pseudonym, salted digests, sealed openings, schema check, a first decision
//	sequencer   one goroutine: decides again in order, assigns chain, sequence, previous and recordedAt, signs the batch in
//	            parallel, appends it with the expected revision (the commit point)
//	integrator  one goroutine: leaves into the tree, root compared, one checkpoint signed, proofs from memory
//	Record      verifies the receipt and returns it
//
// The stream revision is the leaf index. Everything after the append follows from the stream alone, so the tree and the
// read models may be lost and are made again; start-up integrates the whole stream before anything is served or signed.
package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
)

// Config is everything a ledger stands on. All fields without a default are required.
type Config struct {
	Origin       string
	Events       EventStore
	Tree         Tree
	Index        CaseIndex
	Keyring      Keyring
	Vault        Vault
	Signers      *Signers
	Trust        *verifier.Trust // what receipts are checked against before they are handed out
	Publications Publications

	// PublishEvery is the interval of published checkpoints; default 2 s.
	PublishEvery time.Duration
	// ViewWindow is how long content may be fetched under a view; default 15 minutes.
	ViewWindow time.Duration
	// AckTimeout is how long an act waits for its receipt before it is answered with ErrUnavailable; default 20 s.
	AckTimeout time.Duration
	// FollowEvery is how often the stream is looked at for events of other servers; default 250 ms.
	FollowEvery time.Duration
	// SignatureSample: of every so many receipts one has its event signature verified too; default 64.
	SignatureSample int
	// MaxContent is the largest upload in bytes; default 1 TiB.
	MaxContent int64
	Clock      Clock
	Logger     *slog.Logger
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.PublishEvery, 2*time.Second)
	def(&c.ViewWindow, 15*time.Minute)
	def(&c.AckTimeout, 20*time.Second)
	def(&c.FollowEvery, 250*time.Millisecond)
	if c.SignatureSample <= 0 {
		c.SignatureSample = 64
	}
	if c.MaxContent <= 0 {
		c.MaxContent = 1 << 40
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// ErrStopped: the ledger is closed, or has stopped writing because of an alarm.
var ErrStopped = errors.New("the ledger has stopped accepting acts")

// Ledger records acts. Its methods may be called by many goroutines.
type Ledger struct {
	cfg    Config
	cases  *cases
	tail   *tail
	views  *views
	denied *denials
	check  *checker

	erasures *erasures

	submit chan *pending
	poke   chan struct{} // asks the sequencer to follow the stream now

	integrated atomic.Pointer[integratedHead]
	published  atomic.Pointer[publishedHead]
	alarm      atomic.Pointer[alarm]
	treeDown   atomic.Bool
	storeDown  atomic.Bool
	keyMissing sync.Once    // says that the keyring is incomplete
	folded     atomic.Int64 // revision after the last event that is folded into the cases in memory

	stop  context.CancelFunc
	done  sync.WaitGroup
	idle  chan struct{} // closed when the sequencer has ended
	ended chan struct{} // closed when the integrator has ended too: nobody answers an act any more
}

// integratedHead is the newest signed tree head.
type integratedHead struct {
	Head
	checkpoint string
}

type publishedHead struct {
	text string
	slot *predicate.TreeHead
}

type alarm struct{ err error }

// Open starts a ledger: it reads the whole stream, integrates what the tree lacks, replays destroyed keys, and only then
// accepts acts. It fails with ErrDiverged where stream, tree and published checkpoint contradict each other.
func Open(ctx context.Context, cfg Config) (*Ledger, error) {
	cfg = cfg.withDefaults()
	if err := receipt.CheckOrigin(cfg.Origin); err != nil {
		return nil, err
	}
	l := &Ledger{
		cfg: cfg, views: newViews(cfg.ViewWindow), submit: make(chan *pending, maxBatch),
		poke: make(chan struct{}, 1), idle: make(chan struct{}), ended: make(chan struct{}),
	}
	l.check = newChecker(cfg)
	l.tail = newTail()
	l.cases = newCases(l)
	l.denied = newDenials(l)
	l.erasures = newErasures(l)
	if err := l.start(ctx); err != nil {
		return nil, fmt.Errorf("start ledger %s: %w", cfg.Origin, err)
	}
	if err := l.publish(); err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.Background())
	l.stop = stop
	in := newIntegrator(l)
	var writers sync.WaitGroup
	seq := newSequencer(l, in)
	l.folded.Store(seq.next)
	writers.Go(func() { seq.run(run) })
	writers.Go(func() { in.run(run) })
	l.done.Go(func() { writers.Wait(); close(l.ended) })
	l.done.Go(func() { l.publishLoop(run) })
	l.done.Go(func() { l.denied.run(run) })
	l.done.Go(func() { l.erasures.run(run) })
	return l, nil
}

// closingTime is how long the recording of gathered denials may take when the ledger is closed.
const closingTime = 5 * time.Second

// Close lets acts in flight finish or fail, publishes a last checkpoint and ends all goroutines.
func (l *Ledger) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closingTime)
	defer cancel()
	l.denied.flush(ctx)
	l.stop()
	l.done.Wait()
	return l.publish()
}

// Healthy returns nil while acts are accepted, else what stopped them.
func (l *Ledger) Healthy() error {
	if a := l.alarm.Load(); a != nil {
		return a.err
	}
	return nil
}

// Ready returns nil while acts can be recorded now: nothing has stopped writing, and both engines answer.
func (l *Ledger) Ready(ctx context.Context) error {
	if err := l.ready(); err != nil {
		return err
	}
	if _, err := l.cfg.Events.Head(ctx); err != nil {
		return fmt.Errorf("event store: %w", err)
	}
	return nil
}

// Checkpoint is the last published checkpoint, a C2SP signed note; "" before the first.
func (l *Ledger) Checkpoint() string {
	if p := l.published.Load(); p != nil {
		return p.text
	}
	return ""
}

// Integrated is the newest tree head that events have receipts under, and its signed checkpoint.
func (l *Ledger) Integrated() (Head, string) {
	h := l.integrated.Load()
	return h.Head, h.checkpoint
}

// Origin is the log's name.
func (l *Ledger) Origin() string { return l.cfg.Origin }

// Now is the ledger's clock.
func (l *Ledger) Now() time.Time { return l.cfg.Clock() }

// raise stops all writing for good: stream, tree and checkpoints no longer agree.
func (l *Ledger) raise(err error) {
	if l.alarm.CompareAndSwap(nil, &alarm{err: err}) {
		l.cfg.Logger.Error("writing has stopped", "reason", err)
	}
}
