// Package verifier checks receipts offline, trusting nothing but the keys in a trust folder. It is the court's own code, and
// the ledger runs it over every receipt before handing it out.
//
// A receipt says: this statement was signed by a key of the ledger, and its leaf stands at this index of the log whose
// state is this signed checkpoint. The package checks each of those words, including what stock tools let pass (the exact
// leaf body, both log indexes, tree size, root hash, log id, key hint, the order of a checkpoint's signature lines).
//
// It needs the standard library and golang.org/x/mod/sumdb/tlog only, does no input or output but through an fs.FS, and
// runs as WebAssembly. What it finds wrong is a Failure: the id of the check and one plain sentence.
//
// # Checks
//
// The list of ids is closed; a program may rely on it.
//
//	bag-format            every file of the pack is one that belongs in it, under its own name, and none is missing
//	bag-manifest          the lists of files (BagIt manifests) agree with the files, byte for byte
//	canonical-form        each JSON file has the one byte form that its content allows (RFC 8785)
//	receipt-shape         a receipt has all its parts once, with the fixed words that belong there
//	trust-files           the pack's own keys are among those of the trust folder
//	fingerprint           the pack's own keys have the fingerprint that was given
//	checkpoint-signature  every signature line of the signed log state is by a known key, in the fixed order
//	checkpoint-grade      the log state is as strongly confirmed as the receipt claims
//	same-checkpoint       every event is proved into the same bytes of log state
//	witness               as many outside witnesses confirmed the log state as the trust folder demands
//	timestamp             an outside authority confirmed the time where the trust folder demands it
//	key-window            keys were valid when they were used
//	event-signer          the event was signed by a known key and says so
//	event-signature       the signature fits what the event says
//	statement             what the event says can be read and does not contradict itself
//	actor-signature       the person's own signature over the act, where there is one
//	leaf-body             the log entry is made from this event
//	log-index             the entry's number in the log is the same in each place
//	log-id                the entry names the log that signed the log state
//	inclusion-proof       the log entry is in the log
//	event-order           the events of the pack are numbered without gaps in the order of the log
//	right-case            everything in the pack belongs to one case
//	chain                 each event follows the one before it in its chain
//	heads                 no event is missing at the end of a chain, and none is added
//	openings              each revealed field belongs to its event
//	subjects              an event names the content that it is about
//	evidence-digest       each file of evidence is the exhibit that its name says
//	contents-list         the list of contents agrees with the files
//	bag-receipt           the ledger recorded the making of exactly this pack
//	consistency           the log at the making of the pack continues the log that the events are proved in
//	report                the reports are what the events of this pack give
package verifier

// CheckID names a check of the closed list in the package comment.
type CheckID string

// The checks, in the order in which a result lists them.
const (
	CheckBagFormat           CheckID = "bag-format"
	CheckBagManifest         CheckID = "bag-manifest"
	CheckCanonicalForm       CheckID = "canonical-form"
	CheckReceiptShape        CheckID = "receipt-shape"
	CheckTrustFiles          CheckID = "trust-files"
	CheckFingerprint         CheckID = "fingerprint"
	CheckCheckpointSignature CheckID = "checkpoint-signature"
	CheckCheckpointGrade     CheckID = "checkpoint-grade"
	CheckSameCheckpoint      CheckID = "same-checkpoint"
	CheckWitness             CheckID = "witness"
	CheckTimestamp           CheckID = "timestamp"
	CheckKeyWindow           CheckID = "key-window"
	CheckEventSigner         CheckID = "event-signer"
	CheckEventSignature      CheckID = "event-signature"
	CheckStatement           CheckID = "statement"
	CheckActorSignature      CheckID = "actor-signature"
	CheckLeafBody            CheckID = "leaf-body"
	CheckLogIndex            CheckID = "log-index"
	CheckLogID               CheckID = "log-id"
	CheckInclusionProof      CheckID = "inclusion-proof"
	CheckEventOrder          CheckID = "event-order"
	CheckRightCase           CheckID = "right-case"
	CheckChain               CheckID = "chain"
	CheckHeads               CheckID = "heads"
	CheckOpenings            CheckID = "openings"
	CheckSubjects            CheckID = "subjects"
	CheckEvidenceDigest      CheckID = "evidence-digest"
	CheckContentsList        CheckID = "contents-list"
	CheckBagReceipt          CheckID = "bag-receipt"
	CheckConsistency         CheckID = "consistency"
	CheckReport              CheckID = "report"
)

// Checks lists all ids in their order.
func Checks() []CheckID {
	return []CheckID{
		CheckBagFormat, CheckBagManifest, CheckCanonicalForm, CheckReceiptShape, CheckTrustFiles, CheckFingerprint,
		CheckCheckpointSignature, CheckCheckpointGrade, CheckSameCheckpoint, CheckWitness, CheckTimestamp, CheckKeyWindow,
		CheckEventSigner, CheckEventSignature, CheckStatement, CheckActorSignature, CheckLeafBody, CheckLogIndex,
		CheckLogID, CheckInclusionProof, CheckEventOrder, CheckRightCase, CheckChain, CheckHeads, CheckOpenings,
		CheckSubjects, CheckEvidenceDigest, CheckContentsList, CheckBagReceipt, CheckConsistency, CheckReport,
	}
}

// A Failure is one failed check. Sentence is for a busy person who is no programmer; it names the thing concerned and holds
// no value that was not authenticated. File is the file concerned, from the pack's root, empty where there is none.
type Failure struct {
	Check    CheckID
	Sentence string
	File     string
}

// Error is the sentence with the check's id.
func (f *Failure) Error() string { return f.Sentence + " (" + string(f.Check) + ")" }

// fault makes a failure about subject: the sentence begins with the subject's name.
func (s subject) fault(check CheckID, rest string) *Failure {
	return &Failure{Check: check, Sentence: s.name + " " + rest, File: s.file}
}

// subject is what a sentence is about.
type subject struct{ name, file string }
