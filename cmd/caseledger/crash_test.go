package main_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

var (
	crashRounds = flag.Int("crash.rounds", 6, "how many times TestCrash kills a ledger under load")
	crashSeed   = flag.Uint64("crash.seed", 0, "seed of TestCrash; 0: another each time")
)

// roundsInFolder is after how many rounds a new folder is begun. Before that everything in the old one is checked.
const roundsInFolder = 8

// TestCrash kills a ledger at random moments under load. Whatever it had acknowledged must be there afterwards, tree and
// published checkpoints must only ever have grown, and read models must equal rebuilt ones. In half of the rounds tree and
// read models are replaced by earlier copies first, as a loss of power leaves them under relaxed sync.
func TestCrash(t *testing.T) {
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("seed %d: run again with -crash.seed=%d", seed, seed)
	c := &crash{rand: rand.New(rand.NewPCG(seed, 0))}
	for round := range *crashRounds {
		if round%roundsInFolder == 0 {
			c.folder(t)
		}
		c.round(t, round, round == *crashRounds-1 || (round+1)%roundsInFolder == 0)
		if t.Failed() {
			t.Fatalf("round %d failed; the ledger is in %s", round, c.dir)
		}
	}
	t.Logf("%d rounds, %d acts acknowledged", *crashRounds, c.total+len(c.acks))
}

// crash is what the parent knows of one folder.
type crash struct {
	rand   *rand.Rand
	dir    string // of the ledger
	copies *copies
	acks   []ack
	total  int   // acknowledged in earlier folders
	size   int64 // of the tree when it was last looked at
}

func (c *crash) folder(t *testing.T) {
	base, err := os.MkdirTemp("", "crash")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if !t.Failed() || c.dir != filepath.Join(base, "data") {
			os.RemoveAll(base) // a temporary folder
		}
	})
	if c.dir != "" {
		os.RemoveAll(filepath.Dir(c.dir)) // all is well with it
	}
	c.total += len(c.acks)
	c.dir, c.acks, c.size = filepath.Join(base, "data"), nil, 0
	c.copies = &copies{data: c.dir, dir: filepath.Join(base, "copies"), rand: c.rand}
	if err := os.Mkdir(filepath.Join(base, "tmp"), 0o700); err != nil {
		t.Fatal(err)
	}
	ledgertest.Init(t, c.dir)
}

func (c *crash) round(t *testing.T, round int, whole bool) {
	begun := time.Now()
	fresh := c.killed(t, round)
	c.acks = append(c.acks, fresh...)
	what := "killed"
	if c.rand.IntN(2) == 0 {
		what = c.copies.restore(t)
	}
	c.check(t, fresh, whole)
	t.Logf("round %3d: %s; %d acts acknowledged, %d events; %v", round, what, len(fresh), c.size, time.Since(begun).Round(time.Millisecond))
}

// killed lets a child work and kills it: 10 to 1500 ms after its first acknowledgement, or while it starts.
func (c *crash) killed(t *testing.T, round int) []ack {
	t.Helper()
	in, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(os.Args[0], "-test.run=^TestCrashChild$")
	child.Env = append(os.Environ(), crashFolder+"="+c.dir, crashRound+"="+fmt.Sprint(round), crashCases+"="+c.someCases(),
		"TMPDIR="+filepath.Join(filepath.Dir(c.dir), "tmp"))
	child.ExtraFiles = []*os.File{out}
	child.Stderr = os.Stderr
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	out.Close() // the child has it
	stopCopies := c.copies.run()
	defer stopCopies()
	kill := func() { _ = child.Process.Kill() } // it may have ended by itself; then it told why
	starting := c.rand.IntN(6) == 0
	wait := time.Duration(10+c.rand.IntN(1490)) * time.Millisecond
	if starting {
		time.AfterFunc(time.Duration(c.rand.IntN(900))*time.Millisecond, kill)
	}
	var fresh []ack
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var a ack
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			continue // the last line may be cut
		}
		if a.Err != "" {
			t.Errorf("the child failed: %s", a.Err)
			continue
		}
		if fresh = append(fresh, a); len(fresh) == 1 && !starting {
			time.AfterFunc(wait, kill)
		}
	}
	_ = child.Wait() // killed: the exit status says only that
	return fresh
}

// someCases are cases that a child goes on with.
func (c *crash) someCases() string {
	var ids []string
	for _, i := range c.rand.Perm(len(c.acks)) {
		if a := &c.acks[i]; a.Opened && len(ids) < crashWorkers/2 {
			ids = append(ids, string(a.Case))
		}
	}
	return strings.Join(ids, ",")
}

// destroyed are the exhibits whose keys are known to be destroyed.
func (c *crash) destroyed() map[predicate.UUID]bool {
	out := map[predicate.UUID]bool{}
	for _, a := range c.acks {
		if a.Destroyed != "" {
			out[a.Destroyed] = true
		}
	}
	return out
}
