package projections

import (
	"cmp"
	"slices"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Fold is the report of exactly these entries, taken in leaf order.
func Fold(entries []Entry) Report {
	sorted := slices.Clone(entries)
	slices.SortStableFunc(sorted, func(a, b Entry) int { return cmp.Compare(a.Index, b.Index) })
	var f Folder
	for _, e := range sorted {
		f.Apply(e)
	}
	return f.Report()
}

// Folder folds entries one by one, in the order in which they are applied, which should be leaf order. The zero value is
// ready. It belongs to one goroutine, and the events that it was given must not be changed afterwards.
type Folder struct {
	state    State
	events   int64
	heads    heads
	known    words
	people   map[predicate.UUID]ReportPerson // what was opened; the rest comes from state
	exhibits []ReportExhibit                 // what custody adds; the rest comes from state
	exhibit  map[predicate.UUID]int
	access   []Line
	exports  []Line
	history  []Line
	withheld []Withheld
}

// Apply takes in one more entry.
func (f *Folder) Apply(e Entry) {
	f.events++
	f.heads.apply(e)
	if e.Event == nil {
		f.withheld = append(f.withheld, Withheld{Chain: e.Chain, Index: e.Index, LeafHash: hex32(e.LeafHash), Sequence: e.Sequence})
		return
	}
	own := f.state.Apply(e.Index, e.Event)
	if !own {
		f.history = append(f.history, f.line(e))
		return
	}
	f.learn(e)
	f.place(e, f.line(e))
}

// Report is the report of what was applied so far. Later calls of Apply do not change it.
func (f *Folder) Report() Report {
	s := f.state.clone()
	r := Report{
		Access: slices.Clone(f.access), Case: s.Case, Events: f.events, Exports: slices.Clone(f.exports), Grants: s.Grants,
		Heads: f.heads.list(), History: slices.Clone(f.history), Version: ReportVersion, Withheld: slices.Clone(f.withheld),
	}
	for _, x := range f.exhibits {
		x.Custody = slices.Clone(x.Custody)
		if state, ok := s.find(x.ID); ok {
			x.Exhibit = state
		}
		r.Exhibits = append(r.Exhibits, x)
	}
	for _, p := range s.People {
		opened := f.people[p.ID]
		opened.Person = p
		r.People = append(r.People, opened)
	}
	return r
}

// learn keeps what was opened about people and exhibits, and the words for what later sentences may name.
func (f *Folder) learn(e Entry) {
	switch b := e.Event.Predicate.Body.(type) {
	case *predicate.DefendantAddedV1:
		f.meet(b.Defendant, e)
	case *predicate.PersonAddedV1:
		f.meet(b.Person, e)
	}
	f.known.learn(e.Event)
	for n, i := range itemsOf(e.Event.Predicate.Body) {
		x := f.custody(i, e.Index)
		if n == 0 && (e.Event.Kind == "evidence.uploaded" || e.Event.Kind == "redaction.proposed") {
			keep(&x.FileName, open(e.Openings, fieldFileName))
			keep(&x.Title, open(e.Openings, fieldTitle))
			keep(&x.Description, open(e.Openings, fieldDescription))
		}
	}
}

func (f *Folder) meet(id predicate.UUID, e Entry) {
	if f.people == nil {
		f.people = make(map[predicate.UUID]ReportPerson)
	}
	p := f.people[id]
	keep(&p.Name, open(e.Openings, fieldName))
	keep(&p.DateOfBirth, open(e.Openings, fieldDateOfBirth))
	keep(&p.Identifiers, open(e.Openings, fieldIdentifiers))
	keep(&p.Contact, open(e.Openings, fieldContact))
	f.people[id] = p
	if p.Name.Revealed {
		f.known.set(id, p.Name.Text())
	}
}

// keep lets the first opening of a field stand.
func keep(dst *Opened, o Opened) {
	if !dst.Revealed {
		*dst = o
	}
}

// custody finds the custody of an exhibit, or begins it.
func (f *Folder) custody(i predicate.Item, index int64) *ReportExhibit {
	n, ok := f.exhibit[i.Exhibit]
	if !ok {
		if f.exhibit == nil {
			f.exhibit = make(map[predicate.UUID]int)
		}
		n = len(f.exhibits)
		f.exhibit[i.Exhibit] = n
		f.exhibits = append(f.exhibits, ReportExhibit{Exhibit: Exhibit{ID: i.Exhibit, Index: index, Ref: i.Ref}})
	}
	return &f.exhibits[n]
}

// place puts a line where a reader looks for it.
func (f *Folder) place(e Entry, l Line) {
	switch b := e.Event.Predicate.Body.(type) {
	case *predicate.AccessGrantedV1, *predicate.AccessRevokedV1, *predicate.AccessDeniedV1, *predicate.RepresentationStartedV1,
		*predicate.RepresentationEndedV1:
		f.access = append(f.access, l)
		return
	case *predicate.BagExportedV1:
		f.exports = append(f.exports, l)
		return
	case *predicate.KeyDestroyedV1:
		if b.Scope == predicate.ScopeCase {
			for i := range f.exhibits {
				f.exhibits[i].Custody = append(f.exhibits[i].Custody, l)
			}
		}
	}
	items := itemsOf(e.Event.Predicate.Body)
	if len(items) == 0 {
		f.history = append(f.history, l)
	}
	for n, i := range items {
		x := f.custody(i, e.Index)
		if n > 0 && i.Exhibit == items[0].Exhibit {
			continue
		}
		x.Custody = append(x.Custody, l)
		switch e.Event.Kind {
		case "evidence.viewed":
			x.Views++
		case "evidence.downloaded":
			x.Downloads++
		}
	}
}

// Lines are all lines of the report in leaf order, each once.
func (r Report) Lines() []Line {
	out := slices.Concat(r.Access, r.Exports, r.History)
	for _, x := range r.Exhibits {
		out = append(out, x.Custody...)
	}
	slices.SortStableFunc(out, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.EventID, b.EventID))
	})
	return slices.CompactFunc(out, func(a, b Line) bool { return a.Index == b.Index && a.EventID == b.EventID })
}
