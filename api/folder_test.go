package api_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
)

// created is a folder with a ledger in it that nothing has happened to. Making its keys is most of the time that a test
// would take, so each test works on a copy.
var created string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "caseledger-api-")
	if err != nil {
		panic(err)
	}
	created = filepath.Join(dir, "data")
	err = node.Init(context.Background(), node.InitConfig{Config: node.Config{Data: created}, Origin: ledgertest.Origin})
	code := 1
	if err == nil {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// newNode opens a copy of the created ledger.
func newNode(t testing.TB, tune ...func(*ledger.Config)) *node.Node {
	t.Helper()
	dir := t.TempDir()
	err := filepath.WalkDir(created, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		to := filepath.Join(dir, path[len(created):])
		if d.IsDir() {
			return os.MkdirAll(to, info.Mode().Perm())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(to, data, info.Mode().Perm())
	})
	if err != nil {
		t.Fatal(err)
	}
	return ledgertest.Open(t, dir, tune...)
}
