package predicate

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/statement"
)

// ErrUnknown marks a predicate type that this program does not know.
var ErrUnknown = errors.New("unknown kind of event")

const (
	uriPrefix = "https://caseledger.dev/predicates/"
	uriSuffix = "/v1"
)

// KeyOwner says which key of the keyring seals an opening.
type KeyOwner int

// The owners of openings: erasing an exhibit, a person of the case, or an actor, takes the openings about it along.
const (
	OwnerActor KeyOwner = iota
	OwnerExhibit
	OwnerPerson
)

// Field is an `_sd` field that an event may carry. Max is the greatest length of a text, in characters.
type Field struct {
	Name  string
	Owner KeyOwner
	Max   int
}

// Type describes one kind of event in its current version.
type Type struct {
	Kind   string
	S62Op  S62Op // empty where the act is none of the six operations
	Chain  ChainRule
	Fields []Field
	New    func() Body
}

// URI is the predicateType of the statement.
func (t Type) URI() string { return URI(t.Kind) }

// SchemaFile is the name of the JSON Schema in the schemas folder.
func (t Type) SchemaFile() string { return t.Kind + ".v1.schema.json" }

// Field finds an `_sd` field by name.
func (t Type) Field(name string) (Field, bool) {
	for _, f := range t.Fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// URI is the predicateType of a kind of event.
func URI(kind string) string { return uriPrefix + kind + uriSuffix }

// KindOf is the kind that a predicateType names.
func KindOf(uri string) (string, error) {
	kind, ok := strings.CutPrefix(uri, uriPrefix)
	if !ok {
		return "", fmt.Errorf("%w: the predicate type does not begin with %s", ErrUnknown, uriPrefix)
	}
	kind, ok = strings.CutSuffix(kind, uriSuffix)
	if _, known := types[kind]; !ok || !known {
		return "", fmt.Errorf("%w: not in this program's list", ErrUnknown)
	}
	return kind, nil
}

// Fields that every event by a person may open.
var actorFields = []Field{
	{Name: "actorName", Owner: OwnerActor, Max: 200},
	{Name: "actorId", Owner: OwnerActor, Max: 400},
	{Name: "actorKey", Owner: OwnerActor, Max: 400},
	{Name: "session", Owner: OwnerActor, Max: 400},
}

func fields(own ...Field) []Field { return append(own, actorFields...) }

var (
	reasonField = Field{Name: "reason", Owner: OwnerExhibit, Max: 4000}
	noteField   = Field{Name: "note", Owner: OwnerActor, Max: 4000}
	personSet   = []Field{
		{Name: "name", Owner: OwnerPerson, Max: 400}, {Name: "dateOfBirth", Owner: OwnerPerson, Max: 10},
		{Name: "identifiers", Owner: OwnerPerson, Max: 2000}, {Name: "contact", Owner: OwnerPerson, Max: 2000},
	}
	itemSet = []Field{
		{Name: "fileName", Owner: OwnerExhibit, Max: 255}, {Name: "title", Owner: OwnerExhibit, Max: 400},
		{Name: "description", Owner: OwnerExhibit, Max: 4000},
	}
)

// types is the one table of events: operation under s.62, chain and openings of each.
var types = index([]Type{
	{Kind: "case.opened", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(CaseOpenedV1) }},
	{Kind: "case.linked", S62Op: OpCombination, Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(CaseLinkedV1) }},
	{Kind: "case.outcome", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(CaseOutcomeV1) }},
	{Kind: "case.closed", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(CaseClosedV1) }},
	{Kind: "case.reopened", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(CaseReopenedV1) }},
	{Kind: "defendant.added", S62Op: OpCollection, Chain: ChainMain, Fields: fields(personSet...), New: func() Body { return new(DefendantAddedV1) }},
	{Kind: "person.added", S62Op: OpCollection, Chain: ChainMain, Fields: fields(personSet...), New: func() Body { return new(PersonAddedV1) }},
	{Kind: "representation.started", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(RepresentationStartedV1) }},
	{Kind: "representation.ended", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(RepresentationEndedV1) }},
	{Kind: "hearing.listed", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(HearingListedV1) }},
	{Kind: "access.granted", S62Op: OpDisclosure, Chain: ChainMain, Fields: fields(noteField, Field{Name: "granteeName", Owner: OwnerActor, Max: 400}), New: func() Body { return new(AccessGrantedV1) }},
	{Kind: "access.revoked", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(AccessRevokedV1) }},
	{Kind: "access.denied", Chain: ChainOrgAccess, Fields: fields(), New: func() Body { return new(AccessDeniedV1) }},
	{Kind: "evidence.uploaded", S62Op: OpCollection, Chain: ChainByItem, Fields: fields(itemSet...), New: func() Body { return new(EvidenceUploadedV1) }},
	{Kind: "evidence.viewed", S62Op: OpConsultation, Chain: ChainByAccess, Fields: fields(reasonField), New: func() Body { return new(EvidenceViewedV1) }},
	{Kind: "evidence.downloaded", S62Op: OpConsultation, Chain: ChainByAccess, Fields: fields(reasonField), New: func() Body { return new(EvidenceDownloadedV1) }},
	{Kind: "redaction.proposed", S62Op: OpAlteration, Chain: ChainByItem, Fields: fields(append(itemSet, Field{Name: "instructions", Owner: OwnerExhibit, Max: 20000})...), New: func() Body { return new(RedactionProposedV1) }},
	{Kind: "redaction.approved", S62Op: OpAlteration, Chain: ChainByItem, Fields: fields(reasonField), New: func() Body { return new(RedactionApprovedV1) }},
	{Kind: "evidence.shared", S62Op: OpDisclosure, Chain: ChainByItem, Fields: fields(reasonField), New: func() Body { return new(EvidenceSharedV1) }},
	{Kind: "evidence.served", S62Op: OpDisclosure, Chain: ChainByItem, Fields: fields(reasonField), New: func() Body { return new(EvidenceServedV1) }},
	{Kind: "unused.disclosed", S62Op: OpDisclosure, Chain: ChainByItem, Fields: fields(reasonField), New: func() Body { return new(UnusedDisclosedV1) }},
	{Kind: "undertaking.accepted", Chain: ChainByItem, Fields: fields(), New: func() Body { return new(UndertakingAcceptedV1) }},
	{Kind: "key.destruction-proposed", Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(KeyDestructionProposedV1) }},
	{Kind: "key.destroyed", S62Op: OpErasure, Chain: ChainMain, Fields: fields(noteField), New: func() Body { return new(KeyDestroyedV1) }},
	{Kind: "bag.exported", S62Op: OpDisclosure, Chain: ChainOfRecipient, Fields: fields(noteField), New: func() Body { return new(BagExportedV1) }},
})

func index(list []Type) map[string]Type {
	m := make(map[string]Type, len(list))
	for _, t := range list {
		m[t.Kind] = t
	}
	return m
}

// Lookup finds the description of a kind of event.
func Lookup(kind string) (Type, bool) {
	t, ok := types[kind]
	return t, ok
}

// Kinds calls yield for every kind of event, in no fixed order (an iterator).
func Kinds(yield func(Type) bool) {
	for _, t := range types {
		if !yield(t) {
			return
		}
	}
}

// Predicate is the whole predicate of a statement: the slots and one body.
type Predicate struct {
	Slots
	Body Body `json:"body"`
}

// Event is a decoded statement.
type Event struct {
	Kind      string
	Predicate Predicate
	Subject   []statement.Subject
}

// Encode writes the canonical statement bytes of an event.
func Encode(e Event) ([]byte, error) {
	return AppendEncode(make([]byte, 0, 2048), e)
}

// AppendEncode appends the canonical statement bytes to dst.
func AppendEncode(dst []byte, e Event) ([]byte, error) {
	return canonical.Append(dst, &statement.Statement{
		Type: statement.TypeV1, Predicate: &e.Predicate, PredicateType: URI(e.Kind), Subject: e.Subject,
	})
}

// wire is the statement with a typed predicate, for decoding.
type wire struct {
	Type          string              `json:"_type"`
	Predicate     *Predicate          `json:"predicate"`
	PredicateType string              `json:"predicateType"`
	Subject       []statement.Subject `json:"subject"`
}

// Decode reads a statement and refuses anything but the canonical bytes of a known kind of event.
func Decode(payload []byte) (Event, error) {
	var head struct {
		PredicateType string `json:"predicateType"`
	}
	if err := json.Unmarshal(payload, &head); err != nil {
		return Event{}, fmt.Errorf("statement: %w: not a JSON object with a predicateType", canonical.ErrNotCanonical) // err may quote content
	}
	kind, err := KindOf(head.PredicateType)
	if err != nil {
		return Event{}, err
	}
	w := wire{Predicate: &Predicate{Body: types[kind].New()}}
	if err := canonical.Unmarshal(payload, &w); err != nil {
		return Event{}, fmt.Errorf("statement of %s: %w", kind, err)
	}
	if w.Predicate == nil || w.Predicate.Body == nil || w.Type != statement.TypeV1 {
		return Event{}, fmt.Errorf("%w: %s without a body", ErrUnknown, kind)
	}
	if n := len(w.Subject); n == 0 || n > statement.MaxSubjects {
		return Event{}, fmt.Errorf("statement of %s has %d subjects; 1 to %d are allowed", kind, n, statement.MaxSubjects)
	}
	return Event{Kind: kind, Predicate: *w.Predicate, Subject: w.Subject}, nil
}
