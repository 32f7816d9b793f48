package verifiertest

import (
	"bytes"
	"encoding/hex"
	"io"
	"maps"
	"slices"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/sdjwt"
	"github.com/caseledger/caseledger/schemas/statement"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// A Case is a case in a log, as far as a bag of it needs: what each event reveals, and the content of each exhibit.
type Case struct {
	*Chains
	URN      identifier.URN
	indexes  []int64
	openings map[int64][]string
	withheld map[int64]Placed
	content  map[predicate.UUID][]byte
	order    []predicate.UUID
}

// Placed says where an event stands in its chain.
type Placed struct {
	Chain    predicate.ChainID
	Sequence int64
}

// NewCase opens a case.
func NewCase(l *Log, n int, urn identifier.URN) *Case {
	c := &Case{
		Chains: NewChains(l, UUID(n)), URN: urn, openings: map[int64][]string{}, withheld: map[int64]Placed{},
		content: map[predicate.UUID][]byte{},
	}
	c.Event(&predicate.CaseOpenedV1{Force: "01", Stage: "pre-trial", URN: urn}, nil)
	return c
}

// Event adds an event of the main chain that reveals the fields given.
func (c *Case) Event(body predicate.Body, fields map[string]any, subjects ...statement.Subject) int64 {
	encoded := []string{}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		encoded = append(encoded, must(must(sdjwt.New(c.Log.salts, name, fields[name])).Encode()))
	}
	digests := []predicate.B64Digest{}
	for _, d := range sdjwt.Sort(encoded) {
		digests = append(digests, predicate.B64Digest(d))
	}
	if len(digests) == 0 {
		digests = nil
	}
	index := c.Add(c.Chain("main"), body, subjects, digests)
	c.indexes = append(c.indexes, index)
	c.openings[index] = encoded
	return index
}

// Hidden adds an event of another chain that the bag counts and does not show.
func (c *Case) Hidden(chain string, body predicate.Body) int64 {
	id := c.Chain(chain)
	index := c.Add(id, body, nil, nil)
	c.indexes = append(c.indexes, index)
	c.withheld[index] = Placed{id, c.Head(id).Count}
	return index
}

// Upload adds an exhibit with its content.
func (c *Case) Upload(id int, ref identifier.ExhibitRef, media predicate.MediaType, content []byte) predicate.Item {
	item := predicate.Item{Exhibit: UUID(id), Ref: ref, SHA256: predicate.Hex32(Hex(content))}
	body := &predicate.EvidenceUploadedV1{
		Content: predicate.Content{Blob: "blob-1", MediaType: media, SHA256: item.SHA256, Size: int64(len(content))},
		Exhibit: item.Exhibit, Handling: "standard", Ref: ref, Schedule: "used",
	}
	c.Event(body, map[string]any{"title": "Clip from a doorbell", "actorName": "PC 1234 Sam Smith"}, Subject(item))
	c.content[item.Exhibit] = content
	c.order = append(c.order, item.Exhibit)
	return item
}

// Subject is the subject of an event about an item.
func Subject(i predicate.Item) statement.Subject {
	return statement.Subject{Name: string(i.Ref), Digest: statement.Digests{SHA256: string(i.SHA256)}}
}

// View adds a view.
func (c *Case) View(i predicate.Item) int64 {
	return c.Event(&predicate.EvidenceViewedV1{Item: i}, map[string]any{"reason": "=to prepare the \"hearing\"", "actorName": "A. Lawyer"}, Subject(i))
}

// Contents freezes the case as it is now: C covers all events of the log.
func (c *Case) Contents() courtbundle.Contents {
	size := c.Log.Size()
	out := courtbundle.Contents{Trust: c.Log.Trust(), Signer: receipt.Hint(c.Log.SPKI), Checkpoint: c.Log.Checkpoint(size).String()}
	for _, index := range c.indexes {
		if at, ok := c.withheld[index]; ok {
			r := c.Log.Receipt(index, size)
			out.Events = append(out.Events, courtbundle.Event{Withheld: &courtbundle.Withheld{
				Chain: at.Chain, InclusionProof: r.InclusionProof, Leaf: c.Log.LeafBody(index), LogIndex: r.LogIndex, Sequence: at.Sequence,
			}})
			continue
		}
		b := c.Log.Bundle(index, size)
		out.Events = append(out.Events, courtbundle.Event{Bundle: &b, Openings: c.openings[index]})
	}
	for _, id := range c.order {
		out.Evidence = append(out.Evidence, courtbundle.Evidence{Exhibit: id, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(bytes.NewReader(c.content[id])), nil
		}})
	}
	return out
}

// Export makes bag.exported of contents with this digest; size is the number of leaves that C covers.
func (c *Case) Export(digest [32]byte, size int64, chains ...string) (receipt.Bundle, courtbundle.Consistency) {
	return c.ExportHeads(digest, size, c.Heads(chains...))
}

// Heads are where main and the chains given stand.
func (c *Case) Heads(chains ...string) []predicate.Head {
	var out []predicate.Head
	for _, name := range append([]string{"main"}, chains...) {
		out = append(out, c.Head(c.Chain(name)))
	}
	return out
}

// ExportHeads is Export with heads taken earlier.
func (c *Case) ExportHeads(digest [32]byte, size int64, heads []predicate.Head) (receipt.Bundle, courtbundle.Consistency) {
	first := c.Log.Head(size)
	body := &predicate.BagExportedV1{
		Checkpoint: predicate.TreeHead{Origin: predicate.Origin(first.Origin), Root: predicate.Hex32(hex.EncodeToString(first.Root[:])), Size: size},
		Contents:   predicate.Hex32(hex.EncodeToString(digest[:])),
		Heads:      heads,
		Recipient:  predicate.Recipient{Organisation: "court-demo", Role: "clerk"},
	}
	subject := statement.Subject{Name: "contents", Digest: statement.Digests{SHA256: string(body.Contents)}}
	index := c.Add(c.Chain("main"), body, []statement.Subject{subject}, nil)
	after := c.Log.Size()
	return c.Log.Bundle(index, after), courtbundle.Consistency{
		First: courtbundle.HeadOf(first), Hashes: c.Log.Consistency(size, after), Second: courtbundle.HeadOf(c.Log.Head(after)),
	}
}

// Write writes the case's bag into dir, which must not exist. chains are those beside main.
func (c *Case) Write(dir string, chains ...string) error {
	size := c.Log.Size()
	digest, err := courtbundle.Prepare(dir, c.Contents())
	if err != nil {
		return err
	}
	exported, proof := c.Export(digest, size, chains...)
	return courtbundle.Close(dir, exported, proof)
}

// SampleCase is a small case with two exhibits, a view, a second case's events between its own, and two hidden events.
func SampleCase(l *Log) *Case {
	c := NewCase(l, 1, "01AB1234526")
	other := NewChains(l, UUID(2))
	clip := c.Upload(11, "JS/1", "video/mp4", []byte("moving pictures"))
	other.Add(other.Chain("main"), &predicate.CaseClosedV1{Reason: "concluded"}, nil, nil)
	c.Hidden("sensitive", &predicate.CaseClosedV1{Reason: "concluded"})
	c.Upload(12, "JS/2", "application/pdf", nil)
	c.View(clip)
	other.Add(other.Chain("main"), &predicate.CaseReopenedV1{Reason: "appeal"}, nil, nil)
	c.Hidden("sensitive", &predicate.CaseReopenedV1{Reason: "appeal"})
	c.Event(&predicate.CaseClosedV1{Reason: "concluded"}, map[string]any{"note": "done"})
	return c
}
