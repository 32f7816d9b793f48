package ledger

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"path"
	"strings"
	"sync/atomic"

	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
)

// checker is the court's verifier, used on every receipt before it leaves the ledger.
type checker struct {
	trust       *verifier.Trust
	checkpoints *verifier.CheckpointVerifier
	skip, whole []verifier.Option
	sample      uint64
	count       atomic.Uint64
	keys        map[string][]byte // hint → SubjectPublicKeyInfo
}

func newChecker(cfg Config) *checker {
	c := &checker{trust: cfg.Trust, checkpoints: cfg.Trust.NewCheckpointVerifier(16), sample: uint64(cfg.SignatureSample), keys: map[string][]byte{}}
	cached := verifier.WithCheckpoints(c.checkpoints)
	c.whole = []verifier.Option{cached}
	c.skip = []verifier.Option{cached, verifier.SkipSignature()}
	for name, data := range cfg.Trust.Files() {
		if block, _ := pem.Decode(data); block != nil && strings.HasPrefix(name, "event-signers/") {
			c.keys[strings.TrimSuffix(path.Base(name), ".pem")] = block.Bytes
		}
	}
	return c
}

// own checks a receipt for an event that this process signed: of every so many the event signature too.
func (c *checker) own(r receipt.Receipt) error {
	opts := c.skip
	if (c.count.Add(1)-1)%c.sample == 0 {
		opts = c.whole
	}
	_, err := c.trust.Receipt(r, opts...)
	return err
}

// full checks everything of a receipt.
func (c *checker) full(r receipt.Receipt) error {
	_, err := c.trust.Receipt(r, c.whole...)
	return err
}

func (c *checker) checkpoint(text string) error {
	_, err := c.checkpoints.Verify(text)
	return err
}

// signature verifies the event signature of an event that was read from the stream.
func (c *checker) signature(e *Committed) error {
	key, err := x509.ParsePKIXPublicKey(c.keys[e.Signer])
	pub, ok := key.(*ecdsa.PublicKey)
	if err != nil || !ok || !ecdsa.VerifyASN1(pub, e.PAE[:], e.Envelope.Sig()) {
		return fmt.Errorf("%w: the signature of event %d is wrong", ErrForeign, e.Index)
	}
	return nil
}

// spki is the public key of a signer by its hint.
func (c *checker) spki(hint string) ([]byte, bool) {
	k, ok := c.keys[hint]
	return k, ok
}
