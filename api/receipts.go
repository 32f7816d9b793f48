package api

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/identifier"
)

var errNoReceipt = hidden{unknownCase()}

// readReceipt answers the receipt of one event. An event that is not there and one that the actor may not read are alike.
func readReceipt(c *call) error {
	switch c.QueryParam("grade") {
	case "", "integrated":
	case "witnessed":
		return fail(codeGrade, "this ledger has no witnesses: receipts are integrated")
	default:
		return fail(codeRequest, "grade is integrated or witnessed")
	}
	index, err := strconv.ParseInt(c.param("index"), 10, 64)
	if err != nil || strconv.FormatInt(index, 10) != c.param("index") {
		return noReceipt()
	}
	rec, err := c.s.cfg.Ledger.Recorded(c.ctx(), index)
	if errors.Is(err, ledger.ErrNotFound) {
		return noReceipt()
	}
	if err != nil {
		return err
	}
	ok, err := c.mayRead(rec)
	if err != nil {
		return err
	}
	if !ok {
		return noReceipt()
	}
	if c.QueryParam("include") == "bundle" {
		b, err := c.s.cfg.Ledger.BundleOf(c.ctx(), rec)
		if err != nil {
			return err
		}
		rec.Receipt.Bundle = &b
	}
	return c.json(http.StatusOK, appendReceipt(nil, &rec.Receipt))
}

// noReceipt is answered as a problem and recorded as a refused attempt, both alike for what is absent and what is not permitted.
func noReceipt() error { return errors.Join(unknownReceipt(), errNoReceipt) }

// mayRead: may the actor read the event? One without a case belongs to an organisation's record of refused attempts.
func (c *call) mayRead(rec ledger.Recorded) (bool, error) {
	p := &rec.Event.Predicate
	if p.Case == "" {
		return c.user.Role == identifier.RoleIG && p.Actor.Organisation == c.user.Organisation, nil
	}
	if !c.takesPart(p.Case) {
		return false, nil
	}
	access, err := c.reader(p.Case, nil)
	if err != nil {
		return false, err
	}
	if access.Readable(rec.Event) || !access.Knows(p.Chain) || !c.defence() {
		return access.Readable(rec.Event), nil
	}
	events, err := c.events(p.Case)
	if err != nil {
		return false, err
	}
	if access, err = c.reader(p.Case, events); err != nil {
		return false, err
	}
	return access.Readable(rec.Event), nil
}
