package api

import (
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// redact stores content derived from the exhibit as a new exhibit, for another person to approve. The original stays.
func redact(c *call) error {
	parent, err := c.findExhibit()
	if err != nil {
		return err
	}
	n, err := c.newItem("ref", "tool", "toolVersion", "handling", "schedule", "kind")
	if err != nil {
		return err
	}
	instructions, err := c.header("Caseledger-Instructions", 8<<10)
	if err != nil {
		return err
	}
	body := &predicate.RedactionProposedV1{
		Exhibit: c.newID("exhibit", parent.caseID), Ref: n.ref, Parent: parent.exhibit.Item(),
		Handling: orElse(predicate.Handling(n.query.Get("handling")), parent.exhibit.Handling),
		Schedule: orElse(predicate.Schedule(n.query.Get("schedule")), parent.exhibit.Schedule),
	}
	rendition := &predicate.Rendition{
		Kind: orElse(predicate.RenditionKind(n.query.Get("kind")), predicate.RenditionRedaction), Parent: parent.exhibit.Content.SHA256,
		Tool: predicate.Tool{Name: predicate.ToolName(n.query.Get("tool")), Version: predicate.ToolVersion(n.query.Get("toolVersion"))},
	}
	if rendition.Tool.Name == "" || rendition.Tool.Version == "" {
		return fail(codeRequest, "say by which tool the redaction was made: tool and toolVersion")
	}
	rec, err := c.store(parent.caseID, body.Exhibit, n, func(content predicate.Content) intended {
		body.Content = content
		return intended{
			body: body, rendition: rendition, fields: []ledger.Field{{Name: "instructions", Value: instructions}},
			asked: append([]byte(parent.exhibit.ID), 0),
		}
	})
	if err != nil {
		return parent.conceal(err)
	}
	return c.answerItem(rec, parent.caseID, n)
}

func orElse[S ~string](value, otherwise S) S {
	if value == "" {
		return otherwise
	}
	return value
}
