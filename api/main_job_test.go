package api_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/projections"
)

// The main job: open, upload, view, redact, approve, serve after an undertaking, close, report.
func TestMainJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const urn = "01AB1234526"
	id := w.openCase(ann, urn)
	c := "/api/v1/cases/" + urn
	def := w.made(ann, c+"/defendants", map[string]any{"name": "Sam Sample", "dateOfBirth": "1990-01-02", "identifiers": []string{"PNC 1"}}).text("id")
	first := w.upload(ann, strings.ToLower(urn), "JS/1", "the original", "&handling=undertaking")
	if first.text("mediaType") != "text/plain" || first.text("case") != id {
		t.Errorf("upload: %s", first)
	}
	v := w.made(ann, c+"/exhibits/JS%2F1/views", map[string]any{"reason": "to review"})
	got := w.get(ann, v.text("content"))
	if got.status != 200 || string(got.body) != "the original" || got.header.Get("ETag") != `"`+first.text("sha256")+`"` ||
		got.header.Get("Content-Disposition") != `inline; filename="JS-1.txt"` {
		t.Errorf("content: %s %v", got, got.header)
	}
	derived := w.made(ann, c+"/exhibits/JS%2F1/redactions?ref=JS/1A&tool=caseledger&toolVersion=1", "the *******", "Caseledger-Instructions", "hide%20the%20name")
	w.refused(w.post(ann, c+"/exhibits/JS%2F1A/approvals", nil), 403, "same_person")
	w.made(ann, c+"/grants", map[string]any{"organisation": "cps-london-north", "permissions": []string{"view", "download"}})
	w.made(ann, c+"/representations", map[string]any{"defendant": def, "organisation": "firm-a"})
	service := map[string]any{"defendant": def, "organisation": "firm-a"}
	w.refused(w.post(pat, c+"/exhibits/JS%2F1A/services", service), 409, "not_approved")
	w.made(pat, c+"/exhibits/JS%2F1A/approvals", nil)
	w.made(pat, c+"/exhibits/JS%2F1A/services", service)
	w.refused(w.post(dee, c+"/exhibits/JS%2F1A/views", nil), 403, "undertaking_required")
	text := w.get(dee, "/api/v1/undertaking").text("sha256")
	w.refused(w.post(dee, c+"/exhibits/JS%2F1A/undertakings", map[string]any{"text": strings.Repeat("0", 64)}), 422, "undertaking_wrong")
	w.made(dee, c+"/exhibits/JS%2F1A/undertakings", map[string]any{"text": text})
	seen := w.made(dee, c+"/exhibits/"+derived.text("exhibit")+"/views", nil)
	if got := w.get(dee, seen.text("content")); string(got.body) != "the *******" {
		t.Errorf("the defence sees %s", got)
	}
	w.made(ann, c+"/closure", map[string]any{"reason": "concluded"})
	w.refused(w.post(ann, c+"/exhibits?ref=JS/2", "late"), 409, "case_closed")

	var report projections.Report
	custody := w.get(ann, c+"/custody")
	if err := json.Unmarshal(custody.body, &report); err != nil || len(report.Exhibits) != 2 || len(report.Withheld) > 0 {
		t.Fatalf("custody: %v %s", err, custody)
	}
	if report.Events != w.events()-1 { // one refused attempt stands in the firm's record
		t.Errorf("the report has %d events of %d", report.Events, w.events())
	}
}
