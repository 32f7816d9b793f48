package projections

import (
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// line is an event in words and in parts, with names as this reader may read them now.
func (f *Folder) line(e Entry) Line {
	p := &e.Event.Predicate
	l := Line{
		Chain: e.Chain, EventID: p.EventID, Fields: openFields(e.Event.Kind, e.Openings), Imported: p.Imported, Index: e.Index,
		Kind: e.Event.Kind, LeafHash: hex32(e.LeafHash), OccurredAt: p.OccurredAt, Policy: p.Policy, RecordedAt: p.RecordedAt,
		Rendition: p.Rendition, S62Op: p.S62Op, Sequence: e.Sequence,
	}
	l.Hidden = int64(max(0, len(p.SD)-len(e.Openings.Digests())))
	if p.ActorProof != nil {
		l.Signed = ActorSignature{Present: true, Scheme: p.ActorProof.Scheme}
	}
	l.Who = Party{
		Name: open(e.Openings, fieldActorName), OnBehalfOf: p.Actor.OnBehalfOf, Organisation: p.Actor.Organisation,
		Pseudonym: p.Actor.Pseudonym, Role: p.Actor.Role,
	}
	if items := itemsOf(p.Body); len(items) > 0 {
		l.Item = &items[0]
	}
	l.From, l.To = f.passed(p)
	names := f.known.names()
	if l.Who.Name.Revealed {
		names.Actor = l.Who.Name.Text()
	}
	l.Sentence = Sentence(e.Event, names)
	return l
}

// passed says who passed something on and who got it.
func (f *Folder) passed(p *predicate.Predicate) (from, to *Party) {
	sender := &Party{OnBehalfOf: p.Actor.OnBehalfOf, Organisation: p.Actor.Organisation}
	org := func(o identifier.Org) *Party { return &Party{Organisation: o} }
	switch b := p.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		if b.Producer == "" {
			return nil, org(p.Actor.Organisation)
		}
		return &Party{Name: f.people[b.Producer].Name, Person: b.Producer}, org(p.Actor.Organisation)
	case *predicate.EvidenceDownloadedV1:
		return nil, org(p.Actor.Organisation)
	case *predicate.EvidenceSharedV1:
		return sender, org(b.Organisation)
	case *predicate.EvidenceServedV1:
		return sender, org(b.Organisation)
	case *predicate.UnusedDisclosedV1:
		return sender, org(b.Organisation)
	case *predicate.AccessGrantedV1:
		return sender, &Party{Organisation: b.Organisation, Pseudonym: b.Grantee}
	case *predicate.BagExportedV1:
		return sender, &Party{Organisation: b.Recipient.Organisation, Role: b.Recipient.Role}
	}
	return nil, nil
}
