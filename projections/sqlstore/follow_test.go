package sqlstore_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/projections/sqlstore"
)

// growing is a journal whose end moves, and which can fail.
type growing struct {
	all  journal
	ends chan int64 // the end at each call of Read
	fail error
}

func (g *growing) Read(ctx context.Context, from int64, yield func(projections.Record) error) (int64, error) {
	end := <-g.ends
	next, err := g.all[:end].Read(ctx, from, yield)
	if err == nil && end == int64(len(g.all)) {
		err = g.fail
	}
	return next, err
}

func TestFollow(t *testing.T) {
	ctx := context.Background()
	s := open(t, filepath.Join(t.TempDir(), "r.db"))
	defer closed(t, s)
	g := &growing{all: views(0, 1000, 7), ends: make(chan int64, 3)}
	g.ends <- 5
	g.ends <- 5
	g.ends <- 1000
	notify := make(chan struct{}, 2)
	notify <- struct{}{}
	close(notify)
	if err := sqlstore.Follow(ctx, g, s, notify); err != nil || position(t, s) != 1000 {
		t.Fatal(position(t, s), err)
	}
	broken := errors.New("broken")
	g.fail = broken
	g.ends <- 1000
	if err := sqlstore.Follow(ctx, g, s, nil); !errors.Is(err, broken) {
		t.Error("a failure to read looked like the end:", err)
	}
	stopped, cancel := context.WithCancel(ctx)
	g.fail = nil
	g.ends <- 1000
	done := make(chan error)
	go func() { done <- sqlstore.Follow(stopped, g, s, nil) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// lossy skips an event, liar says that the journal ends elsewhere.
type lossy struct{ journal }

func (l lossy) Read(ctx context.Context, from int64, yield func(projections.Record) error) (int64, error) {
	return l.journal.Read(ctx, from, func(r projections.Record) error {
		if r.Revision == 3 {
			return nil
		}
		return yield(r)
	})
}

type liar struct{ journal }

func (l liar) Read(ctx context.Context, from int64, yield func(projections.Record) error) (int64, error) {
	next, err := l.journal.Read(ctx, from, yield)
	return next + 1, err
}

func TestFollowNoticesAWrongSource(t *testing.T) {
	for name, src := range map[string]projections.Source{"lossy": lossy{views(0, 10, 2)}, "liar": liar{views(0, 10, 2)}} {
		s := open(t, filepath.Join(t.TempDir(), "r.db"))
		if _, err := sqlstore.CatchUp(context.Background(), src, s); !errors.Is(err, projections.ErrPosition) {
			t.Errorf("%s: %v", name, err)
		}
		closed(t, s)
	}
	path := filled(t, 3)
	if _, err := sqlstore.Rebuild(context.Background(), views(0, 3, 2), path); !errors.Is(err, sqlstore.ErrExists) {
		t.Error(err)
	}
}
