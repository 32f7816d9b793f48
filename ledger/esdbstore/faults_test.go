package esdbstore_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/shared"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/esdbserver"
	"github.com/caseledger/caseledger/ledger/esdbstore"
	"github.com/caseledger/caseledger/ledger/ledgertest"
)

// faulty is a server that answers what no server should. The stream is empty as long as read is nil.
type faulty struct {
	streams.UnimplementedStreamsServer
	serverfeatures.UnimplementedServerFeaturesServer

	mu      sync.Mutex
	read    func(streams.Streams_ReadServer) error
	add     func(streams.Streams_AppendServer) error
	headers []metadata.MD
}

func (f *faulty) GetSupportedMethods(context.Context, *shared.Empty) (*serverfeatures.SupportedMethods, error) {
	return &serverfeatures.SupportedMethods{EventStoreServerVersion: "24.10.0"}, nil
}

func (f *faulty) note(ctx context.Context) {
	md, _ := metadata.FromIncomingContext(ctx)
	f.headers = append(f.headers, md)
}

func (f *faulty) setRead(read func(streams.Streams_ReadServer) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.read = read
}

func (f *faulty) Read(req *streams.ReadReq, call streams.Streams_ReadServer) error {
	f.mu.Lock()
	f.note(call.Context())
	read := f.read
	f.mu.Unlock()
	if read == nil {
		return call.Send(&streams.ReadResp{Content: &streams.ReadResp_StreamNotFound_{StreamNotFound: &streams.ReadResp_StreamNotFound{
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte("ledger-x")}}}})
	}
	return read(call)
}

func (f *faulty) Append(call streams.Streams_AppendServer) error {
	f.mu.Lock()
	f.note(call.Context())
	add := f.add
	f.mu.Unlock()
	for {
		if _, err := call.Recv(); err != nil {
			break
		}
	}
	return add(call)
}

func serveGRPC(t *testing.T, register func(*grpc.Server)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.WaitForHandlers(true))
	register(server)
	var done sync.WaitGroup
	done.Go(func() { _ = server.Serve(ln) })
	t.Cleanup(func() { server.Stop(); done.Wait() })
	return "esdb://" + ln.Addr().String() + "?tls=false"
}

func serveFaulty(t *testing.T) (*faulty, string) {
	t.Helper()
	f := &faulty{}
	return f, serveGRPC(t, func(s *grpc.Server) {
		streams.RegisterStreamsServer(s, f)
		serverfeatures.RegisterServerFeaturesServer(s, f)
	})
}

func event(stream string, revision uint64) *streams.ReadResp {
	return &streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{
		Event: &streams.ReadResp_ReadEvent_RecordedEvent{
			Id:               &shared.UUID{Value: &shared.UUID_String_{String_: "6ba7b810-9dad-11d1-80b4-00c04fd430c8"}},
			StreamIdentifier: &shared.StreamIdentifier{StreamName: []byte(stream)},
			StreamRevision:   revision,
			Metadata:         map[string]string{"type": "x", "content-type": "application/json", "created": "1"},
		}}}}
}

func sending(messages ...*streams.ReadResp) func(streams.Streams_ReadServer) error {
	return func(call streams.Streams_ReadServer) error {
		for _, m := range messages {
			if err := call.Send(m); err != nil {
				return err
			}
		}
		return nil
	}
}

func failing(code codes.Code) func(streams.Streams_ReadServer) error {
	return func(streams.Streams_ReadServer) error { return status.Error(code, "says the server") }
}

func silent(call streams.Streams_ReadServer) error {
	<-call.Context().Done()
	return nil
}

// errOther stands for an error that is none of the ledger's.
var errOther = errors.New("another error")

func kindOf(err error) error {
	for _, kind := range []error{ledger.ErrConflict, ledger.ErrUnavailable, ledger.ErrDiverged, ledger.ErrNotFound} {
		if errors.Is(err, kind) {
			return kind
		}
	}
	if err != nil {
		return errOther
	}
	return nil
}

func TestFaultyReads(t *testing.T) {
	f, url := serveFaulty(t)
	s := open(t, esdbstore.Config{URL: url, Stream: "ledger-x"})
	position := &streams.ReadResp{Content: &streams.ReadResp_LastStreamPosition{LastStreamPosition: 7}}
	for name, c := range map[string]struct {
		read func(streams.Streams_ReadServer) error
		want error
	}{
		"begins late":             {sending(event("ledger-x", 1)), ledger.ErrDiverged},
		"has a gap":               {sending(event("ledger-x", 0), event("ledger-x", 2)), ledger.ErrDiverged},
		"repeats":                 {sending(event("ledger-x", 0), event("ledger-x", 0)), ledger.ErrDiverged},
		"another stream":          {sending(event("ledger-y", 0)), ledger.ErrDiverged},
		"an event without event":  {sending(&streams.ReadResp{Content: &streams.ReadResp_Event{Event: &streams.ReadResp_ReadEvent{}}}), ledger.ErrDiverged},
		"positions panic":         {sending(event("ledger-x", 0), position), ledger.ErrUnavailable},
		"nothing panics":          {sending(&streams.ReadResp{}), ledger.ErrUnavailable},
		"silence":                 {silent, ledger.ErrUnavailable},
		"unavailable":             {failing(codes.Unavailable), ledger.ErrUnavailable},
		"internal":                {failing(codes.Internal), ledger.ErrUnavailable},
		"unknown":                 {failing(codes.Unknown), ledger.ErrUnavailable},
		"not found is not absent": {failing(codes.NotFound), errOther},
		"denied":                  {failing(codes.PermissionDenied), errOther},
		"unauthenticated":         {failing(codes.Unauthenticated), errOther},
		"invalid":                 {failing(codes.InvalidArgument), errOther},
	} {
		if _, err := s.Head(context.Background()); err != nil { // connects again where the last case ended the connection
			t.Fatalf("before %s: %v", name, err)
		}
		f.setRead(c.read)
		ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
		err := s.Read(ctx, 0, 0, func(int64, ledger.StoredEvent) error { return nil })
		cancel()
		f.setRead(nil)
		if kindOf(err) != c.want {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
	if err := s.Read(context.Background(), 3, 0, nil); kindOf(err) != ledger.ErrDiverged {
		t.Errorf("a stream that is gone: error is %v, want %v", err, ledger.ErrDiverged)
	}
	f.setRead(sending())
	if _, err := s.Head(context.Background()); kindOf(err) != ledger.ErrDiverged {
		t.Errorf("a stream that hides its events: error is %v, want %v", err, ledger.ErrDiverged)
	}
	f.setRead(nil)
	if got, err := s.Head(context.Background()); got != -1 || err != nil {
		t.Errorf("after all of this the head is %d (%v)", got, err)
	}
}

func TestFaultyAppends(t *testing.T) {
	f, url := serveFaulty(t)
	s := open(t, esdbstore.Config{URL: url, Stream: "ledger-x"})
	host, port, err := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(url, "esdb://"), "?tls=false"))
	if err != nil {
		t.Fatal(err)
	}
	at := func(revision uint64) *streams.AppendResp {
		return &streams.AppendResp{Result: &streams.AppendResp_Success_{Success: &streams.AppendResp_Success{
			CurrentRevisionOption: &streams.AppendResp_Success_CurrentRevision{CurrentRevision: revision}}}}
	}
	answer := func(m *streams.AppendResp) func(streams.Streams_AppendServer) error {
		return func(call streams.Streams_AppendServer) error { return call.SendAndClose(m) }
	}
	refuse := func(code codes.Code, trailers ...string) func(streams.Streams_AppendServer) error {
		return func(call streams.Streams_AppendServer) error {
			call.SetTrailer(metadata.Pairs(trailers...))
			return status.Error(code, "says the server")
		}
	}
	for name, c := range map[string]struct {
		add  func(streams.Streams_AppendServer) error
		want error
	}{
		"good":               {answer(at(3)), nil},
		"another revision":   {answer(at(4)), ledger.ErrDiverged},
		"neither yes nor no": {answer(&streams.AppendResp{}), ledger.ErrDiverged},
		"unavailable":        {refuse(codes.Unavailable), ledger.ErrUnavailable},
		"aborted":            {refuse(codes.Aborted), ledger.ErrUnavailable},
		"deadline":           {refuse(codes.DeadlineExceeded), ledger.ErrUnavailable},
		"internal":           {refuse(codes.Internal), ledger.ErrUnavailable},
		"not the leader":     {refuse(codes.NotFound, "exception", "not-leader", "leader-endpoint-host", host, "leader-endpoint-port", port), ledger.ErrUnavailable},
		"deleted":            {refuse(codes.FailedPrecondition, "exception", "stream-deleted", "stream-name", "ledger-x"), ledger.ErrDiverged},
		"deleted, no name":   {refuse(codes.FailedPrecondition, "exception", "stream-deleted"), ledger.ErrUnavailable},
		"denied":             {refuse(codes.PermissionDenied), errOther},
		"too large":          {refuse(codes.InvalidArgument), errOther},
		"far too large":      {refuse(codes.ResourceExhausted), errOther},
	} {
		f.mu.Lock()
		f.add = c.add
		f.mu.Unlock()
		err := s.Append(context.Background(), 1, ledgertest.Events(2, 10))
		if kindOf(err) != c.want {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
}

func TestHeaders(t *testing.T) {
	f, url := serveFaulty(t)
	f.add = func(streams.Streams_AppendServer) error { return status.Error(codes.InvalidArgument, "no") }
	s := open(t, esdbstore.Config{URL: url, Stream: "ledger-x", Username: "u", Password: "p"})
	_ = s.Append(context.Background(), -1, ledgertest.Events(1, 10))
	_ = s.Read(context.Background(), 0, 0, nil)
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.headers) != 4 { // probe, head, append, read
		t.Errorf("%d calls came, want 4", len(f.headers))
	}
	for _, md := range f.headers {
		if leader, token := md.Get("requires-leader"), md.Get("authorization"); len(leader) != 1 || leader[0] != "true" || len(token) != 1 || token[0] != "Basic dTpw" {
			t.Errorf("a call has the headers %v", md)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	_, good := serveFaulty(t)
	nobody, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody.Close()
	embedded := serve(t, esdbserver.Config{Listen: "127.0.0.1:0", User: "ledger", Password: "right"})
	const secret = "hunter2/"
	for name, c := range map[string]struct {
		cfg  esdbstore.Config
		want string
	}{
		"no stream":               {esdbstore.Config{URL: good}, "name the ledger's own stream"},
		"a system stream":         {esdbstore.Config{URL: good, Stream: "$all"}, "name the ledger's own stream"},
		"no URL":                  {esdbstore.Config{Stream: "ledger-x"}, "connection string"},
		"a URL that is none":      {esdbstore.Config{URL: "esdb://admin:" + secret + "@host:1", Stream: "ledger-x"}, "connection string"},
		"a user only":             {esdbstore.Config{URL: good, Stream: "ledger-x", Username: "u"}, "or neither"},
		"a password in clear":     {esdbstore.Config{URL: "esdb://u:hunter2@192.0.2.1:2113?tls=false", Stream: "ledger-x"}, "tls=true"},
		"nobody there":            {esdbstore.Config{URL: "esdb://" + nobody.Addr().String() + "?tls=false", Stream: "ledger-x"}, "not available"},
		"no socket there":         {esdbstore.Config{URL: good, Address: "unix:/nonexistent/s", Stream: "ledger-x"}, "not available"},
		"something else there":    {esdbstore.Config{URL: serveGRPC(t, func(*grpc.Server) {}), Stream: "ledger-x"}, "EventStoreDB"},
		"wrong password":          {esdbstore.Config{URL: embedded.ConnectionString(), Stream: "ledger-x", Username: "ledger", Password: "hunter2"}, "user and password"},
		"no password":             {esdbstore.Config{URL: embedded.ConnectionString(), Stream: "ledger-x"}, "denies access"},
		"TLS where there is none": {esdbstore.Config{URL: strings.Replace(good, "tls=false", "tls=true", 1), Stream: "ledger-x"}, "not available"},
	} {
		s, err := esdbstore.Open(context.Background(), c.cfg)
		if err == nil {
			t.Errorf("%s: opened", name)
			_ = s.Close()
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: error is %q, want one with %q and no password", name, err, c.want)
		}
	}
}

// TestClosed: calls in flight end with Close, later ones are refused.
func TestClosed(t *testing.T) {
	f, url := serveFaulty(t)
	s := open(t, esdbstore.Config{URL: url, Stream: "ledger-x"})
	reading := make(chan struct{})
	f.setRead(func(call streams.Streams_ReadServer) error { close(reading); return silent(call) })
	result := make(chan error, 1)
	go func() { result <- s.Read(context.Background(), 0, 0, nil) }()
	<-reading
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-result; kindOf(err) != ledger.ErrUnavailable {
		t.Errorf("the read in flight: %v", err)
	}
	if _, err := s.Head(context.Background()); kindOf(err) != errOther {
		t.Errorf("after Close: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
