// Package trillianlog is the transparency log of a ledger in a PREORDERED_LOG tree of Trillian, through its log API. The same
// code speaks to the in-process server and to stock Trillian servers over PostgreSQL or MySQL.
//
// Trillian's roots are not signed and its server is not trusted. The client keeps the right edge of the whole tree, computes
// every root itself from the leaves it adds, and compares: a tree of another content is ledger.ErrDiverged, never a root to
// sign. The inclusion proofs of a batch come out of the same computation, so they cost no calls.
//
// # What an error means
//
//	ledger.ErrUnavailable  the server did not answer, or not in time; repeat the same call. The edge stays where it was
//	ledger.ErrDiverged     the tree holds other leaves, went back, or shows roots and proofs that contradict each other
//	ledger.ErrNotFound     a proof was asked for of a tree larger than it is
//	any other error        refused; it says what to change
//
// # What is read back
//
// Stock servers answer an identical retry with a refusal, and every leaf has a status of its own. Each leaf whose status is
// not plainly OK is read back and compared with what was to be stored.
package trillianlog

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/trillian"
	"google.golang.org/grpc"

	"github.com/caseledger/caseledger/ledger"
)

// defaultTimeout is how long a batch may take until it is integrated.
const defaultTimeout = 10 * time.Second

// Config says which tree of which server. Conn and TreeID are required. Conn stays the caller's.
type Config struct {
	Conn    grpc.ClientConnInterface
	TreeID  int64
	Timeout time.Duration // for each call of this package, until a batch is integrated included; default 10 s
	Logger  *slog.Logger
}

// Log is one tree. It implements ledger.Tree: Integrate and Restore exclude each other, the rest is concurrent.
type Log struct {
	client  trillian.TrillianLogClient
	tree    int64
	timeout time.Duration
	log     *slog.Logger

	writing  sync.Mutex // guards edge and restored
	edge     *edge
	restored bool
	planned  *plan

	mu    sync.Mutex  // guards what follows
	seen  ledger.Head // the largest root that the server has shown
	known *memory     // roots that this client has computed or proved
}

// Open checks that the tree exists, takes leaves in a given order, is active, and has a root.
func Open(ctx context.Context, cfg Config) (*Log, error) {
	l := &Log{
		client: trillian.NewTrillianLogClient(cfg.Conn), tree: cfg.TreeID, timeout: cfg.Timeout, log: cfg.Logger,
		edge: newEdge(), seen: ledger.Head{Root: emptyRoot}, known: newMemory(),
	}
	if l.timeout <= 0 {
		l.timeout = defaultTimeout
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	tree, err := trillian.NewTrillianAdminClient(cfg.Conn).GetTree(ctx, &trillian.GetTreeRequest{TreeId: cfg.TreeID})
	if err != nil {
		return nil, l.fail("look at it: check the tree id", err)
	}
	switch {
	case tree.GetTreeId() != cfg.TreeID || tree.GetDeleted():
		return nil, fmt.Errorf("tree %d: there is none, or it is deleted: check the tree id", cfg.TreeID)
	case tree.GetTreeType() != trillian.TreeType_PREORDERED_LOG:
		return nil, fmt.Errorf("tree %d: its type is %v: a ledger needs a PREORDERED_LOG", cfg.TreeID, tree.GetTreeType())
	case tree.GetTreeState() != trillian.TreeState_ACTIVE:
		return nil, fmt.Errorf("tree %d: its state is %v: make it ACTIVE first", cfg.TreeID, tree.GetTreeState())
	}
	if _, err := l.latest(ctx); err != nil {
		return nil, fmt.Errorf("first root (InitLog makes it): %w", err)
	}
	return l, nil
}

// Head is Trillian's own latest root.
func (l *Log) Head(ctx context.Context) (ledger.Head, error) {
	ctx, cancel := context.WithTimeout(ctx, l.timeout)
	defer cancel()
	return l.latest(ctx)
}

// Restore takes the hashes of the leaves that the tree holds, from the first on, in pieces. The last piece, which may be
// empty, has done set; after ledger.ErrUnavailable there Restore(nil, true) tries again. The tree may have grown meanwhile.
func (l *Log) Restore(leafHashes [][32]byte, done bool) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	if l.restored {
		return fmt.Errorf("tree %d: restored already: open it anew to restore it again", l.tree)
	}
	for i := range leafHashes {
		if err := l.edge.add(leafHashes[i][:]); err != nil {
			return fmt.Errorf("tree %d: leaf hash %d: %w", l.tree, l.edge.size(), err)
		}
	}
	if !done {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), l.timeout)
	defer cancel()
	head, err := l.edge.head()
	if err != nil {
		return fmt.Errorf("tree %d: %w", l.tree, err)
	}
	got, err := l.latest(ctx)
	if err != nil {
		return err
	}
	if got.Size < head.Size {
		return fmt.Errorf("%w: tree %d has %d leaves, %d were expected", ledger.ErrDiverged, l.tree, got.Size, head.Size)
	}
	if err := l.compare(ctx, head, got); err != nil {
		return err
	}
	l.restored = true
	return nil
}
