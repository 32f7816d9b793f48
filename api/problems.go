package api

import (
	"net/http"
	"strconv"

	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/canonical"
)

// problemBase begins the type of every problem document.
const problemBase = "https://caseledger.dev/problems/"

// problem is an answer other than success (RFC 9457). Its detail is a sentence of this program: it never repeats what the
// client sent.
type problem struct {
	code   string
	detail string
	// choices of an ambiguous reference.
	choices any
	// retryAfter in seconds, 0 for none.
	retryAfter int
}

func (p *problem) Error() string { return p.code + ": " + p.detail }

func fail(code, detail string) *problem { return &problem{code: code, detail: detail} }

// kind is one line of the closed list of problems.
type kind struct {
	status int
	title  string
}

// Codes of problems that are not refusals of a case.
const (
	codeTokenMissing      = "token_missing"
	codeTokenInvalid      = "token_invalid"
	codeRole              = "role_not_permitted"
	codeRequest           = "request_invalid"
	codeTooLarge          = "body_too_large"
	codeMediaType         = "media_type_unsupported"
	codeURN               = "urn_invalid"
	codeReference         = "reference_invalid"
	codeEvent             = "event_invalid"
	codeCutOff            = "upload_cut_off"
	codeKeyInvalid        = "idempotency_key_invalid"
	codeKeyReused         = "idempotency_key_reused"
	codeActorSignature    = "actor_signature_invalid"
	codeCaseAmbiguous     = "case_ambiguous"
	codeViewRequired      = "view_required"
	codeReceiptUnknown    = "receipt_unknown"
	codeGrade             = "grade_not_available"
	codeLogUnavailable    = "log_unavailable"
	codeWritingStopped    = "writing_stopped"
	codeBusy              = "busy"
	codeInternal          = "internal"
	codeRouteUnknown      = "route_unknown"
	codeMethodNotAllowed  = "method_not_allowed"
	codeContentUnreadable = "content_unreadable"
)

// problemKinds is the closed list; docs/problems.md explains each.
var problemKinds = map[string]kind{
	codeTokenMissing:      {http.StatusUnauthorized, "A sign-in token is needed"},
	codeTokenInvalid:      {http.StatusUnauthorized, "The sign-in token is not accepted"},
	codeRole:              {http.StatusForbidden, "Your role may not do this"},
	codeRequest:           {http.StatusBadRequest, "The request cannot be read"},
	codeTooLarge:          {http.StatusRequestEntityTooLarge, "The request is too large"},
	codeMediaType:         {http.StatusUnsupportedMediaType, "The body must be JSON"},
	codeURN:               {http.StatusUnprocessableEntity, "The URN is not valid"},
	codeReference:         {http.StatusUnprocessableEntity, "The exhibit reference is not valid"},
	codeEvent:             {http.StatusUnprocessableEntity, "A value is not valid"},
	codeCutOff:            {http.StatusBadRequest, "The upload was cut off"},
	codeKeyInvalid:        {http.StatusBadRequest, "The Idempotency-Key is not valid"},
	codeKeyReused:         {http.StatusUnprocessableEntity, "The Idempotency-Key was used for another request"},
	codeActorSignature:    {http.StatusUnprocessableEntity, "Your signature does not fit the act"},
	codeCaseAmbiguous:     {http.StatusConflict, "More than one case has this URN"},
	codeViewRequired:      {http.StatusConflict, "A recorded view is needed first"},
	codeReceiptUnknown:    {http.StatusNotFound, "There is no such receipt"},
	codeGrade:             {http.StatusConflict, "This grade of receipt is not available"},
	codeLogUnavailable:    {http.StatusServiceUnavailable, "The log cannot be reached"},
	codeWritingStopped:    {http.StatusServiceUnavailable, "The ledger has stopped writing"},
	codeBusy:              {http.StatusServiceUnavailable, "Too many uploads at once"},
	codeInternal:          {http.StatusInternalServerError, "Something went wrong here"},
	codeRouteUnknown:      {http.StatusNotFound, "There is nothing at this address"},
	codeMethodNotAllowed:  {http.StatusMethodNotAllowed, "This address does not take this method"},
	codeContentUnreadable: {http.StatusInternalServerError, "The content cannot be read"},

	string(casefile.CaseUnknown):           {http.StatusNotFound, "There is no such case"},
	string(casefile.CaseExists):            {http.StatusConflict, "The case exists already"},
	string(casefile.CaseClosed):            {http.StatusConflict, "The case is closed"},
	string(casefile.CaseNotClosed):         {http.StatusConflict, "The case is not closed"},
	string(casefile.ExhibitUnknown):        {http.StatusNotFound, "There is no such exhibit"},
	string(casefile.ExhibitAmbiguous):      {http.StatusConflict, "More than one exhibit has this reference"},
	string(casefile.ExhibitErased):         {http.StatusGone, "The content was erased"},
	string(casefile.ReferenceTaken):        {http.StatusConflict, "The reference is taken"},
	string(casefile.PersonUnknown):         {http.StatusUnprocessableEntity, "There is no such person in the case"},
	string(casefile.DefendantUnknown):      {http.StatusUnprocessableEntity, "There is no such defendant in the case"},
	string(casefile.RepresentationUnknown): {http.StatusNotFound, "There is no such representation"},
	string(casefile.GrantUnknown):          {http.StatusNotFound, "There is no such grant"},
	string(casefile.ProposalUnknown):       {http.StatusNotFound, "There is no such proposal"},
	string(casefile.NotPermitted):          {http.StatusForbidden, "You have no right to this"},
	string(casefile.SamePerson):            {http.StatusForbidden, "Another person is needed"},
	string(casefile.NotApproved):           {http.StatusConflict, "The redaction is not approved"},
	string(casefile.AlreadyDone):           {http.StatusConflict, "This was done already"},
	string(casefile.UndertakingRequired):   {http.StatusForbidden, "An undertaking is needed first"},
	string(casefile.UndertakingWrong):      {http.StatusUnprocessableEntity, "The undertaking is another one"},
	string(casefile.FirmNotInstructed):     {http.StatusConflict, "The firm does not act for this defendant"},
	string(casefile.NeverToDefence):        {http.StatusForbidden, "This can never go to the defence"},
	string(casefile.WrongSchedule):         {http.StatusConflict, "The item is on another schedule"},
	string(casefile.ItemChanged):           {http.StatusConflict, "The item is another one"},
	string(casefile.BadCombination):        {http.StatusUnprocessableEntity, "These values do not fit together"},
}

// document is the body of a problem.
func (p *problem) document() (status int, body []byte) {
	k, ok := problemKinds[p.code]
	if !ok {
		p, k = fail(codeInternal, ""), problemKinds[codeInternal]
	}
	body = append(body, '{')
	if p.choices != nil {
		if more, err := canonical.Append(append(body, `"choices":`...), p.choices); err == nil {
			body = append(more, ',')
		}
	}
	body = appendString(append(body, `"code":`...), p.code)
	if p.detail != "" {
		body = appendString(append(body, `,"detail":`...), p.detail)
	}
	body = strconv.AppendInt(append(body, `,"status":`...), int64(k.status), 10)
	body = appendString(append(body, `,"title":`...), k.title)
	body = appendString(append(body, `,"type":`...), problemBase+p.code)
	return k.status, append(body, '}')
}

// writeProblem answers with a problem document.
func writeProblem(w http.ResponseWriter, p *problem) int {
	status, body := p.document()
	h := w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	if status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", challenge(p.code))
	}
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(p.retryAfter))
	}
	w.WriteHeader(status)
	w.Write(body) //nolint:errcheck // the client has gone
	return status
}

func challenge(code string) string {
	if code == codeTokenMissing {
		return `Bearer realm="caseledger"` // RFC 6750, 3.1: no error where no token was sent
	}
	return `Bearer realm="caseledger", error="invalid_token"`
}
