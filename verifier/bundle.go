package verifier

import (
	"bytes"
	"crypto/ecdsa"
	"encoding/binary"

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
	c, err := t.checkpointFor(entry.InclusionProof.Checkpoint.Envelope, o)
	if err != nil {
		return nil, err
	}
	v, err := bundleUnder(s, c, b, o)
	if err != nil {
		return nil, err
	}
	v.NotChecked = append(t.NotChecked(), v.NotChecked...)
	return v, nil
}

// Unkeyed checks what a bundle shows without any trusted key: that its signature, leaf and proof fit each other and the
// checkpoint that it brings, whose own signatures are not checked. Whose keys these are stays open: nobody may take this
// for a verification. The error is a *Failure.
func Unkeyed(b receipt.Bundle, opts ...Option) (*Verified, error) {
	o := gather(opts)
	entry, err := entryOf(b, o.subject)
	if err != nil {
		return nil, err
	}
	leaf, err := receipt.ParseLeaf(entry.CanonicalizedBody)
	if err != nil {
		return nil, o.subject.fault(CheckLeafBody, "comes with a log entry that is not written in its one form.")
	}
	s, err := newSigner(leaf.SPKI)
	if err != nil || s.hint != b.VerificationMaterial.PublicKey.Hint {
		return nil, o.subject.fault(CheckEventSigner, "names another key than the one that signed it.")
	}
	note := entry.InclusionProof.Checkpoint.Envelope
	parsed, err := receipt.ParseCheckpoint(note)
	if err != nil || receipt.CheckOrigin(parsed.Origin) != nil || len(entry.LogID.KeyID) != 32 {
		return nil, o.subject.fault(CheckCheckpointSignature, "rests on a log state that is not written in its one form.")
	}
	c := &Checkpoint{SignedCheckpoint: parsed, Note: note}
	for _, line := range parsed.Lines {
		if line.KeyID == binary.BigEndian.Uint32(entry.LogID.KeyID) && line.Name == parsed.Origin {
			c.logs = append(c.logs, noteKey{logID: [32]byte(entry.LogID.KeyID)})
		}
	}
	v, err := bundleUnder(s, c, b, o)
	if err != nil {
		return nil, err
	}
	v.NotChecked = append([]CheckID{CheckTrustFiles, CheckCheckpointSignature, CheckWitness, CheckTimestamp, CheckKeyWindow}, v.NotChecked...)
	return v, nil
}

// bundleUnder checks a bundle by a signer and under a checkpoint.
func bundleUnder(s *signer, c *Checkpoint, b receipt.Bundle, o options) (*Verified, error) {
	entry := b.VerificationMaterial.TlogEntries[0]
	v := &Verified{PAEDigest: b.DSSEEnvelope.PAEDigest(), Index: int64(entry.LogIndex), Signer: s.hint, Checkpoint: c}
	if err := v.statement(s, b.DSSEEnvelope, o); err != nil {
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
