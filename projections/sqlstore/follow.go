package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/caseledger/caseledger/projections"
)

// batchSize is the most events that Follow applies in one transaction.
const batchSize = 400

// Follow keeps a store caught up with the journal: at once, and then after each message on notify, which says that there
// may be more. It returns the first error, the context's when that ends, and nil when notify is closed and the store is
// caught up. A sender on notify must not block: one message that waits stands for all.
func Follow(ctx context.Context, src projections.Source, st projections.Store, notify <-chan struct{}) error {
	for open := true; ; {
		if _, err := CatchUp(ctx, src, st); err != nil {
			return err
		}
		if !open {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("follow the journal: %w", ctx.Err())
		case _, open = <-notify:
		}
	}
}

// CatchUp applies all events up to the end of the journal as it is now and returns the position.
func CatchUp(ctx context.Context, src projections.Source, st projections.Store) (next int64, err error) {
	from, err := st.Position(ctx)
	if err != nil {
		return 0, fmt.Errorf("follow the journal: %w", err)
	}
	applied := from
	batch := make([]projections.Record, 0, batchSize)
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		if err := st.Apply(ctx, batch); err != nil {
			return err
		}
		applied += int64(len(batch))
		clear(batch)
		batch = batch[:0]
		return nil
	}
	next, err = src.Read(ctx, from, func(r projections.Record) error {
		batch = append(batch, r)
		if len(batch) < batchSize {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	if err != nil {
		return applied, fmt.Errorf("follow the journal from event %d: %w", applied, err)
	}
	if next != applied {
		return applied, fmt.Errorf("follow the journal: it says it ends before event %d, but yielded events up to %d: %w",
			next, applied, projections.ErrPosition)
	}
	return next, nil
}

// Rebuild makes a new store at path from the whole journal and closes it, for comparison with another (Digest). It
// returns how many events it applied. Where a file is at path already, nothing is done and the error is ErrExists.
func Rebuild(ctx context.Context, src projections.Source, path string) (events int64, err error) {
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("rebuild read models: %w", errors.Join(ErrExists, err))
	}
	st, err := Open(ctx, path)
	if err != nil {
		return 0, err
	}
	events, err = CatchUp(ctx, src, st)
	return events, errors.Join(err, st.Close())
}
