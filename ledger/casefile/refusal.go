package casefile

import (
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Code says why an act was refused. The list is closed; the API's problem types are named after it.
type Code string

// The reasons.
const (
	CaseUnknown           Code = "case_unknown"
	CaseExists            Code = "case_exists"
	CaseClosed            Code = "case_closed"
	CaseNotClosed         Code = "case_not_closed"
	ExhibitUnknown        Code = "exhibit_unknown"
	ExhibitAmbiguous      Code = "exhibit_ambiguous"
	ExhibitErased         Code = "exhibit_erased"
	ReferenceTaken        Code = "reference_taken"
	PersonUnknown         Code = "person_unknown"
	DefendantUnknown      Code = "defendant_unknown"
	RepresentationUnknown Code = "representation_unknown"
	GrantUnknown          Code = "grant_unknown"
	ProposalUnknown       Code = "proposal_unknown"
	NotPermitted          Code = "not_permitted"
	SamePerson            Code = "same_person"
	NotApproved           Code = "not_approved"
	AlreadyDone           Code = "already_done"
	UndertakingRequired   Code = "undertaking_required"
	UndertakingWrong      Code = "undertaking_wrong"
	FirmNotInstructed     Code = "firm_not_instructed"
	NeverToDefence        Code = "never_to_defence"
	WrongSchedule         Code = "wrong_schedule"
	ItemChanged           Code = "item_changed"
	BadCombination        Code = "bad_combination"
)

// Choice is one of several exhibits that a reference could mean.
type Choice struct {
	Exhibit  predicate.UUID        `json:"exhibit"`
	Ref      identifier.ExhibitRef `json:"ref"`
	Producer string                `json:"producer"`
}

// Refusal is an act that is not allowed; Detail is a sentence for the person who tried.
type Refusal struct {
	Code    Code
	Detail  string
	Choices []Choice
}

func (r *Refusal) Error() string { return string(r.Code) + ": " + r.Detail }

func refuse(code Code, detail string) *Refusal { return &Refusal{Code: code, Detail: detail} }
