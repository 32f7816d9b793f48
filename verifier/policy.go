package verifier

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strings"

	"github.com/caseledger/caseledger/schemas/canonical"
)

// Policy is policy.json of a trust folder: it alone decides which confirmation by outsiders is enough.
//
//	{"quorum":2,"timestampRequired":false,"witnesses":["w1.example+5d2f…+BA…","w2.example+…"]}
type Policy struct {
	// Quorum is how many of the witnesses must have cosigned the checkpoint; 0 demands none.
	Quorum int64 `json:"quorum"`
	// TimestampRequired demands an RFC 3161 time stamp. This version cannot check one and then refuses.
	TimestampRequired bool `json:"timestampRequired"`
	// Witnesses are verifier keys (C2SP signed-note) of type cosignature/v1, Ed25519, in the order of their lines.
	Witnesses []string `json:"witnesses"`
}

const (
	algCosignature = 0x04
	maxWitnesses   = 64
)

// parsePolicy reads canonical JSON.
func parsePolicy(data []byte) (Policy, error) {
	var p Policy
	if err := canonical.Unmarshal(data, &p); err != nil {
		return Policy{}, fmt.Errorf("%w: %s: %w", ErrTrust, policyFile, err)
	}
	return p, nil
}

// noteKey is a key that may sign lines of a checkpoint.
type noteKey struct {
	name    string
	id      uint32
	pub     ed25519.PublicKey
	witness bool
	window  window // of a log key
	logID   [32]byte
}

// witnesses checks the policy and reads its keys.
func (p Policy) witnesses() ([]noteKey, error) {
	if len(p.Witnesses) > maxWitnesses || p.Quorum < 0 || p.Quorum > int64(len(p.Witnesses)) {
		return nil, fmt.Errorf("%w: %s asks for %d of %d witnesses", ErrTrust, policyFile, p.Quorum, len(p.Witnesses))
	}
	keys := make([]noteKey, 0, len(p.Witnesses))
	seen := map[string]bool{}
	for i, text := range p.Witnesses {
		k, err := parseWitness(text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: witness %d: %w", ErrTrust, policyFile, i+1, err)
		}
		if seen[string(k.pub)] {
			return nil, fmt.Errorf("%w: %s: witness %d is there twice", ErrTrust, policyFile, i+1)
		}
		seen[string(k.pub)] = true
		keys = append(keys, k)
	}
	return keys, nil
}

// parseWitness reads name+hash+base64(0x04 || Ed25519 key) (C2SP tlog-cosignature).
func parseWitness(text string) (noteKey, error) {
	name, rest, ok := strings.Cut(text, "+")
	hash, b64, ok2 := strings.Cut(rest, "+")
	raw, err := base64.StdEncoding.Strict().DecodeString(b64)
	if !ok || !ok2 || err != nil || name == "" || strings.ContainsAny(name, " \n") ||
		len(raw) != 1+ed25519.PublicKeySize || raw[0] != algCosignature {
		return noteKey{}, fmt.Errorf("it is not a cosignature key of the form name+hash+key")
	}
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	if hex.EncodeToString(sum[:4]) != hash {
		return noteKey{}, fmt.Errorf("its hash does not follow from its name and key")
	}
	return noteKey{name: name, id: binary.BigEndian.Uint32(sum[:4]), pub: raw[1:], witness: true}, nil
}
