package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
)

// retrySoon is when a client may try again after the log could not be reached, in seconds.
const retrySoon = 2

// problemOf says what an error is to the client. Only here do errors become answers; what is not on the list is internal,
// and its text goes to the program's own log alone.
func problemOf(err error) *problem {
	var p *problem
	var refused *casefile.Refusal
	var tooLarge *http.MaxBytesError
	var fromEcho *echo.HTTPError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refused):
		return ofRefusal(refused)
	case errors.As(err, &tooLarge):
		return fail(codeTooLarge, "send less at once; the limits are in the documentation")
	case errors.Is(err, errCutOff), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(codeCutOff, "the content ended before it was complete: nothing was stored and nothing recorded; send it again")
	case errors.Is(err, ledger.ErrKeyReused):
		return fail(codeKeyReused, "use a new key for a new request; a repeated request must be the same byte for byte")
	case errors.Is(err, ledger.ErrInvalid):
		return fail(codeEvent, strings.TrimPrefix(whatIsInvalid.FindString(err.Error())+invalidValue, "; "))
	case errors.Is(err, ledger.ErrViewRequired):
		return fail(codeViewRequired, "content is shown only under a recorded view of this item by you, not older than some minutes: record a view, then use its address")
	case errors.Is(err, ledger.ErrKeyDestroyed):
		return &problem{code: string(casefile.ExhibitErased), detail: "the content of this exhibit was lawfully erased; its record remains"}
	case errors.Is(err, ledger.ErrNotFound):
		return unknownReceipt()
	case errors.Is(err, ledger.ErrStopped), errors.Is(err, ledger.ErrDiverged):
		return fail(codeWritingStopped, "nothing can be recorded or shown until the operator has looked at the alarm")
	case errors.Is(err, ledger.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return &problem{code: codeLogUnavailable, retryAfter: retrySoon,
			detail: "the act may have been recorded or not: repeat the request with the same Idempotency-Key to learn which"}
	case errors.As(err, &fromEcho):
		return ofEcho(fromEcho)
	}
	return fail(codeInternal, "the reason is in the program's log")
}

const invalidValue = "; a value is not in its list, not in its form, or too long: the lists and forms are in /openapi.json"

// whatIsInvalid finds the part of an error that names the place and the rule, made of this program's own words alone.
var whatIsInvalid = regexp.MustCompile(`the value at "[A-Za-z0-9_/]*" breaks the rule "[A-Za-z]+"|field [A-Za-z]+ has [0-9]+ characters, [0-9]+ are allowed|the actor's intent [a-z0-9 :,-]+`)

func ofRefusal(r *casefile.Refusal) *problem {
	p := fail(string(r.Code), r.Detail)
	if len(r.Choices) > 0 {
		p.choices = r.Choices
	}
	return p
}

func ofEcho(e *echo.HTTPError) *problem {
	switch e.Code {
	case http.StatusNotFound:
		return fail(codeRouteUnknown, "the addresses are in /openapi.json")
	case http.StatusMethodNotAllowed:
		return fail(codeMethodNotAllowed, "the methods are in /openapi.json")
	}
	return fail(codeInternal, "the reason is in the program's log")
}

func unknownReceipt() *problem {
	return fail(codeReceiptUnknown, "there is no event with this number, or it is not one that you may read")
}

// unknownCase is the same for a case that is not there and, to those who must not learn of it, for one that is.
func unknownCase() *casefile.Refusal {
	return &casefile.Refusal{Code: casefile.CaseUnknown, Detail: "there is no such case in this ledger"}
}

// unknownExhibit is the same for an exhibit that is not there and for one that the reader must not learn of.
func unknownExhibit() *casefile.Refusal {
	return &casefile.Refusal{Code: casefile.ExhibitUnknown, Detail: "no exhibit has this reference in this case"}
}

// hidden carries the answer that is given and remembers that something was refused, for the record of denials.
type hidden struct{ *casefile.Refusal }

func (h hidden) Unwrap() error { return h.Refusal }

// denied reports whether an error is a refused attempt that belongs into the organisation's record.
func denied(err error) bool {
	var h hidden
	if errors.As(err, &h) {
		return true
	}
	var refused *casefile.Refusal
	return errors.As(err, &refused) && (refused.Code == casefile.NotPermitted || refused.Code == casefile.UndertakingRequired)
}
