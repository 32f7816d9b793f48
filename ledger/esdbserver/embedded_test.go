package esdbserver_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// TestEmptyAppend is not among the checks for all servers: a real one takes an append without events.
func TestEmptyAppend(t *testing.T) {
	client := dial(t, start(t, config(t)))
	if _, err := appendTo(client, "s", esdb.Any{}); err == nil || !strings.Contains(err.Error(), "at least one") {
		t.Errorf("an append without events: %v", err)
	}
}

func TestProtectedStream(t *testing.T) {
	client := dial(t, start(t, config(t)))
	ctx := context.Background()
	const stream = "ledger-log.example"
	mustAppend(t, client, stream, esdb.NoStream{}, newEvents(3, 10)...)
	_, err := client.DeleteStream(ctx, stream, esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}})
	denied(t, "delete", err)
	_, err = client.TombstoneStream(ctx, stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
	denied(t, "tombstone", err)
	_, err = client.TombstoneStream(ctx, "$$"+stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}})
	denied(t, "tombstone of the metadata", err)
	for _, data := range []string{`{"$tb":2}`, `{"$maxAge":1}`, `{"$maxCount":1}`, `{"$tb":null}`, `{"a":1,"\u0024tb":3}`, `x`, `null`, `[]`} {
		_, err = appendTo(client, "$$"+stream, esdb.Any{}, esdb.EventData{EventType: "$metadata", ContentType: esdb.ContentTypeJson, Data: []byte(data)})
		denied(t, data, err)
	}
	_, err = appendTo(client, "$$"+stream, esdb.Any{}, esdb.EventData{EventType: "other", Data: []byte(`{}`)})
	denied(t, "metadata of another type", err)
	setMetadata(t, client, stream, func(m *esdb.StreamMetadata) { m.AddCustomProperty("owner", "us") })
	if events := readForwards(t, client, stream); len(events) != 3 {
		t.Errorf("%d events, want 3", len(events))
	}
}

func denied(t *testing.T, what string, err error) {
	t.Helper()
	wantCode(t, what, err, esdb.ErrorCodeAccessDenied)
}

// TestMetadataIsJSON guards the form in which this server writes metadata of its own.
func TestMetadataIsJSON(t *testing.T) {
	client := dial(t, start(t, config(t)))
	mustAppend(t, client, "s", esdb.Any{}, newEvents(2, 10)...)
	setMetadata(t, client, "s", func(m *esdb.StreamMetadata) { m.SetMaxCount(5) })
	if _, err := client.DeleteStream(context.Background(), "s", esdb.DeleteStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, client, "s", esdb.Any{}, newEvents(1, 10)...)
	events, err := collect(client.ReadAll(context.Background(), esdb.ReadAllOptions{}, 100))
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, e := range events {
		if e.OriginalEvent().StreamID == "$$s" {
			found++
			if !json.Valid(e.OriginalEvent().Data) || e.OriginalEvent().EventType != "$metadata" {
				t.Errorf("metadata %q of type %q", e.OriginalEvent().Data, e.OriginalEvent().EventType)
			}
		}
	}
	if found != 3 {
		t.Errorf("%d metadata events in $all, want 3", found)
	}
}
