package sqliteprovider_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/trillian"
	"github.com/google/trillian/log"
	"github.com/google/trillian/quota"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/testonly"
	"github.com/google/trillian/types"
	"github.com/google/trillian/util/clock"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
)

// newTree creates an initialised tree.
func newTree(t testing.TB, p *sqliteprovider.Provider) *trillian.Tree {
	t.Helper()
	ctx := context.Background()
	tree, err := storage.CreateTree(ctx, p.AdminStorage(), testonly.PreorderedLogTree)
	if err != nil {
		t.Fatal(err)
	}
	root, err := (&types.LogRootV1{RootHash: rfc6962.DefaultHasher.EmptyRoot(), TimestampNanos: 1}).MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	err = p.LogStorage().ReadWriteTransaction(ctx, tree, func(ctx context.Context, tx storage.LogTreeTX) error {
		return tx.StoreSignedLogRoot(ctx, &trillian.SignedLogRoot{LogRoot: root})
	})
	if err != nil {
		t.Fatal(err)
	}
	return tree
}

// grow adds n leaves and integrates them, in two transactions.
func grow(t testing.TB, p *sqliteprovider.Provider, tree *trillian.Tree, n int) {
	t.Helper()
	log.InitMetrics(nil)
	ctx, size := context.Background(), int64(rootOf(t, p, tree).TreeSize)
	var leaves []*trillian.LogLeaf
	for i := range int64(n) {
		value := []byte{byte(size + i), byte((size + i) >> 8), 'x'}
		hash := rfc6962.DefaultHasher.HashLeaf(value)
		leaves = append(leaves, &trillian.LogLeaf{LeafIndex: size + i, LeafValue: value, MerkleLeafHash: hash, LeafIdentityHash: hash})
	}
	if _, err := p.LogStorage().AddSequencedLeaves(ctx, tree, leaves, time.Now()); err != nil {
		t.Fatal(err)
	}
	if got, err := log.IntegrateBatch(ctx, tree, n, 0, 0, clock.System, p.LogStorage(), quota.Noop()); err != nil || got != n {
		t.Fatal(got, err)
	}
}

func rootOf(t testing.TB, p *sqliteprovider.Provider, tree *trillian.Tree) types.LogRootV1 {
	t.Helper()
	view, err := p.LogStorage().SnapshotForTree(context.Background(), tree)
	if err != nil {
		t.Fatal(err)
	}
	slr, err := view.LatestSignedLogRoot(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var root types.LogRootV1
	if err := root.UnmarshalBinary(slr.LogRoot); err != nil {
		t.Fatal(err)
	}
	return root
}

// TestDamagedFile damages a closed file in several ways; Open must say so.
func TestDamagedFile(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, path string){
		"not SQLite":  func(t *testing.T, path string) { write(t, path, bytes.Repeat([]byte("no database "), 1000)) },
		"header":      func(t *testing.T, path string) { patch(t, path, 0, make([]byte, 64)) },
		"schema page": func(t *testing.T, path string) { patch(t, path, 100, bytes.Repeat([]byte{0xff}, 3900)) },
		"cut short":   func(t *testing.T, path string) { truncate(t, path, 3) },
		"leaf hash": func(t *testing.T, path string) {
			edit(t, path, "UPDATE leaves SET merkle_hash = zeroblob(32) WHERE id & 1023 = 599")
		},
		"short hash": func(t *testing.T, path string) {
			edit(t, path, "UPDATE leaves SET merkle_hash = zeroblob(31) WHERE id & 1023 = 599")
		},
		"leaf missing":   func(t *testing.T, path string) { edit(t, path, "DELETE FROM leaves WHERE id & 1023 = 599") },
		"leaf in middle": func(t *testing.T, path string) { edit(t, path, "DELETE FROM leaves WHERE id & 1023 = 550") },
		"tile": func(t *testing.T, path string) {
			edit(t, path, "UPDATE tiles SET hashes = zeroblob(64) WHERE id >> 32 & 255 = 1")
		},
		"tile missing": func(t *testing.T, path string) { edit(t, path, "DELETE FROM tiles WHERE id >> 32 & 255 = 1") },
		"odd tile": func(t *testing.T, path string) {
			edit(t, path, "UPDATE tiles SET hashes = zeroblob(65) WHERE id >> 32 & 255 = 1")
		},
		"root":       func(t *testing.T, path string) { edit(t, path, "UPDATE trees SET root = zeroblob(10)") },
		"definition": func(t *testing.T, path string) { edit(t, path, "UPDATE trees SET definition = x'ffff'") },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tree.db")
			p := open(t, path)
			grow(t, p, newTree(t, p), 600)
			if err := p.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
				t.Fatalf("the WAL is still there after Close: %v", err)
			}
			damage(t, path)
			p, err := sqliteprovider.Open(context.Background(), sqliteprovider.Options{Path: path})
			if err == nil {
				p.Close()
			}
			if !errors.Is(err, sqliteprovider.ErrCorrupt) {
				t.Fatalf("error is %v, want ErrCorrupt", err)
			}
		})
	}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func patch(t *testing.T, path string, at int, data []byte) {
	t.Helper()
	all, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	copy(all[at:], data)
	write(t, path, all)
}

// truncate keeps some pages of the file.
func truncate(t *testing.T, path string, pages int64) {
	t.Helper()
	if err := os.Truncate(path, pages*4096); err != nil {
		t.Fatal(err)
	}
}

// edit changes the file with SQL.
func edit(t *testing.T, path, statement string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	res, err := db.Exec(statement)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := res.RowsAffected(); err != nil || n == 0 {
		t.Fatalf("%s changed %d rows, %v", statement, n, err)
	}
}

func TestForeignFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.db")
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE other (x)"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	before, _ := os.ReadFile(path)
	if _, err := sqliteprovider.Open(context.Background(), sqliteprovider.Options{Path: path}); !errors.Is(err, sqliteprovider.ErrForeignFile) {
		t.Fatalf("error is %v, want ErrForeignFile", err)
	}
	if after, _ := os.ReadFile(path); len(before) != len(after) {
		t.Error("the foreign file was changed")
	}
}

func TestFileInUse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tree.db")
	p := open(t, path)
	if _, err := sqliteprovider.Open(context.Background(), sqliteprovider.Options{Path: path}); !errors.Is(err, sqliteprovider.ErrInUse) {
		t.Fatalf("error is %v, want ErrInUse", err)
	}
	grow(t, p, newTree(t, p), 3) // the first one is unharmed
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}

// TestFileNameAndMode uses characters that mean something in a SQLite URI.
func TestFileNameAndMode(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a b?c=%20#;é.db")
	p := open(t, path)
	grow(t, p, newTree(t, p), 3)
	for _, name := range []string{path, path + "-wal", path + "-shm", path + "-lock"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", filepath.Base(name), info.Mode())
		}
	}
	if _, err := sqliteprovider.Open(context.Background(), sqliteprovider.Options{}); err == nil {
		t.Error("an empty path was accepted")
	}
}

// TestLostTail opens copies of the file as they are after a crash: with all of the WAL, with a part
// of it, without it, and an older copy. Each shows the root of some earlier moment and grows again
// to the same root.
func TestLostTail(t *testing.T) {
	dir := t.TempDir()
	p := open(t, filepath.Join(dir, "tree.db"))
	tree := newTree(t, p)
	roots := map[uint64][]byte{0: rfc6962.DefaultHasher.EmptyRoot()}
	for range 30 {
		grow(t, p, tree, 20)
		roots[rootOf(t, p, tree).TreeSize] = rootOf(t, p, tree).RootHash
	}
	wal, err := os.ReadFile(filepath.Join(dir, "tree.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(dir, "tree.db"))
	if err != nil {
		t.Fatal(err)
	}
	var sizes []uint64
	for _, keep := range []int{len(wal), len(wal) - 1, len(wal) * 3 / 4, len(wal) / 2, len(wal) / 3} {
		path := filepath.Join(t.TempDir(), "tree.db")
		write(t, path, file)
		write(t, path+"-wal", wal[:keep])
		lost := open(t, path)
		root := rootOf(t, lost, tree)
		if want, ok := roots[root.TreeSize]; !ok || !bytes.Equal(want, root.RootHash) {
			t.Fatalf("with %d of %d bytes of WAL the root is %x over %d leaves, never published", keep, len(wal), root.RootHash, root.TreeSize)
		}
		sizes = append(sizes, root.TreeSize)
		for rootOf(t, lost, tree).TreeSize < 600 {
			grow(t, lost, tree, 20)
		}
		if got := rootOf(t, lost, tree).RootHash; !bytes.Equal(got, roots[600]) {
			t.Fatalf("grown again, the root is %x, want %x", got, roots[600])
		}
	}
	if sizes[0] != 600 || sizes[len(sizes)-1] >= 400 {
		t.Errorf("sizes after the losses are %v: the test lost nothing", sizes)
	}
}
