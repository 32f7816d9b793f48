package predicate

import "github.com/caseledger/caseledger/schemas/identifier"

// Content is what an item consists of, as stored.
type Content struct {
	Blob      BlobID    `json:"blob"`
	MediaType MediaType `json:"mediaType"`
	SHA256    Hex32     `json:"sha256"`
	Size      int64     `json:"size" schema:"min=0"`
}

// Item names an exhibit and the exact bytes that an act concerned.
type Item struct {
	Exhibit UUID                  `json:"exhibit"`
	Ref     identifier.ExhibitRef `json:"ref"`
	SHA256  Hex32                 `json:"sha256"`
}

// EvidenceUploadedV1 creates an exhibit.
type EvidenceUploadedV1 struct {
	Categories []DataCategory `json:"categories,omitempty" schema:"max=16"`
	// Concerns are persons of the case whose data the item holds.
	Concerns []UUID  `json:"concerns,omitempty" schema:"max=1000"`
	Content  Content `json:"content"`
	// DeviceClockOffset is how many seconds the recording device's clock ran ahead, where it was measured.
	DeviceClockOffset *int64   `json:"deviceClockOffset,omitempty"`
	Exhibit           UUID     `json:"exhibit"`
	Handling          Handling `json:"handling"`
	// Producer is the person of the case who produces the exhibit; absent where it is the uploader.
	Producer UUID                  `json:"producer,omitempty"`
	Ref      identifier.ExhibitRef `json:"ref"`
	Schedule Schedule              `json:"schedule"`
}

// EvidenceViewedV1 is recorded before content is shown; its event id is the view that content is fetched under.
type EvidenceViewedV1 struct {
	Item Item `json:"item"`
}

// EvidenceDownloadedV1 is recorded before content is handed out to be kept.
type EvidenceDownloadedV1 struct {
	Item Item `json:"item"`
}

// RedactionProposedV1 creates the derived exhibit; there is no evidence.uploaded for it.
type RedactionProposedV1 struct {
	Content  Content               `json:"content"`
	Exhibit  UUID                  `json:"exhibit"`
	Handling Handling              `json:"handling"`
	Parent   Item                  `json:"parent"`
	Ref      identifier.ExhibitRef `json:"ref"`
	Schedule Schedule              `json:"schedule"`
}

// RedactionApprovedV1 lets the derived exhibit be shared and served. The approver is neither the proposer nor the
// uploader of the parent.
type RedactionApprovedV1 struct {
	Item     Item `json:"item"`
	Parent   Item `json:"parent"`
	Proposal UUID `json:"proposal"`
}

// EvidenceSharedV1 shares an item with another agency.
type EvidenceSharedV1 struct {
	Item         Item           `json:"item"`
	Organisation identifier.Org `json:"organisation"`
	Permissions  []Permission   `json:"permissions" schema:"min=1,max=4"`
}

// EvidenceServedV1 serves used evidence on a defendant's firm or on the court.
type EvidenceServedV1 struct {
	Defendant    UUID           `json:"defendant,omitempty"`
	Item         Item           `json:"item"`
	Organisation identifier.Org `json:"organisation"`
	SentAt       Time           `json:"sentAt"`
	// Undertaking is the digest of the text that each person of the firm must accept first; absent where none is needed.
	Undertaking Hex32 `json:"undertaking,omitempty"`
}

// UnusedDisclosedV1 discloses unused material under the Criminal Procedure and Investigations Act 1996.
type UnusedDisclosedV1 struct {
	Defendant    UUID           `json:"defendant"`
	Item         Item           `json:"item"`
	Organisation identifier.Org `json:"organisation"`
	Restriction  Restriction    `json:"restriction"`
	SentAt       Time           `json:"sentAt"`
}

// UndertakingAcceptedV1 records that one person accepted the exact text for one item.
type UndertakingAcceptedV1 struct {
	Item Item  `json:"item"`
	Text Hex32 `json:"text"`
}

// Kind names the event.
func (EvidenceUploadedV1) Kind() string { return "evidence.uploaded" }

// Kind names the event.
func (EvidenceViewedV1) Kind() string { return "evidence.viewed" }

// Kind names the event.
func (EvidenceDownloadedV1) Kind() string { return "evidence.downloaded" }

// Kind names the event.
func (RedactionProposedV1) Kind() string { return "redaction.proposed" }

// Kind names the event.
func (RedactionApprovedV1) Kind() string { return "redaction.approved" }

// Kind names the event.
func (EvidenceSharedV1) Kind() string { return "evidence.shared" }

// Kind names the event.
func (EvidenceServedV1) Kind() string { return "evidence.served" }

// Kind names the event.
func (UnusedDisclosedV1) Kind() string { return "unused.disclosed" }

// Kind names the event.
func (UndertakingAcceptedV1) Kind() string { return "undertaking.accepted" }
