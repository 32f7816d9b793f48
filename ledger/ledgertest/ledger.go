// Package ledgertest gives tests a whole ledger on the embedded engines, a check of everything that a ledger promises,
// and the suites that each store must pass.
package ledgertest

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Origin is the log's name in tests.
const Origin = "log.caseledger.test"

// New creates a ledger in a temporary folder and opens it; tune may change its configuration.
func New(t testing.TB, tune ...func(*ledger.Config)) *node.Node {
	t.Helper()
	dir := t.TempDir()
	Init(t, dir)
	return Open(t, dir, tune...)
}

// initialised is what a new ledger's folder holds, by path. It is made once: deriving keys from passphrases is meant to be
// slow. So all ledgers of one test program have the same keys.
var initialised = sync.OnceValues(func() (files map[string][]byte, err error) {
	dir, err := os.MkdirTemp("", "ledgertest")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := node.Init(context.Background(), node.InitConfig{Config: node.Config{Data: dir}, Origin: Origin}); err != nil {
		return nil, err
	}
	files = map[string][]byte{}
	return files, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Name() == "lock" {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			files[name], err = os.ReadFile(path)
		}
		return err
	})
})

// Init creates a ledger in dir.
func Init(t testing.TB, dir string) {
	t.Helper()
	files, err := initialised()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err == nil {
			err = os.MkdirAll(filepath.Dir(path), 0o700)
		}
		if err == nil {
			err = os.WriteFile(path, data, 0o600)
		}
	}
	if err != nil {
		t.Fatalf("init: %v", err)
	}
}

// Open opens the ledger in dir and closes it when the test ends.
func Open(t testing.TB, dir string, tune ...func(*ledger.Config)) *node.Node {
	t.Helper()
	n, err := node.Open(context.Background(), node.Config{Data: dir, Tune: func(c *ledger.Config) {
		for _, f := range tune {
			f(c)
		}
	}})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return n
}

// Officer is a police officer of force 01.
func Officer(name string) ledger.User {
	return ledger.User{Subject: "officer:" + name, Name: name, Role: "officer", Organisation: "force-01"}
}

// OpenCase opens a case and returns its id.
func OpenCase(t testing.TB, l *ledger.Ledger, by ledger.User, urn string) predicate.UUID {
	t.Helper()
	id := predicate.UUID(uuid.NewString())
	_, err := l.Record(context.Background(), ledger.Act{
		User: by, Case: id, Policy: "test", Body: &predicate.CaseOpenedV1{URN: identifier.URN(urn), Stage: "pre-charge"},
	})
	if err != nil {
		t.Fatalf("open case: %v", err)
	}
	return id
}
