package sqlstore

import (
	"bytes"
	"context"
	"database/sql"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// fold applies an event to the rows of its case that it touches, by the same code that folds a whole case.
func (b *batch) fold(owner int64, e *predicate.Event, touch projections.Touch) error {
	st := &b.store.write
	exhibits := parts[projections.Exhibit]{statements: &st.exhibits, id: func(x projections.Exhibit) predicate.UUID { return x.ID }}
	people := parts[projections.Person]{statements: &st.people, id: func(p projections.Person) predicate.UUID { return p.ID }}
	grants := parts[projections.Grant]{statements: &st.grants, id: func(g projections.Grant) predicate.UUID { return g.ID }}
	var state projections.State
	before, known, err := b.findCase(owner, &state.Case)
	if err != nil {
		return err
	}
	if state.Exhibits, err = exhibits.load(owner, touch.Exhibits, touch.AllItems); err != nil {
		return err
	}
	if state.People, err = people.load(owner, touch.People, touch.AllItems); err != nil {
		return err
	}
	if state.Grants, err = grants.load(owner, touch.Grants, touch.AllGrants); err != nil {
		return err
	}
	state.Apply(b.revision, e)
	if err := b.saveCase(owner, state.Case, before, known); err != nil {
		return err
	}
	if err := exhibits.save(b, owner, state.Exhibits); err != nil {
		return err
	}
	if err := people.save(b, owner, state.People); err != nil {
		return err
	}
	if err := grants.save(b, owner, state.Grants); err != nil {
		return err
	}
	return b.takePart(owner, e, &state)
}

func (b *batch) saveCase(owner int64, c projections.Case, before stored, known bool) error {
	state, err := canonical.Marshal(c)
	if err != nil || (known && bytes.Equal(state, before.state)) {
		return err
	}
	if known {
		b.sum += b.revision - before.revision
	} else {
		b.added(b.revision)
	}
	_, err = b.store.write.putCase.ExecContext(context.Background(), owner, state, b.revision)
	return err
}

// takePart keeps the list of organisations that take part in a case: whoever opened it, holds a live grant, represents a
// defendant, or was given an exhibit. What a firm was given for a defendant counts until it stops acting for them.
func (b *batch) takePart(owner int64, e *predicate.Event, state *projections.State) error {
	switch body := e.Predicate.Body.(type) {
	case *predicate.CaseOpenedV1:
		if err := b.addOnce(b.store.write.addURN, body.URN.Key(), owner, b.revision); err != nil {
			return err
		}
		return b.joins(owner, e.Predicate.Actor.Organisation, "")
	case *predicate.RepresentationStartedV1:
		return b.joins(owner, body.Organisation, body.Defendant)
	case *predicate.RepresentationEndedV1:
		for _, r := range state.Case.Representations {
			if r.ID == body.Representation && r.Ended != nil && r.Ended.Index == b.revision {
				return b.leaves(b.store.write.removeFirm, owner, r.Organisation, string(r.Defendant))
			}
		}
	case *predicate.AccessGrantedV1:
		if g := only(state.Grants); g.Index == b.revision && g.Ended == nil {
			return b.joins(owner, body.Organisation, body.Defendant)
		}
	case *predicate.AccessRevokedV1:
		if g := only(state.Grants); g.Since != nil && g.Ended.Index == b.revision {
			return b.leaves(b.store.write.removePart, owner, g.Organisation, g.Index)
		}
	case *predicate.EvidenceSharedV1:
		return b.joins(owner, body.Organisation, "")
	case *predicate.EvidenceServedV1:
		return b.joins(owner, body.Organisation, body.Defendant)
	case *predicate.UnusedDisclosedV1:
		return b.joins(owner, body.Organisation, body.Defendant)
	}
	return nil
}

// only is the grant that an event named.
func only(grants []projections.Grant) projections.Grant {
	if len(grants) != 1 {
		return projections.Grant{}
	}
	return grants[0]
}

func (b *batch) joins(owner int64, org identifier.Org, defendant predicate.UUID) error {
	no, err := b.word(string(org))
	if err != nil {
		return err
	}
	return b.addOnce(b.store.write.addPart, no, owner, b.revision, string(defendant))
}

// leaves removes what matches and takes it out of the counts.
func (b *batch) leaves(remove *sql.Stmt, owner int64, org identifier.Org, which any) error {
	no, err := b.word(string(org))
	if err != nil {
		return err
	}
	rows, err := remove.QueryContext(context.Background(), no, owner, which)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var revision int64
		if err := rows.Scan(&revision); err != nil {
			return err
		}
		b.rows, b.sum = b.rows-1, b.sum-revision
	}
	return rows.Err()
}
