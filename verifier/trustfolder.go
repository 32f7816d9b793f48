package verifier

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/schemas/receipt"
)

// Files of a trust folder. A pack's data/trust has the first two and a copy of the newest signer.
const (
	rootFile     = "trusted_root.json"
	signerFolder = "event-signers"
	logKeyFile   = "log.vkey"
	policyFile   = "policy.json"
	newestFile   = "event-signer.pem"
)

const maxTrustFile = 4 << 20

// LoadTrust reads a trust folder: trusted_root.json, event-signers/<sha256 of SPKI>.pem, log.vkey and policy.json. Other
// files are not read. Errors wrap ErrTrust.
func LoadTrust(fsys fs.FS) (*Trust, error) {
	data, err := readLimited(fsys, policyFile)
	if err != nil {
		return nil, err
	}
	policy, err := parsePolicy(data)
	if err != nil {
		return nil, err
	}
	t, err := load(fsys, policy)
	if err != nil {
		return nil, err
	}
	vkeys, err := readLimited(fsys, logKeyFile)
	if err != nil {
		return nil, err
	}
	return t, t.checkLogKeys(string(vkeys))
}

// LoadBagTrust reads the trust files of a pack. They name keys and no policy: what they prove is that the pack agrees with
// itself. newest is the hint of the key in event-signer.pem. Errors wrap ErrTrust.
func LoadBagTrust(fsys fs.FS) (t *Trust, newest string, err error) {
	t, err = load(fsys, Policy{})
	if err != nil {
		return nil, "", err
	}
	data, err := readLimited(fsys, newestFile)
	if err != nil {
		return nil, "", err
	}
	spki, err := decodePEM(data)
	if err != nil {
		return nil, "", err
	}
	newest = receipt.Hint(spki)
	if t.byHint[newest] == nil {
		return nil, "", fmt.Errorf("%w: %s is not among %s", ErrTrust, newestFile, signerFolder)
	}
	return t, newest, nil
}

func load(fsys fs.FS, policy Policy) (*Trust, error) {
	data, err := readLimited(fsys, rootFile)
	if err != nil {
		return nil, err
	}
	root, err := receipt.ParseTrustedRoot(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrust, err)
	}
	signers, err := loadSigners(fsys)
	if err != nil {
		return nil, err
	}
	return NewTrust(root, signers, policy)
}

func loadSigners(fsys fs.FS) ([][]byte, error) {
	entries, err := fs.ReadDir(fsys, signerFolder)
	if err != nil || len(entries) > maxSigners {
		return nil, fmt.Errorf("%w: the folder %s is missing or too large", ErrTrust, signerFolder)
	}
	var signers [][]byte
	for _, e := range entries {
		data, err := readLimited(fsys, signerFolder+"/"+e.Name())
		if err != nil {
			return nil, err
		}
		spki, err := decodePEM(data)
		if err != nil {
			return nil, err
		}
		if e.Name() != receipt.Hint(spki)+".pem" {
			return nil, fmt.Errorf("%w: a file in %s is not named after the key in it", ErrTrust, signerFolder)
		}
		signers = append(signers, spki)
	}
	return signers, nil
}

func decodePEM(data []byte) ([]byte, error) {
	block, rest := pem.Decode(data)
	if block == nil || len(rest) != 0 || string(encodePEM(block.Bytes)) != string(data) {
		return nil, fmt.Errorf("%w: a key file is not one PEM block \"PUBLIC KEY\" and nothing else", ErrTrust)
	}
	return block.Bytes, nil
}

func readLimited(fsys fs.FS, name string) ([]byte, error) {
	f, err := fsys.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is missing", ErrTrust, name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: open %s: %w", ErrTrust, name, err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxTrustFile+1))
	if err != nil || len(data) > maxTrustFile {
		return nil, fmt.Errorf("%w: %s cannot be read or is larger than %d bytes", ErrTrust, name, maxTrustFile)
	}
	return data, nil
}

// vkeys are the signed-note forms of the log keys, one a line, in the order of the trusted root.
func (t *Trust) vkeys() []string {
	var lines []string
	for _, k := range t.keys {
		if !k.witness {
			lines = append(lines, receipt.VerifierKey(k.name, k.pub))
		}
	}
	return lines
}

// checkLogKeys holds log.vkey against the trusted root: one or more lines, each a log of it.
func (t *Trust) checkLogKeys(text string) error {
	known := t.vkeys()
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for _, line := range lines {
		if !slices.Contains(known, line) {
			return fmt.Errorf("%w: %s names a key that is not a log of %s", ErrTrust, logKeyFile, rootFile)
		}
	}
	return nil
}

// Files are the files of a trust folder, by their names in it: what a court is given by another way than the pack.
func (t *Trust) Files() map[string][]byte {
	files := t.shared()
	files[policyFile] = t.policyJSON
	files[logKeyFile] = []byte(strings.Join(t.vkeys(), "\n") + "\n")
	return files
}

// BagFiles are the files of a pack's data/trust, by their names in it; newest is the hint of the signer in use.
func (t *Trust) BagFiles(newest string) (map[string][]byte, error) {
	files := t.shared()
	s := t.byHint[newest]
	if s == nil {
		return nil, fmt.Errorf("%w: the newest signer is none of its event signers", ErrTrust)
	}
	files[newestFile] = encodePEM(s.spki)
	return files, nil
}
