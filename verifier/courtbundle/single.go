package courtbundle

import (
	"bytes"
	"cmp"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
)

// alone says what a single event does not show.
var alone = map[verifier.CheckID]string{
	verifier.CheckChain:          "A single event does not show what was recorded before it.",
	verifier.CheckHeads:          "A single event does not show whether others are missing.",
	verifier.CheckOpenings:       "A single event brings no revealed fields.",
	verifier.CheckActorSignature: "Without revealed fields, a signature by the person who acted cannot be checked.",
	verifier.CheckEvidenceDigest: "No file of evidence comes with a single event.",
	verifier.CheckTrustFiles:     "No trust folder was given: whose keys these are is not known.",
}

// singleChecks are the checks that a single event can pass or fail.
var singleChecks = append([]verifier.CheckID{
	verifier.CheckCanonicalForm, verifier.CheckCheckpointSignature, verifier.CheckCheckpointGrade, verifier.CheckWitness,
	verifier.CheckTimestamp, verifier.CheckKeyWindow,
}, perEvent...)

// VerifyEvent checks a single event: a Sigstore bundle as it lies in events/, or a receipt as the ledger answered it. Only
// a trust folder makes it verified: a fingerprint is of key files, and a single event brings none. Errors wrap
// ErrUnreadable.
func VerifyEvent(data []byte, o Options) (*Result, error) {
	if !bytes.HasPrefix(data, []byte("{")) {
		return nil, ErrUnreadable
	}
	var c collector
	c.out = map[verifier.CheckID]bool{}
	for _, id := range verifier.Checks() {
		c.out[id] = true
	}
	for _, id := range singleChecks {
		c.out[id] = false
	}
	for id, why := range alone {
		if id != verifier.CheckTrustFiles || o.Trust == nil {
			c.notChecked(id, why)
		}
	}
	used := TrustUsed{Source: sourceNone, Signers: []string{}}
	if o.Trust != nil {
		used = TrustUsed{Source: sourceFolder, Signers: o.Trust.Signers(), Origin: o.Trust.Origin(), Fingerprint: o.Trust.Fingerprint()}
	}
	v := c.event(data, o.Trust)
	out := &Result{Trust: used, NotChecked: []verifier.CheckID{}}
	if v != nil {
		out.Summary = Summary{Case: v.Event.Predicate.Case, Kind: v.Event.Kind, Index: v.Index, Grade: v.Checkpoint.Grade, Events: 1, ExportedAt: v.Event.Predicate.RecordedAt}.safe()
		if o.Trust == nil {
			out.Trust.Origin, out.Trust.Signers = v.Checkpoint.Origin, []string{v.Signer}
		}
		for _, id := range v.NotChecked {
			c.notChecked(id, cmp.Or(alone[id], openReasons[id], "Without a trust folder this cannot be checked."))
		}
	} else {
		for _, id := range singleChecks {
			if !c.failed(id) {
				c.notChecked(id, "Not checked, because another check failed first.")
			}
		}
	}
	out.Checks = c.checks()
	single := map[verifier.CheckID]bool{verifier.CheckCheckpointSignature: o.Trust == nil}
	for id := range optional {
		single[id] = true
	}
	for id := range alone {
		single[id] = true
	}
	out.conclude(o.Trust != nil, single)
	return out, nil
}

// event verifies a bundle or a receipt; nil where it failed.
func (c *collector) event(data []byte, trust *verifier.Trust) *verifier.Verified {
	r := run{}
	about := verifier.About("The event", "")
	var v *verifier.Verified
	b, err := receipt.ParseBundle(data)
	var answer receipt.Receipt
	switch {
	case err == nil && trust != nil:
		v, err = trust.Bundle(b, about)
	case err == nil:
		v, err = verifier.Unkeyed(b, about)
	case trust != nil && canonical.Unmarshal(data, &answer) == nil:
		v, err = trust.Receipt(answer, about)
	default:
		r.malformed(err, "The event", "")
		c.add(r.failures...)
		return nil
	}
	if err != nil {
		r.because(err, "")
		c.add(r.failures...)
		return nil
	}
	return v
}
