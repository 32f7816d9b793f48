package api

import (
	"encoding/base64"
	"net/http"
	"strconv"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// member is one more member beside those of a receipt: text, or JSON as it stands.
type member struct {
	name string
	text string
	raw  []byte
}

func text[S ~string](name string, value S) member { return member{name: name, text: string(value)} }

// appendReceipt writes the members of a receipt and then the others, as one JSON object.
func appendReceipt(dst []byte, r *receipt.Receipt, others ...member) []byte {
	b64 := base64.StdEncoding
	dst = append(dst, '{')
	if r.Bundle != nil {
		if more, err := canonical.Append(append(dst, `"bundle":`...), r.Bundle); err == nil {
			dst = append(more, ',')
		}
	}
	dst = appendString(append(dst, `"checkpoint":`...), r.Checkpoint)
	dst = b64.AppendEncode(append(dst, `,"envelope":{"payload":"`...), r.Envelope.Payload)
	dst = appendString(append(dst, `","payloadType":`...), r.Envelope.PayloadType)
	dst = b64.AppendEncode(append(dst, `,"signatures":[{"sig":"`...), r.Envelope.Sig())
	dst = appendString(append(dst, `"}]},"grade":`...), r.Grade)
	dst = append(dst, `,"inclusionProof":{"hashes":[`...)
	for i, h := range r.InclusionProof.Hashes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(b64.AppendEncode(append(dst, '"'), h), '"')
	}
	dst = strconv.AppendInt(append(dst, `],"logIndex":"`...), int64(r.InclusionProof.LogIndex), 10)
	dst = b64.AppendEncode(append(dst, `","rootHash":"`...), r.InclusionProof.RootHash)
	dst = strconv.AppendInt(append(dst, `","treeSize":"`...), int64(r.InclusionProof.TreeSize), 10)
	dst = strconv.AppendInt(append(dst, `"},"logIndex":"`...), int64(r.LogIndex), 10)
	dst = append(dst, '"')
	for _, m := range others {
		dst = append(appendString(append(dst, ','), m.name), ':')
		if m.raw != nil {
			dst = append(dst, m.raw...)
		} else {
			dst = appendString(dst, m.text)
		}
	}
	return append(dst, '}')
}

// warnings is the member that tells of unusual shapes; there is none where all is usual.
func warnings(list []identifier.Warning) []member {
	if len(list) == 0 {
		return nil
	}
	raw := []byte{'['}
	for i, w := range list {
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = appendString(raw, string(w))
	}
	return []member{{name: "warnings", raw: append(raw, ']')}}
}

// answer writes the receipt of a recorded act: 201, and whether it is a repeat.
func (c *call) answer(rec ledger.Recorded, others ...member) error {
	if c.Request().URL.RawQuery != "" && c.QueryParam("include") == "bundle" {
		b, err := c.s.cfg.Ledger.BundleOf(c.ctx(), rec)
		if err != nil {
			return err
		}
		rec.Receipt.Bundle = &b
	}
	if rec.Replayed {
		c.Response().Header().Set("Idempotent-Replay", "true")
	}
	size := len(rec.Receipt.Envelope.Payload)*4/3 + 2048
	return c.json(http.StatusCreated, appendReceipt(make([]byte, 0, size), &rec.Receipt, others...))
}

// json writes a body that is JSON already.
func (c *call) json(status int, body []byte) error {
	return c.body(status, "application/json", body)
}

func (c *call) body(status int, contentType string, body []byte) error {
	h := c.Response().Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	c.Response().WriteHeader(status)
	c.Response().Write(body) //nolint:errcheck // the client has gone
	return nil
}
