package esdbserver_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"go.uber.org/goleak"

	"github.com/caseledger/caseledger/ledger/esdbserver"
)

// childFolder makes the test binary serve and append in that folder until it is killed.
const childFolder = "ESDBSERVER_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childFolder); dir != "" {
		appendForever(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// appendForever writes three events an append from four callers, and prints each append after its acknowledgement.
func appendForever(dir string) {
	cfg := esdbserver.Config{Dir: filepath.Join(dir, "store"), Listen: "unix:" + filepath.Join(dir, "run", "s")}
	s, err := esdbserver.Start(context.Background(), cfg)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	conf, err := esdb.ParseConnectionString(s.ConnectionString())
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	conf.Address, conf.Logger = s.Address(), esdb.NoopLogging()
	client, err := esdb.NewClient(conf)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	for i := range 4 {
		go func() {
			for {
				events := newEvents(3, 700)
				result, err := client.AppendToStream(context.Background(), fmt.Sprint("s", i), esdb.AppendToStreamOptions{}, events...)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				fmt.Printf("s%d %d %s\n", i, result.NextExpectedVersion, events[2].EventID)
			}
		}()
	}
	select {}
}

// TestKill kills a process that appends, several times over the same folder. Whatever it had been acknowledged must
// be there, at the acknowledged revision, and no append may be there in part.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]string{} // "stream revision" → id
	for round := range 3 {
		child := exec.Command(os.Args[0])
		child.Env = append(os.Environ(), childFolder+"="+dir)
		child.Stderr = os.Stderr
		out, err := child.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for count := 0; lines.Scan(); count++ {
			f := strings.Fields(lines.Text())
			if len(f) == 3 && len(f[2]) == 36 { // the last line may be cut
				acknowledged[f[0]+" "+f[1]] = f[2]
			}
			if count == 150+100*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // killed: the exit status says only that
	}
	client := dial(t, start(t, esdbserver.Config{Dir: filepath.Join(dir, "store"), Listen: "unix:" + filepath.Join(dir, "run", "s")}))
	for i := range 4 {
		stream := fmt.Sprint("s", i)
		events, err := collect(client.ReadStream(context.Background(), stream, esdb.ReadStreamOptions{}, 1<<40))
		if err != nil {
			t.Fatal(err)
		}
		if len(events)%3 != 0 {
			t.Errorf("%s has %d events: an append was stored in part", stream, len(events))
		}
		for r, e := range events {
			key := fmt.Sprint(stream, " ", r)
			if id, ok := acknowledged[key]; ok && id != e.OriginalEvent().EventID.String() {
				t.Errorf("%s: acknowledged %s, stored %s", key, id, e.OriginalEvent().EventID)
			}
			if e.OriginalEvent().EventNumber != uint64(r) {
				t.Fatalf("%s: revision %d at %d", stream, e.OriginalEvent().EventNumber, r)
			}
			delete(acknowledged, key)
		}
	}
	if len(acknowledged) > 0 {
		t.Errorf("%d acknowledged appends are lost", len(acknowledged))
	}
}

func TestRestart(t *testing.T) {
	cfg := config(t)
	s := start(t, cfg)
	client := dial(t, s)
	sent := newEvents(700, 100)
	first := mustAppend(t, client, "kept", esdb.NoStream{}, sent...)
	mustAppend(t, client, "gone", esdb.Any{}, newEvents(1, 10)...)
	if _, err := client.TombstoneStream(context.Background(), "gone", esdb.TombstoneStreamOptions{ExpectedRevision: esdb.Any{}}); err != nil {
		t.Fatal(err)
	}
	setMetadata(t, client, "kept", func(m *esdb.StreamMetadata) { m.SetTruncateBefore(690) })
	before, err := collect(client.ReadAll(context.Background(), esdb.ReadAllOptions{}, 1<<40))
	if err != nil {
		t.Fatal(err)
	}
	client.Close()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	<-s.Done()

	client = dial(t, start(t, cfg))
	after, err := collect(client.ReadAll(context.Background(), esdb.ReadAllOptions{}, 1<<40))
	if err != nil || len(after) != len(before) {
		t.Fatalf("%d events after the restart, %d before, %v", len(after), len(before), err)
	}
	for i := range after {
		a, b := after[i].OriginalEvent(), before[i].OriginalEvent()
		if a.EventID != b.EventID || a.Position != b.Position || a.CreatedDate != b.CreatedDate || a.EventNumber != b.EventNumber {
			t.Fatalf("event %d: %+v, before %+v", i, a, b)
		}
	}
	if events := readForwards(t, client, "kept"); len(events) != 10 {
		t.Errorf("metadata was forgotten: %d events, want 10", len(events))
	}
	_, err = appendTo(client, "gone", esdb.Any{}, newEvents(1, 10)...)
	wantCode(t, "append to a tombstone after the restart", err, esdb.ErrorCodeStreamDeleted)
	if again := mustAppend(t, client, "kept", esdb.Any{}, sent[600:]...); again.NextExpectedVersion != first.NextExpectedVersion {
		t.Errorf("a retry after the restart was stored again, at %d", again.NextExpectedVersion)
	}
	if got := mustAppend(t, client, "kept", esdb.Revision(699), newEvents(1, 10)...); got.NextExpectedVersion != 700 {
		t.Errorf("the next revision is %d, want 700", got.NextExpectedVersion)
	}
}

// TestConcurrentWriters lets callers race for the next revision of one stream: each success must own its revision.
func TestConcurrentWriters(t *testing.T) {
	client := dial(t, start(t, config(t)))
	var mu sync.Mutex
	owners := map[uint64]uuid.UUID{}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 25 {
				mu.Lock()
				next := uint64(len(owners))
				mu.Unlock()
				expected := esdb.ExpectedRevision(esdb.NoStream{})
				if next > 0 {
					expected = esdb.Revision(next - 1)
				}
				e := newEvents(1, 50)[0]
				result, err := appendTo(client, "race", expected, e)
				if code(err) == esdb.ErrorCodeWrongExpectedVersion {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				if other, taken := owners[result.NextExpectedVersion]; taken {
					t.Errorf("revision %d was given to %s and %s", result.NextExpectedVersion, other, e.EventID)
				}
				owners[result.NextExpectedVersion] = e.EventID
				mu.Unlock()
			}
		})
	}
	group.Wait()
	events := readForwards(t, client, "race")
	if len(events) != len(owners) || len(events) == 0 {
		t.Fatalf("%d events, %d acknowledged", len(events), len(owners))
	}
	for r, e := range events {
		if owners[uint64(r)] != e.OriginalEvent().EventID {
			t.Errorf("revision %d: %s was acknowledged, %s is stored", r, owners[uint64(r)], e.OriginalEvent().EventID)
		}
	}
}

// TestSlowSubscription stops reading while far more is written than memory keeps: the subscription must fall behind,
// read the database and give every event once and in order.
func TestSlowSubscription(t *testing.T) {
	client := dial(t, start(t, config(t)))
	sub, err := client.SubscribeToStream(context.Background(), "busy", esdb.SubscribeToStreamOptions{From: esdb.Start{}})
	next := follow(t, sub, err)
	wantNext(t, next, "live")
	const appends, each = 60, 250
	for range appends {
		mustAppend(t, client, "busy", esdb.Any{}, newEvents(each, 3500)...)
	}
	behind := false
	for want := 0; want < appends*each; {
		got, e := next()
		switch {
		case e.FellBehind != nil:
			behind = true
		case e.CaughtUp != nil:
		case got != fmt.Sprintf("busy@%d", want):
			t.Fatalf("got %s, want revision %d", got, want)
		default:
			want++
		}
	}
	if !behind {
		t.Error("the subscription was never told that it fell behind")
	}
}
