package courtbundle

import (
	"bytes"
	"crypto/sha256"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier"
)

// Options say what a reader knows by another way than the bag. Without either, the best verdict is Consistent.
type Options struct {
	// Trust is the reader's trust folder.
	Trust *verifier.Trust
	// Fingerprint is what the keys in the bag must have, in hex (verifier.Trust.Fingerprint).
	Fingerprint string
}

// run is one verification of a bag.
type run struct {
	collector
	bag     *Bag
	options Options
	trust   *verifier.Trust // decides; nil where there is no usable one
	keep    verifier.Option // of trust
	sums    sums
	size    size

	note       string               // the file checkpoint
	checkpoint *verifier.Checkpoint // nil where it failed
	events     []event
	whole      bool // every event verified
	report     projections.Report
	exported   *verifier.Verified // bag.exported; nil where it failed
	caseID     predicate.UUID
	summary    Summary
}

// Verify checks everything in a bag. It goes on after a failure where it can and never returns an error: what cannot be
// read fails a check.
func (b *Bag) Verify(o Options) *Result {
	r := &run{bag: b, options: o, sums: sums{}}
	r.out = map[verifier.CheckID]bool{}
	r.add(b.problems...)
	r.format()
	r.hash()
	used := r.chooseTrust()
	if r.trust != nil {
		r.proofs()
		r.contents()
		r.theCase()
		r.chains()
		r.evidence()
		r.reports()
		r.lists()
		r.admit()
	} else {
		for _, id := range verifier.Checks() {
			if id != verifier.CheckBagFormat && id != verifier.CheckTrustFiles {
				r.notChecked(id, "There are no keys to check with.")
			}
		}
	}
	return r.result(used)
}

// admit keeps checks from being called passed that were not made for everything, because an earlier one failed.
func (r *run) admit() {
	if r.checkpoint == nil {
		r.unlessFailed("The pack's state of the log did not pass.", verifier.CheckCheckpointSignature, verifier.CheckCheckpointGrade,
			verifier.CheckWitness, verifier.CheckTimestamp, verifier.CheckKeyWindow, verifier.CheckConsistency)
	}
	if r.exported == nil {
		r.unlessFailed("The receipt of the pack did not pass.", verifier.CheckBagReceipt, verifier.CheckConsistency, verifier.CheckHeads,
			verifier.CheckRightCase)
	}
	if !r.whole || r.exported == nil {
		r.unlessFailed("Not checked for every event, because some failed another check first.", perEvent...)
	}
	if !r.whole {
		r.unlessFailed("Not checked in full, because some events failed.", verifier.CheckRightCase, verifier.CheckSubjects,
			verifier.CheckOpenings, verifier.CheckEvidenceDigest, verifier.CheckEventOrder)
	}
}

// perEvent are the checks of an event of which a later one is not made where an earlier one failed.
var perEvent = []verifier.CheckID{
	verifier.CheckReceiptShape, verifier.CheckEventSigner, verifier.CheckEventSignature, verifier.CheckStatement,
	verifier.CheckLeafBody, verifier.CheckLogIndex, verifier.CheckLogID, verifier.CheckInclusionProof,
}

func (r *run) unlessFailed(why string, ids ...verifier.CheckID) {
	for _, id := range ids {
		if !r.failed(id) {
			r.notChecked(id, why)
		}
	}
}

// result draws the verdict.
func (r *run) result(used TrustUsed) *Result {
	out := &Result{Checks: r.checks(), Trust: used, Summary: r.summary.safe(), NotChecked: []verifier.CheckID{}}
	out.conclude(used.Source != sourceNone, optional)
	if out.Verdict == NotVerified && used.Source == sourceNone {
		out.Trust.Origin, out.Summary = "", Summary{} // nothing vouches for these
	}
	return out
}

// optional are the checks without which a bag may still be verified: they rest on others than the ledger, or on keys that
// the verdict itself speaks of.
var optional = map[verifier.CheckID]bool{
	verifier.CheckWitness: true, verifier.CheckTimestamp: true, verifier.CheckKeyWindow: true,
	verifier.CheckActorSignature: true, verifier.CheckTrustFiles: true, verifier.CheckFingerprint: true,
}

func (out *Result) conclude(keysKnown bool, optional map[verifier.CheckID]bool) {
	out.Verdict = Verified
	if !keysKnown {
		out.Verdict = Consistent
	}
	for _, c := range out.Checks {
		if c.Result == NotChecked {
			out.NotChecked = append(out.NotChecked, c.ID)
		}
		if c.Result == Failed || c.Result == NotChecked && !optional[c.ID] {
			out.Verdict = NotVerified
		}
	}
}

// format checks that the bag holds the files that it must hold and no others.
func (r *run) format() {
	for _, name := range fixedFiles {
		if _, ok := r.bag.files[name]; !ok {
			r.fail(verifier.CheckBagFormat, name, "The file %s is missing.", name)
		}
	}
	for name := range r.bag.files {
		if !belongs(name) {
			r.fail(verifier.CheckBagFormat, printable(name), "%s does not belong in a verification pack.", printable(name))
		}
	}
}

func belongs(name string) bool {
	for _, f := range fixedFiles {
		if name == f {
			return true
		}
	}
	for _, p := range patternFiles {
		if p.MatchString(name) {
			return true
		}
	}
	return false
}

// hash streams every file but the events, which are read whole later, through SHA-256, on all processors.
func (r *run) hash() {
	names := slices.DeleteFunc(r.bag.names(), func(name string) bool { return strings.HasPrefix(name, eventsFolder) })
	digests, sizes := make([][32]byte, len(names)), make([]int64, len(names))
	buffers := sync.Pool{New: func() any { return make([]byte, 256<<10) }}
	each(len(names), func(i int) {
		buffer := buffers.Get().([]byte)
		defer buffers.Put(buffer) //nolint:staticcheck // a slice header is small beside the read
		var err error
		if digests[i], sizes[i], err = r.bag.sum(names[i], buffer); err != nil {
			r.fail(verifier.CheckBagFormat, printable(names[i]), "%s cannot be read to its end.", printable(names[i]))
		}
	})
	for i, name := range names {
		r.noteSum(name, digests[i], sizes[i])
	}
}

// noteSum keeps the digest of a file.
func (r *run) noteSum(name string, sum [32]byte, bytes int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sums[name] = sum
	if strings.HasPrefix(name, dataFolder) {
		r.size.files++
		r.size.bytes += bytes
	}
}

// readEvent reads a file of an event, once, and keeps its digest.
func (r *run) readEvent(name string) ([]byte, bool) {
	data, ok := r.readRecord(name)
	if ok {
		r.noteSum(name, sha256.Sum256(data), int64(len(data)))
	}
	return data, ok
}

// each calls do for 0 to n-1 on all processors. A panic of do is passed on to the caller, whose program may turn it into
// a sentence.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	var broken atomic.Pointer[any]
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil {
					broken.Store(&p)
				}
			}()
			for i := next.Add(1) - 1; i < int64(n); i = next.Add(1) - 1 {
				do(int(i))
			}
		})
	}
	wg.Wait()
	if p := broken.Load(); p != nil {
		panic(*p)
	}
}

// Where the reader's knowledge of the keys comes from.
const (
	sourceFolder      = "folder"
	sourceFingerprint = "fingerprint"
	sourceNone        = "none"
)

// chooseTrust decides whose keys count: the reader's folder, else the bag's own.
func (r *run) chooseTrust() TrustUsed {
	used := TrustUsed{Source: sourceNone, Signers: []string{}}
	own, err := r.bagTrust()
	if err != nil {
		r.fail(verifier.CheckTrustFiles, "data/trust", "The pack's own key files are damaged or do not fit together.")
	} else {
		used.Fingerprint, used.Signers, used.Origin = own.Fingerprint(), own.Signers(), own.Origin()
		r.trust = own
	}
	r.out[verifier.CheckFingerprint] = r.options.Fingerprint == ""
	if r.options.Fingerprint != "" {
		if used.Fingerprint == strings.ToLower(r.options.Fingerprint) {
			used.Source = sourceFingerprint
		} else {
			r.fail(verifier.CheckFingerprint, "data/trust", "The keys in the pack do not have the fingerprint that was given: the pack was made by someone else, or with other keys.")
		}
	}
	switch {
	case r.options.Trust != nil:
		r.trust, used.Source, used.Origin = r.options.Trust, sourceFolder, r.options.Trust.Origin()
		if own != nil {
			r.add(r.trust.Covers(own)...)
		}
	case r.options.Fingerprint != "":
		r.out[verifier.CheckTrustFiles] = err == nil
	default:
		r.notChecked(verifier.CheckTrustFiles, "No trust folder and no fingerprint was given: whose keys these are is not known.")
	}
	if r.trust != nil {
		r.keep = verifier.WithCheckpoints(r.trust.NewCheckpointVerifier(4))
		for _, id := range r.trust.NotChecked() {
			r.notChecked(id, openReasons[id])
		}
	}
	return used
}

var openReasons = map[verifier.CheckID]string{
	verifier.CheckWitness:   "No outside witness is demanded: that the ledger showed everybody the same log rests on its own word.",
	verifier.CheckTimestamp: "No outside time stamp is demanded: the times are those of the ledger's own clock.",
	verifier.CheckKeyWindow: "Without an outside time, when the keys were used is not known.",
}

// bagTrust reads data/trust.
func (r *run) bagTrust() (*verifier.Trust, error) {
	own, _, err := verifier.LoadBagTrust(trustFS{r.bag})
	return own, err
}

// readRecord reads a file of limited size; a failure has been reported by format or hash, or is here.
func (r *run) readRecord(name string) ([]byte, bool) {
	data, err := r.bag.read(name, maxRecord)
	if err != nil {
		if _, there := r.bag.files[name]; there {
			r.fail(verifier.CheckBagFormat, name, "%s cannot be read or is too large.", name)
		}
		return nil, false
	}
	return data, true
}

// same compares a file with what it must be.
func (r *run) same(name string, want []byte) bool {
	got, ok := r.readRecord(name)
	return ok && bytes.Equal(got, want)
}
