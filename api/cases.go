package api

import (
	"net/http"
	"strconv"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

func openCase(c *call) error {
	var in struct {
		signed
		URN          string           `json:"urn"`
		Area         identifier.Area  `json:"area"`
		Force        identifier.Force `json:"force"`
		FirstHearing predicate.Date   `json:"firstHearing"`
		Stage        predicate.Stage  `json:"stage"`
		Note         string           `json:"note"`
	}
	asked, err := c.read(&in)
	if err != nil {
		return err
	}
	urn, odd, err := identifier.ParseURN(in.URN)
	if err != nil {
		return fail(codeURN, "a URN has 1 to 36 letters, digits and hyphens, such as 01AB1234526")
	}
	if in.Stage == "" {
		in.Stage = "pre-charge"
	}
	id := c.newID("case", "")
	rec, err := c.record(intended{
		caseID: id, asked: asked, proof: in.ActorProof, fields: []ledger.Field{{Name: "note", Value: in.Note}},
		body: &predicate.CaseOpenedV1{Area: in.Area, FirstHearing: in.FirstHearing, Force: in.Force, Stage: in.Stage, URN: urn},
	})
	if err != nil {
		return err
	}
	c.Response().Header().Set("Location", "/api/v1/cases/"+string(id))
	return c.answer(rec, append([]member{text("case", id), text("urn", urn)}, warnings(odd)...)...)
}

const listPage = 100

// listCases lists the cases in which the actor's organisation takes part, newest first.
func listCases(c *call) error {
	limit := listPage
	if raw := c.QueryParam("limit"); raw != "" {
		n, err := strconv.Atoi(raw)
		if err != nil || n < 1 || n > listPage {
			return fail(codeRequest, "limit is a number from 1 to 100")
		}
		limit = n
	}
	after := c.QueryParam("after")
	if after != "" && !isUUID(after) {
		return fail(codeRequest, "after is the id of a case")
	}
	if err := c.caughtUp(); err != nil {
		return err
	}
	found, err := c.s.cfg.Cases.ListCases(c.ctx(), c.user.Organisation, after, limit)
	if err != nil {
		return err
	}
	out := struct {
		Cases []caseLine `json:"cases"`
		Next  string     `json:"next,omitempty"`
	}{Cases: make([]caseLine, 0, len(found))}
	for i := range found {
		if line, ok := c.caseLine(&found[i]); ok {
			out.Cases = append(out.Cases, line)
		}
	}
	if len(found) == limit {
		out.Next = string(found[len(found)-1].ID)
	}
	return c.canonical(http.StatusOK, &out)
}

// caseLine is a case in a list.
type caseLine struct {
	Area     identifier.Area  `json:"area,omitempty"`
	Case     predicate.UUID   `json:"case"`
	Closed   bool             `json:"closed"`
	Force    identifier.Force `json:"force,omitempty"`
	OpenedAt *predicate.Time  `json:"openedAt,omitempty"`
	OpenedBy identifier.Org   `json:"openedBy,omitempty"`
	Stage    predicate.Stage  `json:"stage,omitempty"`
	URN      identifier.URN   `json:"urn"`
}

// caseLine leaves out cases in which the organisation takes part no longer.
func (c *call) caseLine(p *projections.Case) (caseLine, bool) {
	if !c.takesPart(p.ID) {
		return caseLine{}, false
	}
	return caseLine{
		Area: p.Area, Case: p.ID, Closed: p.Closed != nil, Force: p.Force, OpenedAt: p.OpenedAt, OpenedBy: p.OpenedBy, Stage: p.Stage, URN: p.URN,
	}, true
}

// readCase answers the state of a case; to a firm only what follows from the events that it may read.
func readCase(c *call) error {
	id, err := c.findCase(nil)
	if err != nil {
		return err
	}
	if c.defence() {
		report, err := c.report(id)
		if err != nil {
			return err
		}
		return c.canonical(http.StatusOK, &report.Case)
	}
	if err := c.caughtUp(); err != nil {
		return err
	}
	found, err := c.s.cfg.Cases.Case(c.ctx(), id)
	if err != nil {
		return err
	}
	return c.canonical(http.StatusOK, &found)
}

// canonical answers with the canonical JSON of v.
func (c *call) canonical(status int, v any) error {
	body, err := canonical.Marshal(v)
	if err != nil {
		return err
	}
	return c.json(status, body)
}
