package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/term"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
)

// storeFlags say where a ledger is and which engines it uses; --data alone means the embedded ones.
type storeFlags struct {
	Data           string `required:"" help:"Folder of the ledger." placeholder:"DIR" type:"path"`
	PassphraseFile string `help:"File with the passphrase of the keys (default: DIR/passphrase)." placeholder:"FILE" type:"path"`
	Eventstore     string `help:"EventStoreDB to use instead of the embedded one: esdb://…, or @FILE that holds it." placeholder:"URL"`
	Trillian       string `help:"Trillian log server to use instead of the embedded one." placeholder:"HOST:PORT"`
	Tree           int64  `help:"Tree id at that log server." placeholder:"ID"`
	Keys           string `help:"Folder of the signing keys (default: DIR/keys)." placeholder:"DIR"`
	Keyring        string `help:"Keyring database (default: in DIR/keyring)." placeholder:"URL"`
	Blobs          string `help:"Where content is stored, encrypted (default: DIR/blobs)." placeholder:"URL"`
	Database       string `help:"Read models (default: in DIR/read)." placeholder:"URL"`
}

func (f storeFlags) config(log *slog.Logger) (node.Config, error) {
	if (f.Trillian == "") != (f.Tree == 0) {
		return node.Config{}, fmt.Errorf("%w: give --trillian and --tree together", node.ErrUsage)
	}
	return node.Config{
		Data: f.Data, PassphraseFile: f.PassphraseFile, EventStore: f.Eventstore, Trillian: f.Trillian, Tree: f.Tree,
		Keys: f.Keys, Keyring: f.Keyring, Blobs: f.Blobs, Database: f.Database, Logger: log,
	}, nil
}

// newLogger writes plain lines to a terminal and JSON to a pipe.
func newLogger(w io.Writer) *slog.Logger {
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, nil))
	}
	return slog.New(slog.NewJSONHandler(w, nil))
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
