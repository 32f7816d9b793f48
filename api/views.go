package api

import (
	"bytes"
	"unicode/utf8"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// accessBody is what a view or a download may say. A reason is not demanded.
type accessBody struct {
	signed
	Reason string `json:"reason"`
}

var (
	beforeReason = []byte(`{"reason":"`)
	afterReason  = []byte(`"}`)
)

// decode reads {"reason":"…"} where the text has no escapes: nearly every view, and most of the time that a view takes
// here goes into its body.
func (a *accessBody) decode(data []byte) bool {
	reason, ok := bytes.CutPrefix(data, beforeReason)
	if !ok {
		return false
	}
	if reason, ok = bytes.CutSuffix(reason, afterReason); !ok || !utf8.Valid(reason) {
		return false
	}
	for _, c := range reason {
		if c < ' ' || c == '"' || c == '\\' {
			return false
		}
	}
	a.Reason = string(reason)
	return true
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
	asked, err := c.read(&in)
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
