package identifier

import "slices"

// Role is what a person acts as. The list is closed.
type Role string

// The roles.
const (
	RoleOfficer           Role = "officer"            // police officer, officer in the case
	RoleExhibitsOfficer   Role = "exhibits-officer"   // seals, moves and receives exhibits
	RoleDisclosureOfficer Role = "disclosure-officer" // keeps the schedules of unused material
	RoleForensicUnit      Role = "forensic-unit"      // digital forensic unit
	RoleProsecutor        Role = "prosecutor"         // CPS prosecutor
	RoleCPSAdmin          Role = "cps-admin"          // CPS paralegal and administration
	RoleDefence           Role = "defence"            // defence solicitor or advocate
	RoleClerk             Role = "clerk"              // court staff
	RoleJudge             Role = "judge"
	RoleInspector         Role = "inspector" // HMCPSI inspector
	RoleIG                Role = "ig"        // information governance, data protection officer
	RoleOperator          Role = "operator"  // runs the system, reads no content
)

// Roles lists all roles.
func Roles() []Role {
	return []Role{RoleOfficer, RoleExhibitsOfficer, RoleDisclosureOfficer, RoleForensicUnit, RoleProsecutor, RoleCPSAdmin,
		RoleDefence, RoleClerk, RoleJudge, RoleInspector, RoleIG, RoleOperator}
}

// ParseRole reads a role of the closed list.
func ParseRole(s string) (Role, error) {
	if !slices.Contains(Roles(), Role(s)) {
		return "", invalid("role", "it is not one of the known roles, such as officer, prosecutor, defence or clerk")
	}
	return Role(s), nil
}

// String is the role as it stands in JSON.
func (r Role) String() string { return string(r) }

// Fits reports whether a role belongs to a kind of organisation: officers to a force, prosecutors to the CPS, and so on.
// Information governance sits with the agencies; an operator works for any of them.
func (r Role) Fits(o Org) bool {
	switch r {
	case RoleOfficer, RoleExhibitsOfficer, RoleDisclosureOfficer, RoleForensicUnit:
		return o.Kind() == KindForce
	case RoleProsecutor, RoleCPSAdmin:
		return o.Kind() == KindCPS
	case RoleDefence:
		return o.Kind() == KindFirm
	case RoleClerk, RoleJudge:
		return o.Kind() == KindCourt
	case RoleInspector:
		return o.Kind() == KindHMCPSI
	case RoleIG:
		return o.Kind() == KindForce || o.Kind() == KindCPS || o.Kind() == KindCourt || o.Kind() == KindHMCPSI
	case RoleOperator:
		return true
	}
	return false
}
