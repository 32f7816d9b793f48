package node

import (
	"context"
	"strings"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/projections/sqlstore"
	"github.com/caseledger/caseledger/schemas/identifier"
)

// caseIndex is the read models' index as the ledger asks for it: an id "org/<id>" means an organisation's own chain.
type caseIndex struct{ *sqlstore.Store }

func (c caseIndex) Revisions(ctx context.Context, id string) ([]int64, error) {
	if org, ok := strings.CutPrefix(id, "org/"); ok {
		return c.OrgRevisions(ctx, identifier.Org(org))
	}
	return c.Store.Revisions(ctx, id)
}

// source is the ledger's stream as the projections read it.
type source struct{ l *ledger.Ledger }

// sourcePiece is how many events are read before the position is looked at again.
const sourcePiece = 2048

func (s source) Read(ctx context.Context, from int64, yield func(projections.Record) error) (int64, error) {
	for {
		next, err := s.l.Follow(ctx, from, sourcePiece, func(c *ledger.Committed) error {
			return yield(projections.Record{
				Revision: c.Index, EventID: c.EventID, Payload: c.Envelope.Payload, Event: *c.Event,
			})
		})
		if err != nil || next == from {
			return next, err
		}
		from = next
	}
}
