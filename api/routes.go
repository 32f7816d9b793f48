package api

import (
	"github.com/labstack/echo/v4"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// route is one address and method. Either public is set, or act, which the actor's role must be permitted.
type route struct {
	method, path string
	act          predicate.Act
	event        string // the kind of event that is recorded, where policies tell acts apart by it
	handle       func(*call) error
	public       func(*Server, echo.Context) error
}

const (
	aCase    = "/api/v1/cases/:case"
	exhibits = aCase + "/exhibits"
	exhibit  = exhibits + "/:ref"
)

// routes is every address that there is; schemas/openapi.yaml describes the same.
func (s *Server) routes() []route {
	return []route{
		{"POST", "/api/v1/cases", "open-case", "", openCase, nil},
		{"GET", "/api/v1/cases", "list-cases", "", listCases, nil},
		{"GET", aCase, "read-case", "", readCase, nil},
		{"POST", aCase + "/links", "change-case", "case.linked", linkCase, nil},
		{"POST", aCase + "/outcomes", "change-case", "case.outcome", addOutcome, nil},
		{"POST", aCase + "/closure", "change-case", "case.closed", closeCase, nil},
		{"POST", aCase + "/reopening", "change-case", "case.reopened", reopenCase, nil},
		{"POST", aCase + "/defendants", "add-person", "defendant.added", addDefendant, nil},
		{"POST", aCase + "/persons", "add-person", "person.added", addPerson, nil},
		{"POST", aCase + "/representations", "change-case", "representation.started", startRepresentation, nil},
		{"POST", aCase + "/representations/:id/end", "change-case", "representation.ended", endRepresentation, nil},
		{"POST", aCase + "/hearings", "change-case", "hearing.listed", listHearing, nil},
		{"POST", aCase + "/grants", "grant", "access.granted", grantAccess, nil},
		{"POST", aCase + "/grants/:id/revocation", "grant", "access.revoked", revokeAccess, nil},
		{"POST", aCase + "/destructions", "destroy-key", "key.destruction-proposed", proposeDestruction, nil},
		{"POST", aCase + "/destructions/:id/confirmation", "destroy-key", "key.destroyed", confirmDestruction, nil},
		{"GET", aCase + "/custody", "read-custody", "", custody, nil},

		{"POST", exhibits, "upload", "evidence.uploaded", upload, nil},
		{"GET", exhibits, "read-case", "", listExhibits, nil},
		{"POST", exhibit + "/views", "view", "evidence.viewed", view, nil},
		{"POST", exhibit + "/downloads", "download", "evidence.downloaded", download, nil},
		{"GET", exhibit + "/content", "read-content", "", content, nil},
		{"HEAD", exhibit + "/content", "read-content", "", content, nil},
		{"POST", exhibit + "/redactions", "propose-redaction", "redaction.proposed", redact, nil},
		{"POST", exhibit + "/approvals", "approve-redaction", "redaction.approved", approve, nil},
		{"POST", exhibit + "/shares", "share", "evidence.shared", share, nil},
		{"POST", exhibit + "/services", "serve", "evidence.served", serveEvidence, nil},
		{"POST", exhibit + "/disclosures", "disclose", "unused.disclosed", disclose, nil},
		{"POST", exhibit + "/undertakings", "accept-undertaking", "undertaking.accepted", acceptUndertaking, nil},
		{"GET", "/api/v1/undertaking", "list-cases", "", readUndertaking, nil},
		{"GET", "/api/v1/receipts/:index", "read-receipt", "", readReceipt, nil},

		{"GET", "/log/checkpoint", "", "", nil, checkpoint},
		{"GET", "/healthz", "", "", nil, healthy},
		{"GET", "/readyz", "", "", nil, ready},
		{"GET", "/metrics", "", "", nil, readMetrics},
		{"GET", "/openapi.json", "", "", nil, openAPI},
	}
}
