package trillianlog_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/trillian"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/ledger/trillianlog"
	"github.com/caseledger/caseledger/ledger/trillianserver"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func serve(t testing.TB) *trillianserver.Server {
	t.Helper()
	s, err := trillianserver.Start(context.Background(), trillianserver.Config{Path: filepath.Join(t.TempDir(), "tree.db")})
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

func newTree(t testing.TB, s *trillianserver.Server) int64 {
	t.Helper()
	id, err := s.CreateTree(context.Background(), "test")
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func open(t testing.TB, conn grpc.ClientConnInterface, id int64) *trillianlog.Log {
	t.Helper()
	l, err := trillianlog.Open(context.Background(), trillianlog.Config{Conn: conn, TreeID: id})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestEmbeddedServer(t *testing.T) {
	server := serve(t)
	ledgertest.TestTree(t, func(t *testing.T) func(*testing.T) ledger.Tree {
		id := newTree(t, server)
		return func(t *testing.T) ledger.Tree { return open(t, server.Conn(), id) }
	})
}

// TestRealServer runs on the log server that TEST_TRILLIAN names, which has a signer beside it.
func TestRealServer(t *testing.T) {
	address := os.Getenv("TEST_TRILLIAN")
	if address == "" {
		t.Skip("no real Trillian: run through interop/trillian-postgres.sh, or set TEST_TRILLIAN=host:port")
	}
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ledgertest.TestTree(t, func(t *testing.T) func(*testing.T) ledger.Tree {
		id := createTree(t, conn, trillian.TreeType_PREORDERED_LOG)
		return func(t *testing.T) ledger.Tree { return open(t, conn, id) }
	})
}

// createTree makes a tree through the admin API.
func createTree(t *testing.T, conn grpc.ClientConnInterface, kind trillian.TreeType) int64 {
	t.Helper()
	tree, err := trillian.NewTrillianAdminClient(conn).CreateTree(context.Background(), &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeType: kind, TreeState: trillian.TreeState_ACTIVE, MaxRootDuration: durationpb.New(0)}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := trillian.NewTrillianLogClient(conn).InitLog(context.Background(), &trillian.InitLogRequest{LogId: tree.TreeId}); err != nil {
		t.Fatal(err)
	}
	return tree.TreeId
}

func TestOpenRefuses(t *testing.T) {
	server := serve(t)
	admin := trillian.NewTrillianAdminClient(server.Conn())
	frozen := newTree(t, server)
	_, err := admin.UpdateTree(t.Context(), &trillian.UpdateTreeRequest{Tree: &trillian.Tree{TreeId: frozen, TreeState: trillian.TreeState_FROZEN},
		UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"tree_state"}}})
	if err != nil {
		t.Fatal(err)
	}
	deleted := newTree(t, server)
	if _, err := admin.DeleteTree(t.Context(), &trillian.DeleteTreeRequest{TreeId: deleted}); err != nil {
		t.Fatal(err)
	}
	bare, err := admin.CreateTree(t.Context(), &trillian.CreateTreeRequest{Tree: &trillian.Tree{
		TreeType: trillian.TreeType_PREORDERED_LOG, TreeState: trillian.TreeState_ACTIVE, MaxRootDuration: durationpb.New(0)}})
	if err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]int64{
		"absent": 12345, "frozen": frozen, "deleted": deleted, "without a root": bare.TreeId, "unordered": createTree(t, server.Conn(), trillian.TreeType_LOG),
	} {
		if _, err := trillianlog.Open(t.Context(), trillianlog.Config{Conn: server.Conn(), TreeID: id}); err == nil {
			t.Errorf("a tree that is %s was opened", name)
		} else {
			t.Logf("%s: %v", name, err)
		}
	}
}

// BenchmarkIntegrate measures batches of leaf bodies of 500 bytes, proofs included.
func BenchmarkIntegrate(b *testing.B) {
	server := serve(b)
	for _, n := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprintf("batch=%d", n), func(b *testing.B) {
			l := open(b, server.Conn(), newTree(b, server))
			at := int64(0)
			body := make([]byte, 500)
			for b.Loop() {
				bodies := make([][]byte, n)
				for i := range bodies {
					bodies[i] = fmt.Appendf(append([]byte(nil), body...), "%d", at+int64(i))
				}
				if _, err := l.Integrate(context.Background(), at, bodies); err != nil {
					b.Fatal(err)
				}
				at += int64(n)
			}
			b.ReportMetric(float64(b.N*n)/b.Elapsed().Seconds(), "leaves/s")
		})
	}
}
