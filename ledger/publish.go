package ledger

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// publishLoop publishes the newest checkpoint at intervals.
func (l *Ledger) publishLoop(ctx context.Context) {
	tick := time.NewTicker(l.cfg.PublishEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := l.publish(); err != nil {
				l.cfg.Logger.Error("checkpoint could not be published; it is tried again", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// publish makes the newest checkpoint durable and then public.
func (l *Ledger) publish() error {
	h := l.integrated.Load()
	if was := l.published.Load(); h == nil || l.Healthy() != nil || (was != nil && was.text == h.checkpoint) {
		return nil
	}
	if err := l.cfg.Publications.Save(h.checkpoint); err != nil {
		return fmt.Errorf("publish checkpoint of size %d: %w", h.Size, err)
	}
	l.published.Store(newPublished(l.cfg.Origin, h.Head, h.checkpoint))
	return nil
}

func newPublished(origin string, h Head, text string) *publishedHead {
	return &publishedHead{text: text, slot: &predicate.TreeHead{
		Origin: predicate.Origin(origin), Root: predicate.Hex32(hex.EncodeToString(h.Root[:])), Size: h.Size,
	}}
}

// lastPublished reads what was published before this start. The tree must not be smaller, nor differ at that size.
func (l *Ledger) lastPublished() (*Head, string, error) {
	text, err := l.cfg.Publications.Load()
	if err != nil || text == "" {
		return nil, "", err
	}
	c, err := receipt.ParseCheckpoint(text)
	if err != nil || c.Origin != l.cfg.Origin {
		return nil, "", fmt.Errorf("%w: the last published checkpoint is unreadable or of another log", ErrDiverged)
	}
	if err := l.check.checkpoint(text); err != nil {
		return nil, "", fmt.Errorf("%w: the last published checkpoint: %w", ErrDiverged, err)
	}
	return &Head{Size: int64(c.Size), Root: c.Root}, text, nil
}
