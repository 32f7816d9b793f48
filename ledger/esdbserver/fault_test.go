package esdbserver

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/uuid"
)

// openTestWriter is a store and its writer without the network.
func openTestWriter(t *testing.T, dir string) (*store, *writer) {
	t.Helper()
	s, err := openStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	w, err := startWriter(s, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(errors.Join(err, s.close()))
	}
	return s, w
}

func appendEvents(w *writer, stream string, count, size int) outcome {
	c := &command{ctx: context.Background(), kind: commandAppend, stream: stream}
	for range count {
		c.events = append(c.events, &event{stream: stream, id: uuid.New(), kind: "t", data: make([]byte, size)})
	}
	return w.do(c)
}

// limitPages makes the database of the writer full at that many pages more than it has. The writer must be idle.
func limitPages(t *testing.T, w *writer, more int) {
	t.Helper()
	var pages, limit int
	if err := w.conn.QueryRowContext(context.Background(), "PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	if err := w.conn.QueryRowContext(context.Background(), "PRAGMA max_page_count="+strconv.Itoa(pages+more)).Scan(&limit); err != nil {
		t.Fatal(err)
	}
}

func stored(t *testing.T, s *store, w *writer) []*event {
	t.Helper()
	events, _, err := page(context.Background(), s.all, 1<<20, 0, w.recent.top())
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// TestFullDisk: an append that does not fit fails whole, is not visible, and the next one that fits succeeds.
func TestFullDisk(t *testing.T) {
	s, w := openTestWriter(t, t.TempDir())
	defer s.close()
	defer w.close()
	if o := appendEvents(w, "s", 2, 100); o.err != nil {
		t.Fatal(o.err)
	}
	limitPages(t, w, 3)
	if o := appendEvents(w, "s", 40, 3000); o.err == nil {
		t.Fatal("an append beyond the end of the disk was acknowledged")
	}
	if got := stored(t, s, w); len(got) != 2 {
		t.Fatalf("%d events after the failed append, want 2", len(got))
	}
	o := appendEvents(w, "s", 1, 100) // the writer has opened the store again, without the limit
	if o.err != nil || o.last.rev != 2 || o.last.n != 3 {
		t.Fatalf("after the disk has room again: %+v", o)
	}
	if got := stored(t, s, w); len(got) != 3 || got[2].rev != 2 {
		t.Errorf("%d events, want 3 with dense revisions", len(got))
	}
}

// TestForeignWriter: rows that the writer did not put there are not something it may build on. It stops for good.
func TestForeignWriter(t *testing.T) {
	s, w := openTestWriter(t, t.TempDir())
	defer s.close()
	defer w.close()
	if o := appendEvents(w, "s", 1, 10); o.err != nil {
		t.Fatal(o.err)
	}
	other, err := s.openWriter()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Exec(`INSERT INTO event SELECT n+1, stream, rev+1, id, created, json, type, meta, data FROM event`); err != nil {
		t.Fatal(err)
	}
	other.Close()
	for range 2 {
		var r *refusal
		if o := appendEvents(w, "s", 1, 10); !errors.As(o.err, &r) || !w.failed.Load() {
			t.Fatalf("an append after foreign rows: %+v", o)
		}
	}
	if got := stored(t, s, w); len(got) != 1 {
		t.Errorf("%d events are visible, want 1", len(got))
	}
}

func TestDamagedStore(t *testing.T) {
	for name, damage := range map[string]func(t *testing.T, dir string){
		"no database": func(t *testing.T, dir string) {
			overwrite(t, filepath.Join(dir, databaseFile), 0, make([]byte, 4096))
		},
		"damaged pages": func(t *testing.T, dir string) {
			junk := make([]byte, 40<<10)
			for i := range junk {
				junk[i] = 0xa5
			}
			overwrite(t, filepath.Join(dir, databaseFile), 4096, junk)
		},
		"a missing event": func(t *testing.T, dir string) {
			s := &store{dir: dir}
			db, err := s.openWriter()
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("DELETE FROM event WHERE n = 20"); err != nil {
				t.Fatal(err)
			}
		},
		"another program's": func(t *testing.T, dir string) {
			s := &store{dir: dir}
			db, err := s.openWriter()
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			if _, err := db.Exec("PRAGMA application_id = 1"); err != nil {
				t.Fatal(err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, w := openTestWriter(t, dir)
			for range 40 {
				if o := appendEvents(w, "s", 1, 1000); o.err != nil {
					t.Fatal(o.err)
				}
			}
			w.close()
			if err := s.close(); err != nil {
				t.Fatal(err)
			}
			damage(t, dir)
			_, err := Start(context.Background(), Config{Dir: dir, Listen: "127.0.0.1:0"})
			if !errors.Is(err, ErrStore) {
				t.Errorf("got %v, want ErrStore", err)
			}
		})
	}
}

func overwrite(t *testing.T, path string, at int64, data []byte) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(data, at); err != nil {
		t.Fatal(err)
	}
}

// TestCancelledCommand: a caller who has gone before the writer gets to his command has written nothing.
func TestCancelledCommand(t *testing.T) {
	s, w := openTestWriter(t, t.TempDir())
	defer s.close()
	defer w.close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	c := &command{ctx: ctx, stream: "s", done: make(chan outcome, 1),
		events: []*event{{stream: "s", id: uuid.New(), kind: "t"}}}
	w.queue <- c
	if o := <-c.done; !errors.Is(o.err, context.Canceled) {
		t.Errorf("got %+v, want context.Canceled", o)
	}
	if got := stored(t, s, w); len(got) != 0 {
		t.Errorf("%d events, want none", len(got))
	}
}

// TestLogIsReused: checkpoints let SQLite start the write-ahead log afresh, so it does not grow with the store.
func TestLogIsReused(t *testing.T) {
	s, w := openTestWriter(t, t.TempDir())
	defer s.close()
	defer w.close()
	const each, most = 900 << 10, 400
	for i := 1; i <= most; i++ {
		if o := appendEvents(w, "s", 1, each); o.err != nil {
			t.Fatal(o.err)
		}
		info, err := os.Stat(filepath.Join(s.dir, databaseFile+"-wal"))
		if err != nil {
			t.Fatal(err)
		}
		if written := int64(i) * each; written > 4*checkpointBytes && info.Size() < written/2 {
			return
		}
	}
	t.Errorf("the log grew with every one of %d appends", most)
}

// TestDurabilitySettings: synchronous=FULL is what makes a commit wait for the disk.
func TestDurabilitySettings(t *testing.T) {
	s, w := openTestWriter(t, t.TempDir())
	defer s.close()
	defer w.close()
	for pragma, want := range map[string]string{"synchronous": "2", "journal_mode": "wal", "wal_autocheckpoint": "0"} {
		var got string
		if err := w.conn.QueryRowContext(context.Background(), "PRAGMA "+pragma).Scan(&got); err != nil || got != want {
			t.Errorf("%s = %q, %v, want %s", pragma, got, err, want)
		}
	}
}
