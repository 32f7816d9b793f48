package courtbundle

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier"
)

// itemsOf are the contents that an event says it is about.
func itemsOf(body predicate.Body) []predicate.Item {
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return []predicate.Item{{Exhibit: b.Exhibit, Ref: b.Ref, SHA256: b.Content.SHA256}}
	case *predicate.EvidenceViewedV1:
		return []predicate.Item{b.Item}
	case *predicate.EvidenceDownloadedV1:
		return []predicate.Item{b.Item}
	case *predicate.RedactionProposedV1:
		return []predicate.Item{{Exhibit: b.Exhibit, Ref: b.Ref, SHA256: b.Content.SHA256}, b.Parent}
	case *predicate.RedactionApprovedV1:
		return []predicate.Item{b.Item, b.Parent}
	case *predicate.EvidenceSharedV1:
		return []predicate.Item{b.Item}
	case *predicate.EvidenceServedV1:
		return []predicate.Item{b.Item}
	case *predicate.UnusedDisclosedV1:
		return []predicate.Item{b.Item}
	case *predicate.UndertakingAcceptedV1:
		return []predicate.Item{b.Item}
	}
	return nil
}

// exhibitNames is what an actor's device may call the exhibits of an event.
func exhibitNames(body predicate.Body) []string {
	var out []string
	for _, i := range itemsOf(body) {
		out = append(out, string(i.Exhibit), string(i.Ref))
	}
	return out
}

// subjects checks that the statement's subjects are what its body is about.
func (r *run) subjects(e *event, of *predicate.Event) bool {
	digests := map[string]bool{}
	for _, s := range of.Subject {
		digests[s.Digest.SHA256] = true
	}
	for _, i := range itemsOf(of.Predicate.Body) {
		if !digests[string(i.SHA256)] {
			r.fail(verifier.CheckSubjects, e.file(), "%s is about content that it does not name as its subject.", e.name())
			return false
		}
	}
	return true
}

// theCase checks that everything belongs to one case and in the order of the log.
func (r *run) theCase() {
	r.caseID = r.whichCase()
	for i, e := range r.events {
		if !e.ok {
			continue
		}
		if i > 0 && r.events[i-1].ok && e.entry.Index <= r.events[i-1].entry.Index {
			r.fail(verifier.CheckEventOrder, e.file(), "%s is not in its place: in the log it stands before the event that the pack puts before it, or is the same.", e.name())
		}
		if !r.ofTheCase(e.entry) {
			r.fail(verifier.CheckRightCase, e.file(), "%s belongs to another case than the rest of the pack.", e.name())
		}
	}
	var entries []projections.Entry
	for _, e := range r.events {
		if e.ok && r.ofTheCase(e.entry) {
			entries = append(entries, e.entry)
		}
	}
	r.report = projections.Fold(entries)
	r.summarise()
	urn := string(r.summary.URN)
	if r.bag.Root != "" && urn != "" && r.bag.Root != urn {
		r.fail(verifier.CheckRightCase, "", "The zip is named after another case than the one that its events are about.")
	}
}

// whichCase is the case that bag.exported names, else that of the first event that can be read.
func (r *run) whichCase() predicate.UUID {
	if r.exported != nil {
		return r.exported.Event.Predicate.Case
	}
	for _, e := range r.events {
		if e.ok && e.entry.Event != nil {
			return e.entry.Event.Predicate.Case
		}
	}
	return ""
}

func (r *run) ofTheCase(e projections.Entry) bool {
	if r.caseID == "" || !strings.HasPrefix(string(e.Chain), string(r.caseID)+"/") {
		return false
	}
	if e.Event == nil {
		return true
	}
	sum := sha256.Sum256([]byte(r.caseID))
	for _, s := range e.Event.Subject {
		if s.Name == "case" && s.Digest.SHA256 != hex.EncodeToString(sum[:]) {
			return false
		}
	}
	return e.Event.Predicate.Case == r.caseID
}

func (r *run) summarise() {
	s := &r.summary
	s.Case, s.URN, s.Exhibits = r.report.Case.ID, r.report.Case.URN, len(r.report.Exhibits)
	if _, _, err := identifier.ParseURN(string(s.URN)); err != nil {
		s.URN = ""
	}
	for _, e := range r.events {
		s.Events++
		if e.withheld {
			s.Withheld++
		}
	}
}

// chains follows each chain from its first event to the head that the ledger recorded.
func (r *run) chains() {
	if !r.whole {
		r.notChecked(verifier.CheckChain, "The chains were not followed, because an event failed.")
		r.notChecked(verifier.CheckHeads, "The ends of the chains were not compared, because an event failed.")
		return
	}
	chains := map[predicate.ChainID][]verifier.ChainItem{}
	events := slices.Clone(r.events)
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.entry.Index, b.entry.Index) })
	for _, e := range events {
		item := verifier.ChainItem{Sequence: e.entry.Sequence, Withheld: e.entry.Event == nil, PAEDigest: e.entry.PAEDigest, Name: e.name(), File: e.file()}
		if e.entry.Event != nil {
			item.Previous = e.entry.Event.Predicate.Previous
		}
		chains[e.entry.Chain] = append(chains[e.entry.Chain], item)
	}
	heads := map[predicate.ChainID]predicate.Head{}
	for chain, items := range chains {
		head, failures := verifier.VerifyChain(chain, items)
		heads[chain] = head
		r.add(failures...)
	}
	r.heads(heads)
}

// heads compares where the chains end with what bag.exported recorded.
func (r *run) heads(followed map[predicate.ChainID]predicate.Head) {
	if r.exported == nil {
		r.notChecked(verifier.CheckHeads, "The ends of the chains were not compared, because the receipt of the pack failed.")
		return
	}
	recorded := map[predicate.ChainID]bool{}
	for _, head := range r.exported.Event.Predicate.Body.(*predicate.BagExportedV1).Heads {
		if recorded[head.Chain] || !strings.HasPrefix(string(head.Chain), string(r.caseID)+"/") {
			r.fail(verifier.CheckHeads, receiptFile, "The receipt of the pack names a chain twice or of another case.")
		}
		recorded[head.Chain] = true
		mine, ok := followed[head.Chain]
		if !ok {
			mine, _ = verifier.VerifyChain(head.Chain, nil)
		}
		if f := verifier.CompareHead(mine, head); f != nil {
			r.add(f)
		}
	}
	for chain := range followed {
		if !recorded[chain] {
			r.fail(verifier.CheckHeads, receiptFile, "The pack has events of a chain that the ledger did not put into it.")
		}
	}
}

// evidence checks each file against what the events say of the exhibit that it is named after.
func (r *run) evidence() {
	known := map[string]item{}
	owner := map[predicate.Hex32]bool{}
	for _, i := range items(r.report) {
		known[i.name] = i
		for digest := range i.digests {
			owner[digest] = true
		}
	}
	subject := r.subjectDigests()
	for name, sum := range r.sums {
		if !strings.HasPrefix(name, evidenceFolder) {
			continue
		}
		r.summary.Files++
		digest := predicate.Hex32(hex.EncodeToString(sum[:]))
		i, named := known[name]
		switch {
		case !subject[digest] && !r.whole:
			r.fail(verifier.CheckEvidenceDigest, printable(name), "%s is named by none of the events that passed.", printable(name))
		case !subject[digest]:
			r.fail(verifier.CheckEvidenceDigest, printable(name), "%s is not evidence in this case: its content was changed, or it belongs to another case.", printable(name))
		case !named && owner[digest], named && !i.digests[digest]:
			r.fail(verifier.CheckEvidenceDigest, printable(name), "%s holds the content of another exhibit of this case than its name says.", printable(name))
		case !named:
			r.fail(verifier.CheckEvidenceDigest, printable(name), "%s is named after no exhibit of this case.", printable(name))
		}
	}
	for _, i := range items(r.report) {
		if _, ok := r.bag.files[i.name]; ok {
			continue
		}
		if i.erased {
			r.summary.Erased = append(r.summary.Erased, i.label())
		} else {
			r.summary.NotIncluded = append(r.summary.NotIncluded, i.label())
		}
	}
}

// label is what a sentence calls an exhibit.
func (i item) label() string {
	if _, _, err := identifier.ParseExhibitRef(string(i.ref)); err != nil {
		return fmt.Sprintf("an exhibit without a reference (%s)", printable(string(i.id)))
	}
	return string(i.ref)
}

func (r *run) subjectDigests() map[predicate.Hex32]bool {
	out := map[predicate.Hex32]bool{}
	for _, e := range r.events {
		if e.ok && e.entry.Event != nil && r.ofTheCase(e.entry) {
			for _, s := range e.entry.Event.Subject {
				out[predicate.Hex32(s.Digest.SHA256)] = true
			}
		}
	}
	return out
}
