package main

import (
	"context"
	"fmt"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
)

type initCmd struct {
	Data           string `required:"" help:"Folder to create the ledger in." placeholder:"DIR" type:"path"`
	Origin         string `required:"" help:"Name of the log: a host name that is used for nothing else." placeholder:"HOST"`
	PassphraseFile string `help:"File with the passphrase that encrypts the keys; without it one is made in DIR." placeholder:"FILE" type:"path"`
	Keyring        string `help:"Keyring database (default: in DIR/keyring)." placeholder:"URL"`
	EventKey       string `help:"Sign events with this key of a key management system, such as awskms://… or name://… of a sigstore-kms-name program." placeholder:"URI"`
	CheckpointKey  string `help:"Sign checkpoints with this key of a key management system." placeholder:"URI"`
}

// Help is shown by --help.
func (initCmd) Help() string {
	return `Example:
  caseledger init --data ./data --origin log2026.caseledger.example`
}

// Run creates the ledger.
func (c *initCmd) Run(ctx context.Context, s streams) error {
	err := node.Init(ctx, node.InitConfig{
		Config: node.Config{Data: c.Data, PassphraseFile: c.PassphraseFile, Keyring: c.Keyring},
		Origin: c.Origin, EventKeyURI: c.EventKey, CheckpointKeyURI: c.CheckpointKey,
	})
	if err != nil {
		return err
	}
	t, err := node.LoadTrust(c.Data)
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, `Created the ledger %s in %s.
Fingerprint of its keys: %s
Give %s/keys/trust to courts by another way than the verification packs, and keep %s/keyring out of the backups of events and content.
Next: caseledger serve --data %s --listen 127.0.0.1:8080
`, c.Origin, c.Data, t.Fingerprint(), c.Data, c.Data, c.Data)
	return nil
}
