package main

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger/esdbserver"
)

type eventstoreCmd struct {
	Data         string `required:"" help:"Folder of a ledger, or of the store alone; created if it is not there." placeholder:"DIR" type:"path"`
	Listen       string `default:"127.0.0.1:2113" help:"Address to listen on." placeholder:"ADDR"`
	TLSCert      string `name:"tls-cert" help:"Certificate (PEM)." placeholder:"FILE" type:"path"`
	TLSKey       string `name:"tls-key" help:"Its key (PEM)." placeholder:"FILE" type:"path"`
	User         string `help:"User who alone may use streams ledger-*." placeholder:"NAME"`
	PasswordFile string `help:"File with that user's password." placeholder:"FILE" type:"path"`
}

// Help is shown by --help.
func (eventstoreCmd) Help() string {
	return `Streams ledger-* refuse delete and truncation and, with --user, everything by others.

Example:
  caseledger eventstore --data ./events --listen 127.0.0.1:2113`
}

// Run serves the event store until it is told to stop.
func (c *eventstoreCmd) Run(ctx context.Context, s streams) error {
	cfg := esdbserver.Config{Listen: c.Listen, TLSCert: c.TLSCert, TLSKey: c.TLSKey, User: c.User, Logger: newLogger(s.err)}
	if c.PasswordFile != "" {
		text, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return fmt.Errorf("%w: --password-file: %w", node.ErrUsage, err)
		}
		cfg.Password = strings.TrimRight(string(text), "\r\n")
	}
	release, err := node.HoldEvents(c.Data, &cfg)
	if err != nil {
		return err
	}
	defer release() //nolint:errcheck // the process ends anyway
	server, err := esdbserver.Start(ctx, cfg)
	if err != nil {
		return fmt.Errorf("%w: %w", node.ErrUsage, err)
	}
	fmt.Fprintf(s.out, "Event store on %s\n", server.ConnectionString())
	select {
	case <-ctx.Done():
	case <-server.Done():
	}
	return server.Close()
}
