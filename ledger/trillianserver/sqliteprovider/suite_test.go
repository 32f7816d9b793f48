package sqliteprovider_test

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/trillian/integration/storagetest"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/storage/testonly"

	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
)

func open(t testing.TB, path string) *sqliteprovider.Provider {
	t.Helper()
	p, err := sqliteprovider.Open(context.Background(), sqliteprovider.Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// TestTrillianLogSuite runs Trillian's own tests of a log storage.
func TestTrillianLogSuite(t *testing.T) {
	storagetest.RunLogStorageTests(t, func(_ context.Context, t *testing.T) (storage.LogStorage, storage.AdminStorage) {
		p := open(t, filepath.Join(t.TempDir(), "tree.db"))
		return p.LogStorage(), p.AdminStorage()
	})
}

// TestTrillianAdminSuite runs Trillian's own tests of an admin storage.
func TestTrillianAdminSuite(t *testing.T) {
	tester := &testonly.AdminStorageTester{NewAdminStorage: func() storage.AdminStorage {
		return open(t, filepath.Join(t.TempDir(), "tree.db")).AdminStorage()
	}}
	tester.RunAllTests(t)
}
