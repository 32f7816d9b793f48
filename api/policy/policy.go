// Package policy says which role may do what, whatever the case: the Cedar policies in the *.cedar files beside it. What
// depends on the case is decided by the ledger (casefile). What no policy permits is denied.
//
// A request is: principal Role::"<role>", action Action::"<predicate.Act>", resource Organisation::"<kind of the actor's
// organisation>", context {event: "<kind of event, or empty>"}. All of these are from closed lists, so the decisions are
// few and each is made once.
package policy

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"sync"

	"github.com/cedar-policy/cedar-go"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Ids of refusals, for access.denied: no policy of these files is called so.
const (
	// Denied: no policy permits the act to the role.
	Denied predicate.PolicyID = "deny.role"
	// DeniedByCase: the role may do it, but the actor has no right in this case or to this item.
	DeniedByCase predicate.PolicyID = "deny.case"
)

// ErrPolicies: the policy files are not what this program can work with.
var ErrPolicies = errors.New("policies cannot be used")

//go:embed *.cedar
var files embed.FS

var validID = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

// Request is who wants to do what. Event is the kind of event that would be recorded, where one act has several.
type Request struct {
	Role  identifier.Role
	Org   identifier.OrgKind
	Act   predicate.Act
	Event string
}

// Set is a set of policies. It may be used by many goroutines.
type Set struct {
	policies *cedar.PolicySet
	decided  sync.Map // Request → predicate.PolicyID, "" where denied
}

// Load reads the policies that are part of this program.
func Load() (*Set, error) { return load(files) }

func load(fsys fs.FS) (*Set, error) {
	names, err := fs.Glob(fsys, "*.cedar")
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrPolicies, err)
	}
	s := &Set{policies: cedar.NewPolicySet()}
	for _, name := range names {
		text, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrPolicies, err)
		}
		list, err := cedar.NewPolicyListFromBytes(name, text)
		if err != nil {
			return nil, fmt.Errorf("%w: %s: %w", ErrPolicies, name, err)
		}
		for _, p := range list {
			id := string(p.Annotations()["id"])
			if !validID.MatchString(id) || id == string(Denied) || id == string(DeniedByCase) {
				return nil, fmt.Errorf("%w: %s: each policy needs an @id of a-z, 0-9, hyphen and full stop", ErrPolicies, name)
			}
			if !s.policies.Add(cedar.PolicyID(id), p) {
				return nil, fmt.Errorf("%w: %s: the id %s is there twice", ErrPolicies, name, id)
			}
		}
	}
	return s, nil
}

// Decide returns the id of the policy that permits the request, false where none does, or where one cannot be evaluated.
func (s *Set) Decide(r Request) (predicate.PolicyID, bool) {
	if id, ok := s.decided.Load(r); ok {
		return id.(predicate.PolicyID), id != predicate.PolicyID("")
	}
	id := s.evaluate(r)
	if known(r) {
		s.decided.Store(r, id)
	}
	return id, id != ""
}

func (s *Set) evaluate(r Request) predicate.PolicyID {
	decision, why := cedar.Authorize(s.policies, nil, cedar.Request{
		Principal: cedar.NewEntityUID("Role", cedar.String(r.Role)),
		Action:    cedar.NewEntityUID("Action", cedar.String(r.Act)),
		Resource:  cedar.NewEntityUID("Organisation", cedar.String(r.Org)),
		Context:   cedar.NewRecord(cedar.RecordMap{"event": cedar.String(r.Event)}),
	})
	if decision != cedar.Allow || len(why.Errors) > 0 || len(why.Reasons) == 0 {
		return ""
	}
	first := slices.MinFunc(why.Reasons, func(a, b cedar.DiagnosticReason) int { return cmp.Compare(a.PolicyID, b.PolicyID) })
	return predicate.PolicyID(first.PolicyID)
}

// known bounds what is kept: requests made of words from the closed lists.
func known(r Request) bool {
	_, event := predicate.Lookup(r.Event)
	return slices.Contains(identifier.Roles(), r.Role) && slices.Contains(r.Act.Values(), string(r.Act)) &&
		slices.Contains(orgKinds, r.Org) && (event || r.Event == "")
}

var orgKinds = []identifier.OrgKind{
	identifier.KindForce, identifier.KindCPS, identifier.KindCourt, identifier.KindFirm, identifier.KindHMCPSI,
}
