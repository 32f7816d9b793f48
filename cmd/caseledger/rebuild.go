package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/projections/sqlstore"
)

// errDifferent: the rebuilt read models are not those in use.
var errDifferent = errors.New("the read models in use differ from what the events give: stop the server and run caseledger rebuild without --check")

type rebuildCmd struct {
	storeFlags `embed:""`
	Check      bool `help:"Build beside the read models in use and compare; change nothing."`
}

// Help is shown by --help.
func (rebuildCmd) Help() string {
	return `Example:
  caseledger rebuild --data ./data --check`
}

// Run rebuilds the read models.
func (c *rebuildCmd) Run(ctx context.Context, s streams) error {
	cfg, err := c.config(newLogger(discardUnlessVerbose()))
	if err != nil {
		return err
	}
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer n.Close() // nothing was written
	if err := n.WaitForReadModels(ctx); err != nil {
		return err
	}
	live, _, err := n.Read.Digest(ctx)
	if err != nil {
		return fmt.Errorf("digest of the read models: %w", err)
	}
	dir, err := os.MkdirTemp(filepath.Join(c.Data), "rebuild-")
	if err != nil {
		return fmt.Errorf("%w: %w", node.ErrUsage, err)
	}
	defer os.RemoveAll(dir) //nolint:errcheck // a leftover does no harm
	path, start := filepath.Join(dir, "projections.db"), time.Now()
	events, err := sqlstore.Rebuild(ctx, n.Source(), path)
	if err != nil {
		return fmt.Errorf("rebuild: %w", err)
	}
	fresh, err := digestOf(ctx, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "events   %d\nseconds  %.2f\nin use   %s\nrebuilt  %s\n", events, time.Since(start).Seconds(), live, fresh)
	switch {
	case live == fresh:
		return nil
	case c.Check:
		return errDifferent
	}
	return n.ReplaceReadModels(path)
}

func digestOf(ctx context.Context, path string) (string, error) {
	st, err := sqlstore.Open(ctx, path)
	if err != nil {
		return "", fmt.Errorf("rebuilt read models: %w", err)
	}
	digest, _, err := st.Digest(ctx)
	return digest, errors.Join(err, st.Close())
}
