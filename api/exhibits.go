package api

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gabriel-vasile/mimetype"

	"github.com/caseledger/caseledger/api/reading"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// upload streams content into a new exhibit. Names and titles come in headers, since no personal data stands in an address.
func upload(c *call) error {
	caseID, err := c.findCase(nil)
	if err != nil {
		return err
	}
	n, err := c.newItem("ref", "producer", "handling", "schedule", "concerns", "categories", "clockOffset")
	if err != nil {
		return err
	}
	body := &predicate.EvidenceUploadedV1{
		Exhibit: c.newID("exhibit", caseID), Ref: n.ref, Producer: predicate.UUID(n.query.Get("producer")),
		Handling: predicate.Handling(n.query.Get("handling")), Schedule: predicate.Schedule(n.query.Get("schedule")),
		Concerns: split[predicate.UUID](n.query.Get("concerns")), Categories: split[predicate.DataCategory](n.query.Get("categories")),
	}
	if body.Handling == "" {
		body.Handling = predicate.HandlingStandard
	}
	if body.Schedule == "" {
		body.Schedule = predicate.ScheduleUsed
	}
	if raw := n.query.Get("clockOffset"); raw != "" {
		offset, err := strconv.ParseInt(raw, 10, 64)
		if err != nil {
			return fail(codeRequest, "clockOffset is a whole number of seconds")
		}
		body.DeviceClockOffset = &offset
	}
	rec, err := c.store(caseID, body.Exhibit, n, func(content predicate.Content) intended {
		body.Content = content
		return intended{body: body}
	})
	if err != nil {
		return err
	}
	return c.answerItem(rec, caseID, n)
}

// newItem is what a request says about an exhibit that is to be created, apart from its content.
type newItem struct {
	ref    identifier.ExhibitRef
	odd    []identifier.Warning
	query  url.Values
	fields []ledger.Field
	proof  *actorProof
	names  []string
}

// newItem reads query and headers; parameters of the query that are not known are refused.
func (c *call) newItem(known ...string) (newItem, error) {
	n := newItem{}
	var err error
	if n.query, err = url.ParseQuery(c.Request().URL.RawQuery); err != nil {
		return n, fail(codeRequest, "the query cannot be read")
	}
	for name, values := range n.query {
		if len(values) != 1 || !contains(known, name) && name != "include" {
			return n, fail(codeRequest, "the query has a parameter that this address does not know, or one twice; they are in /openapi.json")
		}
	}
	if n.ref, n.odd, err = identifier.ParseExhibitRef(n.query.Get("ref")); err != nil {
		return n, fail(codeReference, "an exhibit reference has 1 to 40 letters, digits, single spaces and / . _ -, such as JS/1, and begins with a letter or digit")
	}
	for _, h := range []struct {
		header, field string
		most          int
	}{
		{"Caseledger-Filename", "fileName", 3 * 4 * 255}, {"Caseledger-Title", "title", 3 * 4 * 400},
		{"Caseledger-Description", "description", 3 * 4 * 4000},
	} {
		value, err := c.header(h.header, h.most)
		if err != nil {
			return n, err
		}
		n.fields = append(n.fields, ledger.Field{Name: h.field, Value: value})
	}
	n.proof, err = c.headerProof()
	return n, err
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// split reads a list with commas; no text is no list.
func split[S ~string](list string) []S {
	if list == "" {
		return nil
	}
	var out []S
	for s := range strings.SplitSeq(list, ",") {
		out = append(out, S(s))
	}
	return out
}

// store streams the request's body into the vault and records the act that build makes of it.
func (c *call) store(caseID, exhibit predicate.UUID, n newItem, build func(predicate.Content) intended) (ledger.Recorded, error) {
	select {
	case c.s.uploads <- struct{}{}:
		defer func() { <-c.s.uploads }()
	default:
		return ledger.Recorded{}, &problem{code: codeBusy, detail: "try again shortly", retryAfter: retrySoon}
	}
	if c.Request().ContentLength > c.s.cfg.MaxContent {
		return ledger.Recorded{}, fail(codeTooLarge, "the content is larger than this server takes")
	}
	body := &arriving{
		r: http.MaxBytesReader(c.Response(), c.Request().Body, c.s.cfg.MaxContent), control: http.NewResponseController(c.Response()), patience: c.s.cfg.Patience,
	}
	return c.s.cfg.Ledger.Upload(c.ctx(), caseID, exhibit, body, func(b ledger.StoredBlob) (ledger.Act, error) {
		content := ledger.ContentOf(b, sniff(b.Head))
		in := build(content)
		in.caseID, in.proof, in.fields = caseID, n.proof, append(in.fields, n.fields...)
		in.exhibits = []string{string(n.ref), string(exhibit)}
		in.asked = append(askedIn(c, in.asked), content.SHA256...)
		return c.act(in)
	})
}

// askedIn identifies an upload: its query and the headers that go into the event; the content's digest is added.
func askedIn(c *call, more []byte) []byte {
	h := c.Request().Header
	for _, s := range []string{
		c.Request().URL.RawQuery, h.Get("Caseledger-Filename"), h.Get("Caseledger-Title"), h.Get("Caseledger-Description"),
		h.Get("Caseledger-Instructions"), h.Get("Caseledger-Actor-Proof"),
	} {
		more = append(append(more, s...), 0)
	}
	return more
}

// sniff finds the media type from the first bytes; what a client claims does not count.
func sniff(head []byte) predicate.MediaType {
	name, _, _ := strings.Cut(mimetype.Detect(head).String(), ";")
	return predicate.MediaType(strings.TrimSpace(name))
}

var errCutOff = errors.New("the upload was cut off")

// arriving is content on its way in. A client that sends nothing for too long is cut off; one that sends may take its time.
type arriving struct {
	r        io.Reader
	control  *http.ResponseController
	patience time.Duration
	renewed  time.Time
}

func (a *arriving) Read(p []byte) (int, error) {
	if now := time.Now(); now.Sub(a.renewed) > a.patience/8 {
		a.renewed = now
		a.control.SetReadDeadline(now.Add(a.patience))      //nolint:errcheck // not every connection has deadlines
		a.control.SetWriteDeadline(now.Add(2 * a.patience)) //nolint:errcheck // as above; it covers the answer
	}
	n, err := a.r.Read(p)
	var tooLarge *http.MaxBytesError
	if err != nil && err != io.EOF && !errors.As(err, &tooLarge) {
		err = errors.Join(errCutOff, err)
	}
	return n, err
}

// answerItem answers with the exhibit that was created.
func (c *call) answerItem(rec ledger.Recorded, caseID predicate.UUID, n newItem) error {
	var id predicate.UUID
	var content predicate.Content
	others := []member{text("case", caseID)}
	switch b := rec.Event.Predicate.Body.(type) {
	case *predicate.EvidenceUploadedV1:
		id, content = b.Exhibit, b.Content
	case *predicate.RedactionProposedV1:
		id, content = b.Exhibit, b.Content
		others = append(others, text("proposal", rec.Event.Predicate.EventID))
	}
	others = append(others, text("exhibit", id), text("ref", n.ref), text("sha256", content.SHA256), text("mediaType", content.MediaType),
		member{name: "size", raw: strconv.AppendInt(nil, content.Size, 10)})
	c.Response().Header().Set("Location", exhibitPath(caseID, id))
	return c.answer(rec, append(others, warnings(n.odd)...)...)
}

func exhibitPath(caseID, exhibit predicate.UUID) string {
	return "/api/v1/cases/" + string(caseID) + "/exhibits/" + string(exhibit)
}

// listExhibits lists the exhibits of a case that the actor may know of, in the order in which they were created.
func listExhibits(c *call) error {
	id, err := c.findCase(nil)
	if err != nil {
		return err
	}
	out := struct {
		Case     predicate.UUID        `json:"case"`
		Exhibits []projections.Exhibit `json:"exhibits"`
	}{Case: id, Exhibits: []projections.Exhibit{}}
	if c.defence() {
		report, err := c.report(id)
		if err != nil {
			return err
		}
		for _, x := range report.Exhibits {
			if x.Known {
				out.Exhibits = append(out.Exhibits, x.Exhibit)
			}
		}
		return c.canonical(http.StatusOK, &out)
	}
	if err := c.caughtUp(); err != nil {
		return err
	}
	all, err := c.s.cfg.Cases.Exhibits(c.ctx(), id)
	if err != nil {
		return err
	}
	for _, x := range all {
		secret := x.Schedule == predicate.ScheduleMG6D || x.Schedule == predicate.SchedulePII
		if !secret || reading.Sensitive(c.user.Role) {
			out.Exhibits = append(out.Exhibits, x)
		}
	}
	return c.canonical(http.StatusOK, &out)
}
