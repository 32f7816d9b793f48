package projections

import (
	"maps"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// Names are the words that a sentence uses for what an event only has an id for. The zero value is usable.
type Names struct {
	// Actor is the opened name of whoever acted; "" stands for the pseudonym.
	Actor string
	// Of maps the id of a person to the opened name, of an exhibit to its reference, of a grant or a representation to a
	// few words that say which it is.
	Of map[predicate.UUID]string
}

// words collects Names from the events of a case.
type words struct{ of map[predicate.UUID]string }

func (w *words) set(id predicate.UUID, text string) {
	if id == "" || text == "" {
		return
	}
	if w.of == nil {
		w.of = make(map[predicate.UUID]string)
	}
	w.of[id] = text
}

func (w *words) names() Names { return Names{Of: w.of} }

// learn takes in what an event says about later ids.
func (w *words) learn(e *predicate.Event) {
	for _, i := range itemsOf(e.Predicate.Body) {
		w.set(i.Exhibit, string(i.Ref))
	}
	s := speaker{e, Names{Of: w.of}}
	switch b := e.Predicate.Body.(type) {
	case *predicate.AccessGrantedV1:
		w.set(b.Grant, s.grantee(b)+" to "+s.scope(b.Exhibit))
	case *predicate.RepresentationStartedV1:
		w.set(b.Representation, s.person(b.Defendant)+" by "+string(b.Organisation))
	}
}

// NamesOf collects the names that sentences about later events of a case can use, from entries in leaf order. It is for
// callers that need single sentences and not a whole report.
func NamesOf(entries []Entry) Names {
	var f Folder
	for _, e := range entries {
		if e.Event != nil && f.state.Apply(e.Index, e.Event) {
			f.learn(e)
		}
	}
	return Names{Of: maps.Clone(f.known.of)}
}
