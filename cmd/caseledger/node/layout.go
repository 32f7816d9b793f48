// Package node wires one process of the ledger: engines, keys, ledger and read models, from a folder of data and, where
// they are named, engines and stores outside it.
//
//	DIR/lock                one process at a time
//	DIR/passphrase          where init was given none (mode 0600)
//	DIR/keys/               event-signer.pem, checkpoint.pem (encrypted) or .kms files, trust/, dev-issuer
//	DIR/keyring/            keyring.db, master.key: never in the same backup set as events and blobs
//	DIR/events/             the embedded event store
//	DIR/tree/, DIR/read/    the tree and the read models: both follow from the events
//	DIR/blobs/              encrypted content
//	DIR/published           the last published checkpoint
package node

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// Errors that a command reports with exit code 2.
var (
	// ErrUsage: the folder, a flag or a combination of flags cannot be used.
	ErrUsage = errors.New("cannot start")
	// ErrHeld: another process holds the folder.
	ErrHeld = errors.New("the data folder is in use")
)

// layout finds the files of a ledger.
type layout struct {
	data, keys, keyring, passphrase, blobs, read string
}

func newLayout(c Config) (layout, error) {
	data, err := filepath.Abs(c.Data)
	if err != nil || c.Data == "" {
		return layout{}, fmt.Errorf("%w: give the folder of the ledger with --data", ErrUsage)
	}
	l := layout{
		data: data, keys: filepath.Join(data, "keys"), keyring: filepath.Join(data, "keyring", "keyring.db"),
		passphrase: filepath.Join(data, "passphrase"), read: filepath.Join(data, "read", "projections.db"),
	}
	l.blobs = "file://" + filepath.ToSlash(filepath.Join(data, "blobs")) + "?create_dir=true"
	if c.Keys != "" {
		if l.keys, err = filepath.Abs(c.Keys); err != nil {
			return layout{}, fmt.Errorf("%w: --keys: %w", ErrUsage, err)
		}
		if _, err := os.Stat(l.passphrase); err != nil {
			l.passphrase = filepath.Join(filepath.Dir(l.keys), "passphrase")
		}
	}
	if c.PassphraseFile != "" {
		l.passphrase = c.PassphraseFile
	}
	if c.Keyring != "" {
		if l.keyring, err = localPath(c.Keyring, "keyring.db"); err != nil {
			return layout{}, fmt.Errorf("%w: --keyring: %w", ErrUsage, err)
		}
	}
	if c.Database != "" {
		if l.read, err = localPath(c.Database, "projections.db"); err != nil {
			return layout{}, fmt.Errorf("%w: --database: %w", ErrUsage, err)
		}
	}
	if c.Blobs != "" {
		l.blobs = blobURL(c.Blobs)
	}
	return l, nil
}

// localPath reads a path, file:// or sqlite:// URL; a folder means the named file in it.
func localPath(text, name string) (string, error) {
	path := text
	if scheme, rest, ok := strings.Cut(text, "://"); ok {
		if scheme != "file" && scheme != "sqlite" {
			return "", fmt.Errorf("%s:// is not built in: give a path or a file:// URL", scheme)
		}
		u, err := url.PathUnescape(rest)
		if err != nil {
			return "", fmt.Errorf("the URL is malformed")
		}
		path, _, _ = strings.Cut(u, "?")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if st, err := os.Stat(abs); filepath.Ext(abs) == "" || (err == nil && st.IsDir()) {
		return filepath.Join(abs, name), nil
	}
	return abs, nil
}

// blobURL lets a plain path stand for a file:// bucket.
func blobURL(text string) string {
	if strings.Contains(text, "://") {
		return text
	}
	abs, err := filepath.Abs(text)
	if err != nil {
		return text
	}
	return "file://" + filepath.ToSlash(abs) + "?create_dir=true"
}

func (l layout) trust() string           { return filepath.Join(l.keys, "trust") }
func (l layout) master() string          { return filepath.Join(filepath.Dir(l.keyring), "master.key") }
func (l layout) events() string          { return filepath.Join(l.data, "events") }
func (l layout) tree() string            { return filepath.Join(l.data, "tree", "tree.db") }
func (l layout) published() string       { return filepath.Join(l.data, "published") }
func (l layout) issuer() string          { return filepath.Join(l.keys, "dev-issuer") }
func (l layout) initialised() bool       { return exists(filepath.Join(l.trust(), "trusted_root.json")) }
func exists(path string) bool            { _, err := os.Stat(path); return err == nil }
func (l layout) keyFile(n string) string { return filepath.Join(l.keys, n) }
