package esdbserver

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

const (
	maxAppendSize = 1 << 20  // bytes of data, metadata and twice the type, of all events of a call
	maxDrain      = 64 << 20 // bytes read from a call that is refused anyway, so that its client sees why
	maxNameLength = 1024     // bytes of a stream name or event type
)

// Append takes the header and all events of a call and answers after they are on disk, all of them or none.
func (s *service) Append(call streams.Streams_AppendServer) error {
	ctx := call.Context()
	c, err := s.receive(call)
	if err != nil {
		return s.answer(ctx, err)
	}
	out := s.writer.do(c)
	switch {
	case out.err != nil:
		return s.answer(ctx, out.err)
	case out.conflict != nil:
		return call.SendAndClose(conflictResponse(out.conflict))
	}
	p := position(out.last.n)
	return call.SendAndClose(&streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
		CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: uint64(out.last.rev)},
		PositionOption: &streams.AppendResp_Success_Position{
			Position: &streams.AppendResp_Position{CommitPosition: p, PreparePosition: p}},
	}}})
}

// receive reads the whole call before it refuses it: a client that is still sending would otherwise report a broken
// connection instead of the reason.
func (s *service) receive(call streams.Streams_AppendServer) (*command, error) {
	c, err := s.receiveHeader(call)
	if errors.Is(err, io.EOF) {
		return nil, badRequest("the append is empty: send options and events")
	}
	var trusted bool
	if err == nil {
		trusted, err = s.guard.trusted(call.Context())
	}
	size, drained := 0, 0
	for {
		m, recvErr := call.Recv()
		if errors.Is(recvErr, io.EOF) {
			break
		}
		if recvErr != nil {
			return nil, recvErr
		}
		if err != nil {
			if drained += len(m.GetProposedMessage().GetData()) + 1; drained > maxDrain {
				return nil, err
			}
			continue
		}
		var e *event
		if e, err = proposed(m.GetProposedMessage(), c.stream); err == nil {
			c.events = append(c.events, e)
			if size += e.size(); size > maxAppendSize {
				err = tooLarge()
			}
		}
	}
	if err == nil && len(c.events) == 0 {
		err = badRequest("the append has no events: send at least one")
	}
	if err == nil {
		err = s.guard.mayAppend(trusted, c.stream, c.events)
	}
	return c, err
}

func (s *service) receiveHeader(call streams.Streams_AppendServer) (*command, error) {
	m, err := call.Recv()
	if err != nil {
		return nil, err
	}
	o := m.GetOptions()
	if o == nil {
		return nil, badRequest("the first message of an append must be its options")
	}
	c := &command{ctx: call.Context(), kind: commandAppend}
	if c.stream, err = streamName(o.GetStreamIdentifier()); err != nil {
		return nil, err
	}
	if strings.HasPrefix(c.stream, metaPrefix+metaPrefix) || c.stream == "$all" {
		return nil, badRequest("stream %q cannot be written to", c.stream)
	}
	c.expect, err = parseExpectation(o)
	return c, err
}

// proposed checks one event. Its bytes are kept, not copied: the message belongs to this call.
func proposed(m *streams.AppendReq_ProposedMessage, stream string) (*event, error) {
	if m == nil {
		return nil, badRequest("after its options an append has events only")
	}
	kind, ok := m.GetMetadata()["type"]
	if !ok {
		return nil, missingMetadata("type")
	}
	content, ok := m.GetMetadata()["content-type"]
	if !ok {
		return nil, missingMetadata("content-type")
	}
	if len(kind) > maxNameLength || !utf8.ValidString(kind) {
		return nil, badRequest("an event type must be UTF-8 of at most %d bytes", maxNameLength)
	}
	id, err := parseID(m.GetId())
	if err != nil {
		return nil, badRequest("%v", err)
	}
	return &event{stream: stream, id: id, kind: kind, json: content == contentJSON,
		meta: m.GetCustomMetadata(), data: m.GetData()}, nil
}

func streamName(id *shared.StreamIdentifier) (string, error) {
	name := string(id.GetStreamName())
	if name == "" || len(name) > maxNameLength || !utf8.ValidString(name) {
		return "", badRequest("a stream name must be UTF-8 of 1 to %d bytes", maxNameLength)
	}
	return name, nil
}

// expectationOptions are the options of the three writing calls, which name the same four cases.
type expectationOptions interface {
	GetRevision() uint64
	GetNoStream() *shared.Empty
	GetAny() *shared.Empty
	GetStreamExists() *shared.Empty
}

func parseExpectation(o expectationOptions) (expectation, error) {
	switch {
	case o.GetAny() != nil:
		return expectation{kind: expectAny}, nil
	case o.GetNoStream() != nil:
		return expectation{kind: expectNoStream}, nil
	case o.GetStreamExists() != nil:
		return expectation{kind: expectExists}, nil
	}
	// A revision that no stream can have conflicts with every stream.
	return expectation{kind: expectRevision, rev: int64(min(o.GetRevision(), math.MaxInt64-1))}, nil
}

func conflictResponse(c *conflict) *streams.AppendResp {
	w := &streams.AppendResp_WrongExpectedVersion{}
	empty := &shared.Empty{}
	if c.exists {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentRevision{CurrentRevision: uint64(c.current)}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_CurrentRevision_20_6_0{CurrentRevision_20_6_0: uint64(c.current)}
	} else {
		w.CurrentRevisionOption = &streams.AppendResp_WrongExpectedVersion_CurrentNoStream{CurrentNoStream: empty}
		w.CurrentRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_NoStream_20_6_0{NoStream_20_6_0: empty}
	}
	switch c.expected.kind {
	case expectAny:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedAny{ExpectedAny: empty}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_Any_20_6_0{Any_20_6_0: empty}
	case expectExists:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedStreamExists{ExpectedStreamExists: empty}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_StreamExists_20_6_0{StreamExists_20_6_0: empty}
	case expectNoStream:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedNoStream{ExpectedNoStream: empty}
	case expectRevision:
		w.ExpectedRevisionOption = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision{ExpectedRevision: uint64(c.expected.rev)}
		w.ExpectedRevisionOption_20_6_0 = &streams.AppendResp_WrongExpectedVersion_ExpectedRevision_20_6_0{ExpectedRevision_20_6_0: uint64(c.expected.rev)}
	}
	return &streams.AppendResp{Result: &streams.AppendResp_WrongExpectedVersion_{WrongExpectedVersion: w}}
}

// Delete hides all events of a stream, which may be written again later.
func (s *service) Delete(ctx context.Context, req *streams.DeleteReq) (*streams.DeleteResp, error) {
	o := req.GetOptions()
	last, err := s.remove(ctx, commandDelete, o.GetStreamIdentifier(), o)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	p := position(last.n)
	return &streams.DeleteResp{PositionOption: &streams.DeleteResp_Position_{
		Position: &streams.DeleteResp_Position{CommitPosition: p, PreparePosition: p}}}, nil
}

// Tombstone closes a stream for good.
func (s *service) Tombstone(ctx context.Context, req *streams.TombstoneReq) (*streams.TombstoneResp, error) {
	o := req.GetOptions()
	last, err := s.remove(ctx, commandTombstone, o.GetStreamIdentifier(), o)
	if err != nil {
		return nil, s.answer(ctx, err)
	}
	p := position(last.n)
	return &streams.TombstoneResp{PositionOption: &streams.TombstoneResp_Position_{
		Position: &streams.TombstoneResp_Position{CommitPosition: p, PreparePosition: p}}}, nil
}

func (s *service) remove(ctx context.Context, kind commandKind, id *shared.StreamIdentifier, o expectationOptions) (*event, error) {
	trusted, err := s.guard.trusted(ctx)
	if err != nil {
		return nil, err
	}
	stream, err := streamName(id)
	if err != nil {
		return nil, err
	}
	if err := s.guard.mayDelete(trusted, stream); err != nil {
		return nil, err
	}
	expect, err := parseExpectation(o)
	if err != nil {
		return nil, err
	}
	out := s.writer.do(&command{ctx: ctx, kind: kind, stream: stream, expect: expect})
	if out.conflict != nil {
		return nil, wrongVersion(stream, out.conflict)
	}
	return out.last, out.err
}
