package projections

import (
	"strings"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// speaker has the words for the parts of one event.
type speaker struct {
	*predicate.Event
	names Names
}

func (s speaker) actor() string {
	a := s.Predicate.Actor
	name := s.names.Actor
	if name == "" {
		name = string(a.Pseudonym)
	}
	behalf := ""
	if a.OnBehalfOf != "" {
		behalf = ", on behalf of " + string(a.OnBehalfOf)
	}
	return name + " (" + plain(a.Role) + ", " + string(a.Organisation) + behalf + ")"
}

// thing is the word for an id, or what kind of thing it is and the id.
func (s speaker) thing(kind string, id predicate.UUID) string {
	if text := s.names.Of[id]; text != "" {
		return text
	}
	return kind + " " + string(id)
}

func (s speaker) person(id predicate.UUID) string { return s.thing("person", id) }

func (s speaker) item(i predicate.Item) string {
	ref := string(i.Ref)
	if ref == "" {
		ref = s.thing("exhibit", i.Exhibit)
	}
	return mark(ref, i.SHA256)
}

func (s speaker) scope(exhibit predicate.UUID) string {
	if exhibit == "" {
		return "the case"
	}
	return s.thing("exhibit", exhibit)
}

func (s speaker) grantee(b *predicate.AccessGrantedV1) string {
	if b.Grantee == "" {
		return string(b.Organisation)
	}
	return string(b.Grantee) + " of " + string(b.Organisation)
}

func (s speaker) forDefendant(id predicate.UUID) string {
	if id == "" {
		return ""
	}
	return " for " + s.person(id)
}

func (s speaker) scopeOfKeys(scope predicate.DestroyScope, exhibit, person predicate.UUID) string {
	switch scope {
	case predicate.ScopeExhibit:
		return "content of " + s.thing("exhibit", exhibit)
	case predicate.ScopePerson:
		return "personal data of " + s.person(person)
	}
	return "all content and personal data of the case"
}

func (s speaker) rendition() string {
	r := s.Predicate.Rendition
	if r == nil {
		return ""
	}
	return " (" + plain(r.Kind) + " with " + string(r.Tool.Name) + " " + string(r.Tool.Version) + ")"
}

// claim says what an earlier system claims about the same act.
func (s speaker) claim() string {
	i := s.Predicate.Imported
	if i == nil {
		return ""
	}
	return "; an earlier system (" + plain(i.Source) + ") dates this " + second(i.At)
}

// mark is an exhibit reference with the beginning of its digest.
func mark(ref string, digest predicate.Hex32) string {
	if digest == "" {
		return ref
	}
	return ref + " (sha256 " + short(digest) + ")"
}

// short is the beginning of a digest.
func short(digest predicate.Hex32) string {
	const shown = 12
	if len(digest) <= shown {
		return string(digest)
	}
	return string(digest[:shown]) + "…"
}

// plain is a code with spaces for hyphens.
func plain[T ~string](code T) string { return strings.ReplaceAll(string(code), "-", " ") }

func list[T ~string](codes []T) string {
	words := make([]string, len(codes))
	for i, c := range codes {
		words[i] = plain(c)
	}
	return strings.Join(words, ", ")
}

func day(t predicate.Time) string { return t.Std().Format("2 January 2006") }

func minute(t predicate.Time) string { return t.Std().Format("2 January 2006 15:04 UTC") }

func second(t predicate.Time) string { return t.Std().Format("2 January 2006 15:04:05 UTC") }
