package node

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger/esdbserver"
	"github.com/caseledger/caseledger/verifier"
)

// LoadTrust reads the trust folder of the ledger in a data folder.
func LoadTrust(data string) (*verifier.Trust, error) {
	lay, err := newLayout(Config{Data: data})
	if err != nil {
		return nil, err
	}
	return verifier.LoadTrust(os.DirFS(lay.trust()))
}

// OpenIssuer opens the development issuer of a ledger; it needs neither the lock nor a running server.
func OpenIssuer(c Config) (*devissuer.Issuer, error) {
	lay, err := newLayout(c)
	if err != nil {
		return nil, err
	}
	if !lay.initialised() {
		return nil, fmt.Errorf("%w: there is no ledger in %s; create one with: caseledger init --data %s --origin HOST", ErrUsage, lay.data, c.Data)
	}
	is, err := devissuer.Open(lay.issuer())
	if err != nil {
		return nil, fmt.Errorf("%w: development issuer: %w", ErrUsage, err)
	}
	return is, nil
}

// Initialised reports whether there is a ledger in the folder.
func Initialised(c Config) (bool, error) {
	lay, err := newLayout(c)
	return err == nil && lay.initialised(), err
}

// HoldEvents takes a folder for the event store alone: the store of a ledger if there is one, else the folder itself.
func HoldEvents(data string, cfg *esdbserver.Config) (release func() error, err error) {
	lay, err := newLayout(Config{Data: data})
	if err != nil {
		return nil, err
	}
	held, err := take(lay.data)
	if err != nil {
		return nil, err
	}
	cfg.Dir = lay.data
	if lay.initialised() || exists(lay.events()) {
		cfg.Dir = lay.events()
	}
	return held.release, nil
}

// WaitForReadModels waits until the read models cover every event that the stream held when it was called.
func (n *Node) WaitForReadModels(ctx context.Context) error {
	head, _ := n.Ledger.Integrated()
	for {
		pos, err := n.Read.Position(ctx)
		if err != nil {
			return fmt.Errorf("read models: %w", err)
		}
		if pos >= head.Size {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// ReplaceReadModels stops the node and puts a rebuilt database in the place of the one in use.
func (n *Node) ReplaceReadModels(rebuilt string) error {
	target := n.lay.read
	if err := n.Close(); err != nil {
		return err
	}
	for _, companion := range []string{"-wal", "-shm"} {
		if err := os.Remove(target + companion); err != nil && !os.IsNotExist(err) {
			return fmt.Errorf("replace read models: %w", err)
		}
	}
	if err := os.Rename(rebuilt, target); err != nil {
		return fmt.Errorf("replace read models in %s: %w", filepath.Dir(target), err)
	}
	return nil
}
