package predicate

import (
	"strings"

	"github.com/caseledger/caseledger/schemas/identifier"
)

// ChainRule says how the chain of an event is found. A case has a main chain and, for what some readers may not even
// count, chains of its own.
type ChainRule int

// The rules, one for each kind of event in the registry.
const (
	// ChainMain: the case's main chain; the judicial one where a judge acts.
	ChainMain ChainRule = iota
	// ChainByItem: the sensitive chain for MG6D and public-interest-immunity items, else as ChainMain.
	ChainByItem
	// ChainByAccess: as ChainByItem, and a firm's accesses in the firm's own chain except its first of each item.
	ChainByAccess
	// ChainOrgAccess: the organisation's chain of denials; the event has no case.
	ChainOrgAccess
	// ChainOfRecipient: the chain of whoever receives a court bag.
	ChainOfRecipient
)

// Placement is what decides the chain of an event.
type Placement struct {
	Rule ChainRule
	Case UUID
	// Role and Organisation are the actor's, or the recipient's for ChainOfRecipient.
	Role         identifier.Role
	Organisation identifier.Org
	// Sensitive is true where the item is on MG6D or under a public-interest-immunity claim.
	Sensitive bool
	// FirstAccess is true for a firm's first view or download of the item.
	FirstAccess bool
	// FirmID is the random-looking id that the keyring derives for this firm in this case.
	FirmID string
}

// Chain finds the chain of an event.
func (p Placement) Chain() ChainID {
	if p.Rule == ChainOrgAccess {
		return ChainID("org/" + string(p.Organisation) + "/access")
	}
	switch {
	case p.Role == identifier.RoleJudge:
		return ChainID(string(p.Case) + "/judicial")
	case p.Sensitive && (p.Rule == ChainByItem || p.Rule == ChainByAccess):
		return ChainID(string(p.Case) + "/sensitive")
	case p.Role == identifier.RoleDefence && p.ofFirm():
		return ChainID(string(p.Case) + "/firm/" + p.FirmID)
	}
	return ChainID(string(p.Case) + "/main")
}

func (p Placement) ofFirm() bool {
	return p.Rule == ChainOfRecipient || (p.Rule == ChainByAccess && !p.FirstAccess)
}

// Main reports whether the chain is a case's main chain.
func (c ChainID) Main() bool { return strings.HasSuffix(string(c), "/main") }

// Sensitive reports whether the chain holds acts on sensitive unused material.
func (c ChainID) Sensitive() bool { return strings.HasSuffix(string(c), "/sensitive") }

// Judicial reports whether the chain holds a judge's acts.
func (c ChainID) Judicial() bool { return strings.HasSuffix(string(c), "/judicial") }

// Firm is the firm's id in the case, if it is a firm's chain.
func (c ChainID) Firm() (string, bool) {
	_, id, ok := strings.Cut(string(c), "/firm/")
	return id, ok
}
