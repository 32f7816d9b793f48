// Package esdbserver is a small server of the EventStoreDB gRPC protocol for one process and one folder. It keeps
// events in SQLite, so that the ledger runs through the official client with nothing to install, and moves to a
// cluster by a change of its connection string.
//
// Served: ServerFeatures, Gossip.Read (one leader) and Streams Read, Append, Delete and Tombstone, in the semantics of
// release 24.10. Everything else is Unimplemented, and stream ACLs are stored but not enforced.
//
// # Durability
//
// An append is acknowledged only after the commit that holds it has been synchronised to disk (WAL,
// synchronous=FULL). One goroutine writes: whatever waits when it becomes free goes into the next commit. An append
// is stored whole or not at all. A failed write fails every append of its batch; unless the disk was merely full or
// the file locked, no further append is taken until a restart.
//
// # Positions
//
// Stream revisions are dense. Positions in $all grow but have gaps, as on a real server: treat them as opaque.
//
// The database file must not be opened and closed by other code of the same process while the server runs: on POSIX
// systems that would drop its locks.
package esdbserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/gossip"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/serverfeatures"
	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
	"github.com/google/uuid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

const (
	stopGrace         = 3 * time.Second // for calls in flight at Close
	connectTimeout    = 10 * time.Second
	maxMessage        = 4 << 20
	maxConcurrentCall = 1024
	flowWindow        = 2 << 20 // an append of the largest size never waits for a window update
)

// Server is a running server.
type Server struct {
	log     *slog.Logger
	address string
	connect string
	grpc    *grpc.Server
	service *service
	once    sync.Once
	done    chan struct{}
	err     error
}

// Start opens the store of cfg.Dir and serves it until Close, or until ctx ends. A configuration that would expose
// events is refused with ErrConfig, a store that is damaged or in use with ErrStore.
func Start(ctx context.Context, cfg Config) (_ *Server, err error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	options, err := serverOptions(cfg)
	if err != nil {
		return nil, err
	}
	st, err := openStore(cfg.Dir)
	if err != nil {
		return nil, err
	}
	w, err := startWriter(st, cfg.Logger)
	if err != nil {
		return nil, errors.Join(err, st.close())
	}
	ln, err := listen(cfg)
	if err != nil {
		w.close()
		return nil, errors.Join(err, st.close())
	}
	s := &Server{
		log:     cfg.Logger,
		address: ln.Addr().String(),
		connect: connectionString(cfg, ln.Addr()),
		grpc:    grpc.NewServer(options...),
		service: &service{log: cfg.Logger, guard: newGuard(cfg), store: st, writer: w, stopping: make(chan struct{})},
		done:    make(chan struct{}),
	}
	host, port := "localhost", uint32(2113)
	if tcp, ok := ln.Addr().(*net.TCPAddr); ok {
		host, port = tcp.IP.String(), uint32(tcp.Port)
	} else {
		s.address = cfg.Listen
	}
	streams.RegisterStreamsServer(s.grpc, s.service)
	serverfeatures.RegisterServerFeaturesServer(s.grpc, features{})
	gossip.RegisterGossipServer(s.grpc, &members{id: uuid.New(), host: host, port: port})
	go s.serve(ln)
	go s.watch(ctx)
	s.log.Info("esdbserver: serving", "address", s.address, "events", w.recent.top())
	return s, nil
}

func serverOptions(cfg Config) ([]grpc.ServerOption, error) {
	options := []grpc.ServerOption{
		// The client pings every 10 s; the default policy would drop it for that after half a minute.
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second, PermitWithoutStream: true}),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second}),
		grpc.ConnectionTimeout(connectTimeout),
		grpc.MaxRecvMsgSize(maxMessage),
		grpc.MaxConcurrentStreams(maxConcurrentCall),
		grpc.InitialWindowSize(flowWindow),
		grpc.InitialConnWindowSize(4 * flowWindow),
		grpc.WaitForHandlers(true),
	}
	if cfg.TLSCert != "" {
		creds, err := transport(cfg)
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.Creds(creds))
	}
	return options, nil
}

func (s *Server) serve(ln net.Listener) {
	if err := s.grpc.Serve(ln); err != nil && !errors.Is(err, grpc.ErrServerStopped) {
		s.log.Error("esdbserver: serving failed", "error", err)
		go func() { _ = s.Close() }()
	}
}

func (s *Server) watch(ctx context.Context) {
	select {
	case <-ctx.Done():
		_ = s.Close() // whoever calls Close gets the error
	case <-s.done:
	}
}

// Address is what a client dials: "unix:/path" or "host:port".
func (s *Server) Address() string { return s.address }

// ConnectionString is for esdb.ParseConnectionString; it holds no credentials. For a socket, set Address of the
// parsed configuration to Server.Address.
func (s *Server) ConnectionString() string { return s.connect }

// Done is closed when the server has stopped and the store is closed.
func (s *Server) Done() <-chan struct{} { return s.done }

// Close ends subscriptions, lets appends in flight finish for a moment, and closes the store. It may be called more
// than once.
func (s *Server) Close() error {
	s.once.Do(func() {
		defer close(s.done)
		close(s.service.stopping)
		cut := time.AfterFunc(stopGrace, s.grpc.Stop)
		s.grpc.GracefulStop()
		cut.Stop()
		s.service.writer.close()
		if err := s.service.store.close(); err != nil {
			s.err = fmt.Errorf("esdbserver: close the store: %w", err)
		}
		s.log.Info("esdbserver: stopped", "address", s.address)
	})
	<-s.done
	return s.err
}
