package blobvault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"filippo.io/age"
)

func TestFailedPutsLeaveNothing(t *testing.T) {
	ctx := context.Background()
	v, dir := openFiles(t)
	to := newIdentity(t).Recipient()
	ended, cancel := context.WithCancel(ctx)
	cancel()
	broken := errors.New("connection lost")
	for _, size := range []int{0, 10, chunkSize, 3*chunkSize + 5, 9 * chunkSize} {
		data := bytes.NewReader(make([]byte, size))
		for name, c := range map[string]struct {
			ctx   context.Context
			r     io.Reader
			limit int64
			want  error
		}{
			"failing reader":  {ctx, io.MultiReader(data, iotest.ErrReader(broken)), 1 << 30, broken},
			"cut connection":  {ctx, io.MultiReader(data, iotest.ErrReader(io.ErrUnexpectedEOF)), 1 << 30, io.ErrUnexpectedEOF},
			"one byte more":   {ctx, bytes.NewReader(make([]byte, size+1)), int64(size), ErrTooLarge},
			"endless":         {ctx, endless{}, 4 << 20, ErrTooLarge},
			"negative limit":  {ctx, data, -1, ErrTooLarge},
			"silent":          {ctx, io.MultiReader(data, silent{}), 1 << 30, io.ErrNoProgress},
			"ended context":   {ended, data, 1 << 30, context.Canceled},
			"broken envelope": {ctx, data, 1 << 30, errNoRecipient},
		} {
			data.Seek(0, io.SeekStart)
			rcpt := age.Recipient(to)
			if c.want == errNoRecipient {
				rcpt = noRecipient{}
			}
			if w, err := v.Put(c.ctx, c.r, rcpt, c.limit); !errors.Is(err, c.want) || w.ID != "" {
				t.Errorf("%s after %d bytes: %q, %v; want %v", name, size, w.ID, err, c.want)
			}
		}
		func() {
			defer func() { recover() }()
			v.Put(ctx, io.MultiReader(bytes.NewReader(make([]byte, size)), panicking{}), to, 1<<30)
		}()
	}
	if left := stored(t, dir); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

// TestFailingStore lets the store fail in the middle of a long content.
func TestFailingStore(t *testing.T) {
	v, dir := openFiles(t)
	to := newIdentity(t).Recipient()
	src := &source{ctx: context.Background(), r: endless{}, left: 1 << 40}
	full := errors.New("disk full")
	dst, err := age.Encrypt(&limited{left: 2 << 20, err: full}, to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.pump(src, dst); !errors.Is(err, full) {
		t.Errorf("got %v, want the store's error", err)
	}
	if left := stored(t, dir); len(left) != 0 {
		t.Errorf("left behind: %q", left)
	}
}

var errNoRecipient = errors.New("no recipient")

type (
	endless     struct{}
	silent      struct{}
	panicking   struct{}
	noRecipient struct{}
	limited     struct {
		left int
		err  error
	}
)

func (endless) Read(p []byte) (int, error)             { return len(p), nil }
func (silent) Read([]byte) (int, error)                { return 0, nil }
func (panicking) Read([]byte) (int, error)             { panic("reader") }
func (noRecipient) Wrap([]byte) ([]*age.Stanza, error) { return nil, errNoRecipient }
func (l *limited) Write(p []byte) (int, error) {
	if l.left -= len(p); l.left < 0 {
		return 0, l.err
	}
	return len(p), nil
}
