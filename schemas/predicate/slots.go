// Package predicate holds the versioned body of each kind of event and the slots that every event has.
//
// What is clear in an event is made by us or comes from a closed list: ids, the URN, exhibit references, organisations,
// codes, sizes, digests, times. Anything that a person typed, and any person's name, date or number, is present only as
// a salted digest (`_sd`, RFC 9901); the openings are sealed beside the event under keys that can be destroyed.
package predicate

import "github.com/caseledger/caseledger/schemas/identifier"

// Slots are common to all events, whichever step of the product fills them.
type Slots struct {
	// ActorProof is the actor's own signature over the intended act, where the actor's device made one.
	ActorProof *ActorProof `json:"actorProof,omitempty"`
	Actor      Actor       `json:"actor"`
	// Batch groups events of one act, such as an import.
	Batch UUID `json:"batch,omitempty"`
	// Case is absent only for events of an organisation.
	Case    UUID    `json:"case,omitempty"`
	Chain   ChainID `json:"chain"`
	EventID UUID    `json:"eventId"`
	// Idempotency holds keyed digests of what the client sent; absent where the server made the key.
	Idempotency *Idempotency `json:"idempotency,omitempty"`
	// Imported is a claim about an earlier system's record of the act.
	Imported *Imported `json:"imported,omitempty"`
	// OccurredAt is claimed by the actor's side, RecordedAt is the writer's clock.
	OccurredAt Time `json:"occurredAt"`
	// OpeningKeys[i] is the key that seals the opening whose digest is SD[i].
	OpeningKeys []KeyID  `json:"openingKeys,omitempty"`
	Policy      PolicyID `json:"policy"`
	// Previous is link(sequence-1) of the chain.
	Previous Hex32 `json:"previous"`
	// Published is the last published checkpoint known to the writer: the event is not older than it.
	Published  *TreeHead `json:"published,omitempty"`
	RecordedAt Time      `json:"recordedAt"`
	// Rendition says that what the act concerns is a derived form of an exhibit.
	Rendition *Rendition `json:"rendition,omitempty"`
	S62Op     S62Op      `json:"s62op,omitempty"`
	Salt      Hex16      `json:"salt"`
	// Schema is SHA-256 of the JSON Schema file that the event was checked against.
	Schema   Hex32       `json:"schema"`
	SD       []B64Digest `json:"_sd,omitempty"`
	Sequence int64       `json:"sequence" schema:"min=1"`
}

// Actor is who acted, without their name: the pseudonym is stable within one case only.
type Actor struct {
	OnBehalfOf   identifier.Org  `json:"onBehalfOf,omitempty"`
	Organisation identifier.Org  `json:"organisation"`
	Pseudonym    Pseudonym       `json:"pseudonym"`
	Role         identifier.Role `json:"role"`
}

// ActorProof is a signature by the actor over an Intent. The public key is an opening named "actorKey", so that the
// statement does not carry an identifier of the person.
type ActorProof struct {
	Intent    Base64      `json:"intent"`
	Scheme    ProofScheme `json:"scheme"`
	Signature Base64      `json:"signature"`
}

// Idempotency holds keyed digests (HMAC under the case's key), so that nobody can guess what a client typed.
type Idempotency struct {
	Key     Hex32 `json:"key"`
	Request Hex32 `json:"request"`
}

// Imported is what another system claims about the same act.
type Imported struct {
	At     Time           `json:"at"`
	Record Hex32          `json:"record"`
	Source ImportedSource `json:"source"`
}

// TreeHead is a size and root of the log.
type TreeHead struct {
	Origin Origin `json:"origin"`
	Root   Hex32  `json:"root"`
	Size   int64  `json:"size" schema:"min=0"`
}

// Rendition says of what an item is a derived form, and by which tool.
type Rendition struct {
	Kind   RenditionKind `json:"kind"`
	Parent Hex32         `json:"parent"`
	Tool   Tool          `json:"tool"`
}

// Tool names software and its version.
type Tool struct {
	Name    ToolName    `json:"name"`
	Version ToolVersion `json:"version"`
}

// Intent is what an actor's device signs: domain-separated canonical JSON.
type Intent struct {
	Act     string `json:"act"`
	Case    UUID   `json:"case,omitempty"`
	Domain  string `json:"domain"` // IntentDomain
	Exhibit string `json:"exhibit,omitempty"`
	Nonce   string `json:"nonce"` // the idempotency key: used once
	Origin  Origin `json:"origin"`
	Time    Time   `json:"time"`
}

// IntentDomain separates an actor's signature from any other use of the key.
const IntentDomain = "caseledger-intent/v1"
