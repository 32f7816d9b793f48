package esdbserver_test

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/caseledger/caseledger/ledger/esdbserver"
)

// config is a server on a socket in temporary folders.
func config(t testing.TB) esdbserver.Config {
	t.Helper()
	return esdbserver.Config{
		Dir:    filepath.Join(t.TempDir(), "store"),
		Listen: "unix:" + filepath.Join(t.TempDir(), "run", "s"),
	}
}

func start(t testing.TB, cfg esdbserver.Config) *esdbserver.Server {
	t.Helper()
	s, err := esdbserver.Start(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func dial(t testing.TB, s *esdbserver.Server) *esdb.Client {
	t.Helper()
	return dialString(t, s.ConnectionString(), s.Address())
}

func dialString(t testing.TB, connection, address string) *esdb.Client {
	t.Helper()
	conf, err := esdb.ParseConnectionString(connection)
	if err != nil {
		t.Fatal(err)
	}
	conf.Logger = esdb.NoopLogging()
	if address != "" {
		conf.Address = address
	}
	client, err := esdb.NewClient(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

func newEvents(count, size int) []esdb.EventData {
	events := make([]esdb.EventData, count)
	for i := range events {
		events[i] = esdb.EventData{EventID: uuid.New(), EventType: "evidence.viewed", ContentType: esdb.ContentTypeBinary,
			Data: make([]byte, size), Metadata: []byte(`{"$correlationId":"case"}`)}
	}
	return events
}

func mustAppend(t testing.TB, client *esdb.Client, stream string, expected esdb.ExpectedRevision, events ...esdb.EventData) *esdb.WriteResult {
	t.Helper()
	result, err := client.AppendToStream(context.Background(), stream, esdb.AppendToStreamOptions{ExpectedRevision: expected}, events...)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// collect reads to the end; an error other than the end is returned.
func collect(stream *esdb.ReadStream, err error) ([]*esdb.ResolvedEvent, error) {
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	var events []*esdb.ResolvedEvent
	for {
		e, err := stream.Recv()
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, err
		}
		events = append(events, e)
	}
}

// code is the client's error code, or -1 for no error.
func code(err error) esdb.ErrorCode {
	var e *esdb.Error
	if errors.As(err, &e) {
		return e.Code()
	}
	if err != nil {
		return esdb.ErrorCodeUnknown
	}
	return -1
}
