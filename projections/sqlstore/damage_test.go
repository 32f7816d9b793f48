package sqlstore_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/projections/sqlstore"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// filled is a closed store with n views in 7 cases.
func filled(t testing.TB, n int) string {
	path := filepath.Join(t.TempDir(), "r.db")
	s := open(t, path)
	apply(t, s, views(0, n, 7))
	closed(t, s)
	return path
}

func views(from int64, n, cases int) journal {
	out := make(journal, n)
	for i := range out {
		caseID := id(1 + i%cases)
		out[i] = one(from+int64(i), caseID, "force-01", &predicate.EvidenceViewedV1{Item: predicate.Item{Exhibit: id(100 + i%cases), Ref: "JS/1"}})
	}
	return out
}

func TestDamagedFilesAreRefused(t *testing.T) {
	edit := func(statement string) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			db, err := sql.Open("sqlite", path)
			if err == nil {
				_, err = db.Exec(statement)
				err = errors.Join(err, db.Close())
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	bytesOf := func(change func([]byte) []byte) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			data, err := os.ReadFile(path)
			if err == nil {
				err = os.WriteFile(path, change(data), 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, damage := range map[string]func(*testing.T, string){
		"not a database":     bytesOf(func(b []byte) []byte { return bytes.Repeat([]byte("no"), len(b)/2) }),
		"cut in half":        bytesOf(func(b []byte) []byte { return b[:len(b)/2] }),
		"a page of zeros":    bytesOf(func(b []byte) []byte { clear(b[len(b)-4096 : len(b)-2048]); return b }),
		"an event missing":   edit("DELETE FROM entry WHERE revision = 5"),
		"an event misplaced": edit("UPDATE entry SET revision = 100000 WHERE revision = 5"),
		"a word missing":     edit("DELETE FROM word WHERE no = 3"),
		"an older position":  edit("UPDATE position SET next = next - 1"),
		"no position":        edit("DELETE FROM position"),
		"a case too many":    edit("INSERT INTO cases (owner, state, revision) VALUES (1, '{}', 0)"),
	} {
		t.Run(name, func(t *testing.T) {
			path := filled(t, 2000)
			damage(t, path)
			s, err := sqlstore.Open(context.Background(), path)
			if !errors.Is(err, sqlstore.ErrCorrupt) {
				if err == nil {
					closed(t, s)
				}
				t.Fatalf("Open: %v", err)
			}
		})
	}
}

func TestFilesOfOtherVersions(t *testing.T) {
	path := filled(t, 10)
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE position SET fold = 0"); err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	if position(t, s) != 0 {
		t.Error("rows of another fold were kept")
	}
	closed(t, s)
	if _, err := db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)"); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlstore.Open(context.Background(), path); !errors.Is(err, sqlstore.ErrNewer) {
		t.Error(err)
	}
}

// A WAL that ends in the middle of a transaction, as power loss leaves it, costs that transaction and no more.
func TestTornWALResumesEarlier(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "r.db")
	s := open(t, path)
	all := views(0, 900, 7)
	for i := 0; i < len(all); i += 100 {
		apply(t, s, all[i:i+100])
	}
	wal, err := os.ReadFile(path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	want := digestOf(t, s)
	for _, keep := range []int{len(wal) - 1, len(wal) * 2 / 3, len(wal) / 3, 40} {
		torn := withWAL(t, path, filepath.Join(dir, "torn"), wal[:keep])
		again := open(t, torn)
		if next := position(t, again); next >= int64(len(all)) {
			t.Errorf("with %d of %d bytes of WAL the position is %d", keep, len(wal), next)
		}
		if next, err := sqlstore.CatchUp(context.Background(), all, again); err != nil || next != int64(len(all)) || digestOf(t, again) != want {
			t.Errorf("with %d bytes of WAL: %d, %v", keep, next, err)
		}
		closed(t, again)
		for _, suffix := range []string{"", "-wal", "-shm"} {
			os.Remove(torn + suffix)
		}
	}
	closed(t, s)
}

func withWAL(t *testing.T, from, to string, wal []byte) string {
	data, err := os.ReadFile(from)
	if err == nil {
		err = errors.Join(os.WriteFile(to, data, 0o600), os.WriteFile(to+"-wal", wal, 0o600))
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// The file holds no opening, sealed or not: they stay beside the event.
func TestNoOpeningIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "r.db")
	s := open(t, path)
	r := one(0, id(1), "force-01", &predicate.DefendantAddedV1{Defendant: id(20)})
	r.Payload = []byte("MARKER-payload")
	r.Event.Predicate.Actor.Pseudonym = "MARKER-pseudonym"
	apply(t, s, []projections.Record{r})
	closed(t, s)
	data, err := os.ReadFile(path)
	if err != nil || bytes.Contains(data, []byte("MARKER")) {
		t.Error("something of the event's openings is in the file", err)
	}
}

func TestPathsAreTakenAsTheyAre(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.Mkdir("a b", 0o700); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"r.db", "a b/50% #1?mode=memory.db", "./é.db"} {
		closed(t, open(t, path))
		if _, err := os.Stat(path); err != nil {
			t.Error(err)
		}
	}
	if _, err := sqlstore.Open(context.Background(), "absent/r.db"); err == nil || errors.Is(err, sqlstore.ErrCorrupt) {
		t.Error("a folder that is not there:", err)
	}
}
