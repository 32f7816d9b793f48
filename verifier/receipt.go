package verifier

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
	"golang.org/x/mod/sumdb/tlog"
)

// Verified is what a receipt proves.
type Verified struct {
	// Event is the decoded statement; zero where SkipSignature was given.
	Event predicate.Event
	// PAEDigest is SHA-256 of the bytes that were signed.
	PAEDigest  [32]byte
	Index      int64
	Checkpoint *Checkpoint
	// Signer is the hex SHA-256 of the signer's SubjectPublicKeyInfo.
	Signer string
	// NotChecked lists what this trust does not ask for or this receipt cannot show.
	NotChecked []CheckID
}

// Link is the link of the event in its chain: what the next event's previous must say.
func (v *Verified) Link() ([32]byte, error) {
	previous, err := parseHex32(v.Event.Predicate.Previous)
	if err != nil {
		return [32]byte{}, err
	}
	return statement.Link(previous, v.PAEDigest), nil
}

func parseHex32(h predicate.Hex32) ([32]byte, error) {
	var out [32]byte
	if n, err := hex.Decode(out[:], []byte(h[:min(len(h), 64)])); err != nil || n != len(out) || hex.EncodeToString(out[:]) != string(h) {
		return out, errors.New("not 32 bytes in lower-case hex")
	}
	return out, nil
}

// An Option changes how a receipt is checked. Make options once and pass them again and again: they hold no state of a
// receipt.
type Option func(*options)

type options struct {
	skipSignature bool
	checkpoints   *CheckpointVerifier
	subject       subject
}

// SkipSignature leaves out the event signature and the decoding of the statement, for an envelope that this very process
// has just encoded and signed. Leaf, proof and checkpoint are checked all the same.
func SkipSignature() Option { return func(o *options) { o.skipSignature = true } }

// WithCheckpoints verifies checkpoints through v, which must be of the same Trust.
func WithCheckpoints(v *CheckpointVerifier) Option { return func(o *options) { o.checkpoints = v } }

// About names what sentences are about, such as "Event 000007", and the file it is in.
func About(name, file string) Option { return func(o *options) { o.subject = subject{name, file} } }

func gather(opts []Option) options {
	o := options{subject: subject{name: "The receipt"}}
	for _, f := range opts {
		f(&o)
	}
	return o
}

func (t *Trust) checkpointFor(note string, o options) (*Checkpoint, error) {
	if o.checkpoints != nil && o.checkpoints.trust == t {
		return o.checkpoints.verify(note, o.subject)
	}
	return t.checkpoint(note, o.subject)
}

// Receipt checks everything of a receipt: the envelope's shape, the event's signature and statement, the leaf, both
// indexes, the inclusion proof, every line of the checkpoint and the grade; and the bundle, where one is included. The
// signer is the one whose leaf the proof shows. The error is a *Failure.
func (t *Trust) Receipt(r receipt.Receipt, opts ...Option) (*Verified, error) {
	o := gather(opts)
	if err := r.Envelope.Check(); err != nil {
		return nil, o.subject.fault(CheckReceiptShape, "is not one statement with one signature.")
	}
	c, err := t.checkpointFor(r.Checkpoint, o)
	if err != nil {
		return nil, err
	}
	if r.Grade != c.Grade {
		return nil, o.subject.fault(CheckCheckpointGrade, "claims another strength of confirmation than its log state has.")
	}
	v := &Verified{PAEDigest: r.Envelope.PAEDigest(), Index: int64(r.LogIndex), Checkpoint: c, NotChecked: t.NotChecked()}
	p := proof{index: r.LogIndex, again: r.InclusionProof.LogIndex, size: r.InclusionProof.TreeSize,
		root: r.InclusionProof.RootHash, hashes: r.InclusionProof.Hashes}
	s, err := t.findSigner(v.PAEDigest, r.Envelope.Sig(), p, c, o)
	if err != nil {
		return nil, err
	}
	v.Signer = s.hint
	if err := v.statement(s, r.Envelope, o); err != nil {
		return nil, err
	}
	return v, checkIncludedBundle(r, s, c, o)
}

// findSigner finds the signer whose leaf the proof shows. Where none fits, the failure says whether the signature or the
// proof is to blame.
func (t *Trust) findSigner(pae [32]byte, sig []byte, p proof, c *Checkpoint, o options) (*signer, error) {
	var failure error
	for _, s := range t.signers {
		err := p.check(receipt.LeafHash(receipt.LeafBody(pae, sig, s.spki)), c, o.subject)
		if err == nil {
			return s, nil
		}
		if failure == nil {
			failure = err
		}
	}
	for _, s := range t.signers {
		if ecdsa.VerifyASN1(s.pub, pae[:], sig) {
			return nil, failure
		}
	}
	return nil, o.subject.fault(CheckEventSignature, badSignature)
}

const badSignature = "has a signature that does not fit what it says: it was changed after it was signed, or signed by someone who is not trusted."

// statement verifies the signature and decodes the statement, unless the caller has just made both.
func (v *Verified) statement(s *signer, e statement.Envelope, o options) error {
	if o.skipSignature {
		return nil
	}
	if !ecdsa.VerifyASN1(s.pub, v.PAEDigest[:], e.Sig()) {
		return o.subject.fault(CheckEventSignature, badSignature)
	}
	event, err := predicate.Decode(e.Payload)
	if errors.Is(err, canonical.ErrNotCanonical) {
		return o.subject.fault(CheckCanonicalForm, "holds a statement that is not written in its one form.")
	}
	if err != nil {
		return o.subject.fault(CheckStatement, "holds a statement that this program cannot read. A newer version of the program may know it.")
	}
	v.Event = event
	if event.Predicate.ActorProof != nil {
		v.NotChecked = append(v.NotChecked, CheckActorSignature) // see Actor: it needs a revealed field
	}
	for _, k := range v.Checkpoint.logs {
		if at := event.Predicate.RecordedAt.Std(); !k.window.end.IsZero() && at.After(k.window.end) {
			return o.subject.fault(CheckKeyWindow, "was recorded after the log's key had ceased to be valid.")
		}
	}
	return nil
}

// proof is an inclusion proof with the index that stands outside it.
type proof struct {
	index, again, size receipt.Int64
	root               []byte
	hashes             [][]byte
}

// maxProof is the greatest length of a proof in a tree of 2^63 leaves.
const maxProof = 64

// check shows that the leaf is in the log at the index. Every word of the proof must agree with the checkpoint.
func (p proof) check(leaf [32]byte, c *Checkpoint, s subject) error {
	if p.index != p.again {
		return s.fault(CheckLogIndex, "gives two different places in the log.")
	}
	if uint64(p.size) != c.Size || string(p.root) != string(c.Root[:]) {
		return s.fault(CheckInclusionProof, "has a proof about another state of the log than the signed one.")
	}
	if p.index >= p.size {
		return s.fault(CheckLogIndex, "names a place beyond the end of the log.")
	}
	hashes, ok := toHashes(p.hashes)
	if !ok || tlog.CheckRecord(hashes, int64(p.size), tlog.Hash(c.Root), int64(p.index), tlog.Hash(leaf)) != nil {
		return s.fault(CheckInclusionProof, "is not proved to be in the log at the place that it names.")
	}
	return nil
}

func toHashes(in [][]byte) ([]tlog.Hash, bool) {
	if len(in) > maxProof {
		return nil, false
	}
	out := make([]tlog.Hash, len(in))
	for i, h := range in {
		if len(h) != sha256.Size {
			return nil, false
		}
		out[i] = tlog.Hash(h)
	}
	return out, true
}
