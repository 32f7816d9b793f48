package verifier

import (
	"bytes"
	"crypto/ecdsa"

	"github.com/caseledger/caseledger/schemas/receipt"
)

// Bundle checks every field of a Sigstore bundle, those included that stock tools let pass: the key hint, the exact leaf
// body, both log indexes, tree size, root hash, log id, kind and version. The error is a *Failure.
func (t *Trust) Bundle(b receipt.Bundle, opts ...Option) (*Verified, error) {
	o := gather(opts)
	entry, err := entryOf(b, o.subject)
	if err != nil {
		return nil, err
	}
	s := t.byHint[b.VerificationMaterial.PublicKey.Hint]
	if s == nil {
		return nil, o.subject.fault(CheckEventSigner, "is signed by a key that is not trusted.")
	}
	v := &Verified{PAEDigest: b.DSSEEnvelope.PAEDigest(), Index: int64(entry.LogIndex), Signer: s.hint, NotChecked: t.NotChecked()}
	if v.Checkpoint, err = t.checkpointFor(entry.InclusionProof.Checkpoint.Envelope, o); err != nil {
		return nil, err
	}
	if err := t.statement(v, s, b.DSSEEnvelope, o); err != nil {
		return nil, err
	}
	if !bytes.Equal(receipt.LeafBody(v.PAEDigest, b.DSSEEnvelope.Sig(), s.spki), entry.CanonicalizedBody) {
		return nil, o.subject.fault(CheckLeafBody, "comes with a log entry that was made from something else.")
	}
	if !v.Checkpoint.signedBy(entry.LogID.KeyID) {
		return nil, o.subject.fault(CheckLogID, "names another log than the one that signed the log state.")
	}
	p := proof{index: entry.LogIndex, again: entry.InclusionProof.LogIndex, size: entry.InclusionProof.TreeSize,
		root: entry.InclusionProof.RootHash, hashes: entry.InclusionProof.Hashes}
	if err := p.check(receipt.LeafHash(entry.CanonicalizedBody), v.Checkpoint, o.subject); err != nil {
		return nil, err
	}
	return v, nil
}

// entryOf checks the fixed parts and returns the one log entry.
func entryOf(b receipt.Bundle, s subject) (receipt.TlogEntry, error) {
	m := b.VerificationMaterial
	if b.MediaType != receipt.BundleMediaType || len(m.TlogEntries) != 1 || b.DSSEEnvelope.Check() != nil ||
		m.TlogEntries[0].KindVersion != (receipt.KindVersion{Kind: receipt.EntryKind, Version: receipt.EntryVersion}) {
		return receipt.TlogEntry{}, s.fault(CheckReceiptShape, "lacks a part of a receipt, or has one twice or of another kind.")
	}
	if m.TimestampVerificationData != nil {
		return receipt.TlogEntry{}, s.fault(CheckTimestamp, "carries a time stamp, which this program cannot check.")
	}
	return m.TlogEntries[0], nil
}

// checkIncludedBundle holds the bundle that a receipt may include against the receipt.
func checkIncludedBundle(r receipt.Receipt, s *signer, c *Checkpoint, o options) error {
	if r.Bundle == nil {
		return nil
	}
	for _, k := range c.logs {
		if sameJSON(receipt.NewBundle(r, s.spki, k.logID), *r.Bundle) {
			return nil
		}
	}
	return o.subject.fault(CheckReceiptShape, "includes a bundle that says something else than the receipt itself.")
}

// Withheld checks an event of which only the leaf is shown: the leaf's form, its signature by a trusted key, its place in
// the log. It returns SHA-256 of the bytes that were signed, which the chain needs. The error is a *Failure.
func (t *Trust) Withheld(body []byte, index receipt.Int64, p receipt.InclusionProof, c *Checkpoint, opts ...Option) ([32]byte, error) {
	o := gather(opts)
	leaf, err := receipt.ParseLeaf(body)
	if err != nil {
		return [32]byte{}, o.subject.fault(CheckLeafBody, "comes with a log entry that is not written in its one form.")
	}
	s := t.byHint[receipt.Hint(leaf.SPKI)]
	if s == nil {
		return [32]byte{}, o.subject.fault(CheckEventSigner, "is signed by a key that is not trusted.")
	}
	if !ecdsa.VerifyASN1(s.pub, leaf.PAEDigest[:], leaf.Sig) {
		return [32]byte{}, o.subject.fault(CheckEventSignature, badSignature)
	}
	q := proof{index: index, again: p.LogIndex, size: p.TreeSize, root: p.RootHash, hashes: p.Hashes}
	return leaf.PAEDigest, q.check(receipt.LeafHash(body), c, o.subject)
}
