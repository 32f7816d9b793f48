package node

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
	"github.com/sigstore/sigstore/pkg/signature/kms"
	_ "github.com/sigstore/sigstore/pkg/signature/kms/cliplugin" // sigstore-kms-<name> programs, for name:// keys

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/keyring"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
)

// Names of the two signing keys in the keys folder: <name>.pem holds a key encrypted with the passphrase, or <name>.kms
// one line with the URI of a key in a key management system.
const (
	eventKey      = "event-signer"
	checkpointKey = "checkpoint"
	pemType       = "ENCRYPTED SIGSTORE PRIVATE KEY"
)

// InitConfig says what to create.
type InitConfig struct {
	Config
	Origin string
	// EventKeyURI and CheckpointKeyURI name keys in a key management system; empty: new encrypted PEM files.
	EventKeyURI, CheckpointKeyURI string
}

// Init creates a ledger in an empty folder: passphrase, keys, trust folder, keyring, development issuer.
func Init(ctx context.Context, c InitConfig) error {
	if err := receipt.CheckOrigin(c.Origin); err != nil {
		return fmt.Errorf("%w: %w", ErrUsage, err)
	}
	lay, err := newLayout(c.Config)
	if err != nil {
		return err
	}
	held, err := take(lay.data)
	if err != nil {
		return err
	}
	defer held.release() //nolint:errcheck // the process ends anyway
	if lay.initialised() {
		return fmt.Errorf("%w: there is a ledger in %s already", ErrUsage, lay.data)
	}
	for _, dir := range []string{lay.keys, filepath.Dir(lay.keyring)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("%w: %w", ErrUsage, err)
		}
	}
	if !exists(lay.passphrase) {
		if c.PassphraseFile != "" {
			return fmt.Errorf("%w: passphrase file %s is not there", ErrUsage, c.PassphraseFile)
		}
		text := make([]byte, 32)
		rand.Read(text) // never fails since Go 1.24
		if err := writeDurably(lay.passphrase, []byte(base64.RawURLEncoding.EncodeToString(text)+"\n"), 0o600); err != nil {
			return fmt.Errorf("passphrase: %w", err)
		}
	}
	return createKeys(ctx, lay, c)
}

func createKeys(ctx context.Context, lay layout, c InitConfig) error {
	pass, err := lay.readPassphrase()
	if err != nil {
		return err
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("event key: %w", err)
	}
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return fmt.Errorf("checkpoint key: %w", err)
	}
	if err := errors.Join(
		lay.saveKey(eventKey, ec, c.EventKeyURI, pass), lay.saveKey(checkpointKey, ed, c.CheckpointKeyURI, pass),
	); err != nil {
		return err
	}
	if err := keyring.CreateMasterFile(lay.master(), pass); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("keyring: %w", err)
	}
	if err := devissuer.Create(lay.issuer()); err != nil {
		return fmt.Errorf("development issuer: %w", err)
	}
	signers, err := lay.signers(ctx, pass)
	if err != nil {
		return err
	}
	return lay.writeTrust(c.Origin, signers)
}

func (l layout) readPassphrase() ([]byte, error) {
	b, err := os.ReadFile(l.passphrase)
	if err != nil {
		return nil, fmt.Errorf("%w: passphrase file: %w", ErrUsage, err)
	}
	return bytes.TrimRight(b, "\r\n"), nil
}

func (l layout) saveKey(name string, key crypto.PrivateKey, uri string, pass []byte) error {
	if uri != "" {
		return writeDurably(l.keyFile(name+".kms"), []byte(uri+"\n"), 0o600)
	}
	der, err := cryptoutils.MarshalPrivateKeyToEncryptedDER(key, cryptoutils.StaticPasswordFunc(pass))
	if err != nil {
		return fmt.Errorf("encrypt %s key: %w", name, err)
	}
	return writeDurably(l.keyFile(name+".pem"), pem.EncodeToMemory(&pem.Block{Type: pemType, Bytes: der}), 0o600)
}

// signers loads both signing keys.
func (l layout) signers(ctx context.Context, pass []byte) (*ledger.Signers, error) {
	event, err := l.signer(ctx, eventKey, crypto.SHA256, pass)
	if err != nil {
		return nil, err
	}
	checkpoint, err := l.signer(ctx, checkpointKey, crypto.Hash(0), pass)
	if err != nil {
		return nil, err
	}
	s, err := ledger.NewSigners(event, checkpoint)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUsage, err)
	}
	return s, nil
}

func (l layout) signer(ctx context.Context, name string, hash crypto.Hash, pass []byte) (signature.Signer, error) {
	if uri, err := os.ReadFile(l.keyFile(name + ".kms")); err == nil {
		s, err := kms.Get(ctx, strings.TrimSpace(string(uri)), hash)
		if err != nil {
			return nil, fmt.Errorf("%w: %s key in the key management system: %w", ErrUsage, name, err)
		}
		return s, nil
	}
	text, err := os.ReadFile(l.keyFile(name + ".pem"))
	if err != nil {
		return nil, fmt.Errorf("%w: %s key: %w", ErrUsage, name, err)
	}
	key, err := cryptoutils.UnmarshalPEMToPrivateKey(text, cryptoutils.StaticPasswordFunc(pass))
	if err != nil {
		return nil, fmt.Errorf("%w: %s key cannot be decrypted: check the passphrase file", ErrUsage, name)
	}
	s, err := signature.LoadSigner(key, hash)
	if err != nil {
		return nil, fmt.Errorf("%w: %s key: %w", ErrUsage, name, err)
	}
	return s, nil
}

// writeTrust makes the trust folder: what a court is given by another way than the bags.
func (l layout) writeTrust(origin string, s *ledger.Signers) error {
	log, err := receipt.NewTlog(origin, s.LogKey(), time.Now().UTC().Truncate(time.Second).Format(time.RFC3339))
	if err != nil {
		return err
	}
	root := receipt.TrustedRoot{MediaType: receipt.TrustedRootMediaType, Tlogs: []receipt.Tlog{log}}
	trust, err := verifier.NewTrust(root, [][]byte{s.SPKI()}, verifier.Policy{Witnesses: []string{}})
	if err != nil {
		return fmt.Errorf("trust folder: %w", err)
	}
	files := trust.Files()
	last := "trusted_root.json"
	for name, data := range files {
		if name == last {
			continue
		}
		if err := l.writeTrustFile(name, data); err != nil {
			return err
		}
	}
	return l.writeTrustFile(last, files[last]) // written last: its presence says that the ledger is complete
}

func (l layout) writeTrustFile(name string, data []byte) error {
	path := filepath.Join(l.trust(), filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("trust folder: %w", err)
	}
	if err := writeDurably(path, data, 0o644); err != nil {
		return fmt.Errorf("trust folder: %w", err)
	}
	return nil
}

// checkSigner makes sure that the key in use is one that the trust folder names.
func checkSigner(t *verifier.Trust, s *ledger.Signers) error {
	for _, hint := range t.Signers() {
		if hint == receipt.Hint(s.SPKI()) {
			return nil
		}
	}
	return fmt.Errorf("%w: the event key is not in the trust folder", ErrUsage)
}
