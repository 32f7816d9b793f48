package trillianserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/extension"
	"github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/server"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/util/clock"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
)

const (
	pipeBytes   = 1 << 20 // buffer of the in-process connection, each way
	windowBytes = 1 << 20 // fixed HTTP/2 windows: no probing of a bandwidth that is memory's
	// messageBytes bounds a request and an answer.
	messageBytes = 4 << 20
	// streamWorkers keep their stacks from call to call: 10 to 15 % less CPU for small batches. More
	// calls at once get goroutines of their own.
	streamWorkers = 4
	// stopWait bounds how long Close waits for calls under way.
	stopWait = 10 * time.Second
)

// Config says where the tree file is. The zero Logger discards.
type Config struct {
	Path   string // SQLite file, created with mode 0600 if absent; its folder must exist
	Logger *slog.Logger
}

// Server is a running Trillian log server.
type Server struct {
	provider   *sqliteprovider.Provider
	timeSource clock.TimeSource
	grpc       *grpc.Server
	served     chan error // gets what Serve returned
	conn       *grpc.ClientConn
	closing    sync.Once
	closeErr   error
}

// Start opens the file and serves it. The error wraps sqliteprovider.ErrCorrupt if the file is
// damaged: move it and its -wal and -shm aside and build the tree again from the events. It wraps
// sqliteprovider.ErrInUse if another server holds the file, and sqliteprovider.ErrForeignFile if
// something else wrote it.
func Start(ctx context.Context, cfg Config) (*Server, error) {
	return start(ctx, sqliteprovider.Options{Path: cfg.Path, Logger: cfg.Logger}, clock.System)
}

func start(ctx context.Context, o sqliteprovider.Options, ts clock.TimeSource) (*Server, error) {
	provider, err := sqliteprovider.Open(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("starting the tree server: %w", err)
	}
	log.InitMetrics(nil)
	registry := extension.Registry{
		AdminStorage: provider.AdminStorage(),
		LogStorage:   &integratingStorage{LogStorage: provider.LogStorage(), timeSource: ts},
		QuotaManager: quota.Noop(),
	}
	s := &Server{
		provider:   provider,
		timeSource: ts,
		served:     make(chan error, 1),
		grpc: grpc.NewServer(
			grpc.MaxRecvMsgSize(messageBytes),
			grpc.InitialWindowSize(windowBytes),
			grpc.InitialConnWindowSize(windowBytes),
			grpc.NumStreamWorkers(streamWorkers),
		),
	}
	trillian.RegisterTrillianLogServer(s.grpc, server.NewTrillianLogRPCServer(registry, ts))
	trillian.RegisterTrillianAdminServer(s.grpc, &adminServer{trees: registry.AdminStorage})
	listener := bufconn.Listen(pipeBytes)
	if s.conn, err = dial(listener); err != nil {
		return nil, fmt.Errorf("starting the tree server: %w", errors.Join(err, listener.Close(), provider.Close()))
	}
	go func() { s.served <- s.grpc.Serve(listener) }()
	return s, nil
}

func dial(listener *bufconn.Listener) (*grpc.ClientConn, error) {
	return grpc.NewClient("passthrough:///tree",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(windowBytes),
		grpc.WithInitialConnWindowSize(windowBytes),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(messageBytes)),
	)
}

// Conn returns the connection for trillian.NewTrillianLogClient and NewTrillianAdminClient. It
// belongs to the server and ends with it.
func (s *Server) Conn() *grpc.ClientConn { return s.conn }

// CreateTree makes an active PREORDERED_LOG tree with an empty root and returns its id. Keep the id:
// it is random.
func (s *Server) CreateTree(ctx context.Context, displayName string) (int64, error) {
	tree, err := trillian.NewTrillianAdminClient(s.conn).CreateTree(ctx, &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeState:       trillian.TreeState_ACTIVE,
		TreeType:        trillian.TreeType_PREORDERED_LOG,
		DisplayName:     displayName,
		MaxRootDuration: durationpb.New(0),
	}})
	if err != nil {
		return 0, fmt.Errorf("creating tree %q: %w", displayName, err)
	}
	_, err = trillian.NewTrillianLogClient(s.conn).InitLog(ctx, &trillian.InitLogRequest{LogId: tree.TreeId})
	if err != nil {
		return 0, fmt.Errorf("making the first root of tree %q: %w", displayName, err)
	}
	return tree.TreeId, nil
}

// Trees returns the ids of the trees that have a root and are not deleted, in order of creation.
// A tree whose creation was cut short is not among them.
func (s *Server) Trees(ctx context.Context) ([]int64, error) {
	trees, err := storage.ListTrees(ctx, s.provider.AdminStorage(), false)
	if err != nil {
		return nil, fmt.Errorf("listing the trees: %w", err)
	}
	var ids []int64
	for _, tree := range trees {
		view, err := s.provider.LogStorage().SnapshotForTree(ctx, tree)
		if errors.Is(err, storage.ErrTreeNeedsInit) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("listing the trees: %w", err)
		}
		if err := view.Close(); err != nil {
			return nil, fmt.Errorf("listing the trees: %w", err)
		}
		ids = append(ids, tree.TreeId)
	}
	return ids, nil
}

// Close waits up to 10 s for the calls under way, ends the others, and closes the file. It may be
// called more than once.
func (s *Server) Close() error {
	s.closing.Do(func() {
		connErr := s.conn.Close()
		timer := time.AfterFunc(stopWait, s.grpc.Stop)
		s.grpc.GracefulStop()
		timer.Stop()
		s.closeErr = errors.Join(connErr, <-s.served, s.provider.Close())
	})
	return s.closeErr
}
