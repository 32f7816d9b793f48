package bench

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"sync"

	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"

	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
)

// proofChecker verifies each receipt's inclusion proof, and each checkpoint once, as a client would: from the answer's
// bytes, with nothing from the server but its public keys.
type proofChecker struct {
	spki []byte
	log  ed25519.PublicKey
	mu   sync.Mutex
	good map[string]receipt.SignedCheckpoint
}

// parts of a receipt's JSON, found by their fixed names.
var (
	keyCheckpoint = []byte(`"checkpoint":"`)
	keyPayload    = []byte(`"payload":"`)
	keySig        = []byte(`"sig":"`)
	keyHashes     = []byte(`"hashes":[`)
	keyIndex      = []byte(`"logIndex":"`)
)

func text(body, key []byte) (string, error) {
	i := bytes.Index(body, key)
	if i < 0 {
		return "", fmt.Errorf("%w: no %s", errAnswer, key)
	}
	rest := body[i+len(key):]
	j := bytes.IndexByte(rest, '"')
	if j < 0 {
		return "", fmt.Errorf("%w: unclosed %s", errAnswer, key)
	}
	return string(rest[:j]), nil
}

func (p *proofChecker) check(body []byte) error {
	note, err := text(body, keyCheckpoint)
	if err != nil {
		return err
	}
	cp, err := p.checkpoint(note)
	if err != nil {
		return err
	}
	leaf, err := p.leaf(body)
	if err != nil {
		return err
	}
	number, err := text(body, keyIndex)
	if err != nil {
		return err
	}
	index, err := strconv.ParseUint(number, 10, 63)
	if err != nil {
		return fmt.Errorf("%w: index", errAnswer)
	}
	hashes, err := proofOf(body)
	if err != nil {
		return err
	}
	return proof.VerifyInclusion(rfc6962.DefaultHasher, index, cp.Size, leaf[:], hashes, cp.Root[:])
}

// leaf is the leaf hash that the receipt's envelope must have.
func (p *proofChecker) leaf(body []byte) ([32]byte, error) {
	payload, err := raw(body, keyPayload)
	if err != nil {
		return [32]byte{}, err
	}
	sig, err := raw(body, keySig)
	if err != nil {
		return [32]byte{}, err
	}
	return receipt.LeafHash(receipt.LeafBody(sha256.Sum256(statement.PAE(payload)), sig, p.spki)), nil
}

func raw(body, key []byte) ([]byte, error) {
	t, err := text(body, key)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(t)
}

func proofOf(body []byte) ([][]byte, error) {
	i := bytes.Index(body, keyHashes)
	if i < 0 {
		return nil, fmt.Errorf("%w: no proof", errAnswer)
	}
	rest := body[i+len(keyHashes):]
	end := bytes.IndexByte(rest, ']')
	if end < 0 {
		return nil, fmt.Errorf("%w: unclosed proof", errAnswer)
	}
	var out [][]byte
	for part := range bytes.SplitSeq(rest[:end], []byte(",")) {
		if len(part) < 2 {
			continue
		}
		h, err := base64.StdEncoding.DecodeString(string(part[1 : len(part)-1]))
		if err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, nil
}

// checkpoint verifies a signed note once; receipts of one batch share theirs. The note is as it stands in the JSON, with
// its line feeds escaped.
func (p *proofChecker) checkpoint(escaped string) (receipt.SignedCheckpoint, error) {
	p.mu.Lock()
	cp, ok := p.good[escaped]
	p.mu.Unlock()
	if ok {
		return cp, nil
	}
	note, err := strconv.Unquote(`"` + escaped + `"`)
	if err != nil {
		return cp, fmt.Errorf("%w: checkpoint", errAnswer)
	}
	if cp, err = receipt.ParseCheckpoint(note); err != nil {
		return cp, err
	}
	if !ed25519.Verify(p.log, []byte(cp.Text()), cp.Lines[0].Sig) {
		return cp, fmt.Errorf("%w: the checkpoint's signature is wrong", errAnswer)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.good) > 4096 {
		clear(p.good)
	}
	p.good[escaped] = cp
	return cp, nil
}
