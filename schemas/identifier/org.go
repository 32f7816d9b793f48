package identifier

import "strings"

// Org is the id of an organisation: force-<code>, cps-<Area slug>, court-<id>, firm-<id> or hmcpsi, where <id> is 1–40 of
// a–z, 0–9 and hyphen, beginning with a letter or digit.
type Org string

// OrgKind is what sort of organisation an Org is.
type OrgKind string

// The kinds of organisation.
const (
	KindForce  OrgKind = "force"  // a police force
	KindCPS    OrgKind = "cps"    // an Area of the Crown Prosecution Service
	KindCourt  OrgKind = "court"  // a court
	KindFirm   OrgKind = "firm"   // a firm or chambers acting for the defence
	KindHMCPSI OrgKind = "hmcpsi" // the inspectorate of the Crown Prosecution Service
)

// maxOrgID bounds the free part of a court's or firm's id.
const maxOrgID = 40

// ParseOrg reads an organisation id.
func ParseOrg(s string) (Org, error) {
	const what = "organisation"
	kind, id, _ := strings.Cut(s, "-")
	switch OrgKind(kind) {
	case KindForce:
		if _, err := ParseForce(id); err != nil {
			return "", invalid(what, "after force- comes the two-digit code of a known force, such as force-01")
		}
	case KindCPS:
		if _, err := ParseArea(id); err != nil {
			return "", invalid(what, "after cps- comes one of the 14 Areas, such as cps-london-north")
		}
	case KindCourt, KindFirm:
		if !isOrgID(id) {
			return "", invalid(what, "after court- or firm- come 1 to 40 of a-z, 0-9 and hyphen, not beginning with a hyphen")
		}
	case KindHMCPSI:
		if s != string(KindHMCPSI) {
			return "", invalid(what, "nothing follows hmcpsi")
		}
	default:
		return "", invalid(what, "it must begin with force-, cps-, court- or firm-, or be hmcpsi")
	}
	return Org(s), nil
}

// Kind is the part before the first hyphen; of a value that ParseOrg would refuse it may be no known kind.
func (o Org) Kind() OrgKind {
	kind, _, _ := strings.Cut(string(o), "-")
	return OrgKind(kind)
}

// Force is the police force that the organisation is, false if it is none.
func (o Org) Force() (Force, bool) {
	code, ok := strings.CutPrefix(string(o), "force-")
	return Force(code), ok
}

// Area is the CPS Area that the organisation is, false if it is none.
func (o Org) Area() (Area, bool) {
	slug, ok := strings.CutPrefix(string(o), "cps-")
	return Area(slug), ok
}

func isOrgID(id string) bool {
	return id != "" && len(id) <= maxOrgID && id[0] != '-' &&
		all(id, func(c byte) bool { return isLower(c) || isDigit(c) || c == '-' })
}
