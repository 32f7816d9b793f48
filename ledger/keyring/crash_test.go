package keyring

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

const childEnv = "KEYRING_TEST_CHILD"

// TestMain lets the test binary be the process that is killed.
func TestMain(m *testing.M) {
	if path := os.Getenv(childEnv); path != "" {
		fmt.Println(createForEver(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// createForEver makes keys and says so, each only after it was told to be durable.
func createForEver(path string) error {
	ctx := context.Background()
	m, err := NewMaster([]byte(strings.Repeat("\x01", KeySize)))
	if err != nil {
		return err
	}
	k, err := Open(ctx, path, m)
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		caseID, owner := fmt.Sprint("case", i/3), fmt.Sprint("owner", i)
		id, err := k.ExhibitKey(ctx, caseID, owner)
		if err != nil {
			return err
		}
		sealed, err := k.SealOpening(id, uuid.UUID{1}, "f", []byte(owner))
		if err != nil {
			return err
		}
		fmt.Printf("%s %s %s %x\n", caseID, owner, id, sealed)
	}
}

func TestKilledProcessLosesNoKeyItUsed(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	total := 0
	for round := range 4 {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childEnv+"="+path)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var said []string
		for lines.Scan() {
			said = append(said, lines.Text())
			if len(said) == 5+17*round {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := cmd.Wait(); err == nil {
			t.Fatal("the child was not killed")
		}
		k := openTest(t, path)
		for _, line := range said {
			var caseID, owner string
			var id ID
			var sealed []byte
			if n, _ := fmt.Sscanf(line, "%s %s %s %x", &caseID, &owner, &id, &sealed); n != 4 {
				continue // cut off by the kill
			}
			plain, err := k.OpenOpening(id, uuid.UUID{1}, "f", sealed)
			if got, err2 := k.ExhibitKey(ctx, caseID, owner); errors.Join(err, err2) != nil || got != id || string(plain) != owner {
				t.Fatalf("%s: key %s, opened %q, %v %v", line, got, plain, err, err2)
			}
			total++
		}
		if err := k.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if total < 50 {
		t.Fatalf("only %d keys were checked", total)
	}
}
