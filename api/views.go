package api

import (
	"bytes"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// accessBody is what a view or a download may say. A reason is not demanded.
type accessBody struct {
	signed
	Reason string `json:"reason"`
}

// view records that the actor is about to see an exhibit, and answers with the address to fetch it from.
func view(c *call) error {
	return c.access(func(i predicate.Item) predicate.Body { return &predicate.EvidenceViewedV1{Item: i} })
}

// download is as view, for content that is to be kept.
func download(c *call) error {
	return c.access(func(i predicate.Item) predicate.Body { return &predicate.EvidenceDownloadedV1{Item: i} })
}

func (c *call) access(body func(predicate.Item) predicate.Body) error {
	var in accessBody
	asked, err := readJSON(c.Request(), c.s.cfg.MaxBody, &in)
	if err != nil {
		return err
	}
	t, err := c.findExhibit()
	if err != nil {
		return err
	}
	rec, err := c.record(intended{
		caseID: t.caseID, body: body(t.exhibit.Item()), proof: in.ActorProof, asked: t.asked(asked),
		fields: []ledger.Field{{Name: "reason", Value: in.Reason}}, exhibits: t.names(),
	})
	if err != nil {
		return t.conceal(err)
	}
	id := rec.Event.Predicate.EventID
	return c.answer(rec, text("view", id), text("content", contentPath(t.caseID, t.exhibit.ID, id)), text("exhibit", t.exhibit.ID))
}

func contentPath(caseID, exhibit, view predicate.UUID) string {
	return exhibitPath(caseID, exhibit) + "/content?view=" + string(view)
}

// asked identifies a request about an exhibit by the exhibit and the body.
func (t target) asked(body []byte) []byte {
	return bytes.Join([][]byte{[]byte(t.exhibit.ID), body}, []byte{0})
}

// names by which an actor's signature may call the exhibit.
func (t target) names() []string { return []string{string(t.exhibit.Ref), string(t.exhibit.ID)} }
