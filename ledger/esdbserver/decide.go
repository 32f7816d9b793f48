package esdbserver

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"google.golang.org/grpc/codes"
)

type expectKind uint8

const (
	expectAny expectKind = iota
	expectNoStream
	expectExists
	expectRevision
)

// expectation is what a caller says about the stream before its write.
type expectation struct {
	kind expectKind
	rev  int64 // with expectRevision
}

// number is the form that EventStoreDB uses in trailers.
func (x expectation) number() int64 {
	switch x.kind {
	case expectAny:
		return -2
	case expectNoStream:
		return -1
	case expectExists:
		return -4
	default:
		return x.rev
	}
}

// conflict says that the stream was not as expected. It is an answer, not a failure of the call.
type conflict struct {
	expected expectation
	exists   bool
	current  int64
}

// outcome is the answer to a command: a refusal, a conflict, or the last event that it wrote or had written before.
type outcome struct {
	err      error
	conflict *conflict
	last     *event
}

type commandKind uint8

const (
	commandAppend commandKind = iota
	commandDelete
	commandTombstone
)

// command is one write that waits for the writer. done has room for the one outcome.
type command struct {
	ctx    context.Context
	kind   commandKind
	stream string
	expect expectation
	events []*event // with commandAppend: without place, revision and time
	done   chan outcome
}

// batch collects what one commit writes: the decisions of several commands, each seeing those before it.
type batch struct {
	w       *writer
	now     int64
	events  []*event
	states  map[string]streamState
	named   []string // streams that need a row, in order
	nextID  int64    // next free stream id
	pending map[string][]*event
}

// decide turns a command into events of the batch, or into an answer that writes nothing. An error means that the
// database could not be read; nothing of the command is in the batch then.
func (b *batch) decide(c *command) (outcome, error) {
	st, err := b.state(c.stream)
	if err != nil {
		return outcome{}, err
	}
	if st.tombstoned() {
		return outcome{err: streamDeleted(c.stream)}, nil
	}
	done, err := b.check(c, st)
	if err != nil || done != nil {
		return *done, err
	}
	switch c.kind {
	case commandDelete:
		if _, err := b.state(metaPrefix + c.stream); err != nil {
			return outcome{}, err
		}
		data := fmt.Appendf(nil, `{"%s":%d}`, keyTruncateBefore, int64(softDeleted))
		return outcome{last: b.addMetadata(c.stream, data)}, nil
	case commandTombstone:
		e := &event{id: uuid.New(), kind: typeTombstone, stream: c.stream}
		b.add(e, tombstoneRevision)
		return outcome{last: e}, nil
	}
	if st.deleted() {
		if err := b.undelete(c.stream, st); err != nil {
			return outcome{}, err
		}
	}
	base, isMeta := strings.CutPrefix(c.stream, metaPrefix)
	if isMeta {
		if _, err := b.state(base); err != nil {
			return outcome{}, err
		}
	}
	for _, e := range c.events {
		b.add(e, b.states[c.stream].last+1)
	}
	last := c.events[len(c.events)-1]
	if isMeta {
		b.applyMetadata(last)
	}
	return outcome{last: last}, nil
}

// check compares the stream with what the caller expects. It returns nil where the write may go ahead, and the
// answer of the first attempt where an append is a retry: the same ids at an older exact revision, or, where the
// caller does not mind the revision, ids that were written recently.
func (b *batch) check(c *command, st streamState) (*outcome, error) {
	no := &outcome{conflict: &conflict{expected: c.expect, exists: st.last >= 0, current: st.last}}
	switch c.expect.kind {
	case expectExists:
		if !st.readable() {
			return no, nil
		}
		return b.recentRetry(c)
	case expectAny:
		return b.recentRetry(c)
	}
	expected := int64(-1)
	if c.expect.kind == expectRevision {
		expected = c.expect.rev
	}
	if expected == st.last || c.expect.kind == expectNoStream && st.deleted() {
		return nil, nil
	}
	if expected > st.last || c.kind != commandAppend {
		return no, nil
	}
	stored, err := b.stored(c.stream, st.id, expected+1, len(c.events))
	if err != nil {
		return no, err
	}
	if len(stored) != len(c.events) {
		return no, nil
	}
	for i, e := range c.events {
		if stored[i].id != e.id {
			return no, nil
		}
	}
	return &outcome{last: stored[len(stored)-1]}, nil
}

var errPartialRetry = &refusal{code: codes.FailedPrecondition,
	text: "some of these event ids are stored already, others are not: read the stream and append what is missing under new ids"}

// recentRetry recognises event ids that this stream was given a short while ago.
func (b *batch) recentRetry(c *command) (*outcome, error) {
	var last *event
	for i, e := range c.events {
		known := b.w.ids[e.id]
		if known == nil || known.stream != c.stream {
			if i == 0 {
				return nil, nil
			}
			return &outcome{err: errPartialRetry}, nil
		}
		if i == 0 || known.rev == last.rev+1 {
			last = known
			continue
		}
		return &outcome{err: errPartialRetry}, nil
	}
	if last == nil {
		return nil, nil
	}
	return &outcome{last: last}, nil
}

// stored gives the events of a stream from a revision on, including those of this batch.
func (b *batch) stored(stream string, id, from int64, count int) ([]*event, error) {
	var events []*event
	pending := b.pending[stream]
	if len(pending) == 0 || from < pending[0].rev {
		upTo := from + int64(count) - 1
		old, _, err := page(context.Background(), b.w.fwd, count, id, from, upTo, b.w.nextN-1)
		if err != nil {
			return nil, err
		}
		events = old
	}
	for _, e := range pending {
		if e.rev >= from && len(events) < count {
			events = append(events, e)
		}
	}
	return events, nil
}

// state gives the stream as the commands before this one leave it.
func (b *batch) state(name string) (streamState, error) {
	if st, ok := b.states[name]; ok {
		return st, nil
	}
	st, _, ok := b.w.recent.state(name)
	if !ok {
		var err error
		if st, err = loadState(context.Background(), name, b.w.find, b.w.last, b.w.newest); err != nil {
			return st, err
		}
	}
	b.states[name] = st
	return st, nil
}

// add puts one event at the end of its stream, whose state must have been looked up before.
func (b *batch) add(e *event, rev int64) {
	st := b.states[e.stream]
	if st.id == 0 {
		st.id = b.nextID
		b.nextID++
		b.named = append(b.named, e.stream)
	}
	e.n = b.w.nextN + int64(len(b.events))
	e.streamID, e.rev, e.created = st.id, rev, b.now
	st.last = rev
	b.states[e.stream] = st
	b.events = append(b.events, e)
	b.w.ids[e.id] = e
	b.pending[e.stream] = append(b.pending[e.stream], e)
}

// addMetadata appends stream metadata; the caller has looked up the state of the metadata stream.
func (b *batch) addMetadata(stream string, data []byte) *event {
	e := &event{id: uuid.New(), stream: metaPrefix + stream, kind: typeMetadata, json: true, data: data}
	b.add(e, b.states[e.stream].last+1)
	b.applyMetadata(e)
	return e
}

// applyMetadata makes metadata written in this batch count for the commands after it.
func (b *batch) applyMetadata(e *event) {
	base := e.stream[len(metaPrefix):]
	st := b.states[base]
	st.keep = parseRetention(e.data)
	b.states[base] = st
}

// undelete lets a deleted stream go on where it ended: its old events stay hidden.
func (b *batch) undelete(stream string, st streamState) error {
	meta, err := b.state(metaPrefix + stream)
	if err != nil {
		return err
	}
	old, err := b.stored(metaPrefix+stream, meta.id, meta.last, 1)
	if err != nil {
		return err
	}
	if len(old) == 0 {
		return errors.New("the metadata of a deleted stream is missing: the store is damaged")
	}
	b.addMetadata(stream, withTruncation(old[0].data, st.last+1))
	return nil
}

func newBatch(w *writer) *batch {
	return &batch{w: w, now: ticks(time.Now()), nextID: w.nextStream, states: map[string]streamState{},
		pending: map[string][]*event{}}
}
