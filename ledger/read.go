package ledger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

// ErrViewRequired: content is served only under a fitting, recent, integrated view by the same person.
var ErrViewRequired = errors.New("content is shown only under a recorded view of this item by you")

// maxGap: revisions closer together than this are read in one go.
const maxGap = 16

// events reads the given revisions, ascending, and calls use for each. What contradicts the log is an alarm.
func (l *Ledger) events(ctx context.Context, revs []int64, use func(*Committed) error) error {
	err := l.pick(ctx, revs, use)
	l.alarmIf(err)
	return err
}

func (l *Ledger) pick(ctx context.Context, revs []int64, use func(*Committed) error) error {
	for i := 0; i < len(revs); {
		if c, ok := l.tail.recent(revs[i]); ok {
			if err := use(c); err != nil {
				return err
			}
			i++
			continue
		}
		j := i + 1
		for j < len(revs) && revs[j]-revs[j-1] <= maxGap {
			j++
		}
		if err := l.span(ctx, revs[i:j], use); err != nil {
			return err
		}
		i = j
	}
	return nil
}

// span reads one stretch of the stream and picks the wanted revisions out of it.
func (l *Ledger) span(ctx context.Context, want []int64, use func(*Committed) error) error {
	n := int(want[len(want)-1] - want[0] + 1)
	err := l.cfg.Events.Read(ctx, want[0], n, func(rev int64, e StoredEvent) error {
		if len(want) == 0 || rev != want[0] {
			return nil
		}
		want = want[1:]
		c, err := l.decode(rev, e)
		if err != nil {
			return err
		}
		return use(c)
	})
	if err != nil {
		return fmt.Errorf("read events: %w", err)
	}
	if len(want) > 0 {
		return fmt.Errorf("%w: the stream ends before revision %d, which the index names", ErrDiverged, want[0])
	}
	return nil
}

// Follow calls use for the committed events from a revision on, at most max of them, from memory where they are recent.
// It returns the revision to go on from. A stream that ends before what is known to be committed is ErrDiverged.
func (l *Ledger) Follow(ctx context.Context, from int64, max int, use func(*Committed) error) (int64, error) {
	head := min(l.tail.head(), from+int64(max))
	for from < head {
		c, ok := l.tail.recent(from)
		if !ok {
			break
		}
		if err := use(c); err != nil {
			return from, err
		}
		from++
	}
	if from >= head {
		return from, nil
	}
	err := l.cfg.Events.Read(ctx, from, int(head-from), func(rev int64, e StoredEvent) error {
		c, err := l.decode(rev, e)
		if err != nil {
			return err
		}
		if err := use(c); err != nil {
			return err
		}
		from = rev + 1
		return nil
	})
	if err == nil && from < head {
		err = fmt.Errorf("%w: the stream ends before revision %d, which was committed: events were lost or an old copy was restored", ErrDiverged, head-1)
	}
	if err != nil {
		l.alarmIf(err)
		return from, fmt.Errorf("follow the stream: %w", err)
	}
	return from, nil
}

// Event reads one event and checks it against its leaf in the tree; ErrNotFound if there is none.
func (l *Ledger) Event(ctx context.Context, index int64) (*Committed, error) {
	c, _, err := l.proved(ctx, index)
	return c, err
}

// proved reads one event with a verified receipt under the newest tree head.
func (l *Ledger) proved(ctx context.Context, index int64) (*Committed, receipt.Receipt, error) {
	h := l.integrated.Load()
	if index >= h.Size {
		l.catchUp(ctx)
		h = l.integrated.Load()
	}
	if index < 0 || index >= h.Size {
		return nil, receipt.Receipt{}, ErrNotFound
	}
	var found *Committed
	if err := l.events(ctx, []int64{index}, func(c *Committed) error { found = c; return nil }); err != nil {
		return nil, receipt.Receipt{}, err
	}
	r, err := l.prove(ctx, found, h)
	return found, r, err
}

// prove makes the receipt of an event under a tree head. An event that differs from its leaf is an alarm.
func (l *Ledger) prove(ctx context.Context, c *Committed, h *integratedHead) (receipt.Receipt, error) {
	hashes, err := l.cfg.Tree.Inclusion(ctx, c.Index, h.Size)
	if err != nil {
		return receipt.Receipt{}, fmt.Errorf("proof of event %d: %w", c.Index, err)
	}
	r := newReceipt(c, h.Head, hashes, h.checkpoint)
	if err := l.check.full(r); err != nil {
		err = fmt.Errorf("%w: event %d does not fit its leaf in the log: %w", ErrDiverged, c.Index, err)
		l.raise(err)
		return receipt.Receipt{}, err
	}
	return r, nil
}

// Recorded reads one event with its receipt.
func (l *Ledger) Recorded(ctx context.Context, index int64) (Recorded, error) {
	c, r, err := l.proved(ctx, index)
	if err != nil {
		return Recorded{}, err
	}
	return Recorded{Receipt: r, Event: c.Event, EventID: c.EventID, Index: index}, nil
}

// Bundle is the Sigstore bundle of an event from its receipt.
func (l *Ledger) Bundle(c *Committed, r receipt.Receipt) (receipt.Bundle, error) {
	spki, ok := l.check.spki(c.Signer)
	if !ok {
		return receipt.Bundle{}, fmt.Errorf("%w: signer of event %d", ErrForeign, c.Index)
	}
	return receipt.NewBundle(r, spki, receipt.LogKeyID(l.cfg.Origin, l.cfg.Signers.logKey)), nil
}

// BundleOf is the Sigstore bundle of an event at an index, from a receipt that Record or Recorded gave.
func (l *Ledger) BundleOf(ctx context.Context, r Recorded) (receipt.Bundle, error) {
	var found *Committed
	if err := l.events(ctx, []int64{r.Index}, func(c *Committed) error { found = c; return nil }); err != nil {
		return receipt.Bundle{}, err
	}
	return l.Bundle(found, r.Receipt)
}

// Openings decrypts the openings of an event for somebody who reads it now. Those whose keys were destroyed are left out,
// and so are those whose keys are missing, which is logged.
func (l *Ledger) Openings(c *Committed) (sdjwt.Openings, error) {
	return l.openings(c, func(err error) error {
		l.keyMissing.Do(func() {
			l.cfg.Logger.Error("the keyring lacks a key that no event destroyed, so a field is not shown: restore a newer copy of the keyring; further ones are not logged",
				"event", c.Index, "error", err)
		})
		return nil
	})
}

// WholeOpenings is Openings for what leaves the ledger for good: a key that is missing although no event destroyed it is an
// error that wraps ErrKeyMissing.
func (l *Ledger) WholeOpenings(c *Committed) (sdjwt.Openings, error) {
	return l.openings(c, func(err error) error {
		return fmt.Errorf("opening of event %d: restore a copy of the keyring that has its key: %w", c.Index, err)
	})
}

// openings decrypts those of an event whose keys were not destroyed. lacking says what a missing key means: the keyring
// knows each key that a key.destroyed names, so what it does not know was lost.
func (l *Ledger) openings(c *Committed, lacking func(error) error) (sdjwt.Openings, error) {
	var encoded []string
	p := &c.Event.Predicate
	if len(c.Openings) != len(p.SD) || len(p.OpeningKeys) != len(p.SD) {
		return sdjwt.Openings{}, fmt.Errorf("%w: event %d lacks a sealed opening or its key", ErrForeign, c.Index)
	}
	for i, o := range c.Openings {
		plain, err := l.openOne(c, p.OpeningKeys[i], o.Box)
		if errors.Is(err, ErrKeyMissing) {
			if err := lacking(err); err != nil {
				return sdjwt.Openings{}, err
			}
			continue
		}
		if errors.Is(err, ErrKeyDestroyed) {
			continue
		}
		if err != nil {
			return sdjwt.Openings{}, fmt.Errorf("opening of event %d: %w", c.Index, err)
		}
		encoded = append(encoded, base64.RawURLEncoding.EncodeToString(plain))
	}
	sdjwt.Sort(encoded)
	set, err := sdjwt.ParseSet(encoded)
	if err != nil {
		return sdjwt.Openings{}, fmt.Errorf("openings of event %d: %w", c.Index, err)
	}
	return set, nil
}

func (l *Ledger) openOne(c *Committed, key predicate.KeyID, box []byte) ([]byte, error) {
	t, _ := predicate.Lookup(c.Event.Kind)
	var last error
	for _, f := range t.Fields {
		plain, err := l.cfg.Keyring.OpenOpening(key, c.EventID, f.Name, box)
		if err == nil || errors.Is(err, ErrKeyDestroyed) || errors.Is(err, ErrKeyMissing) {
			return plain, err
		}
		last = err
	}
	return nil, last
}
