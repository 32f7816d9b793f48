package api

import (
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// noted is what many acts may say beside their own members.
type noted struct {
	signed
	Note string `json:"note"`
}

// change reads the body into in and records what build makes of it as an act on the case.
func (c *call) change(in any, common *noted, build func(caseID predicate.UUID) (predicate.Body, []ledger.Field, []member, error)) error {
	asked, err := c.read(in)
	if err != nil {
		return err
	}
	caseID, err := c.findCase(nil)
	if err != nil {
		return err
	}
	body, fields, made, err := build(caseID)
	if err != nil {
		return err
	}
	rec, err := c.record(intended{
		caseID: caseID, body: body, fields: fields, proof: common.ActorProof, asked: append([]byte(c.param("id")+"\x00"), asked...),
	})
	if err != nil {
		return err
	}
	return c.answer(rec, append([]member{text("case", caseID), text("event", rec.Event.Predicate.EventID)}, made...)...)
}

func (n *noted) fields() []ledger.Field { return []ledger.Field{{Name: "note", Value: n.Note}} }

func linkCase(c *call) error {
	var in struct {
		noted
		Linked   predicate.UUID         `json:"linked"`
		Relation predicate.CaseRelation `json:"relation"`
	}
	return c.change(&in, &in.noted, func(predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		if !isUUID(string(in.Linked)) || !c.takesPart(in.Linked) {
			return nil, nil, nil, &casefile.Refusal{Code: casefile.CaseUnknown, Detail: "the case to be linked is not in this ledger, or your organisation takes no part in it"}
		}
		return &predicate.CaseLinkedV1{Linked: in.Linked, Relation: in.Relation}, in.fields(), nil, nil
	})
}

// takesPart: does the actor's organisation take part in the case?
func (c *call) takesPart(id predicate.UUID) bool {
	part := false
	err := c.s.cfg.Ledger.State(c.ctx(), id, func(s *casefile.State) error {
		part = s.TakesPart(c.user.Organisation)
		return nil
	})
	return err == nil && part
}

func addOutcome(c *call) error {
	var in struct {
		noted
		Defendant predicate.UUID    `json:"defendant"`
		Outcome   predicate.Outcome `json:"outcome"`
	}
	return c.change(&in, &in.noted, func(predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		return &predicate.CaseOutcomeV1{Defendant: in.Defendant, Outcome: in.Outcome}, in.fields(), nil, nil
	})
}

func closeCase(c *call) error {
	var in struct {
		noted
		Reason predicate.CloseReason `json:"reason"`
	}
	return c.change(&in, &in.noted, func(predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		return &predicate.CaseClosedV1{Reason: in.Reason}, in.fields(), nil, nil
	})
}

func reopenCase(c *call) error {
	var in struct {
		noted
		Reason predicate.ReopenReason `json:"reason"`
	}
	return c.change(&in, &in.noted, func(predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		return &predicate.CaseReopenedV1{Reason: in.Reason}, in.fields(), nil, nil
	})
}

// personal is what is recorded of a person as hidden fields.
type personal struct {
	Name        string   `json:"name"`
	DateOfBirth string   `json:"dateOfBirth"`
	Identifiers []string `json:"identifiers"`
	Contact     []string `json:"contact"`
}

func (p *personal) fields() []ledger.Field {
	return []ledger.Field{
		{Name: "name", Value: p.Name}, {Name: "dateOfBirth", Value: p.DateOfBirth},
		{Name: "identifiers", Value: p.Identifiers}, {Name: "contact", Value: p.Contact},
	}
}

func addDefendant(c *call) error {
	var in struct {
		signed
		personal
	}
	n := &noted{}
	return c.change(&in, n, func(caseID predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		n.signed = in.signed
		id := c.newID("person", caseID)
		return &predicate.DefendantAddedV1{Defendant: id}, in.personal.fields(), []member{text("id", id)}, nil
	})
}

func addPerson(c *call) error {
	var in struct {
		signed
		personal
		Roles      []predicate.SubjectRole `json:"roles"`
		Child      bool                    `json:"child"`
		Vulnerable bool                    `json:"vulnerable"`
	}
	n := &noted{}
	return c.change(&in, n, func(caseID predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		n.signed = in.signed
		id := c.newID("person", caseID)
		body := &predicate.PersonAddedV1{Child: in.Child, Person: id, Roles: in.Roles, Vulnerable: in.Vulnerable}
		return body, in.personal.fields(), []member{text("id", id)}, nil
	})
}

func startRepresentation(c *call) error {
	var in struct {
		noted
		Defendant    predicate.UUID `json:"defendant"`
		Organisation identifier.Org `json:"organisation"`
	}
	return c.change(&in, &in.noted, func(caseID predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		id := c.newID("representation", caseID)
		body := &predicate.RepresentationStartedV1{Defendant: in.Defendant, Organisation: in.Organisation, Representation: id}
		return body, in.fields(), []member{text("id", id)}, nil
	})
}

func endRepresentation(c *call) error {
	var in struct {
		noted
		Reason predicate.EndReason `json:"reason"`
	}
	return c.change(&in, &in.noted, func(predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		body := &predicate.RepresentationEndedV1{Reason: in.Reason, Representation: predicate.UUID(c.param("id"))}
		return body, in.fields(), nil, nil
	})
}

func listHearing(c *call) error {
	var in struct {
		noted
		At    predicate.Time        `json:"at"`
		Court identifier.Org        `json:"court"`
		Type  predicate.HearingKind `json:"type"`
	}
	return c.change(&in, &in.noted, func(caseID predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		id := c.newID("hearing", caseID)
		body := &predicate.HearingListedV1{At: in.At, Court: in.Court, Hearing: id, Type: in.Type}
		return body, in.fields(), []member{text("id", id)}, nil
	})
}

// grantAccess gives rights in the case or, where exhibit is named (a reference or an id), in one exhibit.
func grantAccess(c *call) error {
	var in struct {
		noted
		Defendant    predicate.UUID         `json:"defendant"`
		Exhibit      string                 `json:"exhibit"`
		Grantee      predicate.Pseudonym    `json:"grantee"`
		GranteeName  string                 `json:"granteeName"`
		Organisation identifier.Org         `json:"organisation"`
		Permissions  []predicate.Permission `json:"permissions"`
	}
	return c.change(&in, &in.noted, func(caseID predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		id := c.newID("grant", caseID)
		body := &predicate.AccessGrantedV1{
			Defendant: in.Defendant, Grant: id, Grantee: in.Grantee, Organisation: in.Organisation, Permissions: in.Permissions,
		}
		if in.Exhibit != "" {
			var t target
			err := c.s.cfg.Ledger.State(c.ctx(), caseID, func(s *casefile.State) error { return c.resolve(s, in.Exhibit, &t) })
			if err != nil {
				return nil, nil, nil, err
			}
			body.Exhibit = t.exhibit.ID
		}
		return body, append(in.fields(), ledger.Field{Name: "granteeName", Value: in.GranteeName}), []member{text("id", id)}, nil
	})
}

func revokeAccess(c *call) error {
	var in struct {
		noted
		Reason predicate.RevokeReason `json:"reason"`
	}
	return c.change(&in, &in.noted, func(predicate.UUID) (predicate.Body, []ledger.Field, []member, error) {
		return &predicate.AccessRevokedV1{Grant: predicate.UUID(c.param("id")), Reason: in.Reason}, in.fields(), nil, nil
	})
}
