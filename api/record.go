package api

import (
	"encoding/base64"
	"net/url"
	"unicode/utf8"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// signed is the member of a body that carries the actor's own signature.
type signed struct {
	ActorProof *actorProof `json:"actorProof"`
}

// actorProof is what an actor's device made: all in standard base64; key is a P-256 SubjectPublicKeyInfo.
type actorProof struct {
	Intent    predicate.Base64      `json:"intent"`
	Key       string                `json:"key"`
	Scheme    predicate.ProofScheme `json:"scheme"`
	Signature predicate.Base64      `json:"signature"`
}

// intended is an act as a handler understood it.
type intended struct {
	caseID predicate.UUID
	body   predicate.Body
	fields []ledger.Field
	proof  *actorProof
	// exhibits are the names by which the actor's signature may call what it is about.
	exhibits  []string
	rendition *predicate.Rendition
	// asked identifies the request for its Idempotency-Key, with the kind of event and the case.
	asked []byte
}

// act is what the ledger is asked to record.
func (c *call) act(in intended) (ledger.Act, error) {
	a := ledger.Act{
		User: c.user, Case: in.caseID, Body: in.body, Fields: filled(in.fields), Policy: c.policy, IdempotencyKey: c.key, Rendition: in.rendition,
	}
	if c.key != "" {
		a.Request = append(append([]byte(in.body.Kind()+"\x00"), in.asked...), '\x00')
	}
	if in.proof == nil {
		return a, nil
	}
	a.Proof = &predicate.ActorProof{Intent: in.proof.Intent, Scheme: in.proof.Scheme, Signature: in.proof.Signature}
	a.Fields = append(a.Fields, ledger.Field{Name: "actorKey", Value: in.proof.Key})
	return a, c.checkProof(a, in)
}

// checkProof checks the actor's signature as a court will, before anything is recorded.
func (c *call) checkProof(a ledger.Act, in intended) error {
	bad := fail(codeActorSignature, "the signature is over another act, case, exhibit or log, or was made with another key; nothing was recorded")
	if c.s.cfg.ActorSignature == nil {
		return bad
	}
	e := predicate.Event{Kind: in.body.Kind(), Predicate: predicate.Predicate{Body: in.body, Slots: predicate.Slots{ActorProof: a.Proof, Case: in.caseID}}}
	if err := c.s.cfg.ActorSignature(e, in.proof.Key, c.s.cfg.Ledger.Origin(), in.exhibits); err != nil {
		return bad
	}
	return nil
}

// record makes the act an event.
func (c *call) record(in intended) (ledger.Recorded, error) {
	a, err := c.act(in)
	if err != nil {
		return ledger.Recorded{}, err
	}
	return c.s.cfg.Ledger.Record(c.ctx(), a)
}

// filled leaves out fields that the client did not send.
func filled(fields []ledger.Field) []ledger.Field {
	out := make([]ledger.Field, 0, len(fields)+1)
	for _, f := range fields {
		switch v := f.Value.(type) {
		case string:
			if v == "" {
				continue
			}
		case []string:
			if len(v) == 0 {
				continue
			}
		}
		out = append(out, f)
	}
	return out
}

// header is a request header whose value is percent-encoded UTF-8, "" where it is absent.
func (c *call) header(name string, most int) (string, error) {
	raw := c.Request().Header.Get(name)
	if raw == "" {
		return "", nil
	}
	value, err := url.PathUnescape(raw)
	if err != nil || !utf8.ValidString(value) || len(raw) > most {
		return "", fail(codeRequest, "the header "+name+" must be percent-encoded UTF-8 and not longer than is allowed")
	}
	return value, nil
}

// headerProof reads the actor's signature from the header Caseledger-Actor-Proof: the same JSON object as in a body, in
// standard base64.
func (c *call) headerProof() (*actorProof, error) {
	raw := c.Request().Header.Get("Caseledger-Actor-Proof")
	if raw == "" {
		return nil, nil
	}
	data, err := base64.StdEncoding.Strict().DecodeString(raw)
	if err != nil {
		return nil, fail(codeRequest, "the header Caseledger-Actor-Proof must be a JSON object in standard base64")
	}
	p := new(actorProof)
	return p, decodeJSON(data, p)
}
