package esdbserver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"
)

// Keys of stream metadata that hide events from reads of a stream. $all still shows them.
const (
	keyTruncateBefore = "$tb"
	keyMaxAge         = "$maxAge" // seconds
	keyMaxCount       = "$maxCount"
)

const softDeleted = math.MaxInt64 // $tb of a stream that was deleted but may be written again

// retention is what the metadata of a stream says about which of its events reads still show. Zero hides nothing.
type retention struct {
	before   int64 // revisions below are hidden; softDeleted hides the stream
	maxCount int64
	maxAge   time.Duration
}

func metadataFields(data []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, fmt.Errorf("stream metadata: %w", err)
	}
	if fields == nil {
		return nil, fmt.Errorf("stream metadata is null: give a JSON object")
	}
	return fields, nil
}

// parseRetention reads stream metadata leniently, as EventStoreDB does: what is not a number hides nothing.
func parseRetention(data []byte) retention {
	fields, err := metadataFields(data)
	if err != nil {
		return retention{}
	}
	number := func(key string) int64 {
		v, err := strconv.ParseInt(string(bytes.TrimSpace(fields[key])), 10, 64)
		if err != nil || v < 0 {
			return 0
		}
		return v
	}
	age := min(number(keyMaxAge), math.MaxInt64/int64(time.Second))
	return retention{before: number(keyTruncateBefore), maxCount: number(keyMaxCount), maxAge: time.Duration(age) * time.Second}
}

// withTruncation gives the same metadata with another $tb; metadata that is no JSON object is replaced.
func withTruncation(data []byte, before int64) []byte {
	fields, err := metadataFields(data)
	if err != nil {
		fields = map[string]json.RawMessage{}
	}
	fields[keyTruncateBefore] = json.RawMessage(strconv.FormatInt(before, 10))
	out, err := json.Marshal(fields)
	if err != nil { // unreachable: the values were parsed above
		return fmt.Appendf(nil, `{"%s":%d}`, keyTruncateBefore, before)
	}
	return out
}

// streamState is what the writer and the readers know of a stream. last is -1 where there are no events.
type streamState struct {
	id   int64 // 0: the stream has no row yet
	last int64
	keep retention
}

func (s streamState) tombstoned() bool { return s.last == tombstoneRevision }
func (s streamState) deleted() bool    { return s.keep.before == softDeleted }

// readable says whether a read finds the stream at all.
func (s streamState) readable() bool { return s.last >= 0 && !s.deleted() }

// window gives the first revision that reads show, and the oldest creation time in ticks (0: any).
func (s streamState) window(now time.Time) (first, oldest int64) {
	first = s.keep.before
	if s.keep.maxCount > 0 {
		first = max(first, s.last-s.keep.maxCount+1)
	}
	if s.keep.maxAge > 0 {
		oldest = ticks(now.Add(-s.keep.maxAge))
	}
	return first, oldest
}
