package projections

import (
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// ReportVersion names the shape of Report. A change of the shape, of a sentence or of the fold is a new version; a
// program keeps every version that was published.
const ReportVersion = "caseledger.report/v1"

// Report is the custody report of a case: what exactly the entries that were folded say. Lists of lines are in leaf
// order; exhibits, people and grants in the order in which the events first name them.
type Report struct {
	// Access has a line for each event about who may see what: grants, revocations, denials, representation.
	Access []Line `json:"access"`
	Case   Case   `json:"case"`
	// Events counts the entries that were folded, withheld ones included.
	Events   int64           `json:"events"`
	Exhibits []ReportExhibit `json:"exhibits"`
	// Exports has a line for each court bag made.
	Exports []Line  `json:"exports"`
	Grants  []Grant `json:"grants"`
	// Heads are the ends of the chains, sorted by chain. Link is empty where it cannot be known (see Entry.PAEDigest).
	Heads []predicate.Head `json:"heads"`
	// History has a line for each other event that is not about an exhibit.
	History []Line         `json:"history"`
	People  []ReportPerson `json:"people"`
	Version string         `json:"version"`
	// Withheld are the events that this reader may count but not read.
	Withheld []Withheld `json:"withheld"`
}

// ReportExhibit is an exhibit, its opened descriptions and its chain of custody.
type ReportExhibit struct {
	Exhibit
	Custody     []Line `json:"custody"`
	Description Opened `json:"description"`
	Downloads   int64  `json:"downloads"`
	FileName    Opened `json:"fileName"`
	Title       Opened `json:"title"`
	Views       int64  `json:"views"`
}

// ReportPerson is a person of the case with what was opened about them.
type ReportPerson struct {
	Person
	Contact     Opened `json:"contact"`
	DateOfBirth Opened `json:"dateOfBirth"`
	Identifiers Opened `json:"identifiers"`
	Name        Opened `json:"name"`
}

// Line is one event in words and in parts. An event that concerns two exhibits has the same line in both custodies.
type Line struct {
	Chain   predicate.ChainID `json:"chain"`
	EventID predicate.UUID    `json:"eventId"`
	// Fields are the other `_sd` fields that this kind of event may carry; one that was not opened may also not exist.
	Fields map[string]Opened `json:"fields"`
	// From and To are who passed the item on and who got it, where the act says so.
	From *Party `json:"from,omitempty"`
	// Hidden counts the digests of the event that were not opened.
	Hidden int64 `json:"hidden"`
	// Imported is what an earlier system claims about the act.
	Imported *predicate.Imported `json:"imported,omitempty"`
	Index    int64               `json:"index"`
	Item     *predicate.Item     `json:"item,omitempty"`
	Kind     string              `json:"kind"`
	LeafHash predicate.Hex32     `json:"leafHash"`
	// OccurredAt is what the actor's side claimed, RecordedAt the writer's clock.
	OccurredAt predicate.Time       `json:"occurredAt"`
	Policy     predicate.PolicyID   `json:"policy"`
	RecordedAt predicate.Time       `json:"recordedAt"`
	Rendition  *predicate.Rendition `json:"rendition,omitempty"`
	S62Op      predicate.S62Op      `json:"s62op,omitempty"`
	// Sentence is the event in plain English.
	Sentence string `json:"sentence"`
	Sequence int64  `json:"sequence"`
	// Signed says what the record shows about the actor's own signature.
	Signed ActorSignature `json:"signed"`
	To     *Party         `json:"to,omitempty"`
	Who    Party          `json:"who"`
}

// Party is a person or an organisation in a line. Name is as at the time of the event.
type Party struct {
	Name         Opened              `json:"name"`
	OnBehalfOf   identifier.Org      `json:"onBehalfOf,omitempty"`
	Organisation identifier.Org      `json:"organisation,omitempty"`
	Person       predicate.UUID      `json:"person,omitempty"`
	Pseudonym    predicate.Pseudonym `json:"pseudonym,omitempty"`
	Role         identifier.Role     `json:"role,omitempty"`
}

// ActorSignature says whether the record carries a signature by the actor. The fold does not check it; the verifier does.
type ActorSignature struct {
	Present bool                  `json:"present"`
	Scheme  predicate.ProofScheme `json:"scheme,omitempty"`
}

// Withheld is an event that a reader may count but not read.
type Withheld struct {
	Chain    predicate.ChainID `json:"chain"`
	Index    int64             `json:"index"`
	LeafHash predicate.Hex32   `json:"leafHash"`
	Sequence int64             `json:"sequence"`
}
