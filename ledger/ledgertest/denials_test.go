package ledgertest_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// mute is a keyring under which no denial can be recorded for as long as it is told so.
type mute struct {
	ledger.Keyring
	holds atomic.Bool
}

func (m *mute) tune(c *ledger.Config) { m.Keyring, c.Keyring = c.Keyring, m }

func (m *mute) Digest(ctx context.Context, caseID, label, value string) (string, error) {
	if label == "denial-target" && m.holds.Load() {
		return "", errors.New("the keyring's disk does not answer")
	}
	return m.Keyring.Digest(ctx, caseID, label, value)
}

// denialsIn reads all recorded denials: events, and the attempts that they count.
func denialsIn(t *testing.T, l *ledger.Ledger) (events int, attempts int64) {
	t.Helper()
	head, _ := l.Integrated()
	_, err := l.Follow(context.Background(), 0, int(head.Size), func(c *ledger.Committed) error {
		if b, ok := c.Event.Predicate.Body.(*predicate.AccessDeniedV1); ok {
			events, attempts = events+1, attempts+b.Count
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return events, attempts
}

// TestDenialsAreKept: attempts whose record failed, the first among them, are recorded later.
func TestDenialsAreKept(t *testing.T) {
	t.Parallel()
	dir, ring := t.TempDir(), &mute{}
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir, ring.tune)
	d := ledger.Denial{User: ledgertest.Officer("PC 1234"), Act: "view", Target: "GET /a", Policy: "denied"}
	ring.holds.Store(true)
	if err := n.Ledger.Deny(context.Background(), d); err == nil {
		t.Fatal("a denial was recorded without a keyring")
	}
	for range 2 {
		if err := n.Ledger.Deny(context.Background(), d); err != nil {
			t.Fatal(err)
		}
	}
	ring.holds.Store(false)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = ledgertest.Open(t, dir)
	if events, attempts := denialsIn(t, n.Ledger); events != 1 || attempts != 3 {
		t.Errorf("%d events for %d attempts, want 1 for 3", events, attempts)
	}
}

// TestManyTargets: whoever tries one target after the other makes few events, and each attempt is counted.
func TestManyTargets(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ledgertest.Init(t, dir)
	n := ledgertest.Open(t, dir)
	const tries = 500
	for i := range tries {
		err := n.Ledger.Deny(context.Background(), ledger.Denial{
			User: ledgertest.Officer("PC 1234"), Act: "view", Target: fmt.Sprint("GET /cases/", i), Policy: "denied",
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := n.Ledger.Deny(context.Background(), ledger.Denial{User: ledgertest.Officer("PC 1"), Act: "view", Target: "GET /x", Policy: "denied"})
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	n = ledgertest.Open(t, dir)
	if events, attempts := denialsIn(t, n.Ledger); events != 20+2+1 || attempts != tries+1 {
		t.Errorf("%d events for %d attempts", events, attempts)
	}
}
