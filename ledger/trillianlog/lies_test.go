package trillianlog_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/types"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/ledger/trillianlog"
)

// liar stands before a real server and changes its answers.
type liar struct {
	grpc.ClientConnInterface

	mu    sync.Mutex
	lie   func(answer any) error  // after the call
	block func(request any) error // instead of the call
	calls map[string]int          // by the last word of the method
}

func (l *liar) Invoke(ctx context.Context, method string, args, reply any, opts ...grpc.CallOption) error {
	l.mu.Lock()
	lie, block := l.lie, l.block
	l.calls[method[strings.LastIndex(method, "/")+1:]]++
	l.mu.Unlock()
	if block != nil {
		if err := block(args); err != nil {
			return err
		}
	}
	if err := l.ClientConnInterface.Invoke(ctx, method, args, reply, opts...); err != nil || lie == nil {
		return err
	}
	return lie(reply)
}

func (l *liar) set(lie func(any) error, block func(any) error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lie, l.block = lie, block
}

// lying makes a client of a fresh tree of 10 leaves, with a liar between.
func lying(t *testing.T) (*liar, *trillianlog.Log) {
	t.Helper()
	server := serve(t)
	l := &liar{ClientConnInterface: server.Conn(), calls: map[string]int{}}
	tree, err := trillianlog.Open(t.Context(), trillianlog.Config{Conn: l, TreeID: newTree(t, server), Timeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	mustIntegrate(t, tree, 0, 10)
	return l, tree
}

func mustIntegrate(t *testing.T, tree *trillianlog.Log, first int64, count int) ledger.Integrated {
	t.Helper()
	done, err := tree.Integrate(context.Background(), first, ledgertest.Bodies(first, count, ""))
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// aboutRoot changes the root in every answer that is one.
func aboutRoot(change func(*types.LogRootV1)) func(any) error {
	return func(answer any) error {
		r, ok := answer.(*trillian.GetLatestSignedLogRootResponse)
		if !ok {
			return nil
		}
		var root types.LogRootV1
		if err := root.UnmarshalBinary(r.SignedLogRoot.LogRoot); err != nil {
			return err
		}
		change(&root)
		var err error
		r.SignedLogRoot.LogRoot, err = root.MarshalBinary()
		return err
	}
}

func about[T any](change func(T)) func(any) error {
	return func(answer any) error {
		if a, ok := answer.(T); ok {
			change(a)
		}
		return nil
	}
}

func both(f, g func(any) error) func(any) error {
	return func(answer any) error { return errors.Join(f(answer), g(answer)) }
}

func wrongRoot(r *types.LogRootV1) { r.RootHash[5] ^= 1 }

// larger makes every root one of many more leaves.
func larger(r *types.LogRootV1) { r.TreeSize += 100; r.RootHash[0] ^= 1 }

// TestIntegrateIsNotFooled: whatever the server answers, a wrong root is never returned. Once it answers truly again the same
// call succeeds, unless the server has shown what the truth now contradicts.
func TestIntegrateIsNotFooled(t *testing.T) {
	for name, c := range map[string]struct {
		lie  func(any) error
		want error
	}{
		"wrong root":           {aboutRoot(wrongRoot), ledger.ErrDiverged},
		"shrunk root":          {aboutRoot(func(r *types.LogRootV1) { r.TreeSize = 9 }), ledger.ErrDiverged},
		"empty root":           {aboutRoot(func(r *types.LogRootV1) { r.TreeSize = 0; sum := sha256.Sum256(nil); r.RootHash = sum[:] }), ledger.ErrDiverged},
		"old size, other root": {aboutRoot(func(r *types.LogRootV1) { r.TreeSize = 10; wrongRoot(r) }), ledger.ErrDiverged},
		"swallowed error":      {aboutRoot(func(r *types.LogRootV1) { *r = types.LogRootV1{} }), ledger.ErrUnavailable},
		"short hash":           {aboutRoot(func(r *types.LogRootV1) { r.RootHash = r.RootHash[:20] }), ledger.ErrUnavailable},
		"no root":              {about(func(r *trillian.GetLatestSignedLogRootResponse) { r.SignedLogRoot = nil }), ledger.ErrUnavailable},
		"garbage root":         {about(func(r *trillian.GetLatestSignedLogRootResponse) { r.SignedLogRoot.LogRoot = []byte("garbage") }), ledger.ErrUnavailable},
		"larger without proof": {aboutRoot(larger), ledger.ErrDiverged},
		"larger, invented proof": {both(aboutRoot(larger), about(func(r *trillian.GetConsistencyProofResponse) {
			r.Proof = &trillian.Proof{Hashes: make([][]byte, 5)}
			for i := range r.Proof.Hashes {
				r.Proof.Hashes[i] = make([]byte, 32)
			}
		})), ledger.ErrDiverged},
	} {
		t.Run(name, func(t *testing.T) {
			l, tree := lying(t)
			l.set(c.lie, nil)
			got, err := tree.Integrate(context.Background(), 10, ledgertest.Bodies(10, 3, ""))
			if !errors.Is(err, c.want) || got.Proofs != nil {
				t.Fatalf("error is %v, want %v", err, c.want)
			}
			l.set(nil, nil)
			if strings.HasPrefix(name, "larger") || name == "wrong root" {
				_, err := tree.Integrate(context.Background(), 10, ledgertest.Bodies(10, 3, ""))
				if !errors.Is(err, ledger.ErrDiverged) {
					t.Fatalf("error is %v, want %v", err, ledger.ErrDiverged)
				}
				return
			}
			mustIntegrate(t, tree, 10, 3)
		})
	}
}

// TestStatuses: leaves are accepted for what is stored, whatever their statuses say.
func TestStatuses(t *testing.T) {
	refusal := status.New(codes.FailedPrecondition, "conflicting LeafIndex").Proto()
	for name, change := range map[string]func(*trillian.AddSequencedLeavesResponse){
		"refused as stock servers do": func(r *trillian.AddSequencedLeavesResponse) {
			for i := range r.Results {
				r.Results[i] = &trillian.QueuedLogLeaf{Status: refusal}
			}
		},
		"one refused": func(r *trillian.AddSequencedLeavesResponse) { r.Results[1] = &trillian.QueuedLogLeaf{Status: refusal} },
		"no status":   func(r *trillian.AddSequencedLeavesResponse) { r.Results[2].Status = nil },
		"no result":   func(r *trillian.AddSequencedLeavesResponse) { r.Results[0] = nil },
		"one missing": func(r *trillian.AddSequencedLeavesResponse) { r.Results = r.Results[:2] },
		"none":        func(r *trillian.AddSequencedLeavesResponse) { r.Results = nil },
	} {
		t.Run(name, func(t *testing.T) {
			l, tree := lying(t)
			l.set(about(change), nil)
			mustIntegrate(t, tree, 10, 3)
			if l.calls["GetLeavesByRange"] != 1 {
				t.Errorf("leaves were read back %d times, want once", l.calls["GetLeavesByRange"])
			}
			l.set(both(about(change), about(func(r *trillian.GetLeavesByRangeResponse) { r.Leaves = nil })), nil)
			_, err := tree.Integrate(context.Background(), 13, ledgertest.Bodies(13, 3, ""))
			wantIs(t, err, ledger.ErrUnavailable)
			l.set(both(about(change), about(func(r *trillian.GetLeavesByRangeResponse) {
				for _, leaf := range r.Leaves {
					leaf.LeafValue = append(leaf.LeafValue, '!')
				}
			})), nil)
			_, err = tree.Integrate(context.Background(), 13, ledgertest.Bodies(13, 3, ""))
			wantIs(t, err, ledger.ErrDiverged)
			l.set(nil, nil)
			mustIntegrate(t, tree, 13, 3)
		})
	}
}

func wantIs(t *testing.T, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("error is %v, want %v", err, want)
	}
}

// TestNeverIntegrated: a server that takes leaves and never moves its root on, as without a signer.
func TestNeverIntegrated(t *testing.T) {
	l, tree := lying(t)
	stale := mustRoot(t, l)
	l.set(about(func(r *trillian.GetLatestSignedLogRootResponse) { r.SignedLogRoot.LogRoot = stale }), nil)
	_, err := tree.Integrate(context.Background(), 10, ledgertest.Bodies(10, 3, ""))
	wantIs(t, err, ledger.ErrUnavailable)
	l.set(nil, nil)
	mustIntegrate(t, tree, 10, 3)
}

func mustRoot(t *testing.T, l *liar) []byte {
	t.Helper()
	var trees trillian.ListTreesResponse
	if err := l.Invoke(t.Context(), trillian.TrillianAdmin_ListTrees_FullMethodName, &trillian.ListTreesRequest{}, &trees); err != nil {
		t.Fatal(err)
	}
	answer, err := trillian.NewTrillianLogClient(l).GetLatestSignedLogRoot(t.Context(), &trillian.GetLatestSignedLogRootRequest{LogId: trees.Tree[0].TreeId})
	if err != nil {
		t.Fatal(err)
	}
	return answer.SignedLogRoot.LogRoot
}

func TestProofsAreChecked(t *testing.T) {
	l, tree := lying(t)
	mustIntegrate(t, tree, 10, 7)
	ctx := context.Background()
	for name, c := range map[string]struct {
		change func(*trillian.Proof) *trillian.Proof
		seen   bool // in an inclusion proof too, without its leaf and root
	}{
		"nil":   {func(*trillian.Proof) *trillian.Proof { return nil }, true},
		"empty": {func(p *trillian.Proof) *trillian.Proof { return &trillian.Proof{LeafIndex: p.LeafIndex} }, true},
		"short": {func(p *trillian.Proof) *trillian.Proof { p.Hashes = p.Hashes[1:]; return p }, true},
		"long":  {func(p *trillian.Proof) *trillian.Proof { p.Hashes = append(p.Hashes, p.Hashes[0]); return p }, true},
		"odd":   {func(p *trillian.Proof) *trillian.Proof { p.Hashes[0] = p.Hashes[0][1:]; return p }, true},
		"wrong": {func(p *trillian.Proof) *trillian.Proof { p.Hashes[0][0] ^= 1; return p }, false},
	} {
		l.set(both(about(func(r *trillian.GetInclusionProofResponse) { r.Proof = c.change(r.Proof) }),
			about(func(r *trillian.GetConsistencyProofResponse) { r.Proof = c.change(r.Proof) })), nil)
		if _, err := tree.Inclusion(ctx, 3, 17); c.seen && !errors.Is(err, ledger.ErrDiverged) {
			t.Errorf("inclusion proof %s: error is %v", name, err)
		}
		if _, err := tree.Consistency(ctx, 10, 17); !errors.Is(err, ledger.ErrDiverged) {
			t.Errorf("consistency proof %s: error is %v", name, err)
		}
	}
	l.set(about(func(r *trillian.GetInclusionProofResponse) { r.Proof.LeafIndex++ }), nil)
	_, err := tree.Inclusion(ctx, 3, 17)
	wantIs(t, err, ledger.ErrDiverged)
}

func TestHeadIsChecked(t *testing.T) {
	l, tree := lying(t)
	l.set(aboutRoot(wrongRoot), nil)
	_, err := tree.Head(context.Background())
	wantIs(t, err, ledger.ErrDiverged)
	l.set(aboutRoot(func(r *types.LogRootV1) { r.TreeSize-- }), nil)
	_, err = tree.Head(context.Background())
	wantIs(t, err, ledger.ErrDiverged)
	l.set(nil, nil)
	if got, err := tree.Head(context.Background()); err != nil || got.Size != 10 {
		t.Errorf("head is %v (%v)", got, err)
	}
}

// TestRestoreIsChecked: a root of size 0 does not pass for a tree that should have leaves.
func TestRestoreIsChecked(t *testing.T) {
	server := serve(t)
	id := newTree(t, server)
	mustIntegrate(t, open(t, server.Conn(), id), 0, 10)
	l := &liar{ClientConnInterface: server.Conn(), calls: map[string]int{}}
	empty := sha256.Sum256(nil)
	for name, c := range map[string]struct {
		lie  func(any) error
		want error
	}{
		"swallowed error": {aboutRoot(func(r *types.LogRootV1) { *r = types.LogRootV1{} }), ledger.ErrUnavailable},
		"empty":           {aboutRoot(func(r *types.LogRootV1) { *r = types.LogRootV1{RootHash: empty[:]} }), ledger.ErrDiverged},
		"truth":           {nil, ledger.ErrDiverged},
	} {
		l.set(nil, nil)
		tree := open(t, l, id)
		l.set(c.lie, nil)
		hashes := make([][32]byte, 10)
		wantIs(t, tree.Restore(hashes, true), c.want)
		if name == "swallowed error" {
			l.set(nil, nil)
			wantIs(t, tree.Restore(nil, true), ledger.ErrDiverged)
		}
	}
}

// TestCallErrors sorts what a failed call means.
func TestCallErrors(t *testing.T) {
	l, tree := lying(t)
	for code, want := range map[codes.Code]error{
		codes.Unavailable: ledger.ErrUnavailable, codes.DeadlineExceeded: ledger.ErrUnavailable, codes.Canceled: ledger.ErrUnavailable,
		codes.Internal: ledger.ErrUnavailable, codes.Unknown: ledger.ErrUnavailable, codes.Aborted: ledger.ErrUnavailable,
		codes.ResourceExhausted: ledger.ErrUnavailable, codes.OutOfRange: ledger.ErrDiverged, codes.PermissionDenied: nil,
		codes.InvalidArgument: nil, codes.Unimplemented: nil, codes.FailedPrecondition: nil,
	} {
		for _, of := range []proto.Message{&trillian.AddSequencedLeavesRequest{}, &trillian.GetLatestSignedLogRootRequest{}} {
			name := of.ProtoReflect().Descriptor().FullName()
			l.set(nil, func(request any) error {
				if request.(proto.Message).ProtoReflect().Descriptor().FullName() == name {
					return status.Error(code, "says the server")
				}
				return nil
			})
			_, err := tree.Integrate(context.Background(), 10, ledgertest.Bodies(10, 2, ""))
			known := errors.Is(err, ledger.ErrUnavailable) || errors.Is(err, ledger.ErrDiverged)
			if err == nil || want != nil && !errors.Is(err, want) || want == nil && known {
				t.Errorf("%s, %v: error is %v, want %v", name, code, err, want)
			}
		}
	}
	l.set(nil, nil)
	mustIntegrate(t, tree, 10, 2)
}

// TestSlowIntegration: the batch is waited for, and the wait is bounded by the caller too.
func TestSlowIntegration(t *testing.T) {
	l, tree := lying(t)
	stale := mustRoot(t, l)
	looks := 0
	l.set(about(func(r *trillian.GetLatestSignedLogRootResponse) {
		if looks++; looks < 5 {
			r.SignedLogRoot.LogRoot = stale
		}
	}), nil)
	mustIntegrate(t, tree, 10, 3)
	l.set(nil, func(any) error { time.Sleep(time.Millisecond); return nil })
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := tree.Integrate(ctx, 13, ledgertest.Bodies(13, 3, ""))
	wantIs(t, err, ledger.ErrUnavailable)
	mustIntegrate(t, tree, 13, 3)
}
