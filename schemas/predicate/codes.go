package predicate

// Closed codes. Each kind lists its values once, in Values; the JSON Schemas take their enums from there.
type (
	// S62Op is the kind of processing under s.62(1) of the Data Protection Act 2018.
	S62Op string
	// ProofScheme names how an actor signed.
	ProofScheme string
	// ImportedSource is the kind of system that an imported claim comes from.
	ImportedSource string
	// RenditionKind says in what way a derived item differs from its parent.
	RenditionKind string
	// Stage of the proceedings.
	Stage string
	// CaseRelation says how two cases belong together.
	CaseRelation string
	// Outcome of a case, or of a case for one defendant.
	Outcome string
	// CloseReason and ReopenReason say why.
	CloseReason  string
	ReopenReason string
	// SubjectRole is the category of s.38 of the Data Protection Act 2018.
	SubjectRole string
	// EndReason says why a representation ended.
	EndReason string
	// HearingKind is the kind of a listed hearing.
	HearingKind string
	// Permission is one of four separate rights in an item.
	Permission string
	// RevokeReason says why access ended.
	RevokeReason string
	// Act names what was attempted when access was denied.
	Act string
	// DataCategory is one of the regulator's data types.
	DataCategory string
	// Handling says what must happen before an item may be seen.
	Handling string
	// Schedule says where an item stands: used, or on which schedule of unused material.
	Schedule string
	// Restriction binds the recipient by law.
	Restriction string
	// DestroyScope says what a destroyed key protected.
	DestroyScope string
	// Authority is the ground for destroying a key.
	Authority string
)

// Values that the code itself names.
const (
	OpCollection   S62Op = "collection"
	OpAlteration   S62Op = "alteration"
	OpConsultation S62Op = "consultation"
	OpDisclosure   S62Op = "disclosure"
	OpCombination  S62Op = "combination"
	OpErasure      S62Op = "erasure"

	ProofP256 ProofScheme = "ecdsa-p256-sha256"

	RenditionRedaction RenditionKind = "redaction"

	HandlingStandard    Handling = "standard"
	HandlingUndertaking Handling = "undertaking"

	ScheduleUsed Schedule = "used"
	ScheduleMG6C Schedule = "mg6c"
	ScheduleMG6D Schedule = "mg6d"
	SchedulePII  Schedule = "pii"

	RestrictionCPIA Restriction = "CPIA_s17"

	ScopeExhibit DestroyScope = "exhibit"
	ScopePerson  DestroyScope = "person"
	ScopeCase    DestroyScope = "case"

	PermView     Permission = "view"
	PermDownload Permission = "download"
	PermShare    Permission = "share"
	PermPlay     Permission = "play"
)

// Values lists the closed set.
func (S62Op) Values() []string {
	return []string{"collection", "alteration", "consultation", "disclosure", "combination", "erasure"}
}

// Values lists the closed set.
func (ProofScheme) Values() []string { return []string{"ecdsa-p256-sha256"} }

// Values lists the closed set.
func (ImportedSource) Values() []string {
	return []string{"dems", "case-management", "paper", "courier", "other"}
}

// Values lists the closed set.
func (RenditionKind) Values() []string {
	return []string{"redaction", "clip", "transcode", "page", "still", "compressed"}
}

// Values lists the closed set.
func (Stage) Values() []string {
	return []string{"pre-charge", "pre-first-hearing", "pre-trial", "trial", "sentence", "appeal"}
}

// Values lists the closed set.
func (CaseRelation) Values() []string {
	return []string{"same-incident", "same-defendant", "split-from", "merged-into", "related"}
}

// Values lists the closed set.
func (Outcome) Values() []string {
	return []string{"convicted", "acquitted", "discontinued", "no-further-action", "quashed", "other"}
}

// Values lists the closed set.
func (CloseReason) Values() []string { return []string{"concluded", "transferred", "opened-in-error"} }

// Values lists the closed set.
func (ReopenReason) Values() []string {
	return []string{"appeal", "retrial", "new-evidence", "closed-in-error"}
}

// Values lists the closed set.
func (SubjectRole) Values() []string {
	return []string{"suspect", "convicted", "victim", "witness", "producer", "other"}
}

// Values lists the closed set.
func (EndReason) Values() []string {
	return []string{"withdrawn", "changed-firm", "case-ended", "entered-in-error"}
}

// Values lists the closed set.
func (HearingKind) Values() []string {
	return []string{"first", "plea", "case-management", "trial", "sentence", "appeal", "other"}
}

// Values lists the closed set.
func (Permission) Values() []string { return []string{"view", "download", "share", "play"} }

// Values lists the closed set.
func (RevokeReason) Values() []string {
	return []string{"withdrawn", "wrong-recipient", "representation-ended", "case-ended", "left-role", "other"}
}

// Values lists the closed set.
func (Act) Values() []string {
	return []string{
		"open-case", "read-case", "change-case", "add-person", "upload", "view", "download", "propose-redaction",
		"approve-redaction", "share", "serve", "disclose", "accept-undertaking", "grant", "read-custody",
		"read-receipt", "destroy-key", "export-bag", "read-content", "list-cases",
	}
}

// Values lists the closed set: the data types of the Information Commissioner's incident trends.
func (DataCategory) Values() []string {
	return []string{
		"basic-identifiers", "criminal", "ethnic", "financial", "gender-reassignment", "genetic-biometric", "health",
		"identification", "location", "official-documents", "political", "religious", "sex-life", "sexual-orientation",
		"trade-union", "unknown",
	}
}

// Values lists the closed set.
func (Handling) Values() []string { return []string{"standard", "undertaking"} }

// Values lists the closed set.
func (Schedule) Values() []string { return []string{"used", "mg6c", "mg6d", "pii"} }

// Values lists the closed set.
func (Restriction) Values() []string { return []string{"CPIA_s17"} }

// Values lists the closed set.
func (DestroyScope) Values() []string { return []string{"exhibit", "person", "case"} }

// Values lists the closed set.
func (Authority) Values() []string {
	return []string{"retention-expired", "erasure-granted", "court-order", "entered-in-error"}
}
