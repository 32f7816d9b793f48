package esdbserver_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// nodeClient turns on the check through the Node client, which needs Node, npm and a package registry.
const nodeClient = "CASELEDGER_NODE"

func TestNodeClient(t *testing.T) {
	if os.Getenv(nodeClient) != "1" {
		t.Logf("no %s=1: the Node client was not checked", nodeClient)
		return
	}
	work := t.TempDir()
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc", "check.mjs"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "interop", "node-esdb", name))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(work, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cfg := config(t)
	cfg.Listen = "127.0.0.1:0"
	s := start(t, cfg)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	run := func(name string, args ...string) string {
		cmd := exec.CommandContext(ctx, name, args...)
		cmd.Dir = work
		cmd.Env = append(os.Environ(), "PROTECTED=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		return string(out)
	}
	run("npm", "ci", "--no-audit", "--no-fund")
	out := strings.TrimSpace(run("node", "check.mjs", "esdb://"+s.Address()+"?tls=false"))
	t.Log(out)
	if !strings.HasSuffix(out, " 0 failed") || strings.HasPrefix(out, "0 ") {
		t.Error("the Node client found failures")
	}
}
