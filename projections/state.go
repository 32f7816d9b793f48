package projections

import (
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Case is the state of a case as the clear slots of its events tell it.
type Case struct {
	Area   identifier.Area `json:"area,omitempty"`
	Closed *Ending         `json:"closed,omitempty"` // nil while the case is open
	// Defendants are also among the people.
	Defendants   []predicate.UUID `json:"defendants"`
	FirstHearing predicate.Date   `json:"firstHearing,omitempty"`
	Force        identifier.Force `json:"force,omitempty"`
	Hearings     []Hearing        `json:"hearings"`
	ID           predicate.UUID   `json:"id,omitempty"`
	// Known is false where no case.opened was among the events.
	Known           bool             `json:"known"`
	Linked          []LinkedCase     `json:"linked"`
	OpenedAt        *predicate.Time  `json:"openedAt,omitempty"`
	OpenedBy        identifier.Org   `json:"openedBy,omitempty"`
	Outcomes        []CaseOutcome    `json:"outcomes"`
	Representations []Representation `json:"representations"`
	Stage           predicate.Stage  `json:"stage,omitempty"`
	URN             identifier.URN   `json:"urn,omitempty"`
}

// Ending says when, by which event and why something ended.
type Ending struct {
	At     predicate.Time `json:"at"`
	Index  int64          `json:"index"`
	Reason string         `json:"reason"`
}

// Hearing is a listed hearing.
type Hearing struct {
	At    predicate.Time        `json:"at"`
	Court identifier.Org        `json:"court"`
	ID    predicate.UUID        `json:"id"`
	Type  predicate.HearingKind `json:"type"`
}

// LinkedCase belongs with this case.
type LinkedCase struct {
	Case     predicate.UUID         `json:"case"`
	Relation predicate.CaseRelation `json:"relation"`
}

// CaseOutcome of the case, or for one defendant.
type CaseOutcome struct {
	At        predicate.Time    `json:"at"`
	Defendant predicate.UUID    `json:"defendant,omitempty"`
	Index     int64             `json:"index"`
	Outcome   predicate.Outcome `json:"outcome"`
}

// Representation of a defendant by a firm; Ended is nil while it lasts.
type Representation struct {
	Defendant    predicate.UUID `json:"defendant"`
	Ended        *Ending        `json:"ended,omitempty"`
	ID           predicate.UUID `json:"id"`
	Organisation identifier.Org `json:"organisation"`
	Since        predicate.Time `json:"since"`
}

// Person of the case, without a name. Known is false where events name a person whom no event added.
type Person struct {
	Child      bool                    `json:"child"`
	Defendant  bool                    `json:"defendant"`
	Erased     *Ending                 `json:"erased,omitempty"`
	ID         predicate.UUID          `json:"id"`
	Known      bool                    `json:"known"`
	Roles      []predicate.SubjectRole `json:"roles"`
	Vulnerable bool                    `json:"vulnerable"`
}

// Grant of rights in the case or in one exhibit; Ended is nil while it lasts.
type Grant struct {
	Defendant    predicate.UUID         `json:"defendant,omitempty"`
	Ended        *Ending                `json:"ended,omitempty"`
	Exhibit      predicate.UUID         `json:"exhibit,omitempty"`
	Grantee      predicate.Pseudonym    `json:"grantee,omitempty"`
	ID           predicate.UUID         `json:"id"`
	Index        int64                  `json:"index"`
	Organisation identifier.Org         `json:"organisation,omitempty"`
	Permissions  []predicate.Permission `json:"permissions"`
	Since        *predicate.Time        `json:"since,omitempty"` // nil where only its end is known
}

// Exhibit is an item of evidence. Known is false where events name an exhibit that no event created.
type Exhibit struct {
	// Approved is set on a derived exhibit that may be shared and served.
	Approved          *Approval                `json:"approved,omitempty"`
	Categories        []predicate.DataCategory `json:"categories"`
	Concerns          []predicate.UUID         `json:"concerns"`
	Content           *predicate.Content       `json:"content,omitempty"`
	CreatedAt         *predicate.Time          `json:"createdAt,omitempty"`
	CreatedBy         *predicate.Actor         `json:"createdBy,omitempty"`
	Derived           []predicate.UUID         `json:"derived"`
	DeviceClockOffset *int64                   `json:"deviceClockOffset,omitempty"`
	Erased            *Ending                  `json:"erased,omitempty"`
	Handling          predicate.Handling       `json:"handling,omitempty"`
	ID                predicate.UUID           `json:"id"`
	Index             int64                    `json:"index"` // of the event that created or first named it
	Known             bool                     `json:"known"`
	Parent            *Lineage                 `json:"parent,omitempty"`
	Producer          predicate.UUID           `json:"producer,omitempty"`
	Recipients        []Recipient              `json:"recipients"`
	Ref               identifier.ExhibitRef    `json:"ref,omitempty"`
	Schedule          predicate.Schedule       `json:"schedule,omitempty"`
	Undertakings      []Undertaking            `json:"undertakings"`
}

// Approval of a derived exhibit.
type Approval struct {
	At    predicate.Time  `json:"at"`
	By    predicate.Actor `json:"by"`
	Index int64           `json:"index"`
}

// Lineage says of which exhibit an exhibit is a derived form, and by which tool.
type Lineage struct {
	Exhibit predicate.UUID          `json:"exhibit"`
	Kind    predicate.RenditionKind `json:"kind,omitempty"`
	Ref     identifier.ExhibitRef   `json:"ref"`
	SHA256  predicate.Hex32         `json:"sha256"`
	Tool    *predicate.Tool         `json:"tool,omitempty"`
}

// Recipient of an exhibit that was shared, served or disclosed.
type Recipient struct {
	At           predicate.Time         `json:"at"`
	Defendant    predicate.UUID         `json:"defendant,omitempty"`
	How          string                 `json:"how"` // the kind of the event
	Index        int64                  `json:"index"`
	Organisation identifier.Org         `json:"organisation"`
	Permissions  []predicate.Permission `json:"permissions"`
	Restriction  predicate.Restriction  `json:"restriction,omitempty"`
	SHA256       predicate.Hex32        `json:"sha256"`
	Undertaking  predicate.Hex32        `json:"undertaking,omitempty"`
}

// Undertaking that one person accepted for an exhibit.
type Undertaking struct {
	At    predicate.Time  `json:"at"`
	By    predicate.Actor `json:"by"`
	Index int64           `json:"index"`
	Text  predicate.Hex32 `json:"text"`
}
