package verifier

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// ErrTrust marks a trust folder that cannot be used.
var ErrTrust = errors.New("trust folder is not usable")

// maxSigners bounds the event signers of a trust folder.
const maxSigners = 1000

// Trust is what a verifier believes in: log keys, event signers and how much confirmation by outsiders it wants. It is
// immutable and safe for concurrent use.
type Trust struct {
	root    receipt.TrustedRoot
	policy  Policy
	keys    []noteKey // logs in the order of the trusted root, then witnesses in the order of the policy
	signers []*signer // sorted by hint
	byHint  map[string]*signer
	// rootJSON and policyJSON are the canonical bytes of root and policy.
	rootJSON, policyJSON []byte
}

// signer is a key that signs events.
type signer struct {
	hint string
	spki []byte
	pub  *ecdsa.PublicKey
}

// window is a span of validity; a zero end is open.
type window struct{ start, end time.Time }

func (w window) holds(t time.Time) bool {
	return !t.Before(w.start) && (w.end.IsZero() || !t.After(w.end))
}

// NewTrust makes a trust of a trusted root, the SubjectPublicKeyInfo (DER) of each event signer, all ECDSA P-256, and a
// policy. Errors wrap ErrTrust.
func NewTrust(root receipt.TrustedRoot, signers [][]byte, policy Policy) (*Trust, error) {
	t := &Trust{root: root, policy: policy, byHint: map[string]*signer{}}
	var err, errPolicy error
	t.rootJSON, err = canonical.Marshal(root)
	t.policyJSON, errPolicy = canonical.Marshal(policy)
	if err := errors.Join(err, errPolicy); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTrust, err)
	}
	for i, log := range root.Tlogs {
		k, err := logKey(log)
		if err != nil {
			return nil, fmt.Errorf("%w: log %d: %w", ErrTrust, i+1, err)
		}
		if slices.ContainsFunc(t.keys, func(other noteKey) bool { return other.logID == k.logID }) {
			return nil, fmt.Errorf("%w: log %d is there twice", ErrTrust, i+1)
		}
		t.keys = append(t.keys, k)
	}
	witnesses, err := policy.witnesses()
	if err != nil {
		return nil, err
	}
	t.keys = append(t.keys, witnesses...)
	if len(root.Tlogs) == 0 || len(signers) == 0 || len(signers) > maxSigners {
		return nil, fmt.Errorf("%w: it names %d logs and %d event signers", ErrTrust, len(root.Tlogs), len(signers))
	}
	for _, spki := range signers {
		s, err := newSigner(spki)
		if err != nil {
			return nil, err
		}
		t.byHint[s.hint] = s
	}
	for _, hint := range slices.Sorted(maps.Keys(t.byHint)) {
		t.signers = append(t.signers, t.byHint[hint])
	}
	return t, nil
}

func logKey(log receipt.Tlog) (noteKey, error) {
	origin, pub, err := log.Key()
	if err != nil {
		return noteKey{}, err
	}
	w, err := parseWindow(log.PublicKey.ValidFor)
	if err != nil {
		return noteKey{}, err
	}
	id := receipt.LogKeyID(origin, pub)
	return noteKey{name: origin, id: binary.BigEndian.Uint32(id[:4]), pub: pub, window: w, logID: id}, nil
}

func parseWindow(w receipt.Window) (window, error) {
	start, err := time.Parse(time.RFC3339, w.Start)
	if err != nil {
		return window{}, fmt.Errorf("the start of its validity is not a time")
	}
	if w.End == "" {
		return window{start: start}, nil
	}
	end, err := time.Parse(time.RFC3339, w.End)
	if err != nil || end.Before(start) {
		return window{}, fmt.Errorf("the end of its validity is not a time after the start")
	}
	return window{start, end}, nil
}

func newSigner(spki []byte) (*signer, error) {
	key, err := x509.ParsePKIXPublicKey(spki)
	pub, ok := key.(*ecdsa.PublicKey)
	if err != nil || !ok || pub.Curve != elliptic.P256() {
		return nil, fmt.Errorf("%w: an event signer is not an ECDSA P-256 key", ErrTrust)
	}
	again, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil || string(again) != string(spki) {
		return nil, fmt.Errorf("%w: an event signer's key is not in its one encoding", ErrTrust)
	}
	return &signer{hint: receipt.Hint(spki), spki: spki, pub: pub}, nil
}

// Root is the trusted root.
func (t *Trust) Root() receipt.TrustedRoot { return t.root }

// Policy is the policy.
func (t *Trust) Policy() Policy { return t.policy }

// Origin is the origin of the newest log in the trusted root (its last).
func (t *Trust) Origin() string {
	origin := ""
	for _, k := range t.keys {
		if !k.witness {
			origin = k.name
		}
	}
	return origin
}

// Signers returns the hints of the event signers, sorted: the hex SHA-256 of each SubjectPublicKeyInfo.
func (t *Trust) Signers() []string {
	hints := make([]string, len(t.signers))
	for i, s := range t.signers {
		hints[i] = s.hint
	}
	return hints
}

// Fingerprint is the hex SHA-256 of the lines "<sha256>  <name>\n" of trusted_root.json and of each event-signers/ file,
// sorted bytewise, with names as they stand in the trust folder. In such a folder this prints it:
//
//	sha256sum trusted_root.json event-signers/*.pem | LC_ALL=C sort | sha256sum
func (t *Trust) Fingerprint() string {
	files := t.shared()
	lines := make([]string, 0, len(files))
	for name, data := range files {
		lines = append(lines, fmt.Sprintf("%x  %s\n", sha256.Sum256(data), name))
	}
	slices.Sort(lines)
	sum := sha256.Sum256([]byte(strings.Join(lines, "")))
	return hex.EncodeToString(sum[:])
}

// shared are the files that a trust folder and a pack have in common.
func (t *Trust) shared() map[string][]byte {
	files := map[string][]byte{rootFile: t.rootJSON}
	for _, s := range t.signers {
		files[signerFolder+"/"+s.hint+".pem"] = encodePEM(s.spki)
	}
	return files
}

func encodePEM(spki []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: spki})
}

// Covers says what bag, the trust files of a pack, names that t does not: each key, authority and validity window must be
// the same. t may hold more.
func (t *Trust) Covers(bag *Trust) []*Failure {
	s := subject{name: "The pack", file: "data/trust"}
	var failures []*Failure
	for _, log := range bag.root.Tlogs {
		if !slices.ContainsFunc(t.root.Tlogs, func(mine receipt.Tlog) bool { return sameJSON(mine, log) }) {
			failures = append(failures, s.fault(CheckTrustFiles, "brings a log key, or a validity of it, that is not in the trust folder."))
		}
	}
	for _, a := range bag.root.TimestampAuthorities {
		if !slices.ContainsFunc(t.root.TimestampAuthorities, func(mine receipt.Authority) bool { return sameJSON(mine, a) }) {
			failures = append(failures, s.fault(CheckTrustFiles, "brings a time-stamping authority that is not in the trust folder."))
		}
	}
	for _, k := range bag.signers {
		if t.byHint[k.hint] == nil {
			failures = append(failures, s.fault(CheckTrustFiles, "brings a key for signing events that is not in the trust folder."))
		}
	}
	return failures
}

func sameJSON(a, b any) bool {
	x, errX := canonical.Marshal(a)
	y, errY := canonical.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
