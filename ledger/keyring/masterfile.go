package keyring

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

const (
	masterPrefix    = "CASELEDGER-MASTER-KEY-1 "
	masterFileLimit = 8 << 10
	scryptWork      = 16 // 2^16 rounds of scrypt, r = 8: 64 MiB, about 0.2 s
	scryptWorkMax   = 18 // an edited file cannot ask for more than 256 MiB
)

// CreateMasterFile makes a random master key and stores it at path, mode 0600, encrypted by the passphrase. The
// file and its folder are synced before it returns, and an existing file is never overwritten (fs.ErrExist).
//
// The file is an armoured age file with one scrypt stanza, so the stock age program opens it too; inside is one
// line, "CASELEDGER-MASTER-KEY-1 " and the key in hex.
func CreateMasterFile(path string, passphrase []byte) error {
	if len(passphrase) == 0 {
		return fmt.Errorf("create master key file: empty passphrase: %w", ErrInvalid)
	}
	key := make([]byte, KeySize)
	rand.Read(key)
	defer clear(key)
	sealed, err := sealMaster(key, passphrase)
	if err != nil {
		return fmt.Errorf("create master key file: %w", err)
	}
	if err := writeNewFile(path, sealed); err != nil {
		return fmt.Errorf("create master key file: %w", err)
	}
	return nil
}

// OpenMasterFile reads a file that CreateMasterFile made. Errors: ErrPassphrase, ErrMasterFile, or the file
// system's own.
func OpenMasterFile(path string, passphrase []byte) (Master, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open master key file: %w", err)
	}
	defer f.Close()
	sealed, err := io.ReadAll(io.LimitReader(f, masterFileLimit+1))
	if err != nil {
		return nil, fmt.Errorf("read master key file: %w", err)
	}
	key, err := openMaster(sealed, passphrase)
	if err != nil {
		return nil, fmt.Errorf("open master key file %s: %w", path, err)
	}
	defer clear(key)
	m, err := NewMaster(key)
	if err != nil {
		return nil, err
	}
	m.(*localMaster).name += " of " + path
	return m, nil
}

func sealMaster(key, passphrase []byte) ([]byte, error) {
	to, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, err
	}
	to.SetWorkFactor(scryptWork)
	var out bytes.Buffer
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, to)
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(w, "%s%x\n", masterPrefix, key); err != nil {
		return nil, err
	}
	if err := errors.Join(w.Close(), text.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func openMaster(sealed, passphrase []byte) ([]byte, error) {
	if len(sealed) > masterFileLimit {
		return nil, fmt.Errorf("longer than %d bytes: %w", masterFileLimit, ErrMasterFile)
	}
	if len(passphrase) == 0 {
		return nil, fmt.Errorf("empty passphrase: %w", ErrPassphrase)
	}
	as, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, err
	}
	as.SetMaxWorkFactor(scryptWorkMax)
	r, err := age.Decrypt(armor.NewReader(bytes.NewReader(sealed)), as)
	if errors.Is(err, age.ErrIncorrectIdentity) {
		return nil, ErrPassphrase
	}
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrMasterFile, err)
	}
	return parseMaster(r)
}

func parseMaster(r io.Reader) ([]byte, error) {
	line, err := io.ReadAll(io.LimitReader(r, masterFileLimit))
	defer clear(line)
	if err != nil {
		return nil, fmt.Errorf("%w (%v)", ErrMasterFile, err)
	}
	text, hasPrefix := strings.CutPrefix(string(line), masterPrefix)
	text, hasEnd := strings.CutSuffix(text, "\n")
	key, err := hex.DecodeString(text)
	if !hasPrefix || !hasEnd || err != nil || len(key) != KeySize {
		return nil, ErrMasterFile
	}
	return key, nil
}

// writeNewFile creates path with mode 0600 and syncs it and its folder. What it could not finish it removes.
func writeNewFile(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
