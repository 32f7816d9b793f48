package ledgertest_test

import (
	"context"
	"testing"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// TestContentEndsWithTheLastTie: a recorded view does not keep content open to a court whose only part in the case was a grant
// that is revoked.
func TestContentEndsWithTheLastTie(t *testing.T) {
	ctx, l, pc := context.Background(), ledgertest.New(t).Ledger, ledgertest.Officer("PC 1234")
	id := ledgertest.OpenCase(t, l, pc, "01AB1234526")
	item := upload(t, l, pc, id, "JS/1", "evidence")
	for _, role := range []identifier.Role{"judge", "clerk"} {
		reader := ledger.User{Subject: string(role), Name: string(role), Role: role, Organisation: "court-demo"}
		grant := newID()
		record(t, l, pc, id, &predicate.AccessGrantedV1{Grant: grant, Organisation: "court-demo", Permissions: []predicate.Permission{"view"}})
		view := idOf(record(t, l, reader, id, &predicate.EvidenceViewedV1{Item: item}))
		content, _, err := l.Content(ctx, reader, id, view, item.Exhibit)
		if err != nil {
			t.Fatalf("%s under the grant: %v", role, err)
		}
		if err := content.Close(); err != nil {
			t.Error(err)
		}
		record(t, l, pc, id, &predicate.AccessRevokedV1{Grant: grant, Reason: "other"})
		if _, _, err := l.Content(ctx, reader, id, view, item.Exhibit); code(err) != casefile.NotPermitted {
			t.Errorf("%s after the grant: %v", role, err)
		}
	}
}
