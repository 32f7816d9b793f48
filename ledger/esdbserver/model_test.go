package esdbserver

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

// modelStream is the plain description of a stream that the server is held against.
type modelStream struct {
	ids     []uuid.UUID // nil: no events
	hidden  int         // revisions below are not read
	deleted bool
	dead    bool
}

func (m *modelStream) expects(x expectation) bool {
	switch x.kind {
	case expectNoStream:
		return len(m.ids) == 0 || m.deleted
	case expectExists:
		return len(m.ids) > 0 && !m.deleted
	case expectRevision:
		return x.rev == int64(len(m.ids))-1
	}
	return true
}

// TestModel runs random writes over a few streams against the model: the answers agree, and so do the reads, also
// when commands are decided in one batch.
func TestModel(t *testing.T) {
	s, w := openTestWriter(t, t.TempDir())
	defer s.close()
	defer w.close()
	rapid.Check(t, func(t *rapid.T) {
		prefix := uuid.NewString()
		model := map[string]*modelStream{}
		for range rapid.IntRange(1, 12).Draw(t, "batches") {
			var commands []*command
			var want []bool
			for range rapid.IntRange(1, 5).Draw(t, "commands") {
				name := prefix + rapid.SampledFrom([]string{"a", "b"}).Draw(t, "stream")
				if model[name] == nil {
					model[name] = &modelStream{}
				}
				c := drawCommand(t, name, int64(len(model[name].ids)))
				commands = append(commands, c)
				want = append(want, model[name].apply(c))
			}
			for _, c := range commands {
				w.queue <- c
			}
			for i, c := range commands {
				if o := <-c.done; (o.err == nil && o.conflict == nil) != want[i] {
					t.Fatalf("%+v: got %+v, want success %v", c, o, want[i])
				}
			}
		}
		for name, m := range model {
			compare(t, s, w, name, m)
		}
	})
}

func drawCommand(t *rapid.T, name string, length int64) *command {
	c := &command{ctx: context.Background(), stream: name, done: make(chan outcome, 1)}
	c.kind = rapid.SampledFrom([]commandKind{commandAppend, commandAppend, commandAppend, commandAppend, commandDelete, commandTombstone}).Draw(t, "kind")
	c.expect.kind = rapid.SampledFrom([]expectKind{expectAny, expectNoStream, expectExists, expectRevision}).Draw(t, "expect")
	if c.expect.kind == expectRevision {
		c.expect.rev = max(0, length-1+rapid.Int64Range(-1, 1).Draw(t, "off by"))
	}
	if c.kind == commandAppend {
		for range rapid.IntRange(1, 20).Draw(t, "events") {
			c.events = append(c.events, &event{stream: name, id: uuid.New(), kind: "t"})
		}
	}
	return c
}

func (m *modelStream) apply(c *command) bool {
	if m.dead || !m.expects(c.expect) {
		return false
	}
	switch c.kind {
	case commandDelete:
		m.deleted = true
	case commandTombstone:
		m.dead = true
	default:
		if m.deleted {
			m.deleted, m.hidden = false, len(m.ids)
		}
		for _, e := range c.events {
			m.ids = append(m.ids, e.id)
		}
	}
	return true
}

func compare(t *rapid.T, s *store, w *writer, name string, m *modelStream) {
	published, head, ok := w.recent.state(name)
	loaded, err := s.state(context.Background(), name)
	if err != nil || ok && published != loaded {
		t.Fatalf("%s: published %+v, stored %+v, %v", name, published, loaded, err)
	}
	if loaded.tombstoned() != m.dead || loaded.deleted() != m.deleted {
		t.Fatalf("%s: %+v, want %+v", name, loaded, m)
	}
	events, _, err := page(context.Background(), s.fwd, 10000, loaded.id, 0, int64(tombstoneRevision-1), head)
	if err != nil {
		t.Fatal(err)
	}
	var ids []uuid.UUID
	for i, e := range events {
		if e.rev != int64(i) {
			t.Fatalf("%s: revision %d at %d", name, e.rev, i)
		}
		ids = append(ids, e.id)
	}
	if !slices.Equal(ids, m.ids) {
		t.Fatalf("%s: %d events, want %d", name, len(ids), len(m.ids))
	}
	if first, _ := loaded.window(time.Now()); !m.dead && !m.deleted && first != int64(m.hidden) {
		t.Fatalf("%s: reads begin at %d, want %d", name, first, m.hidden)
	}
}
