package projections

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

// Opened is a field that this reader may or may not read: {"revealed": true, "value": …} or {"revealed": false}. A field
// that is not revealed may also not exist: the digests do not say which fields they hide.
type Opened struct {
	Revealed bool `json:"revealed"`
	// Value is a string, int64, bool or []string.
	Value any `json:"value,omitempty"`
}

// open looks up the opening of a field.
func open(o sdjwt.Openings, name string) Opened {
	d, ok := o.Get(name)
	if !ok {
		return Opened{}
	}
	return Opened{Revealed: true, Value: d.Value}
}

// Text is the value as one line of text, "" where it is not revealed. Control and direction characters become spaces, so
// that a value cannot rearrange the sentence that it stands in.
func (o Opened) Text() string {
	switch v := o.Value.(type) {
	case string:
		return oneLine(v)
	case int64:
		return strconv.FormatInt(v, 10)
	case bool:
		return strconv.FormatBool(v)
	case []string:
		return oneLine(strings.Join(v, ", "))
	}
	return ""
}

func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			return ' '
		}
		return r
	}, s)
}

// openFields opens what a kind of event may hide, but for the name of the actor.
func openFields(kind string, o sdjwt.Openings) map[string]Opened {
	t, _ := predicate.Lookup(kind)
	out := make(map[string]Opened, len(t.Fields))
	for _, f := range t.Fields {
		if f.Name != fieldActorName {
			out[f.Name] = open(o, f.Name)
		}
	}
	return out
}

// The fields whose place in a report is their own.
const (
	fieldActorName   = "actorName"
	fieldName        = "name"
	fieldDateOfBirth = "dateOfBirth"
	fieldIdentifiers = "identifiers"
	fieldContact     = "contact"
	fieldFileName    = "fileName"
	fieldTitle       = "title"
	fieldDescription = "description"
)
