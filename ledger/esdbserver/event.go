package esdbserver

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
)

const (
	tombstoneRevision = math.MaxInt64
	typeTombstone     = "$streamDeleted"
	typeMetadata      = "$metadata"

	contentJSON   = "application/json"
	contentBinary = "application/octet-stream"
)

// event is one stored event. It never changes after it has been committed, so it is shared without copying.
type event struct {
	n        int64 // dense place in the store, from 1
	streamID int64
	stream   string
	rev      int64
	id       uuid.UUID
	created  int64 // 100 ns ticks since 1970
	json     bool
	kind     string // event type
	meta     []byte
	data     []byte
}

// size counts an event the way the append limit of EventStoreDB does: the type is two bytes a character on disk.
func (e *event) size() int { return len(e.data) + len(e.meta) + 2*len(e.kind) }

func ticks(t time.Time) int64 { return t.UnixNano() / 100 }

// Positions in $all are opaque to clients and have gaps, as on a real server, so that nobody can mistake them for a
// count. They are a pure function of n: 1024·n plus a jitter below 1024.
const positionBits = 10

func position(n int64) uint64 {
	x := uint64(n) * 0x9e3779b97f4a7c15
	x ^= x >> 29
	return uint64(n)<<positionBits | x&(1<<positionBits-1)
}

// placeOf gives the last n whose position is at or before p, and whether it is exactly p.
func placeOf(p uint64) (n int64, exact bool) {
	n = int64(p >> positionBits)
	at := position(n)
	if at > p {
		return n - 1, false
	}
	return n, at == p && n > 0
}

// wire gives the event as a read response. asText selects the text form of the event id.
func (e *event) wire(asText bool) *streams.ReadResp {
	content := contentBinary
	if e.json {
		content = contentJSON
	}
	p := position(e.n)
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               wireID(e.id, asText),
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(e.stream)},
			StreamRevision:   uint64(e.rev),
			CommitPosition:   p,
			PreparePosition:  p,
			Metadata: map[string]string{
				"type":         e.kind,
				"content-type": content,
				"created":      strconv.FormatInt(e.created, 10),
			},
			CustomMetadata: e.meta,
			Data:           e.data,
		},
		Position: &streams.ReadResp_ReadEvent_CommitPosition{CommitPosition: p},
	}}}
}

func wireID(id uuid.UUID, asText bool) *shared.UUID {
	if asText {
		return &shared.UUID{Value: &shared.UUID_String_{String_: id.String()}}
	}
	return &shared.UUID{Value: &shared.UUID_Structured_{Structured: &shared.UUID_Structured{
		MostSignificantBits:  int64(binary.BigEndian.Uint64(id[:8])),
		LeastSignificantBits: int64(binary.BigEndian.Uint64(id[8:])),
	}}}
}

// parseID takes both forms in which clients send an event id.
func parseID(in *shared.UUID) (id uuid.UUID, err error) {
	switch v := in.GetValue().(type) {
	case *shared.UUID_Structured_:
		binary.BigEndian.PutUint64(id[:8], uint64(v.Structured.GetMostSignificantBits()))
		binary.BigEndian.PutUint64(id[8:], uint64(v.Structured.GetLeastSignificantBits()))
	case *shared.UUID_String_:
		if id, err = uuid.Parse(v.String_); err != nil {
			return id, fmt.Errorf("event id: %w", err)
		}
	}
	if id == uuid.Nil {
		return id, fmt.Errorf("event id is empty: give each event a UUID")
	}
	return id, nil
}
