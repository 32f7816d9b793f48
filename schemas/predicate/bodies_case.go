package predicate

import "github.com/caseledger/caseledger/schemas/identifier"

// Body is the part of a predicate that belongs to one kind of event.
type Body interface {
	// Kind is the event's name without its version, such as "evidence.viewed".
	Kind() string
}

// CaseOpenedV1 opens a case. The Area is told by whoever opens the case and never derived from the force.
type CaseOpenedV1 struct {
	Area         identifier.Area  `json:"area,omitempty"`
	FirstHearing Date             `json:"firstHearing,omitempty"`
	Force        identifier.Force `json:"force,omitempty"`
	Stage        Stage            `json:"stage"`
	URN          identifier.URN   `json:"urn"`
}

// CaseLinkedV1 says that another case belongs with this one.
type CaseLinkedV1 struct {
	Linked   UUID         `json:"linked"`
	Relation CaseRelation `json:"relation"`
}

// CaseOutcomeV1 records an outcome, for one defendant or for the case.
type CaseOutcomeV1 struct {
	Defendant UUID    `json:"defendant,omitempty"`
	Outcome   Outcome `json:"outcome"`
}

// CaseClosedV1 closes a case; views, access, key destruction, exports and reopening stay possible.
type CaseClosedV1 struct {
	Reason CloseReason `json:"reason"`
}

// CaseReopenedV1 opens a closed case again.
type CaseReopenedV1 struct {
	Reason ReopenReason `json:"reason"`
}

// DefendantAddedV1 adds a defendant; the name and numbers are openings.
type DefendantAddedV1 struct {
	Defendant UUID `json:"defendant"`
}

// PersonAddedV1 adds a person concerned; roles are those of s.38 DPA 2018, identifiers are openings.
type PersonAddedV1 struct {
	Child      bool          `json:"child"`
	Person     UUID          `json:"person"`
	Roles      []SubjectRole `json:"roles" schema:"min=1,max=6"`
	Vulnerable bool          `json:"vulnerable"`
}

// RepresentationStartedV1 says that a firm now acts for a defendant.
type RepresentationStartedV1 struct {
	Defendant      UUID           `json:"defendant"`
	Organisation   identifier.Org `json:"organisation"`
	Representation UUID           `json:"representation"`
}

// RepresentationEndedV1 ends it, and with it every grant that rests on it.
type RepresentationEndedV1 struct {
	Reason         EndReason `json:"reason"`
	Representation UUID      `json:"representation"`
}

// HearingListedV1 lists a hearing.
type HearingListedV1 struct {
	At      Time           `json:"at"`
	Court   identifier.Org `json:"court"`
	Hearing UUID           `json:"hearing"`
	Type    HearingKind    `json:"type"`
}

// AccessGrantedV1 gives an organisation, or one person in it, rights in the case or in one exhibit. A grant to a defence
// firm names the defendant for whom the firm acts.
type AccessGrantedV1 struct {
	Defendant    UUID           `json:"defendant,omitempty"`
	Exhibit      UUID           `json:"exhibit,omitempty"`
	Grant        UUID           `json:"grant"`
	Grantee      Pseudonym      `json:"grantee,omitempty"`
	Organisation identifier.Org `json:"organisation"`
	Permissions  []Permission   `json:"permissions" schema:"min=1,max=4"`
}

// AccessRevokedV1 ends a grant at once.
type AccessRevokedV1 struct {
	Grant  UUID         `json:"grant"`
	Reason RevokeReason `json:"reason"`
}

// AccessDeniedV1 records attempts that were refused: the first at once, repeats as one counted event.
type AccessDeniedV1 struct {
	Attempted Act   `json:"attempted"`
	Count     int64 `json:"count" schema:"min=1"`
	FirstAt   Time  `json:"firstAt"`
	LastAt    Time  `json:"lastAt"`
	// Target is a keyed digest of what was asked for: it tells equal targets without naming a case the organisation
	// may not know to exist.
	Target Hex32 `json:"target"`
}

// KeyDestructionProposedV1 asks for the destruction of keys; another person must carry it out.
type KeyDestructionProposedV1 struct {
	Authority Authority    `json:"authority"`
	Exhibit   UUID         `json:"exhibit,omitempty"`
	Person    UUID         `json:"person,omitempty"`
	Scope     DestroyScope `json:"scope"`
}

// KeyDestroyedV1 records that keys, and with them content and openings, are gone for good.
type KeyDestroyedV1 struct {
	Authority Authority    `json:"authority"`
	Exhibit   UUID         `json:"exhibit,omitempty"`
	Keys      []KeyID      `json:"keys" schema:"min=1,max=10000"`
	Person    UUID         `json:"person,omitempty"`
	Proposal  UUID         `json:"proposal"`
	Scope     DestroyScope `json:"scope"`
}

// BagExportedV1 closes a court bag: the heads of its chains, the tree head that its proofs end in, who receives it, and
// the digest of its list of contents.
type BagExportedV1 struct {
	Checkpoint TreeHead  `json:"checkpoint"`
	Contents   Hex32     `json:"contents"`
	Heads      []Head    `json:"heads" schema:"min=1,max=1000"`
	Recipient  Recipient `json:"recipient"`
}

// Head is the state of a chain: how many events it has and the link of the last.
type Head struct {
	Chain ChainID `json:"chain"`
	Count int64   `json:"count" schema:"min=0"`
	Link  Hex32   `json:"link"`
}

// Recipient of a court bag.
type Recipient struct {
	Defendant    UUID            `json:"defendant,omitempty"`
	Organisation identifier.Org  `json:"organisation"`
	Role         identifier.Role `json:"role"`
}

// Kind names the event.
func (CaseOpenedV1) Kind() string { return "case.opened" }

// Kind names the event.
func (CaseLinkedV1) Kind() string { return "case.linked" }

// Kind names the event.
func (CaseOutcomeV1) Kind() string { return "case.outcome" }

// Kind names the event.
func (CaseClosedV1) Kind() string { return "case.closed" }

// Kind names the event.
func (CaseReopenedV1) Kind() string { return "case.reopened" }

// Kind names the event.
func (DefendantAddedV1) Kind() string { return "defendant.added" }

// Kind names the event.
func (PersonAddedV1) Kind() string { return "person.added" }

// Kind names the event.
func (RepresentationStartedV1) Kind() string { return "representation.started" }

// Kind names the event.
func (RepresentationEndedV1) Kind() string { return "representation.ended" }

// Kind names the event.
func (HearingListedV1) Kind() string { return "hearing.listed" }

// Kind names the event.
func (AccessGrantedV1) Kind() string { return "access.granted" }

// Kind names the event.
func (AccessRevokedV1) Kind() string { return "access.revoked" }

// Kind names the event.
func (AccessDeniedV1) Kind() string { return "access.denied" }

// Kind names the event.
func (KeyDestructionProposedV1) Kind() string { return "key.destruction-proposed" }

// Kind names the event.
func (KeyDestroyedV1) Kind() string { return "key.destroyed" }

// Kind names the event.
func (BagExportedV1) Kind() string { return "bag.exported" }
