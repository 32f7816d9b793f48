package esdbserver_test

import (
	"context"
	"io"
	"slices"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/caseledger/caseledger/ledger/esdbserver"
)

// rawClient speaks the protocol without a client library, for what the libraries never send.
func rawClient(t *testing.T, s *esdbserver.Server) *grpc.ClientConn {
	t.Helper()
	conn, err := grpc.NewClient(s.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

func TestFeaturesAndGossip(t *testing.T) {
	conn := rawClient(t, start(t, config(t)))
	ctx := context.Background()
	methods, err := serverfeatures.NewServerFeaturesClient(conn).GetSupportedMethods(ctx, &shared.Empty{})
	if err != nil || methods.EventStoreServerVersion != "24.10.0" {
		t.Fatalf("%v, %v", methods, err)
	}
	for _, m := range methods.Methods {
		if m.MethodName == "batchappend" {
			t.Error("batch append is offered, but not served")
		}
	}
	info, err := gossip.NewGossipClient(conn).Read(ctx, &shared.Empty{})
	if err != nil || len(info.Members) != 1 || info.Members[0].State != gossip.MemberInfo_Leader || !info.Members[0].IsAlive {
		t.Errorf("%v, %v", info, err)
	}
	batch, err := streams.NewStreamsClient(conn).BatchAppend(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := batch.Recv(); status.Code(err) != codes.Unimplemented {
		t.Errorf("batch append: %v", err)
	}
	err = conn.Invoke(ctx, "/event_store.client.projections.Projections/Enable", &shared.Empty{}, &shared.Empty{})
	if status.Code(err) != codes.Unimplemented {
		t.Errorf("projections: %v", err)
	}
}

// TestFilteredRead reads $all with a filter and a count, which neither official client does.
func TestFilteredRead(t *testing.T) {
	s := start(t, config(t))
	client := dial(t, s)
	raw := streams.NewStreamsClient(rawClient(t, s))
	for i := range 90 {
		mustAppend(t, client, []string{"a", "b", "case-c"}[i%3], esdb.Any{}, newEvents(1, 10)...)
	}
	prefix := &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Prefix: []string{"b", "case-"}}}
	regex := &streams.ReadReq_Options_FilterOptions_StreamIdentifier{StreamIdentifier: &streams.ReadReq_Options_FilterOptions_Expression{Regex: "^.$"}}
	for _, c := range []struct {
		filter *streams.ReadReq_Options_FilterOptions
		back   bool
		count  uint64
		want   []string // stream of the first events
		number int
	}{
		{&streams.ReadReq_Options_FilterOptions{Filter: prefix}, false, 1000, []string{"b", "case-c", "b"}, 60},
		{&streams.ReadReq_Options_FilterOptions{Filter: prefix}, true, 41, []string{"case-c", "b"}, 41},
		{&streams.ReadReq_Options_FilterOptions{Filter: regex}, false, 59, []string{"a", "b", "a"}, 59},
	} {
		o := &streams.ReadReq_Options{
			StreamOption: &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{AllOption: &streams.ReadReq_Options_AllOptions_Start{Start: &shared.Empty{}}}},
			CountOption:  &streams.ReadReq_Options_Count{Count: c.count},
			FilterOption: &streams.ReadReq_Options_Filter{Filter: c.filter},
			UuidOption:   &streams.ReadReq_Options_UUIDOption{Content: &streams.ReadReq_Options_UUIDOption_String_{String_: &shared.Empty{}}},
		}
		if c.back {
			o.ReadDirection = streams.ReadReq_Options_Backwards
			o.GetAll().AllOption = &streams.ReadReq_Options_AllOptions_End{End: &shared.Empty{}}
		}
		got, err := readRaw(raw, o)
		if err != nil || len(got) != c.number || !slices.Equal(got[:len(c.want)], c.want) {
			t.Errorf("back %v: %d events, %v, want %d from %v", c.back, len(got), err, c.number, c.want)
		}
	}
}

// readRaw gives the stream of each event; any other message is an error of the test's.
func readRaw(client streams.StreamsClient, o *streams.ReadReq_Options) (names []string, err error) {
	read, err := client.Read(context.Background(), &streams.ReadReq{Options: o})
	if err != nil {
		return nil, err
	}
	for {
		m, err := read.Recv()
		if err == io.EOF {
			return names, nil
		}
		if err != nil {
			return names, err
		}
		e := m.GetEvent().GetEvent()
		if _, err := uuid.Parse(e.GetId().GetString_()); err != nil {
			return names, err
		}
		names = append(names, string(e.GetStreamIdentifier().GetStreamName()))
	}
}

func TestMalformedReads(t *testing.T) {
	raw := streams.NewStreamsClient(rawClient(t, start(t, config(t))))
	all := &streams.ReadReq_Options_All{All: &streams.ReadReq_Options_AllOptions{}}
	subscription := &streams.ReadReq_Options_Subscription{Subscription: &streams.ReadReq_Options_SubscriptionOptions{}}
	filter := func(f *streams.ReadReq_Options_FilterOptions) *streams.ReadReq_Options_Filter {
		return &streams.ReadReq_Options_Filter{Filter: f}
	}
	bad := &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: "("}}
	good := &streams.ReadReq_Options_FilterOptions_EventType{EventType: &streams.ReadReq_Options_FilterOptions_Expression{Regex: "."}}
	for name, o := range map[string]*streams.ReadReq_Options{
		"nothing":                nil,
		"no stream":              {CountOption: subscription},
		"empty stream name":      {StreamOption: &streams.ReadReq_Options_Stream{Stream: &streams.ReadReq_Options_StreamOptions{}}},
		"backwards subscription": {StreamOption: all, CountOption: subscription, ReadDirection: streams.ReadReq_Options_Backwards},
		"empty filter":           {StreamOption: all, CountOption: subscription, FilterOption: filter(&streams.ReadReq_Options_FilterOptions{})},
		"bad expression":         {StreamOption: all, FilterOption: filter(&streams.ReadReq_Options_FilterOptions{Filter: bad})},
		"no checkpoint interval": {StreamOption: all, CountOption: subscription, FilterOption: filter(&streams.ReadReq_Options_FilterOptions{Filter: good})},
	} {
		if _, err := readRaw(raw, o); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want InvalidArgument", name, err)
		}
	}
}

func TestMalformedAppends(t *testing.T) {
	raw := streams.NewStreamsClient(rawClient(t, start(t, config(t))))
	header := func(stream string) *streams.AppendReq {
		return &streams.AppendReq{Content: &streams.AppendReq_Options_{Options: &streams.AppendReq_Options{
			StreamIdentifier:       &shared.StreamIdentifier{StreamName: []byte(stream)},
			ExpectedStreamRevision: &streams.AppendReq_Options_Any{Any: &shared.Empty{}}}}}
	}
	event := func(edit func(*streams.AppendReq_ProposedMessage)) *streams.AppendReq {
		m := &streams.AppendReq_ProposedMessage{Id: &shared.UUID{Value: &shared.UUID_String_{String_: uuid.NewString()}},
			Metadata: map[string]string{"type": "t", "content-type": "application/json"}}
		edit(m)
		return &streams.AppendReq{Content: &streams.AppendReq_ProposedMessage_{ProposedMessage: m}}
	}
	plain := event(func(*streams.AppendReq_ProposedMessage) {})
	const missing, size = "missing-required-metadata-property", "maximum-append-size-exceeded"
	for name, c := range map[string]struct {
		messages  []*streams.AppendReq
		exception string
	}{
		"nothing":          {nil, ""},
		"no header":        {[]*streams.AppendReq{plain}, ""},
		"two headers":      {[]*streams.AppendReq{header("s"), header("s")}, ""},
		"empty name":       {[]*streams.AppendReq{header(""), plain}, ""},
		"name not UTF-8":   {[]*streams.AppendReq{header("\xff"), plain}, ""},
		"$all":             {[]*streams.AppendReq{header("$all"), plain}, ""},
		"metadata thereof": {[]*streams.AppendReq{header("$$$$s"), plain}, ""},
		"no id":            {[]*streams.AppendReq{header("s"), event(func(m *streams.AppendReq_ProposedMessage) { m.Id = nil })}, ""},
		"no type":          {[]*streams.AppendReq{header("s"), event(func(m *streams.AppendReq_ProposedMessage) { delete(m.Metadata, "type") })}, missing},
		"no content type":  {[]*streams.AppendReq{header("s"), event(func(m *streams.AppendReq_ProposedMessage) { delete(m.Metadata, "content-type") })}, missing},
		"too large": {[]*streams.AppendReq{header("s"), plain,
			event(func(m *streams.AppendReq_ProposedMessage) { m.CustomMetadata = make([]byte, 1<<20) }), plain}, size},
	} {
		call, err := raw.Append(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range c.messages {
			if err := call.Send(m); err != nil {
				t.Errorf("%s: the server stopped reading: %v", name, err)
			}
		}
		if _, err := call.CloseAndRecv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%s: %v, want InvalidArgument", name, err)
		}
		if got := firstOf(call.Trailer(), "exception"); got != c.exception {
			t.Errorf("%s: exception %q, want %q", name, got, c.exception)
		}
	}
}

func firstOf(md metadata.MD, key string) string {
	if v := md.Get(key); len(v) > 0 {
		return v[0]
	}
	return ""
}

// TestNamesInTrailers: a stream name may hold any text, a trailer only plain ASCII.
func TestNamesInTrailers(t *testing.T) {
	client := dial(t, start(t, config(t)))
	const stream = "fälle/№1\n"
	mustAppend(t, client, stream, esdb.Any{}, newEvents(1, 1)...)
	if _, err := client.TombstoneStream(context.Background(), stream, esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	_, err := collect(client.ReadStream(context.Background(), stream, esdb.ReadStreamOptions{}, 1))
	wantCode(t, "read of the tombstone", err, esdb.ErrorCodeStreamDeleted)
}

// TestClose: an open subscription ends, Done is closed, a second Close is harmless, and ctx stops the server too.
func TestClose(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	s, err := esdbserver.Start(ctx, config(t))
	if err != nil {
		t.Fatal(err)
	}
	client := dial(t, s)
	sub, err := client.SubscribeToStream(context.Background(), "s", esdb.SubscribeToStreamOptions{})
	next := follow(t, sub, err)
	wantNext(t, next, "live")
	cancel()
	<-s.Done()
	if got, _ := next(); got == "live" {
		t.Error("the subscription goes on")
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
