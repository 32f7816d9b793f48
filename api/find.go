package api

import (
	"errors"

	"github.com/caseledger/caseledger/api/reading"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// findCase finds the case that {case} names, a URN or an id, and lets use read its state if the actor's organisation takes
// part in it. To the defence a case in which their firm takes no part is answered as one that is not there.
func (c *call) findCase(use func(*casefile.State) error) (predicate.UUID, error) {
	ids, err := c.candidates(c.param("case"))
	if err != nil {
		return "", err
	}
	var found []predicate.UUID
	outside := false
	for _, id := range ids {
		err := c.s.cfg.Ledger.State(c.ctx(), id, func(s *casefile.State) error {
			if !s.TakesPart(c.user.Organisation) {
				outside = true
				return nil
			}
			found = append(found, id)
			if len(ids) == 1 && use != nil {
				return use(s)
			}
			return nil
		})
		if err != nil && !isRefusal(err, casefile.CaseUnknown) {
			return id, err
		}
	}
	switch {
	case len(found) == 1 && len(ids) > 1 && use != nil:
		return found[0], c.s.cfg.Ledger.State(c.ctx(), found[0], use)
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		p := fail(codeCaseAmbiguous, "use one of the case ids")
		p.choices = found
		return "", p
	case c.user.Role == identifier.RoleDefence:
		return "", hidden{unknownCase()}
	case outside:
		return "", &casefile.Refusal{Code: casefile.NotPermitted, Detail: "your organisation takes no part in this case"}
	}
	return "", unknownCase()
}

func isRefusal(err error, code casefile.Code) bool {
	var r *casefile.Refusal
	return errors.As(err, &r) && r.Code == code
}

// candidates are the ids that a URN or an id could mean.
func (c *call) candidates(name string) ([]predicate.UUID, error) {
	if isUUID(name) {
		return []predicate.UUID{predicate.UUID(name)}, nil
	}
	urn, _, err := identifier.ParseURN(name)
	if err != nil {
		return nil, nil
	}
	key := urn.Key()
	if id, ok := c.s.urns.get(key); ok {
		return []predicate.UUID{id}, nil
	}
	ids, err := c.s.cfg.Ledger.CasesByURN(c.ctx(), urn)
	if err != nil {
		return nil, err
	}
	if len(ids) == 1 {
		c.s.urns.put(key, ids[0])
	}
	return ids, nil
}

// isUUID reports whether s is a UUID in the one form that the ledger uses.
func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch ch := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if ch != '-' {
				return false
			}
		case ch >= '0' && ch <= '9', ch >= 'a' && ch <= 'f':
		default:
			return false
		}
	}
	return true
}

// target is the case and the exhibit that a request names.
type target struct {
	caseID  predicate.UUID
	exhibit casefile.Exhibit
	// secret: as far as can be told beforehand the actor may not learn that the exhibit exists.
	secret bool
}

// findExhibit finds the exhibit that {ref} names, a reference or an id.
func (c *call) findExhibit() (target, error) {
	var t target
	var err error
	t.caseID, err = c.findCase(func(s *casefile.State) error { return c.resolve(s, c.param("ref"), &t) })
	return t, err
}

// resolve finds an exhibit by reference or id among those that the actor may know of.
func (c *call) resolve(s *casefile.State, ref string, t *target) error {
	e, err := s.Resolve(ref)
	var refused *casefile.Refusal
	switch {
	case err == nil:
		t.exhibit, t.secret = *e, !c.mayKnow(s, e)
		if t.secret && !c.defence() {
			return hidden{unknownExhibit()}
		}
		return nil
	case errors.As(err, &refused) && refused.Code == casefile.ExhibitAmbiguous:
		return c.choose(s, refused, t)
	case c.defence():
		return hidden{unknownExhibit()}
	}
	return err
}

func (c *call) defence() bool { return c.user.Role == identifier.RoleDefence }

// choose leaves out of an ambiguous reference what the actor may not know of.
func (c *call) choose(s *casefile.State, r *casefile.Refusal, t *target) error {
	var open []casefile.Choice
	for _, choice := range r.Choices {
		if e, ok := s.Exhibit(choice.Exhibit); ok && c.mayKnow(s, e) {
			open, t.exhibit = append(open, choice), *e
		}
	}
	switch len(open) {
	case 0:
		return hidden{unknownExhibit()}
	case 1:
		return nil
	}
	return &casefile.Refusal{Code: r.Code, Detail: r.Detail, Choices: open}
}

// mayKnow reports whether the actor may learn that an exhibit exists: of sensitive ones some roles may not, and a firm
// knows those that it was given.
func (c *call) mayKnow(s *casefile.State, e *casefile.Exhibit) bool {
	if !c.defence() {
		return !e.Sensitive() || reading.Sensitive(c.user.Role)
	}
	actor := predicate.Actor{Role: c.user.Role, Organisation: c.user.Organisation}
	err := s.MayAccess(actor, e.ID, predicate.PermView)
	if err == nil || isRefusal(err, casefile.UndertakingRequired) {
		return true
	}
	_, given := e.ServedUndertaking(c.user.Organisation)
	return given && isRefusal(err, casefile.ExhibitErased)
}

// conceal answers a refusal about an exhibit that the actor may not know of as if it were not there.
func (t target) conceal(err error) error {
	var refused *casefile.Refusal
	if t.secret && errors.As(err, &refused) {
		return hidden{unknownExhibit()}
	}
	return err
}
