package api

import (
	"net/http"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// reasoned is what acts on an exhibit may say.
type reasoned struct {
	signed
	Reason string `json:"reason"`
}

// onItem reads the body into in and records what build makes of it as an act on the exhibit.
func (c *call) onItem(in any, common *reasoned, build func(target) (predicate.Body, error)) error {
	asked, err := c.read(in)
	if err != nil {
		return err
	}
	t, err := c.findExhibit()
	if err != nil {
		return err
	}
	body, err := build(t)
	if err != nil {
		return t.conceal(err)
	}
	rec, err := c.record(intended{
		caseID: t.caseID, body: body, proof: common.ActorProof, asked: t.asked(asked), exhibits: t.names(),
		fields: []ledger.Field{{Name: "reason", Value: common.Reason}},
	})
	if err != nil {
		return t.conceal(err)
	}
	return c.answer(rec, text("case", t.caseID), text("event", rec.Event.Predicate.EventID), text("exhibit", t.exhibit.ID))
}

func share(c *call) error {
	var in struct {
		reasoned
		Organisation identifier.Org         `json:"organisation"`
		Permissions  []predicate.Permission `json:"permissions"`
	}
	return c.onItem(&in, &in.reasoned, func(t target) (predicate.Body, error) {
		return &predicate.EvidenceSharedV1{Item: t.exhibit.Item(), Organisation: in.Organisation, Permissions: in.Permissions}, nil
	})
}

// sent is when something was sent: as told, else now.
func (c *call) sent(told predicate.Time) predicate.Time {
	if told.IsZero() {
		return predicate.At(c.s.cfg.Ledger.Now())
	}
	return told
}

func serveEvidence(c *call) error {
	var in struct {
		reasoned
		Defendant    predicate.UUID `json:"defendant"`
		Organisation identifier.Org `json:"organisation"`
		SentAt       predicate.Time `json:"sentAt"`
	}
	return c.onItem(&in, &in.reasoned, func(t target) (predicate.Body, error) {
		b := &predicate.EvidenceServedV1{Defendant: in.Defendant, Item: t.exhibit.Item(), Organisation: in.Organisation, SentAt: c.sent(in.SentAt)}
		if t.exhibit.Handling == predicate.HandlingUndertaking && in.Organisation.Kind() == identifier.KindFirm {
			b.Undertaking = c.s.undertaking
		}
		return b, nil
	})
}

func disclose(c *call) error {
	var in struct {
		reasoned
		Defendant    predicate.UUID        `json:"defendant"`
		Organisation identifier.Org        `json:"organisation"`
		Restriction  predicate.Restriction `json:"restriction"`
		SentAt       predicate.Time        `json:"sentAt"`
	}
	return c.onItem(&in, &in.reasoned, func(t target) (predicate.Body, error) {
		if in.Restriction == "" {
			in.Restriction = predicate.RestrictionCPIA
		}
		return &predicate.UnusedDisclosedV1{
			Defendant: in.Defendant, Item: t.exhibit.Item(), Organisation: in.Organisation, Restriction: in.Restriction, SentAt: c.sent(in.SentAt),
		}, nil
	})
}

// acceptUndertaking records that the actor accepts the exact text whose SHA-256 they send.
func acceptUndertaking(c *call) error {
	var in struct {
		signed
		Text predicate.Hex32 `json:"text"`
	}
	r := &reasoned{}
	return c.onItem(&in, r, func(t target) (predicate.Body, error) {
		r.signed = in.signed
		return &predicate.UndertakingAcceptedV1{Item: t.exhibit.Item(), Text: in.Text}, nil
	})
}

// readUndertaking answers the text in force and its digest.
func readUndertaking(c *call) error {
	out := struct {
		SHA256 predicate.Hex32 `json:"sha256"`
		Text   string          `json:"text"`
	}{c.s.undertaking, c.s.cfg.Undertaking}
	return c.canonical(http.StatusOK, &out)
}

// approve lets a redaction leave. The exhibit is the derived one.
func approve(c *call) error {
	var in reasoned
	return c.onItem(&in, &in, func(t target) (predicate.Body, error) {
		b := &predicate.RedactionApprovedV1{Item: t.exhibit.Item(), Proposal: t.exhibit.Proposal}
		err := c.s.cfg.Ledger.State(c.ctx(), t.caseID, func(s *casefile.State) error {
			parent, ok := s.Exhibit(t.exhibit.Parent)
			if !ok {
				return &casefile.Refusal{Code: casefile.ProposalUnknown, Detail: "this exhibit is not a redaction: there is nothing to approve"}
			}
			b.Parent = parent.Item()
			return nil
		})
		return b, err
	})
}
