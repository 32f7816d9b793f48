package api_test

import (
	"bytes"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
)

// Content is shown only under a fitting view, whatever the form of the request.
func TestContentNeedsAFittingView(t *testing.T) {
	t.Parallel()
	var ahead atomic.Int64 // seconds
	n := newNode(t, func(c *ledger.Config) {
		c.Clock = func() time.Time { return time.Now().Add(time.Duration(ahead.Load()) * time.Second) }
	})
	w := worldOn(t, n)
	const c = "/api/v1/cases/01AB1234526/exhibits/"
	w.openCase(ann, "01AB1234526")
	data := make([]byte, 300_000)
	rand.NewChaCha8([32]byte{1}).Read(data)
	w.made(ann, "/api/v1/cases/01AB1234526/exhibits?ref=JS/1", data)
	w.upload(ann, "01AB1234526", "JS/2", "another")
	view := w.made(ann, c+"JS%2F1/views", nil)
	at, id := view.text("content"), view.text("view")

	forms := [][]string{nil, {"Range", "bytes=0-9"}, {"If-None-Match", `"x"`}, {"If-Range", `"x"`, "Range", "bytes=0-0"}}
	for _, path := range []string{
		c + "JS%2F1/content", c + "JS%2F1/content?view=", c + "JS%2F1/content?view=00000000-0000-4000-8000-000000000000",
		c + "JS%2F1/content?view=%00", c + "JS%2F2/content?view=" + id,
	} {
		for _, form := range forms {
			w.refused(w.get(ann, path, form...), 409, "view_required")
			if a := w.do(ann, http.MethodHead, path, nil, form...); a.status != 409 {
				t.Errorf("HEAD %s: %s", path, a)
			}
		}
	}
	w.refused(w.get(bob, at), 409, "view_required") // a colleague's view
	w.refused(w.get("ann exhibits-officer force-01", at), 409, "view_required")

	whole := w.get(ann, at)
	if !bytes.Equal(whole.body, data) {
		t.Fatalf("%d bytes of %d, status %d", len(whole.body), len(data), whole.status)
	}
	for _, h := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Cross-Origin-Resource-Policy"} {
		if whole.header.Get(h) == "" {
			t.Errorf("no %s", h)
		}
	}
	if whole.header.Get("Cache-Control") != "no-store" || !strings.Contains(whole.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("headers: %v", whole.header)
	}
	part := w.get(ann, at, "Range", "bytes=70000-140000")
	if part.status != 206 || !bytes.Equal(part.body, data[70000:140001]) {
		t.Errorf("range: %d, %d bytes", part.status, len(part.body))
	}
	if last := w.get(ann, at, "Range", "bytes=-1"); last.status != 206 || last.body[0] != data[len(data)-1] {
		t.Errorf("last byte: %d", last.status)
	}
	etag := whole.header.Get("ETag")
	if a := w.get(ann, at, "If-None-Match", etag); a.status != 304 || len(a.body) != 0 {
		t.Errorf("conditional: %s", a)
	}
	if a := w.get(ann, at, "If-Range", etag, "Range", "bytes=1-1"); a.status != 206 || a.body[0] != data[1] {
		t.Errorf("If-Range: %d", a.status)
	}
	if a := w.get(ann, at, "If-Range", `"x"`, "Range", "bytes=1-1"); a.status != 200 {
		t.Errorf("If-Range of other content: %d", a.status)
	}
	if a := w.get(ann, at, "Range", "bytes=300000-"); a.status != 416 {
		t.Errorf("range beyond the end: %d", a.status)
	}
	if a := w.do(ann, http.MethodHead, at, nil); a.status != 200 || a.header.Get("Content-Length") != "300000" || len(a.body) != 0 {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
	got := w.made(ann, c+"JS%2F2/downloads", nil)
	if a := w.get(ann, got.text("content")); a.header.Get("Content-Disposition") != `attachment; filename="JS-2.txt"` {
		t.Errorf("download: %v", a.header)
	}
	ahead.Store(16 * 60)
	w.refused(w.get(ann, at), 409, "view_required")
	w.refused(w.get(ann, at, "Range", "bytes=0-0"), 409, "view_required")
}

// A right that ends takes effect at once, also under a view that was recorded before.
func TestContentAfterRevocation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	w.openCase(ann, "01AB1234526")
	w.upload(ann, "01AB1234526", "JS/1", "x")
	grant := w.made(ann, c+"/grants", map[string]any{"organisation": "cps-london-north", "permissions": []string{"view"}}).text("id")
	at := w.made(pat, c+"/exhibits/JS%2F1/views", nil).text("content")
	w.refused(w.post(pat, c+"/exhibits/JS%2F1/downloads", nil), 403, "not_permitted")
	if a := w.get(pat, at); a.status != 200 {
		t.Fatalf("%s", a)
	}
	w.made(ann, c+"/grants/"+grant+"/revocation", map[string]any{"reason": "withdrawn"})
	w.refused(w.get(pat, at), 403, "not_permitted")

	def := w.made(ann, c+"/defendants", map[string]any{"name": "D"}).text("id")
	rep := w.made(ann, c+"/representations", map[string]any{"defendant": def, "organisation": "firm-a"}).text("id")
	w.made(ann, c+"/grants", map[string]any{"organisation": "cps-london-north", "permissions": []string{"view"}})
	w.made(pat, c+"/exhibits/JS%2F1/services", map[string]any{"organisation": "firm-a", "defendant": def})
	at = w.made(dee, c+"/exhibits/JS%2F1/views", nil).text("content")
	w.refused(w.get(dan, at), 409, "view_required")
	if a := w.get(dee, at); a.status != 200 {
		t.Fatalf("%s", a)
	}
	w.made(ann, c+"/representations/"+rep+"/end", map[string]any{"reason": "withdrawn"})
	w.refused(w.get(dee, at), 404, "case_unknown")
}

// Erasure needs two people and takes content and openings away; the record remains.
func TestErasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	w.openCase(ann, "01AB1234526")
	w.made(ann, c+"/exhibits?ref=JS/1", "to be erased", "Caseledger-Title", "a%20title")
	at := w.made(ann, c+"/exhibits/JS%2F1/views", nil).text("content")
	what := map[string]any{"scope": "exhibit", "exhibit": "JS/1", "authority": "court-order"}
	w.refused(w.post(ann, c+"/destructions", what), 403, "role_not_permitted")
	proposal := w.made(iggy, c+"/destructions", what).text("event")
	confirm := c + "/destructions/" + proposal + "/confirmation"
	w.refused(w.post(iggy, confirm, what), 403, "same_person")
	w.refused(w.post(ida, confirm, map[string]any{"scope": "case", "authority": "court-order"}), 422, "bad_combination")
	if !strings.Contains(string(w.get(ann, c+"/custody").body), "a title") {
		t.Error("the title is not in the report beforehand")
	}
	w.made(ida, confirm, what)
	w.refused(w.get(ann, at), 410, "exhibit_erased")
	w.refused(w.post(ann, c+"/exhibits/JS%2F1/views", nil), 410, "exhibit_erased")
	custody := w.get(ann, c+"/custody")
	if custody.status != 200 || strings.Contains(string(custody.body), "a title") || !strings.Contains(string(custody.body), `"erased":{`) {
		t.Errorf("custody: %s", custody)
	}
	ledgertest.CheckLedger(t, w.node)
}

// The same reference by two producers is ambiguous until one is named by id.
func TestAmbiguousReference(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	w.openCase(ann, "01AB1234526")
	first := w.upload(ann, "01AB1234526", "JS/1", "one").text("exhibit")
	person := w.made(ann, c+"/persons", map[string]any{"roles": []string{"witness"}, "name": "Jo"}).text("id")
	w.upload(ann, "01AB1234526", "JS/1", "two", "&producer="+person)
	a := w.post(ann, c+"/exhibits/JS%2F1/views", nil)
	w.refused(a, 409, "exhibit_ambiguous")
	if choices, _ := a.json["choices"].([]any); len(choices) != 2 {
		t.Errorf("%s", a)
	}
	at := w.made(ann, c+"/exhibits/"+first+"/views", nil).text("content")
	if got := w.get(ann, at); string(got.body) != "one" {
		t.Errorf("%s", got)
	}
}
