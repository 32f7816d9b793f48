package courtbundle

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier"
)

// A Verdict sums a result up.
type Verdict string

// The verdicts.
const (
	// Verified: every check passed under keys that the reader obtained by another way.
	Verified Verdict = "verified"
	// Consistent: every check passed, but whose keys these are is not known.
	Consistent Verdict = "consistent"
	// NotVerified: a check failed.
	NotVerified Verdict = "not-verified"
	// Unreadable: there was nothing to check.
	Unreadable Verdict = "unreadable"
)

// Outcomes of a check.
const (
	Passed     = "passed"
	Failed     = "failed"
	NotChecked = "not-checked"
)

// Check is one check of the closed list in package verifier. A check that failed for several things has a Check for each.
type Check struct {
	File     string           `json:"file"`
	ID       verifier.CheckID `json:"id"`
	Result   string           `json:"result"`
	Sentence string           `json:"sentence"`
}

// TrustUsed says whose keys a result rests on.
type TrustUsed struct {
	// Fingerprint is that of the keys in the bag, Signers are the hints of its event signers.
	Fingerprint string   `json:"fingerprint"`
	Origin      string   `json:"origin"`
	Signers     []string `json:"signers"`
	// Source is "folder", "fingerprint" or "none": where the reader's own knowledge of the keys comes from.
	Source string `json:"source"`
}

// Result is the answer of a verification, as --json prints it.
type Result struct {
	Checks []Check `json:"checks"`
	// NotChecked lists what the trust folder does not ask for or these files cannot show.
	NotChecked []verifier.CheckID `json:"notChecked"`
	Trust      TrustUsed          `json:"trust"`
	Verdict    Verdict            `json:"verdict"`
	// Summary is filled from authenticated values only.
	Summary Summary `json:"-"`
}

// Summary says what was verified.
type Summary struct {
	Case     predicate.UUID
	URN      identifier.URN // empty where no event that can be read names it
	Events   int
	Withheld int
	Exhibits int
	Files    int // in evidence/
	// NotIncluded and Erased are exhibits without a file.
	NotIncluded, Erased []string
	Recipient           predicate.Recipient
	ExportedAt          predicate.Time
	// Between is how many events the exporting chain got between the freezing of the bag and its closing.
	Between int64
	Grade   string
	// Kind and Index describe a single event.
	Kind  string
	Index int64
}

// safe blanks whatever is not a plain word: in a forged bag anything may stand where an id belongs, and it is printed.
func (s Summary) safe() Summary {
	s.Case, s.Kind = predicate.UUID(plainWord(string(s.Case))), plainWord(s.Kind)
	s.URN = identifier.URN(plainWord(string(s.URN)))
	s.Recipient = predicate.Recipient{
		Defendant:    predicate.UUID(plainWord(string(s.Recipient.Defendant))),
		Organisation: identifier.Org(plainWord(string(s.Recipient.Organisation))),
		Role:         identifier.Role(plainWord(string(s.Recipient.Role))),
	}
	return s
}

func plainWord(s string) string {
	if len(s) > 64 || printable(s) != s {
		return ""
	}
	return s
}

// JSON is the result in canonical JSON.
func (r *Result) JSON() ([]byte, error) { return canonical.Marshal(r) }

// Failures are the checks that failed.
func (r *Result) Failures() []Check {
	var out []Check
	for _, c := range r.Checks {
		if c.Result == Failed {
			out = append(out, c)
		}
	}
	return out
}

// maxSentences bounds the sentences of one check: a forged bag fails the same check for each of its events.
const maxSentences = 10

// collector gathers failures from several goroutines.
type collector struct {
	mu       sync.Mutex
	failures []*verifier.Failure
	open     map[verifier.CheckID]string // not checked, with the reason
	out      map[verifier.CheckID]bool   // belongs to another kind of file: not listed
}

func (c *collector) add(failures ...*verifier.Failure) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failures = append(c.failures, failures...)
}

func (c *collector) fail(check verifier.CheckID, file, format string, args ...any) {
	c.add(&verifier.Failure{Check: check, File: file, Sentence: fmt.Sprintf(format, args...)})
}

// notChecked says why a check could not be made at all.
func (c *collector) notChecked(check verifier.CheckID, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[verifier.CheckID]string{}
	}
	c.open[check] = why
}

func (c *collector) failed(check verifier.CheckID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.ContainsFunc(c.failures, func(f *verifier.Failure) bool { return f.Check == check })
}

// checks lists every check in the order of the closed list.
func (c *collector) checks() []Check {
	by := map[verifier.CheckID][]*verifier.Failure{}
	for _, f := range c.failures {
		by[f.Check] = append(by[f.Check], f)
	}
	var out []Check
	for _, id := range verifier.Checks() {
		why, open := c.open[id]
		switch {
		case len(by[id]) > 0:
			out = append(out, sentences(id, by[id])...)
		case open:
			out = append(out, Check{ID: id, Result: NotChecked, Sentence: why})
		case !c.out[id]:
			out = append(out, Check{ID: id, Result: Passed, Sentence: passed[id]})
		}
	}
	return out
}

// sentences are the failures of one check, each once, by file, and not too many.
func sentences(id verifier.CheckID, failures []*verifier.Failure) []Check {
	var out []Check
	for _, f := range failures {
		out = append(out, Check{File: f.File, ID: id, Result: Failed, Sentence: f.Sentence})
	}
	slices.SortFunc(out, func(a, b Check) int {
		return cmp.Or(strings.Compare(a.File, b.File), strings.Compare(a.Sentence, b.Sentence))
	})
	out = slices.Compact(out)
	if more := len(out) - maxSentences; more > 0 {
		out = append(out[:maxSentences], Check{ID: id, Result: Failed, Sentence: fmt.Sprintf("The same is wrong with %d more.", more)})
	}
	return out
}

// passed are the sentences of checks that passed.
var passed = map[verifier.CheckID]string{
	verifier.CheckBagFormat:           "Every file belongs in a verification pack and none is missing.",
	verifier.CheckBagManifest:         "The lists of files agree with the files.",
	verifier.CheckCanonicalForm:       "Every record is written in the one form that its content allows.",
	verifier.CheckReceiptShape:        "Every event has a complete receipt.",
	verifier.CheckTrustFiles:          "The keys in the pack are among those of the trust folder.",
	verifier.CheckFingerprint:         "The keys in the pack have the fingerprint that was given.",
	verifier.CheckCheckpointSignature: "The state of the log is signed by known keys.",
	verifier.CheckCheckpointGrade:     "The state of the log is as strongly confirmed as claimed.",
	verifier.CheckSameCheckpoint:      "Every event is proved into the same state of the log.",
	verifier.CheckWitness:             "Enough outside witnesses confirmed the state of the log.",
	verifier.CheckTimestamp:           "An outside authority confirmed the time.",
	verifier.CheckKeyWindow:           "Keys were valid when they were used.",
	verifier.CheckEventSigner:         "Every event is signed by a known key.",
	verifier.CheckEventSignature:      "Every signature fits what its event says.",
	verifier.CheckStatement:           "Every event that is shown can be read.",
	verifier.CheckActorSignature:      "Signatures by the people who acted fit.",
	verifier.CheckLeafBody:            "Every log entry is made from its event.",
	verifier.CheckLogIndex:            "Every event names one place in the log.",
	verifier.CheckLogID:               "Every event names the log that signed.",
	verifier.CheckInclusionProof:      "Every event is in the log.",
	verifier.CheckEventOrder:          "The events are in the order of the log, without gaps in their numbers.",
	verifier.CheckRightCase:           "Everything in the pack belongs to one case.",
	verifier.CheckChain:               "Each event follows the one before it.",
	verifier.CheckHeads:               "No event is missing at the end and none was added.",
	verifier.CheckOpenings:            "Every revealed field belongs to its event.",
	verifier.CheckSubjects:            "Every event names the content that it is about.",
	verifier.CheckEvidenceDigest:      "Every file of evidence is the exhibit that its name says.",
	verifier.CheckContentsList:        "The list of contents agrees with the files.",
	verifier.CheckBagReceipt:          "The ledger recorded the making of exactly this pack.",
	verifier.CheckConsistency:         "The log continued unchanged from the events to the making of the pack.",
	verifier.CheckReport:              "The report is what the events of this pack give.",
}
