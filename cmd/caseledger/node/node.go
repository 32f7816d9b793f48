package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	_ "gocloud.dev/blob/fileblob" // --blobs file://…
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/blobvault"
	"github.com/caseledger/caseledger/ledger/esdbserver"
	"github.com/caseledger/caseledger/ledger/esdbstore"
	"github.com/caseledger/caseledger/ledger/keyring"
	"github.com/caseledger/caseledger/ledger/trillianlog"
	"github.com/caseledger/caseledger/projections/sqlstore"
	"github.com/caseledger/caseledger/verifier"
)

// Config says where a node keeps its data and which engines it uses. Data alone means the embedded engines.
type Config struct {
	Data           string
	PassphraseFile string
	EventStore     string // esdb:// URL, or @FILE with it; empty: embedded
	Trillian       string // HOST:PORT; empty: embedded
	Tree           int64  // tree id at Trillian
	Keys           string
	Keyring        string
	Blobs          string
	Database       string
	Logger         *slog.Logger
	// Tune changes the ledger's configuration; for tests.
	Tune func(*ledger.Config)
}

// Node is one running process of a ledger.
type Node struct {
	Ledger *ledger.Ledger
	Read   *sqlstore.Store
	Trust  *verifier.Trust
	Issuer *devissuer.Issuer

	lay    layout
	vault  *blobvault.Vault
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	closed []func() error // in the order of opening
}

// Open starts a node. The error wraps ErrUsage, ErrHeld or what the ledger found wrong.
func Open(ctx context.Context, c Config) (*Node, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	lay, err := newLayout(c)
	if err != nil {
		return nil, err
	}
	if !lay.initialised() {
		return nil, fmt.Errorf("%w: there is no ledger in %s; create one with: caseledger init --data %s --origin HOST", ErrUsage, lay.data, c.Data)
	}
	n := &Node{lay: lay}
	if err := n.open(ctx, c); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

// Close stops everything in the reverse order.
func (n *Node) Close() error {
	if n.cancel != nil {
		n.cancel()
	}
	n.tasks.Wait()
	var errs []error
	for i := len(n.closed) - 1; i >= 0; i-- {
		errs = append(errs, n.closed[i]())
	}
	n.closed = nil
	return errors.Join(errs...)
}

func (n *Node) onClose(f func() error) { n.closed = append(n.closed, f) }

func (n *Node) open(ctx context.Context, c Config) error {
	held, err := take(n.lay.data)
	if err != nil {
		return err
	}
	n.onClose(held.release)
	for _, dir := range []string{filepath.Dir(n.lay.tree()), filepath.Dir(n.lay.read)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("%w: %w", ErrUsage, err)
		}
	}
	cfg, err := n.keysAndStores(ctx, c)
	if err != nil {
		return err
	}
	if cfg.Events, err = n.eventStore(ctx, c); err != nil {
		return err
	}
	if cfg.Tree, err = n.tree(ctx, c); err != nil {
		return err
	}
	if n.Read, err = n.readModels(ctx, c); err != nil {
		return err
	}
	cfg.Index = caseIndex{n.Read}
	if c.Tune != nil {
		c.Tune(&cfg)
	}
	if n.Ledger, err = ledger.Open(ctx, cfg); err != nil {
		return err
	}
	n.onClose(n.Ledger.Close)
	ctx, n.cancel = context.WithCancel(context.Background())
	n.follow(ctx, c.Logger)
	n.tasks.Go(func() { n.tidy(ctx, c.Logger) })
	return nil
}

func (n *Node) keysAndStores(ctx context.Context, c Config) (ledger.Config, error) {
	cfg := ledger.Config{Logger: c.Logger, Publications: published{n.lay.published()}}
	pass, err := n.lay.readPassphrase()
	if err != nil {
		return cfg, err
	}
	if n.Trust, err = verifier.LoadTrust(os.DirFS(n.lay.trust())); err != nil {
		return cfg, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	cfg.Trust, cfg.Origin = n.Trust, n.Trust.Origin()
	if cfg.Signers, err = n.lay.signers(ctx, pass); err != nil {
		return cfg, err
	}
	if err := checkSigner(n.Trust, cfg.Signers); err != nil {
		return cfg, err
	}
	master, err := keyring.OpenMasterFile(n.lay.master(), pass)
	if err != nil {
		return cfg, fmt.Errorf("%w: keyring: %w", ErrUsage, err)
	}
	ring, err := keyring.Open(ctx, n.lay.keyring, master)
	if err != nil {
		return cfg, fmt.Errorf("keyring: %w", err)
	}
	n.onClose(ring.Close)
	cfg.Keyring = ring
	vault, err := blobvault.Open(ctx, n.lay.blobs)
	if err != nil {
		return cfg, fmt.Errorf("content store: %w", err)
	}
	n.onClose(vault.Close)
	n.vault, cfg.Vault = vault, vault
	if n.Issuer, err = devissuer.Open(n.lay.issuer()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return cfg, fmt.Errorf("development issuer: %w", err)
	}
	return cfg, nil
}

// eventStore connects to the event store that was named, or starts the embedded one on a socket.
func (n *Node) eventStore(ctx context.Context, c Config) (ledger.EventStore, error) {
	cfg := esdbstore.Config{URL: c.EventStore, Stream: "ledger-" + n.Trust.Origin(), Logger: c.Logger}
	if path, ok := strings.CutPrefix(c.EventStore, "@"); ok {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("%w: --eventstore: %w", ErrUsage, err)
		}
		cfg.URL = firstLine(text)
	}
	if cfg.URL == "" {
		socket, err := n.socket()
		if err != nil {
			return nil, err
		}
		server, err := esdbserver.Start(ctx, esdbserver.Config{Dir: n.lay.events(), Listen: "unix:" + socket, Logger: c.Logger})
		if err != nil {
			return nil, fmt.Errorf("embedded event store: %w", err)
		}
		n.onClose(server.Close)
		cfg.URL, cfg.Address = server.ConnectionString(), server.Address()
	}
	store, err := esdbstore.Open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("event store: %w", err)
	}
	n.onClose(store.Close)
	return store, nil
}

// socket is a path for the embedded event store, in a private folder and short enough for every system.
func (n *Node) socket() (string, error) {
	dir, err := os.MkdirTemp("", "caseledger-")
	if err != nil {
		return "", fmt.Errorf("%w: folder for the event store's socket: %w", ErrUsage, err)
	}
	n.onClose(func() error { return os.RemoveAll(dir) })
	return filepath.Join(dir, "es.sock"), nil
}

// tree connects to the log server that was named, or starts the embedded one. A damaged embedded tree is moved aside: it
// is made again from the events.
func (n *Node) tree(ctx context.Context, c Config) (ledger.Tree, error) {
	if c.Trillian != "" {
		conn, err := grpc.NewClient(c.Trillian, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, fmt.Errorf("%w: --trillian: %w", ErrUsage, err)
		}
		n.onClose(conn.Close)
		return trillianlog.Open(ctx, trillianlog.Config{Conn: conn, TreeID: c.Tree, Logger: c.Logger})
	}
	server, err := startTree(ctx, n.lay.tree(), c.Logger)
	if err != nil {
		return nil, err
	}
	n.onClose(server.Close)
	ids, err := server.Trees(ctx)
	if err != nil {
		return nil, fmt.Errorf("embedded log: %w", err)
	}
	if len(ids) == 0 {
		id, err := server.CreateTree(ctx, n.Trust.Origin())
		if err != nil {
			return nil, fmt.Errorf("embedded log: %w", err)
		}
		ids = []int64{id}
	}
	return trillianlog.Open(ctx, trillianlog.Config{Conn: server.Conn(), TreeID: ids[0], Logger: c.Logger})
}

// readModels opens the read models; damaged ones are moved aside and made again.
func (n *Node) readModels(ctx context.Context, c Config) (*sqlstore.Store, error) {
	store, err := openReadModels(ctx, n.lay.read, c.Logger)
	if err != nil {
		return nil, err
	}
	n.onClose(store.Close)
	return store, nil
}

// followEvery is how often the read models look for new events.
const followEvery = 25 * time.Millisecond

// follow keeps the read models caught up.
func (n *Node) follow(ctx context.Context, log *slog.Logger) {
	notify := make(chan struct{}, 1)
	n.tasks.Go(func() {
		tick := time.NewTicker(followEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				select {
				case notify <- struct{}{}:
				default:
				}
			case <-ctx.Done():
				return
			}
		}
	})
	n.tasks.Go(func() {
		for ctx.Err() == nil {
			err := sqlstore.Follow(ctx, source{n.Ledger}, n.Read, notify)
			if ctx.Err() != nil {
				return
			}
			log.Error("read models cannot follow the events; they try again", "error", err)
			time.Sleep(time.Second)
		}
	})
}

// unfinishedAge is how long an upload that was broken off by a crash is left alone: another node may be writing it.
const unfinishedAge = time.Hour

// tidy removes what crashes have left of uploads.
func (n *Node) tidy(ctx context.Context, log *slog.Logger) {
	removed, err := n.vault.RemoveUnfinished(ctx, time.Now().Add(-unfinishedAge))
	if err != nil && ctx.Err() == nil {
		log.Warn("unfinished uploads could not be removed; it is tried again at the next start", "error", err)
	}
	if removed > 0 {
		log.Info("unfinished uploads of an earlier run were removed", "count", removed)
	}
}

// Source is the stream of events, for rebuilding read models.
func (n *Node) Source() Source { return source{n.Ledger} }
