package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/caseledger/caseledger/ledger/trillianserver"
	"github.com/caseledger/caseledger/ledger/trillianserver/sqliteprovider"
	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/projections/sqlstore"
)

// Source is the stream of events as read models follow it.
type Source = projections.Source

// startTree starts the embedded log. Tree and read models follow from the events, so a damaged file is kept aside for
// whoever wants to know why, and a new one is made.
func startTree(ctx context.Context, path string, log *slog.Logger) (*trillianserver.Server, error) {
	s, err := trillianserver.Start(ctx, trillianserver.Config{Path: path, Logger: log})
	if errors.Is(err, sqliteprovider.ErrCorrupt) {
		if err := moveAside(path, log); err != nil {
			return nil, err
		}
		s, err = trillianserver.Start(ctx, trillianserver.Config{Path: path, Logger: log})
	}
	if err != nil {
		return nil, fmt.Errorf("embedded log: %w", err)
	}
	return s, nil
}

func openReadModels(ctx context.Context, path string, log *slog.Logger) (*sqlstore.Store, error) {
	s, err := sqlstore.Open(ctx, path)
	if errors.Is(err, sqlstore.ErrCorrupt) {
		if err := moveAside(path, log); err != nil {
			return nil, err
		}
		s, err = sqlstore.Open(ctx, path)
	}
	if err != nil {
		return nil, fmt.Errorf("read models: %w", err)
	}
	return s, nil
}

// moveAside renames a database and its companions.
func moveAside(path string, log *slog.Logger) error {
	suffix := ".damaged-" + time.Now().UTC().Format("20060102T150405Z")
	log.Warn("a file that follows from the events is damaged; it is kept aside and made again", "file", path, "kept", path+suffix)
	for _, companion := range []string{"", "-wal", "-shm"} {
		if err := os.Rename(path+companion, path+suffix+companion); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("keep a damaged file aside: %w", err)
		}
	}
	return nil
}

func firstLine(b []byte) string {
	line, _, _ := strings.Cut(string(b), "\n")
	return strings.TrimSpace(line)
}
