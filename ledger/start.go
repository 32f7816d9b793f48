package ledger

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/statement"
)

// start makes everything follow from the stream: it reads all of it, gives the tree's client the leaves that the tree
// holds, integrates the rest, replays destroyed keys, and compares with the last published checkpoint.
func (l *Ledger) start(ctx context.Context) error {
	published, text, err := l.lastPublished()
	if err != nil {
		return err
	}
	tree, err := l.cfg.Tree.Head(ctx)
	if err != nil {
		return fmt.Errorf("tree head: %w", err)
	}
	position, err := l.cfg.Index.Position(ctx)
	if err != nil {
		return fmt.Errorf("case index: %w", err)
	}
	b := &boot{l: l, tree: tree, position: position, published: published, heads: map[predicate.ChainID]casefile.Head{}}
	b.ranges.Hash = rfc6962.DefaultHasher.HashChildren
	b.whole = b.ranges.NewEmptyRange(0)
	if err := b.read(ctx); err != nil {
		return err
	}
	if err := b.finish(ctx); err != nil {
		return err
	}
	if published != nil {
		l.published.Store(newPublished(l.cfg.Origin, *published, text))
	}
	return nil
}

// boot is one reading of the whole stream.
type boot struct {
	l         *Ledger
	tree      Head
	position  int64
	published *Head

	ranges    compact.RangeFactory
	whole     *compact.Range // of all events read so far
	known     [][32]byte     // leaf hashes of leaves that the tree holds, not yet handed over
	missing   [][]byte       // leaf bodies that the tree lacks
	next      int64
	restored  bool
	destroyed []predicate.KeyID
	keys      keyCheck
	heads     map[predicate.ChainID]casefile.Head
}

const bootPiece = 1024

func (b *boot) read(ctx context.Context) error {
	b.l.tail.startAt(0)
	err := b.l.cfg.Events.Read(ctx, 0, 0, func(rev int64, e StoredEvent) error {
		if rev != b.next {
			return fmt.Errorf("%w: the stream jumps from revision %d to %d", ErrDiverged, b.next-1, rev)
		}
		c, err := b.l.decode(rev, e)
		if err != nil {
			return err
		}
		return b.take(ctx, c)
	})
	if err != nil {
		return fmt.Errorf("read the stream: %w", err)
	}
	if b.next < b.tree.Size {
		return fmt.Errorf("%w: the tree has %d leaves but the event store holds only %d events: events were lost or an old copy was restored; last good size %d",
			ErrDiverged, b.tree.Size, b.next, b.next)
	}
	return nil
}

func (b *boot) take(ctx context.Context, c *Committed) error {
	if err := errors.Join(b.signature(c), b.inOrder(c)); err != nil {
		return err
	}
	hash := c.LeafHash()
	if err := b.whole.Append(hash[:], nil); err != nil {
		return fmt.Errorf("tree of revision %d: %w", c.Index, err)
	}
	if b.next < b.tree.Size {
		if b.known = append(b.known, hash); len(b.known) == bootPiece {
			if err := b.restore(false); err != nil {
				return err
			}
		}
	} else {
		b.missing = append(b.missing, c.body)
	}
	b.next++
	if len(b.missing) == maxBatch {
		if err := b.integrate(ctx); err != nil {
			return err
		}
	}
	if d, ok := c.Event.Predicate.Body.(*predicate.KeyDestroyedV1); ok {
		b.destroyed = append(b.destroyed, d.Keys...)
		b.l.erasures.owe(c, d, true) // its content, if a crash left it there
	}
	if err := b.keys.note(ctx, b.l.cfg.Keyring, scope(c.Event.Predicate.Case, c.Event.Predicate.Actor.Organisation)); err != nil {
		return err
	}
	b.l.tail.add(c)
	if c.Index < b.position {
		b.l.tail.trim(c.Index + 1)
	}
	b.l.views.note(c, b.l.cfg.Clock())
	return b.compare()
}

// inOrder holds every chain against gaps, repeats and events that name another predecessor.
func (b *boot) inOrder(c *Committed) error {
	p := &c.Event.Predicate
	head, ok := b.heads[p.Chain]
	if !ok {
		head.Link = statement.Genesis(string(p.Chain))
	}
	if p.Sequence != head.Count+1 || string(p.Previous) != hex.EncodeToString(head.Link[:]) {
		return fmt.Errorf("%w: event %d is not the next of its chain", ErrForeign, c.Index)
	}
	b.heads[p.Chain] = casefile.Head{Count: p.Sequence, Link: statement.Link(head.Link, c.PAE)}
	return nil
}

// signature verifies what no published checkpoint covers yet, and a sample of the rest.
func (b *boot) signature(c *Committed) error {
	covered := b.published != nil && c.Index < b.published.Size
	if covered && c.Index%int64(b.l.cfg.SignatureSample) != 0 {
		return nil
	}
	return b.l.check.signature(c)
}

// compare checks the events against the published checkpoint when its size is reached.
func (b *boot) compare() error {
	if b.published == nil || b.next != b.published.Size {
		return nil
	}
	root, err := rootOf(b.whole)
	if err != nil {
		return err
	}
	if root != b.published.Root {
		return fmt.Errorf("%w: the first %d events differ from what checkpoint %d was published for", ErrDiverged, b.next, b.next)
	}
	return nil
}

func rootOf(r *compact.Range) ([32]byte, error) {
	var out [32]byte
	if r.End() == 0 {
		copy(out[:], rfc6962.DefaultHasher.EmptyRoot())
		return out, nil
	}
	root, err := r.GetRootHash(nil)
	copy(out[:], root)
	return out, err
}

func (b *boot) restore(done bool) error {
	if err := b.l.cfg.Tree.Restore(b.known, done); err != nil {
		return fmt.Errorf("restore tree: %w", err)
	}
	b.known, b.restored = b.known[:0], done
	return nil
}

func (b *boot) integrate(ctx context.Context) error {
	if !b.restored {
		if err := b.restore(true); err != nil {
			return err
		}
	}
	if len(b.missing) == 0 {
		return nil
	}
	first := b.next - int64(len(b.missing))
	if _, err := b.l.cfg.Tree.Integrate(ctx, first, b.missing); err != nil {
		return fmt.Errorf("integrate events from %d: %w", first, err)
	}
	b.missing = b.missing[:0]
	return nil
}

// finish integrates what is left, compares the roots and signs the head that the ledger goes on from.
func (b *boot) finish(ctx context.Context) error {
	if err := b.integrate(ctx); err != nil {
		return err
	}
	head, err := b.l.cfg.Tree.Head(ctx)
	if err != nil {
		return fmt.Errorf("tree head: %w", err)
	}
	root, err := rootOf(b.whole)
	if err != nil {
		return err
	}
	if head.Size != b.next || head.Root != root {
		return fmt.Errorf("%w: after integrating all %d events the tree has %d leaves or another root", ErrDiverged, b.next, head.Size)
	}
	if b.published != nil && b.published.Size > b.next {
		return fmt.Errorf("%w: a checkpoint of size %d was published, but the event store holds only %d events: events were lost or an old copy was restored; last good size %d",
			ErrDiverged, b.published.Size, b.next, b.next)
	}
	if b.position > b.next {
		return fmt.Errorf("%w: the read models cover %d events, the event store holds only %d: events were lost or an old copy was restored",
			ErrDiverged, b.position, b.next)
	}
	if _, err := b.l.cfg.Keyring.Replay(ctx, b.destroyed); err != nil {
		return fmt.Errorf("replay destroyed keys: %w", err)
	}
	if err := b.keys.lookUp(ctx, b.l.cfg.Keyring); err != nil {
		return err
	}
	_, err = b.l.sign(ctx, head)
	return err
}
