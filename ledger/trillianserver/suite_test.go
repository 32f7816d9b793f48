package trillianserver

import (
	"context"
	"path/filepath"
	"testing"

	"github.com/google/trillian/integration/storagetest"
	"github.com/google/trillian/log"
	"github.com/google/trillian/storage"
	"github.com/google/trillian/util/clock"

	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
)

// TestTrillianSuiteOnIntegratingStorage runs Trillian's tests of a log storage through the storage
// that the server uses.
func TestTrillianSuiteOnIntegratingStorage(t *testing.T) {
	log.InitMetrics(nil)
	storagetest.RunLogStorageTests(t, func(ctx context.Context, t *testing.T) (storage.LogStorage, storage.AdminStorage) {
		p, err := sqliteprovider.Open(ctx, sqliteprovider.Options{Path: filepath.Join(t.TempDir(), "tree.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
		return &integratingStorage{LogStorage: p.LogStorage(), timeSource: clock.System}, p.AdminStorage()
	})
}
