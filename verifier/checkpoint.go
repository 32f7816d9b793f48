package verifier

import (
	"crypto/ed25519"
	"encoding/binary"
	"strconv"
	"sync"
	"time"

	"github.com/caseledger/caseledger/schemas/receipt"
)

// A Checkpoint is a signed log state of which every signature line has been verified.
type Checkpoint struct {
	receipt.SignedCheckpoint
	// Note is the signed text that was verified, byte for byte.
	Note string
	// Grade is receipt.GradeWitnessed where the policy names a quorum and it is reached, else receipt.GradeIntegrated.
	Grade string
	// Cosigned are the times at which witnesses say they saw it, in the order of their lines.
	Cosigned []time.Time
	logs     []noteKey // the log keys that signed
}

// signedBy says whether the log with this id signed.
func (c *Checkpoint) signedBy(logID []byte) bool {
	for _, k := range c.logs {
		if string(k.logID[:]) == string(logID) {
			return true
		}
	}
	return false
}

// Checkpoint verifies every signature line of a signed note: log keys of its origin first, in the order of the trusted
// root, at least one; then witnesses in the order of the policy. An unknown, repeated or misplaced line is refused. The
// policy's demands are checked too. The error is a *Failure.
func (t *Trust) Checkpoint(note string) (*Checkpoint, error) {
	return t.checkpoint(note, subject{name: "The pack"})
}

func (t *Trust) checkpoint(note string, s subject) (*Checkpoint, error) {
	parsed, err := receipt.ParseCheckpoint(note)
	if err != nil {
		return nil, s.fault(CheckCheckpointSignature, "rests on a log state that is not written in its one form.")
	}
	c := &Checkpoint{SignedCheckpoint: parsed, Note: note, Grade: receipt.GradeIntegrated}
	text, next := []byte(parsed.Text()), 0
	for _, line := range parsed.Lines {
		at := t.keyFor(line, next)
		if at < 0 {
			return nil, s.fault(CheckCheckpointSignature,
				"rests on a log state signed by a key that is not trusted, or with its signatures out of order.")
		}
		next = at + 1
		if !c.add(t.keys[at], line, text) {
			return nil, s.fault(CheckCheckpointSignature, "rests on a log state whose signature does not fit: it was changed after it was signed, or signed by someone else.")
		}
	}
	if len(c.logs) == 0 {
		return nil, s.fault(CheckCheckpointSignature, "rests on a log state that the log itself did not sign.")
	}
	return c, t.demands(c, s)
}

// keyFor finds the key of a line at position from or later, -1 if there is none.
func (t *Trust) keyFor(line receipt.SignatureLine, from int) int {
	for i := from; i < len(t.keys); i++ {
		if t.keys[i].id == line.KeyID && t.keys[i].name == line.Name {
			return i
		}
	}
	return -1
}

// add verifies one line and notes it.
func (c *Checkpoint) add(k noteKey, line receipt.SignatureLine, text []byte) bool {
	if !k.witness {
		c.logs = append(c.logs, k)
		return k.name == c.Origin && len(line.Sig) == ed25519.SignatureSize && ed25519.Verify(k.pub, text, line.Sig)
	}
	if len(line.Sig) != 8+ed25519.SignatureSize {
		return false
	}
	seconds := binary.BigEndian.Uint64(line.Sig)
	if seconds > 1<<40 {
		return false
	}
	c.Cosigned = append(c.Cosigned, time.Unix(int64(seconds), 0).UTC())
	message := append([]byte("cosignature/v1\ntime "+strconv.FormatUint(seconds, 10)+"\n"), text...)
	return ed25519.Verify(k.pub, message, line.Sig[8:])
}

// demands sets the grade and checks what the policy asks for.
func (t *Trust) demands(c *Checkpoint, s subject) error {
	if t.policy.Quorum > 0 && int64(len(c.Cosigned)) >= t.policy.Quorum {
		c.Grade = receipt.GradeWitnessed
	}
	if t.policy.Quorum > 0 && c.Grade != receipt.GradeWitnessed {
		return s.fault(CheckWitness, "rests on a log state that fewer outside witnesses confirmed than the trust folder demands.")
	}
	if t.policy.TimestampRequired {
		return s.fault(CheckTimestamp, "needs a time stamp by an outside authority, as the trust folder demands, and this program cannot check time stamps.")
	}
	for _, at := range c.Cosigned {
		for _, k := range c.logs {
			if !k.window.holds(at) {
				return s.fault(CheckKeyWindow, "rests on a log state that was signed when the log's key was not valid.")
			}
		}
	}
	return nil
}

// NotChecked lists what stays open under this trust, because it asks for no witness or time stamp.
func (t *Trust) NotChecked() []CheckID {
	open := make([]CheckID, 0, 3)
	if t.policy.Quorum == 0 {
		open = append(open, CheckWitness, CheckTimestamp, CheckKeyWindow)
	} else {
		open = append(open, CheckTimestamp)
	}
	return open
}

// A CheckpointVerifier remembers the last few notes that it verified: receipts of one batch share theirs, and comparing
// the text is much cheaper than verifying it. It is safe for concurrent use.
type CheckpointVerifier struct {
	trust *Trust
	mu    sync.Mutex
	kept  []*Checkpoint // a ring
	next  int
}

// NewCheckpointVerifier remembers keep notes, at least one.
func (t *Trust) NewCheckpointVerifier(keep int) *CheckpointVerifier {
	return &CheckpointVerifier{trust: t, kept: make([]*Checkpoint, max(keep, 1))}
}

// Verify is Trust.Checkpoint; only notes that passed are remembered.
func (v *CheckpointVerifier) Verify(note string) (*Checkpoint, error) {
	return v.verify(note, subject{name: "The pack"})
}

func (v *CheckpointVerifier) verify(note string, s subject) (*Checkpoint, error) {
	if c := v.find(note); c != nil {
		return c, nil
	}
	c, err := v.trust.checkpoint(note, s)
	if err != nil {
		return nil, err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.kept[v.next] = c
	v.next = (v.next + 1) % len(v.kept)
	return c, nil
}

func (v *CheckpointVerifier) find(note string) *Checkpoint {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.kept {
		if c != nil && c.Note == note {
			return c
		}
	}
	return nil
}
