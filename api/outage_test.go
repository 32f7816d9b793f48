package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
)

// downTree is a tree whose server can be made unreachable.
type downTree struct {
	ledger.Tree
	down *atomic.Bool
}

func (d downTree) Integrate(ctx context.Context, first int64, bodies [][]byte) (ledger.Integrated, error) {
	if d.down.Load() {
		return ledger.Integrated{}, fmt.Errorf("%w: test", ledger.ErrUnavailable)
	}
	return d.Tree.Integrate(ctx, first, bodies)
}

// While the log is down nothing is recorded as done and no content is shown; when it is back, what was asked in between is
// found again by its key.
func TestLogUnreachable(t *testing.T) {
	t.Parallel()
	var down atomic.Bool
	n := newNode(t, func(c *ledger.Config) { c.Tree = downTree{c.Tree, &down} })
	w := worldOn(t, n)
	const c = "/api/v1/cases/01AB1234526"
	w.openCase(ann, "01AB1234526")
	w.upload(ann, "01AB1234526", "JS/1", "x")
	at := w.made(ann, c+"/exhibits/JS%2F1/views", nil).text("content")
	down.Store(true)
	short := &http.Client{Timeout: 700 * time.Millisecond}
	req, _ := http.NewRequest("POST", w.url+c+"/exhibits/JS%2F1/views", strings.NewReader(`{"reason":"r"}`))
	req.Header.Set("Authorization", "Bearer "+w.token(ann))
	req.Header.Set("Idempotency-Key", "during")
	if res, err := short.Do(req); err == nil {
		if res.StatusCode == http.StatusCreated {
			t.Error("a receipt without a log")
		}
		res.Body.Close()
	}
	var seen answer
	for range 100 { // until the ledger knows
		if seen = w.get(ann, at); seen.status == 503 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	w.refused(seen, 503, "log_unavailable")
	w.refused(w.get(ann, at, "Range", "bytes=0-0"), 503, "log_unavailable")
	after := w.post(ann, c+"/exhibits/JS%2F1/views", nil)
	w.refused(after, 503, "log_unavailable")
	if after.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	down.Store(false)
	var back answer
	for range 200 {
		if back = w.post(ann, c+"/exhibits/JS%2F1/views", `{"reason":"r"}`, "Idempotency-Key", "during"); back.status == 201 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if back.status != 201 || back.header.Get("Idempotent-Replay") != "true" {
		t.Errorf("after the outage: %s %v", back, back.header)
	}
	if a := w.get(ann, back.text("content")); string(a.body) != "x" {
		t.Errorf("content after the outage: %s", a)
	}
	ledgertest.CheckLedger(t, n)
}

// A receipt that the reader may not have is answered as one that is not there, and the attempt is recorded all the same.
func TestReceipts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	w.openCase(ann, "01AB1234526")
	def := w.made(ann, c+"/defendants", map[string]any{"name": "D"}).text("id")
	w.made(ann, c+"/representations", map[string]any{"defendant": def, "organisation": "firm-a"})
	w.made(ann, c+"/grants", map[string]any{"organisation": "cps-london-north", "permissions": []string{"view"}})
	secret := w.upload(ann, "01AB1234526", "JS/1", "x", "&schedule=mg6d").text("logIndex")
	plain := w.upload(ann, "01AB1234526", "JS/2", "y").text("logIndex")
	w.made(pat, c+"/exhibits/JS%2F2/services", map[string]any{"organisation": "firm-a", "defendant": def})
	own := w.made(dee, c+"/exhibits/JS%2F2/views", nil).text("logIndex")
	w.made(ann, c+"/hearings", map[string]any{"at": "2027-01-02T10:00:00.000000Z", "court": "court-demo", "type": "first"})

	absent := w.get(dee, "/api/v1/receipts/9999")
	w.refused(absent, 404, "receipt_unknown")
	at := func(n string) string { return "/api/v1/receipts/" + n }
	for _, tt := range []struct {
		who, index string
		status     int
	}{
		{ann, "0", 200}, {ann, secret, 200}, {ann, own, 200}, {pat, plain, 200}, {clare, plain, 200}, {clare, secret, 404},
		{dee, "0", 200}, {dee, secret, 404}, {dee, plain, 200}, {dee, own, 200}, {dee, "3", 404}, {eve, own, 404}, {eve, "0", 404},
		{"carl officer force-45", "0", 404}, {ann, "-1", 404}, {ann, "00", 404}, {ann, "x", 404}, {ann, "9223372036854775808", 404},
	} {
		a := w.get(tt.who, at(tt.index))
		if a.status != tt.status || (a.status == 404 && string(a.body) != string(absent.body)) {
			t.Errorf("%s reads %s: %s", tt.who, tt.index, a)
		}
		if a.status == 200 {
			w.verify(a)
		}
	}
	w.refused(w.get(ann, at("0")+"?grade=witnessed"), 409, "grade_not_available")
	bundle := w.get(ann, at("0")+"?include=bundle")
	if b, ok := bundle.json["bundle"].(map[string]any); !ok || b["mediaType"] != "application/vnd.dev.sigstore.bundle.v0.3+json" {
		t.Errorf("bundle: %s", bundle)
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openCase(ann, "01AB1234526")
	if a := w.get("", "/healthz"); a.status != 200 {
		t.Errorf("%s", a)
	}
	if a := w.get("", "/openapi.json"); a.status != 200 || a.text("openapi") != "3.1.0" {
		t.Errorf("%s", a)
	}
	var checkpoint answer
	for range 200 {
		if checkpoint = w.get("", "/log/checkpoint"); checkpoint.status == 200 {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if !strings.HasPrefix(string(checkpoint.body), ledgertest.Origin+"\n") {
		t.Errorf("%s", checkpoint)
	}
	if a := w.get("", "/readyz"); a.status != 200 || a.text("status") != "ready" {
		t.Errorf("%s", a)
	}
	if a := w.get("", "/metrics"); a.status != 200 || !strings.Contains(string(a.body), `caseledger_http_requests_total{class="2xx",method="POST",route="/api/v1/cases"} 1`) {
		t.Errorf("%s", a)
	}
	w.refused(w.get("", "/metrics", "X-Forwarded-For", "192.0.2.1"), 404, "route_unknown")
}

// Nothing that people type, no name and no token stands in statements, logs, metrics or problems.
func TestNothingPersonalLeaks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	const mark = "Zqmarker"
	who := mark + "name officer force-01"
	w.made(who, "/api/v1/cases", map[string]any{"urn": "01AB1234526", "note": mark + " note"})
	w.made(who, c+"/persons", map[string]any{"roles": []string{"witness"}, "name": mark, "dateOfBirth": "1999-09-09", "identifiers": []string{mark}, "contact": []string{mark}})
	w.made(who, c+"/exhibits?ref=JS/1", "content", "Caseledger-Filename", mark+".txt", "Caseledger-Title", mark, "Caseledger-Description", mark)
	w.made(who, c+"/exhibits/JS%2F1/views", map[string]any{"reason": mark}, "Idempotency-Key", mark)
	w.made(who, c+"/exhibits/JS%2F1/redactions?ref=JS/1A&tool=x&toolVersion=1", "c", "Caseledger-Instructions", mark)
	problems := []answer{
		w.post(who, "/api/v1/cases", `{"urn":"`+mark+` "}`), w.post(who, "/api/v1/cases", `{"`+mark+`":1}`), w.post(who, "/api/v1/cases", mark),
		w.post(who, c+"/closure", `{"reason":"`+mark+`"}`), w.post(who, c+"/exhibits/"+mark+"/views", nil), w.get(who, "/api/v1/cases/"+mark),
		w.get(who, "/"+mark), w.post(who, c+"/exhibits?ref="+mark+"%20%20", "x"), w.post(who, c+"/exhibits/JS%2F1/services", `{"x":"`+mark+`"}`),
		w.get("", "/api/v1/cases", "Authorization", "Bearer "+mark), w.get(who, "/api/v1/receipts/"+mark),
		w.get(who, c+"/exhibits/JS%2F1/content?view="+mark),
	}
	for i, a := range problems {
		if a.status < 400 || strings.Contains(string(a.body), mark) {
			t.Errorf("problem %d: %s", i, a)
		}
	}
	if log := w.log.String(); strings.Contains(log, mark) || strings.Contains(log, w.token(who)) || !strings.Contains(log, "request") {
		t.Error("the log holds a marker or a token, or nothing")
	}
	if strings.Contains(string(w.get("", "/metrics").body), mark) {
		t.Error("the metrics hold a marker")
	}
	_, err := w.node.Ledger.Follow(context.Background(), 0, 1000, func(e *ledger.Committed) error {
		text, err := json.Marshal(e.Openings)
		if strings.Contains(string(e.Envelope.Payload), mark) || strings.Contains(string(text), mark) {
			t.Errorf("event %d holds a marker", e.Index)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if custody := w.get(who, c+"/custody"); strings.Count(string(custody.body), mark) < 8 {
		t.Errorf("the report does not show what was typed: %s", custody)
	}
}
