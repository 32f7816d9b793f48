package esdbserver_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
)

// realServer names an EventStoreDB to check the same behaviour against, as a connection string.
const realServer = "TEST_ESDB_URL"

// conformance is one check through the official client. stream is a fresh stream name.
type conformance struct {
	name  string
	check func(t *testing.T, client *esdb.Client, stream string)
}

// conformanceChecks hold for every server of the protocol.
func conformanceChecks() []conformance {
	return []conformance{
		{"append conflicts", checkAppendConflicts},
		{"append retry", checkAppendRetry},
		{"append refusals", checkAppendRefusals},
		{"append limits time", checkDeadline},
		{"read stream", checkReadStream},
		{"read all", checkReadAll},
		{"read nothing", checkReadNothing},
		{"metadata", checkMetadata},
		{"retention", checkRetention},
		{"delete and recreate", checkDelete},
		{"tombstone", checkTombstone},
		{"subscribe to a stream", checkSubscribeStream},
		{"subscribe to all", checkSubscribeAll},
		{"subscribe with a filter", checkSubscribeFiltered},
		{"subscribe from the end", checkSubscribeEnd},
	}
}

func TestConformanceEmbedded(t *testing.T) {
	runConformance(t, dial(t, start(t, config(t))))
}

func TestConformanceReal(t *testing.T) {
	url := os.Getenv(realServer)
	if url == "" {
		t.Logf("no %s: only the embedded server was checked", realServer)
		return
	}
	runConformance(t, dialString(t, url, ""))
}

func runConformance(t *testing.T, client *esdb.Client) {
	for i, c := range conformanceChecks() {
		t.Run(c.name, func(t *testing.T) { c.check(t, client, fmt.Sprintf("check%d-%s", i, uuid.NewString())) })
	}
}

func appendTo(client *esdb.Client, stream string, expected esdb.ExpectedRevision, events ...esdb.EventData) (*esdb.WriteResult, error) {
	return client.AppendToStream(context.Background(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
}

func wantCode(t *testing.T, what string, err error, want esdb.ErrorCode) {
	t.Helper()
	if code(err) != want {
		t.Errorf("%s: got %v, want code %d", what, err, want)
	}
}

func checkAppendConflicts(t *testing.T, client *esdb.Client, stream string) {
	one := func() esdb.EventData { return newEvents(1, 10)[0] }
	for _, x := range []esdb.ExpectedRevision{esdb.StreamExists{}, esdb.Revision(0)} {
		_, err := appendTo(client, stream, x, one())
		wantCode(t, fmt.Sprintf("%#v on a new stream", x), err, esdb.ErrorCodeWrongExpectedVersion)
	}
	steps := []struct {
		expected esdb.ExpectedRevision
		count    int
		want     uint64
	}{{esdb.NoStream{}, 2, 1}, {esdb.Revision(1), 3, 4}, {esdb.Any{}, 1, 5}, {esdb.StreamExists{}, 1, 6}}
	position := uint64(0)
	for _, s := range steps {
		got := mustAppend(t, client, stream, s.expected, newEvents(s.count, 10)...)
		if got.NextExpectedVersion != s.want || got.CommitPosition <= position {
			t.Errorf("%#v: got revision %d at %d after %d, want revision %d", s.expected, got.NextExpectedVersion, got.CommitPosition, position, s.want)
		}
		position = got.CommitPosition
	}
	for _, x := range []esdb.ExpectedRevision{esdb.NoStream{}, esdb.Revision(5), esdb.Revision(7)} {
		_, err := appendTo(client, stream, x, one())
		wantCode(t, fmt.Sprintf("%#v", x), err, esdb.ErrorCodeWrongExpectedVersion)
	}
	if events := readForwards(t, client, stream); len(events) != 7 {
		t.Errorf("a refused append left events: %d, want 7", len(events))
	}
}

// checkAppendRetry: the same ids at an older exact revision, or with any revision a short while later, are a success
// that writes nothing; at the current head they are stored again.
func checkAppendRetry(t *testing.T, client *esdb.Client, stream string) {
	first, second := newEvents(2, 10), newEvents(2, 10)
	a := mustAppend(t, client, stream, esdb.NoStream{}, first...)
	b := mustAppend(t, client, stream, esdb.Revision(1), second...)
	for _, retry := range []struct {
		expected esdb.ExpectedRevision
		events   []esdb.EventData
		want     *esdb.WriteResult
	}{{esdb.NoStream{}, first, a}, {esdb.Revision(1), second, b}, {esdb.Any{}, second, b}, {esdb.Any{}, first, a}} {
		got := mustAppend(t, client, stream, retry.expected, retry.events...)
		if got.NextExpectedVersion != retry.want.NextExpectedVersion {
			t.Errorf("retry at %#v: got %d, want %d", retry.expected, got.NextExpectedVersion, retry.want.NextExpectedVersion)
		}
	}
	mixed := []esdb.EventData{first[0], newEvents(1, 10)[0]}
	if _, err := appendTo(client, stream, esdb.NoStream{}, mixed...); err == nil {
		t.Error("a retry with another second event was taken")
	}
	if events := readForwards(t, client, stream); len(events) != 4 {
		t.Errorf("retries wrote events: %d, want 4", len(events))
	}
	if got := mustAppend(t, client, stream, esdb.Revision(3), second...); got.NextExpectedVersion != 5 {
		t.Errorf("known ids at the head: got revision %d, want 5", got.NextExpectedVersion)
	}
}

func checkAppendRefusals(t *testing.T, client *esdb.Client, stream string) {
	half := newEvents(1, 1<<19)[0]
	other := half
	other.EventID = uuid.New()
	for what, events := range map[string][]esdb.EventData{
		"one event above the limit":  newEvents(1, 1<<20),
		"two events above the limit": {half, other},
		"many events after the limit is reached": append([]esdb.EventData{half, other},
			newEvents(200, 4000)...),
	} {
		if _, err := appendTo(client, stream, esdb.Any{}, events...); err == nil || !strings.Contains(err.Error(), "InvalidArgument") {
			t.Errorf("%s: got %v, want InvalidArgument", what, err)
		}
	}
	wantNotFound(t, client, stream)
	mustAppend(t, client, stream, esdb.NoStream{}, newEvents(1, 1<<20-1000)...)
}

func checkDeadline(t *testing.T, client *esdb.Client, stream string) {
	none := time.Nanosecond
	_, err := client.AppendToStream(context.Background(), stream, esdb.AppendToStreamOptions{Deadline: &none}, newEvents(1, 10)...)
	wantCode(t, "append without time", err, esdb.ErrorCodeDeadlineExceeded)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := client.AppendToStream(ctx, stream, esdb.AppendToStreamOptions{}, newEvents(1, 10)...); err == nil {
		t.Error("a cancelled append succeeded")
	}
	wantNotFound(t, client, stream)
}

func readForwards(t *testing.T, client *esdb.Client, stream string) []*esdb.ResolvedEvent {
	t.Helper()
	events, err := collect(client.ReadStream(context.Background(), stream, esdb.ReadStreamOptions{From: esdb.Start{}}, 1000))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

func wantNotFound(t *testing.T, client *esdb.Client, stream string) {
	t.Helper()
	_, err := collect(client.ReadStream(context.Background(), stream, esdb.ReadStreamOptions{}, 1))
	wantCode(t, "read of an absent stream", err, esdb.ErrorCodeResourceNotFound)
}

func checkReadStream(t *testing.T, client *esdb.Client, stream string) {
	sent := newEvents(100, 50)
	sent[3].ContentType, sent[3].Data = esdb.ContentTypeJson, []byte(`{"a":1}`)
	sent[4].Data, sent[4].Metadata = nil, nil
	before := time.Now().Add(-time.Minute)
	mustAppend(t, client, stream, esdb.NoStream{}, sent...)
	for i, e := range readForwards(t, client, stream) {
		got := e.OriginalEvent()
		if got.EventID != sent[i].EventID || got.EventNumber != uint64(i) || got.EventType != sent[i].EventType ||
			string(got.Data) != string(sent[i].Data) || string(got.UserMetadata) != string(sent[i].Metadata) || got.StreamID != stream {
			t.Fatalf("event %d came back as %+v", i, got)
		}
		if json := got.ContentType == "application/json"; json != (i == 3) {
			t.Errorf("event %d: content type %q", i, got.ContentType)
		}
		if got.CreatedDate.Before(before) || got.CreatedDate.After(time.Now().Add(time.Minute)) {
			t.Errorf("event %d: created %v", i, got.CreatedDate)
		}
	}
	for _, c := range []struct {
		back        bool
		from        esdb.StreamPosition
		count       uint64
		first, last int // revisions; first -1: nothing
	}{
		{false, esdb.Start{}, 3, 0, 2}, {false, esdb.Revision(97), 10, 97, 99}, {false, esdb.Revision(40), 50, 40, 89},
		{false, esdb.Revision(100), 10, -1, 0}, {true, esdb.End{}, 2, 99, 98}, {true, esdb.End{}, 1000, 99, 0},
		{true, esdb.Revision(2), 10, 2, 0}, {true, esdb.Revision(50), 40, 50, 11}, {true, esdb.Start{}, 5, 0, 0},
	} {
		options := esdb.ReadStreamOptions{From: c.from}
		if c.back {
			options.Direction = esdb.Backwards
		}
		events, err := collect(client.ReadStream(context.Background(), stream, options, c.count))
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		var want []uint64
		for r := c.first; r >= 0 && (c.back && r >= c.last || !c.back && r <= c.last); {
			want = append(want, uint64(r))
			if r++; c.back {
				r -= 2
			}
		}
		if got := revisions(events); !slices.Equal(got, want) {
			t.Errorf("%+v: got revisions %v", c, got)
		}
	}
}

func revisions(events []*esdb.ResolvedEvent) (out []uint64) {
	for _, e := range events {
		out = append(out, e.OriginalEvent().EventNumber)
	}
	return out
}

// readAllIDs reads $all and gives the ids of the events whose stream name starts with prefix.
func readAllIDs(t *testing.T, client *esdb.Client, options esdb.ReadAllOptions, count uint64, prefix string) (ids []uuid.UUID) {
	t.Helper()
	events, err := collect(client.ReadAll(context.Background(), options, count))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if strings.HasPrefix(e.OriginalEvent().StreamID, prefix) {
			ids = append(ids, e.OriginalEvent().EventID)
		}
	}
	return ids
}

func checkReadAll(t *testing.T, client *esdb.Client, stream string) {
	start := mustAppend(t, client, stream+"-before", esdb.Any{}, newEvents(1, 10)...)
	from := esdb.Position{Commit: start.CommitPosition, Prepare: start.PreparePosition}
	var want []uuid.UUID
	for i := range 60 {
		sent := newEvents(2, 10)
		mustAppend(t, client, fmt.Sprintf("%s-%d", stream, i%7), esdb.Any{}, sent...)
		want = append(want, sent[0].EventID, sent[1].EventID)
	}
	forwards := readAllIDs(t, client, esdb.ReadAllOptions{From: from}, 10000, stream+"-")
	if len(forwards) != 121 || !slices.Equal(forwards[1:], want) {
		t.Errorf("forwards from a position, included: got %d events, want 121 in order", len(forwards))
	}
	back := readAllIDs(t, client, esdb.ReadAllOptions{From: esdb.End{}, Direction: esdb.Backwards}, 10000, stream+"-")
	slices.Reverse(back)
	if len(back) != 121 || !slices.Equal(back[1:], want) {
		t.Errorf("backwards from the end: got %d events, want 121 in reverse order", len(back))
	}
	events, err := collect(client.ReadAll(context.Background(), esdb.ReadAllOptions{From: from}, 3))
	if err != nil || len(events) != 3 || events[0].OriginalEvent().Position != from {
		t.Fatalf("three from a position: %d events, %v", len(events), err)
	}
	third := events[2].OriginalEvent().Position
	if third.Commit <= from.Commit+2 {
		t.Errorf("positions are dense: %d then %d", from.Commit, third.Commit)
	}
	backFromThird, err := collect(client.ReadAll(context.Background(), esdb.ReadAllOptions{From: third, Direction: esdb.Backwards}, 2))
	if err != nil || len(backFromThird) != 2 || backFromThird[0].OriginalEvent().EventID != events[1].OriginalEvent().EventID {
		t.Errorf("backwards from a position must exclude it: %v", err)
	}
	none, err := collect(client.ReadAll(context.Background(), esdb.ReadAllOptions{From: esdb.End{}}, 10))
	if err != nil || len(none) != 0 {
		t.Errorf("forwards from the end: %d events, %v", len(none), err)
	}
}

func checkReadNothing(t *testing.T, client *esdb.Client, stream string) {
	wantNotFound(t, client, stream)
	meta, err := client.GetStreamMetadata(context.Background(), stream, esdb.ReadStreamOptions{})
	if err == nil && meta.TruncateBefore() != nil {
		t.Errorf("metadata of an absent stream: %+v", meta)
	}
}

func setMetadata(t *testing.T, client *esdb.Client, stream string, edit func(*esdb.StreamMetadata)) {
	t.Helper()
	var meta esdb.StreamMetadata
	edit(&meta)
	if _, err := client.SetStreamMetadata(context.Background(), stream, esdb.AppendToStreamOptions{ExpectedRevision: esdb.Any{}}, meta); err != nil {
		t.Fatal(err)
	}
}

// checkMetadata sets it twice: the client reads the metadata stream forwards from its start and takes one event.
func checkMetadata(t *testing.T, client *esdb.Client, stream string) {
	mustAppend(t, client, stream, esdb.Any{}, newEvents(1, 10)...)
	for _, want := range []uint64{7, 9} {
		setMetadata(t, client, stream, func(m *esdb.StreamMetadata) { m.SetMaxCount(want); m.AddCustomProperty("owner", "us") })
		got, err := client.GetStreamMetadata(context.Background(), stream, esdb.ReadStreamOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if got.MaxCount() == nil || *got.MaxCount() != want {
			t.Errorf("got %+v, want a maximum of %d", got, want)
		}
	}
}

func checkRetention(t *testing.T, client *esdb.Client, stream string) {
	mustAppend(t, client, stream, esdb.Any{}, newEvents(10, 10)...)
	for _, c := range []struct {
		what string
		edit func(*esdb.StreamMetadata)
		want []uint64
	}{
		{"$maxCount", func(m *esdb.StreamMetadata) { m.SetMaxCount(2) }, []uint64{8, 9}},
		{"$tb", func(m *esdb.StreamMetadata) { m.SetTruncateBefore(7) }, []uint64{7, 8, 9}},
		{"$maxAge", func(m *esdb.StreamMetadata) { m.SetMaxAge(time.Hour); m.SetTruncateBefore(9) }, []uint64{9}},
	} {
		setMetadata(t, client, stream, c.edit)
		if got := revisions(readForwards(t, client, stream)); !slices.Equal(got, c.want) {
			t.Errorf("%s: got revisions %v, want %v", c.what, got, c.want)
		}
		back, err := collect(client.ReadStream(context.Background(), stream, esdb.ReadStreamOptions{Direction: esdb.Backwards, From: esdb.End{}}, 100))
		if err != nil || len(back) != len(c.want) {
			t.Errorf("%s backwards: %d events, %v", c.what, len(back), err)
		}
	}
}

func checkDelete(t *testing.T, client *esdb.Client, stream string) {
	ctx := context.Background()
	mustAppend(t, client, stream, esdb.NoStream{}, newEvents(3, 10)...)
	_, err := client.DeleteStream(ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(1)})
	if err == nil {
		t.Error("a delete at an old revision succeeded")
	}
	result, err := client.DeleteStream(ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Revision(2)})
	if err != nil || result.Position.Commit == 0 {
		t.Fatalf("delete: %+v, %v", result, err)
	}
	wantNotFound(t, client, stream)
	sent := newEvents(2, 10)
	if got := mustAppend(t, client, stream, esdb.NoStream{}, sent...); got.NextExpectedVersion != 4 {
		t.Errorf("recreated at revision %d, want 4", got.NextExpectedVersion)
	}
	if got := revisions(readForwards(t, client, stream)); !slices.Equal(got, []uint64{3, 4}) {
		t.Errorf("after recreation: revisions %v, want 3 and 4", got)
	}
	meta, err := client.GetStreamMetadata(ctx, stream, esdb.ReadStreamOptions{})
	if err != nil || meta.TruncateBefore() == nil || *meta.TruncateBefore() != 3 {
		t.Errorf("metadata after recreation: %+v, %v", meta, err)
	}
}

func checkTombstone(t *testing.T, client *esdb.Client, stream string) {
	ctx := context.Background()
	mustAppend(t, client, stream, esdb.NoStream{}, newEvents(1, 10)...)
	result, err := client.TombstoneStream(ctx, stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Revision(0)})
	if err != nil || result.Position.Commit == 0 {
		t.Fatalf("tombstone: %+v, %v", result, err)
	}
	_, err = appendTo(client, stream, esdb.Any{}, newEvents(1, 10)...)
	wantCode(t, "append to a tombstone", err, esdb.ErrorCodeStreamDeleted)
	_, err = collect(client.ReadStream(ctx, stream, esdb.ReadStreamOptions{}, 1))
	wantCode(t, "read of a tombstone", err, esdb.ErrorCodeStreamDeleted)
}
