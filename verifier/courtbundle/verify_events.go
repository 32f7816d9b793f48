package courtbundle

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/sdjwt"
	"github.com/caseledger/caseledger/verifier"
)

// event is one numbered event of the bag.
type event struct {
	number                    int
	sigstore, withheld, opens bool   // which files there are
	opened                    []byte // the file of openings, until it is parsed
	entry                     projections.Entry
	ok                        bool // it is authentic, and so are its openings
}

func (e event) name() string { return fmt.Sprintf("Event %06d", e.number) }

func (e event) file() string {
	if e.withheld && !e.sigstore {
		return eventFile(e.number, withheldSuffix)
	}
	return eventFile(e.number, sigstoreSuffix)
}

// proofs checks the checkpoint and every event by itself.
func (r *run) proofs() {
	if note, ok := r.readRecord(checkpointFile); ok {
		r.note = string(note)
		c, err := r.trust.Checkpoint(r.note)
		if err != nil {
			r.because(err, checkpointFile)
		} else {
			r.checkpoint = c
			r.summary.Grade = c.Grade
		}
	}
	r.listEvents()
	var elsewhere, proofs atomic.Int64
	each(len(r.events), func(i int) {
		e := &r.events[i]
		if e.opens {
			e.opened, _ = r.readEvent(eventFile(e.number, openingsSuffix))
		}
		switch {
		case e.sigstore:
			e.ok = r.readable(e, &elsewhere, &proofs)
		case e.withheld:
			e.ok = r.counted(e)
		}
	})
	if n := elsewhere.Load(); n > 0 {
		r.fail(verifier.CheckSameCheckpoint, checkpointFile, "%d of %d events are proved into another state of the log than the one in the pack.", n, len(r.events))
	}
	if proofs.Load() == 0 {
		r.notChecked(verifier.CheckActorSignature, "No event here carries a signature by the person who acted that this pack could check.")
	}
	r.whole = len(r.events) > 0
	for _, e := range r.events {
		r.whole = r.whole && e.ok
	}
}

// because records why a call of package verifier failed.
func (r *run) because(err error, file string) {
	var f *verifier.Failure
	if !errors.As(err, &f) {
		f = &verifier.Failure{Check: verifier.CheckReceiptShape, Sentence: file + " cannot be checked."}
	}
	if f.File == "" {
		f.File = file
	}
	r.add(f)
}

// listEvents finds the numbered events; their numbers must run from 1.
func (r *run) listEvents() {
	byNumber := map[int]*event{}
	for name := range r.bag.files {
		digits, suffix, ok := strings.Cut(strings.TrimPrefix(name, eventsFolder), ".")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil || !belongs(name) || !strings.HasPrefix(name, eventsFolder) {
			continue
		}
		if byNumber[n] == nil {
			byNumber[n] = &event{number: n}
		}
		switch "." + suffix {
		case sigstoreSuffix:
			byNumber[n].sigstore = true
		case withheldSuffix:
			byNumber[n].withheld = true
		case openingsSuffix:
			byNumber[n].opens = true
		}
	}
	for _, e := range byNumber {
		r.events = append(r.events, *e)
	}
	slices.SortFunc(r.events, func(a, b event) int { return cmp.Compare(a.number, b.number) })
	for i, e := range r.events {
		if e.sigstore == e.withheld || e.withheld && e.opens {
			r.fail(verifier.CheckBagFormat, e.file(), "%s is not there exactly once, with its revealed fields beside it.", e.name())
		}
		if e.number != i+1 && (i == 0 || r.events[i-1].number+1 != e.number) {
			r.fail(verifier.CheckEventOrder, e.file(), "There is a gap in the numbers before event %06d: events are missing.", e.number)
		}
	}
	if len(r.events) == 0 {
		r.fail(verifier.CheckEventOrder, "data/events", "The pack holds no events.")
	}
}

// readable verifies an event that is shown.
func (r *run) readable(e *event, elsewhere, proofs *atomic.Int64) bool {
	data, ok := r.readEvent(e.file())
	if !ok {
		return false
	}
	about := verifier.About(e.name(), e.file())
	b, err := receipt.ParseBundle(data)
	if err != nil {
		r.malformed(err, e.name(), e.file())
		return false
	}
	v, err := r.trust.Bundle(b, about, r.keep)
	if b.VerificationMaterial.TlogEntries[0].InclusionProof.Checkpoint.Envelope != r.note {
		elsewhere.Add(1)
	}
	if err != nil {
		r.because(err, e.file())
		return false
	}
	openings, opened := r.openings(e, &v.Event)
	ok = r.subjects(e, &v.Event) && opened
	e.entry = readEntry(&v.Event, openings, v.Index, b.DSSEEnvelope, b.VerificationMaterial.TlogEntries[0].CanonicalizedBody)
	if key, there := openings.Get("actorKey"); there && v.Event.Predicate.ActorProof != nil {
		proofs.Add(1)
		text, _ := key.Value.(string)
		if err := verifier.Actor(v.Event, text, v.Checkpoint.Origin, exhibitNames(v.Event.Predicate.Body), about); err != nil {
			r.because(err, e.file())
			return false
		}
	}
	return ok
}

// malformed tells a file that is not in its one form from one that lacks a part.
func (r *run) malformed(err error, name, file string) {
	if errors.Is(err, receipt.ErrShape) || errors.Is(err, canonical.ErrDecode) {
		r.fail(verifier.CheckReceiptShape, file, "%s lacks a part of a receipt, or has one twice or of another kind.", name)
		return
	}
	r.fail(verifier.CheckCanonicalForm, file, "%s is not written in the one form that its content allows.", name)
}

// counted verifies an event that is withheld.
func (r *run) counted(e *event) bool {
	data, ok := r.readEvent(e.file())
	if !ok {
		return false
	}
	w, err := parseWithheld(data)
	if err != nil {
		r.malformed(err, e.name(), e.file())
		return false
	}
	if r.checkpoint == nil {
		return false
	}
	if _, err := r.trust.Withheld(w.Leaf, w.LogIndex, w.InclusionProof, r.checkpoint, verifier.About(e.name(), e.file())); err != nil {
		r.because(err, e.file())
		return false
	}
	e.entry, err = withheldEntry(w)
	return err == nil
}

// openings reads the fields that are revealed and holds them against the event.
func (r *run) openings(e *event, of *predicate.Event) (sdjwt.Openings, bool) {
	if !e.opens {
		return sdjwt.Openings{}, true
	}
	file := eventFile(e.number, openingsSuffix)
	if e.opened == nil {
		return sdjwt.Openings{}, false
	}
	o, err := parseOpenings(e.opened)
	e.opened = nil
	if errors.Is(err, canonical.ErrNotCanonical) {
		r.fail(verifier.CheckCanonicalForm, file, "The revealed fields of event %06d are not written in the one form that their content allows.", e.number)
		return sdjwt.Openings{}, false
	}
	sd := make([]string, len(of.Predicate.SD))
	for i, digest := range of.Predicate.SD {
		sd[i] = string(digest)
	}
	if err != nil || o.Against(sd) != nil {
		r.fail(verifier.CheckOpenings, file, "A revealed field of event %06d is not what was recorded: it was changed, or belongs to another event.", e.number)
		return sdjwt.Openings{}, false
	}
	clear := clearNames(of.Predicate.Body)
	for _, d := range o.Disclosures() {
		if clear[d.Name] {
			r.fail(verifier.CheckOpenings, file, "A revealed field of event %06d has the name of a part that the event says openly.", e.number)
			return sdjwt.Openings{}, false
		}
	}
	return o, true
}

// clearNames are the names that a statement uses for what it says openly: its own, those of the slots and of the body.
func clearNames(body predicate.Body) map[string]bool {
	names := map[string]bool{"_type": true, "predicate": true, "predicateType": true, "subject": true, "body": true}
	for _, t := range []reflect.Type{reflect.TypeFor[predicate.Slots](), reflect.TypeOf(body).Elem()} {
		for i := range t.NumField() {
			name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
			names[name] = true
		}
	}
	return names
}
