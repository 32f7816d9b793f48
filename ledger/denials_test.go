package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"
)

// noDigests is a keyring that is away.
type noDigests struct{ Keyring }

func (noDigests) Digest(context.Context, string, string, string) (string, error) {
	return "", errors.New("away")
}

// TestFlushKeepsDenials: what a flush cannot record waits for the next, merged with what comes meanwhile.
func TestFlushKeepsDenials(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	begun := now
	l := &Ledger{cfg: Config{Keyring: noDigests{}, Clock: func() time.Time { return now }, Logger: slog.New(slog.DiscardHandler)}}
	l.denied = newDenials(l)
	d := Denial{User: User{Subject: "a", Organisation: "force-01"}, Act: "view", Target: "GET /a"}
	for i := range 4 {
		if err := l.Deny(t.Context(), d); (err != nil) != (i == 0) {
			t.Fatalf("attempt %d: %v", i, err)
		}
		now = now.Add(time.Second)
		l.denied.flush(t.Context())
	}
	if len(l.denied.m) != 1 {
		t.Fatalf("%d counts are kept, want 1", len(l.denied.m))
	}
	for _, c := range l.denied.m {
		if c.count != 4 || !c.first.Equal(begun) || !c.last.Equal(begun.Add(3*time.Second)) {
			t.Errorf("%d attempts from %v to %v", c.count, c.first, c.last)
		}
	}
	for i := range 5000 {
		d.Target = fmt.Sprint("GET /", i)
		l.Deny(t.Context(), d) // it fails for the first of each target
		if i%1000 == 0 {
			l.denied.flush(t.Context())
		}
	}
	var attempts int64
	for _, c := range l.denied.m {
		attempts += c.count
	}
	if attempts != 5004 || len(l.denied.m) > maxTargets+1 {
		t.Errorf("%d attempts are kept in %d counts", attempts, len(l.denied.m))
	}
}
