package courtbundle

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
)

// contents checks the list of contents, the receipt of bag.exported that names its digest, and what ties both to the
// bag's checkpoint.
func (r *run) contents() {
	list := r.sums.contents()
	r.compareList(verifier.CheckContentsList, contentsFile, list, "is not what it was when the list of contents was made.")
	data, ok := r.readRecord(receiptFile)
	if !ok {
		r.fail(verifier.CheckBagReceipt, receiptFile, "The receipt of the pack is missing.")
		return
	}
	const name = "The receipt of the pack"
	b, err := receipt.ParseBundle(data)
	if err != nil {
		r.malformed(err, name, receiptFile)
		return
	}
	v, err := r.trust.Bundle(b, verifier.About(name, receiptFile), r.keep)
	if err != nil {
		r.because(err, receiptFile)
		return
	}
	body, ok := v.Event.Predicate.Body.(*predicate.BagExportedV1)
	if !ok {
		r.fail(verifier.CheckBagReceipt, receiptFile, "The receipt of the pack is of another event than the making of a pack.")
		return
	}
	r.exported = v
	r.summary.Recipient, r.summary.ExportedAt = body.Recipient, v.Event.Predicate.RecordedAt
	digest := sha256.Sum256(list)
	hexDigest := hex.EncodeToString(digest[:])
	subject := v.Event.Subject[0]
	if len(v.Event.Subject) != 1 || subject.Name != "contents" || subject.Digest.SHA256 != hexDigest || string(body.Contents) != hexDigest {
		r.fail(verifier.CheckBagReceipt, receiptFile, "The files are not those that the ledger recorded when it made the pack: some were changed, added or removed since.")
	}
	if !strings.HasPrefix(string(v.Event.Predicate.Chain), string(v.Event.Predicate.Case)+"/") || v.Event.Predicate.Case == "" {
		r.fail(verifier.CheckRightCase, receiptFile, "The receipt of the pack belongs to no case, or to two.")
	}
	r.exportedAfter(v, body)
}

// exportedAfter ties bag.exported to the checkpoint and to the head of the chain that it continues.
func (r *run) exportedAfter(v *verifier.Verified, body *predicate.BagExportedV1) {
	if r.checkpoint == nil {
		r.notChecked(verifier.CheckConsistency, "There is no signed state of the log to begin from.")
		return
	}
	c := r.checkpoint.Checkpoint
	head := predicate.TreeHead{Origin: predicate.Origin(c.Origin), Root: predicate.Hex32(hex.EncodeToString(c.Root[:])), Size: int64(c.Size)}
	if body.Checkpoint != head || v.Index < int64(c.Size) {
		r.fail(verifier.CheckBagReceipt, receiptFile, "The ledger made the pack from another state of the log than the one in it.")
	}
	for _, h := range body.Heads {
		if h.Chain != v.Event.Predicate.Chain {
			continue
		}
		r.summary.Between = v.Event.Predicate.Sequence - h.Count - 1
		if r.summary.Between < 0 || r.summary.Between == 0 && v.Event.Predicate.Previous != h.Link {
			r.fail(verifier.CheckBagReceipt, receiptFile, "The receipt of the pack does not follow the events in it.")
		}
	}
	data, ok := r.readRecord(consistencyFile)
	if !ok {
		r.fail(verifier.CheckConsistency, consistencyFile, "The proof that the log continued unchanged is missing.")
		return
	}
	k, err := parseConsistency(data)
	if err != nil {
		r.malformed(err, "The proof that the log continued unchanged", consistencyFile)
		return
	}
	if !k.First.is(c) || !k.Second.is(v.Checkpoint.Checkpoint) {
		r.fail(verifier.CheckConsistency, consistencyFile, "The proof that the log continued unchanged is about other states of the log.")
		return
	}
	if err := verifier.Consistency(c, v.Checkpoint.Checkpoint, k.Hashes, verifier.About("The pack", consistencyFile)); err != nil {
		r.because(err, consistencyFile)
	}
}

// lists makes bagit.txt, bag-info.txt and both manifests again and compares bytes.
func (r *run) lists() {
	if !r.same(bagitFile, []byte(bagit)) {
		r.fail(verifier.CheckBagManifest, bagitFile, "%s is not as it must be.", bagitFile)
	}
	if r.exported != nil && (r.whole || r.summary.URN != "") && !r.same(infoFile, info(r.summary.URN, &r.exported.Event, r.size)) {
		r.fail(verifier.CheckBagManifest, infoFile, "%s does not describe this pack.", infoFile)
	}
	r.compareList(verifier.CheckBagManifest, manifestFile, r.sums.manifest(), "is not as the manifest lists it.")
	r.compareList(verifier.CheckBagManifest, tagManifestFile, r.sums.tagManifest(), "is not as the manifest lists it.")
}

// lineName is where the name begins in a line of a list.
const lineName = 2*sha256.Size + 2

// compareList compares a list of files with what it must be, and names the files that differ.
func (r *run) compareList(check verifier.CheckID, name string, want []byte, sentence string) {
	got, ok := r.readRecord(name)
	if !ok {
		r.fail(check, name, "%s is missing or too large.", name)
		return
	}
	if bytes.Equal(got, want) {
		return
	}
	listed := map[string]bool{}
	for line := range strings.Lines(string(got)) {
		listed[line] = true
	}
	named := false
	for line := range strings.Lines(string(want)) {
		if !listed[line] && len(line) > lineName {
			file := strings.TrimSuffix(line[lineName:], "\n")
			r.fail(check, printable(file), "%s %s", printable(file), sentence)
			named = true
		}
	}
	if !named {
		r.fail(check, name, "%s lists files that are not in the pack, or is not in its order.", name)
	}
}

// reports makes the three reports again and compares bytes.
func (r *run) reports() {
	version, ok := r.reportVersion()
	if !ok {
		return
	}
	if !r.whole || r.failed(verifier.CheckRightCase) {
		r.notChecked(verifier.CheckReport, "The report was not compared, because an event failed.")
		return
	}
	entries := make([]projections.Entry, len(r.events))
	for i, e := range r.events {
		entries[i] = e.entry
	}
	again, known, err := render(version, entries)
	if !known {
		r.notChecked(verifier.CheckReport, "report: not checked. This program does not know this version of the report; a newer program may.")
		return
	}
	if err != nil {
		r.fail(verifier.CheckReport, reportFile+"json", "The report cannot be made again from the events.")
		return
	}
	for name, want := range again.files() {
		if sha256.Sum256(want) != r.sums[name] {
			r.fail(verifier.CheckReport, name, "%s does not say what the events of this pack give.", name)
		}
	}
}

// reportVersion finds the version that report.json says it has. It only chooses the code that makes the report again, so
// that it need not be parsed with care.
func (r *run) reportVersion() (string, bool) {
	const mark = `"version":"`
	data, err := r.bag.read(reportFile+"json", maxReport)
	at := bytes.LastIndex(data, []byte(mark))
	if err != nil || at < 0 {
		r.fail(verifier.CheckReport, reportFile+"json", "%sjson is missing or is no report.", reportFile)
		return "", false
	}
	version, _, _ := strings.Cut(string(data[at+len(mark):min(len(data), at+len(mark)+100)]), `"`)
	return version, true
}
