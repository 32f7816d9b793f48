package api_test

import (
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger/ledgertest"
)

// What is refused leaves nothing behind but, for known users, the record of the attempt.
func TestRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const c = "/api/v1/cases/01AB1234526"
	w.openCase(ann, "01AB1234526")
	w.upload(ann, "01AB1234526", "JS/1", "x")
	before := w.events()
	long := strings.Repeat("A", 37)
	for _, tt := range []struct {
		who, path string
		body      any
		headers   []string
		status    int
		code      string
	}{
		{ann, "/api/v1/cases", `{"urn":""}`, nil, 422, "urn_invalid"},
		{ann, "/api/v1/cases", `{}`, nil, 422, "urn_invalid"},
		{ann, "/api/v1/cases", `{"urn":"` + long + `"}`, nil, 422, "urn_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB/1234526"}`, nil, 422, "urn_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB 1234526"}`, nil, 422, "urn_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01ab1234526"}`, nil, 409, "case_exists"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","stage":"soon"}`, nil, 422, "event_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","area":"Narnia"}`, nil, 422, "event_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","surprise":1}`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","urn":"01AB1234528"}`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","URN":"01AB1234528"}`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","\u0075rn":"01AB1234528"}`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527"} {}`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527"`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `["01AB1234527"]`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `{"urn":1}`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `null`, nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", "{\"urn\":\"01AB1234527\",\"note\":\"\xff\"}", nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", strings.Repeat("[", 100), nil, 400, "request_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527"}`, []string{"Content-Type", "text/plain"}, 415, "media_type_unsupported"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","note":"` + strings.Repeat("x", 300<<10) + `"}`, nil, 413, "body_too_large"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527","note":"` + strings.Repeat("x", 4001) + `"}`, nil, 422, "event_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527"}`, []string{"Idempotency-Key", strings.Repeat("k", 201)}, 400, "idempotency_key_invalid"},
		{ann, "/api/v1/cases", `{"urn":"01AB1234527"}`, []string{"Idempotency-Key", "a b"}, 400, "idempotency_key_invalid"},
		{ann, "/api/v1/cases/99ZZ0000000/exhibits?ref=A1", "x", nil, 404, "case_unknown"},
		{ann, "/api/v1/cases/00000000-0000-4000-8000-000000000000/closure", `{"reason":"concluded"}`, nil, 404, "case_unknown"},
		{ann, "/api/v1/cases/%20/closure", `{"reason":"concluded"}`, nil, 404, "case_unknown"},
		{ann, "/api/v1/cases/%00%ff/closure", `{"reason":"concluded"}`, nil, 404, "case_unknown"},
		{ann, c + "/exhibits?ref=JS/1", "x", nil, 409, "reference_taken"},
		{ann, c + "/exhibits?ref=js1", "x", nil, 409, "reference_taken"},
		{ann, c + "/exhibits", "x", nil, 422, "reference_invalid"},
		{ann, c + "/exhibits?ref=JS%2F..%2F1", "x", nil, 422, "reference_invalid"},
		{ann, c + "/exhibits?ref=JS%2F2&ref=JS%2F3", "x", nil, 400, "request_invalid"},
		{ann, c + "/exhibits?ref=JS%2F2&title=Name", "x", nil, 400, "request_invalid"},
		{ann, c + "/exhibits?ref=JS%2F2&clockOffset=soon", "x", nil, 400, "request_invalid"},
		{ann, c + "/exhibits?ref=JS%2F2&handling=gloves", "x", nil, 422, "event_invalid"},
		{ann, c + "/exhibits?ref=JS%2F2&producer=00000000-0000-4000-8000-000000000009", "x", nil, 422, "person_unknown"},
		{ann, c + "/exhibits?ref=JS%2F2", "x", []string{"Caseledger-Title", "%zz"}, 400, "request_invalid"},
		{ann, c + "/exhibits?ref=JS%2F2", "x", []string{"Caseledger-Title", "%ff"}, 400, "request_invalid"},
		{ann, c + "/exhibits/JS%2F9/views", nil, nil, 404, "exhibit_unknown"},
		{ann, c + "/exhibits/JS%252F1/views", nil, nil, 404, "exhibit_unknown"},
		{ann, c + "/exhibits/JS%2F1/views", `{"reason":"` + strings.Repeat("é", 4001) + `"}`, nil, 422, "event_invalid"},
		{ann, c + "/exhibits/JS%2F1/views", `{"reason":null,"x":{}}`, nil, 400, "request_invalid"},
		{ann, c + "/exhibits/JS%2F1/redactions?ref=JS/1A", "y", nil, 400, "request_invalid"},
		{ann, c + "/exhibits/JS%2F1/approvals", nil, nil, 404, "proposal_unknown"},
		{ann, c + "/reopening", `{"reason":"appeal"}`, nil, 409, "case_not_closed"},
		{ann, c + "/representations", `{"defendant":"00000000-0000-4000-8000-000000000009","organisation":"firm-a"}`, nil, 422, "defendant_unknown"},
		{ann, c + "/grants/00000000-0000-4000-8000-000000000009/revocation", `{"reason":"other"}`, nil, 404, "grant_unknown"},
	} {
		a := w.post(tt.who, tt.path, tt.body, tt.headers...)
		w.refused(a, tt.status, tt.code)
		if a.code() == "" || strings.Contains(string(a.body), long) {
			t.Errorf("%s: %s", tt.path, a)
		}
	}
	if a := w.post(ann, c+"/exhibits?ref=JS%2F2&handling=gloves", "x"); !strings.HasPrefix(a.text("detail"), `the value at "/body/handling" breaks the rule "enum"; `) {
		t.Errorf("which value is wrong: %s", a)
	}
	w.refused(w.get(ann, "/nowhere"), 404, "route_unknown")
	w.refused(w.do(ann, "DELETE", c, nil), 405, "method_not_allowed")
	if n := w.events(); n != before {
		t.Errorf("%d events were recorded by what was refused", n-before)
	}
	if got := w.get(ann, c+"/exhibits"); len(got.json["exhibits"].([]any)) != 1 {
		t.Errorf("exhibits: %s", got)
	}
}

func TestRolesWithoutRightAreRecorded(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openCase(ann, "01AB1234526")
	w.upload(ann, "01AB1234526", "JS/1", "x")
	const c = "/api/v1/cases/01AB1234526"
	for n, tt := range []struct{ who, path, code string }{
		{clare, c + "/exhibits?ref=A1", "role_not_permitted"}, {ian, c + "/closure", "role_not_permitted"},
		{dee, c + "/exhibits?ref=A1", "role_not_permitted"}, {ann, c + "/exhibits/JS%2F1/services", "role_not_permitted"},
		{"oz operator force-01", c + "/exhibits/JS%2F1/views", "role_not_permitted"},
		{"carl officer force-45", c + "/exhibits/JS%2F1/views", "not_permitted"}, {judy, c + "/exhibits/JS%2F1/views", "not_permitted"},
	} {
		before := w.events()
		a := w.post(tt.who, tt.path, nil)
		w.refused(a, 403, tt.code)
		if w.events() != before+1 {
			t.Errorf("attempt %d is not recorded", n)
		}
		w.refused(w.post(tt.who, tt.path, nil), 403, tt.code)
		if w.events() != before+1 {
			t.Errorf("the repeat of attempt %d is recorded on its own", n)
		}
	}
}

// The defence cannot tell a case that is not there from one in which their firm takes no part, nor exhibits.
func TestTheDefenceLearnsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openCase(ann, "01AB1234526")
	other := w.openCase(ann, "01AB1234527")
	const c = "/api/v1/cases/01AB1234526"
	def := w.made(ann, c+"/defendants", map[string]any{}).text("id")
	w.made(ann, c+"/representations", map[string]any{"defendant": def, "organisation": "firm-a"})
	w.upload(ann, "01AB1234526", "JS/1", "plain")
	w.upload(ann, "01AB1234526", "JS/2", "secret", "&schedule=pii")
	same := func(what string, a, b answer) {
		t.Helper()
		if a.status != 404 || a.String() != b.String() {
			t.Errorf("%s: %s and %s", what, a, b)
		}
	}
	for _, end := range []string{"", "/custody", "/exhibits"} {
		same(end, w.get(dee, "/api/v1/cases/01AB1234527"+end), w.get(dee, "/api/v1/cases/01AB1234599"+end))
		same(end, w.get(dee, "/api/v1/cases/"+other+end), w.get(dee, "/api/v1/cases/00000000-0000-4000-8000-000000000000"+end))
	}
	same("view in another case", w.post(dee, "/api/v1/cases/01AB1234527/exhibits/JS%2F1/views", nil), w.post(dee, "/api/v1/cases/01AB1234599/exhibits/JS%2F1/views", nil))
	for _, end := range []string{"views", "downloads", "undertakings"} {
		for _, ref := range []string{"JS%2F1", "JS%2F2"} {
			body := `{}`
			if end == "undertakings" {
				body = `{"text":"` + strings.Repeat("0", 64) + `"}`
			}
			same(end+" of "+ref, w.post(dee, c+"/exhibits/"+ref+"/"+end, body), w.post(dee, c+"/exhibits/JS%2F9/"+end, body))
		}
	}
	same("content", w.get(dee, c+"/exhibits/JS%2F1/content"), w.get(dee, c+"/exhibits/JS%2F9/content"))
	if got := w.get(dee, c+"/exhibits"); len(got.json["exhibits"].([]any)) != 0 {
		t.Errorf("the firm lists %s", got)
	}
	if got := w.get(dee, "/api/v1/cases"); len(got.json["cases"].([]any)) != 1 {
		t.Errorf("the firm lists %s", got)
	}
	// Court staff know the case, but not that sensitive items exist.
	w.made(ann, c+"/hearings", map[string]any{"at": "2027-01-02T10:00:00.000000Z", "court": "court-demo", "type": "first"})
	same("sensitive", w.post(clare, c+"/exhibits/JS%2F2/views", nil), w.post(clare, c+"/exhibits/JS%2F9/views", nil))
	w.made(clare, c+"/exhibits/JS%2F1/views", nil)
	w.made(judy, c+"/exhibits/JS%2F2/views", nil)
	if got := w.get(clare, c+"/exhibits"); len(got.json["exhibits"].([]any)) != 1 {
		t.Errorf("court staff list %s", got)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	good := w.token(ann)
	other := newWorldIssuer(t)
	foreign, _ := other.Mint(ledgertest.Officer("ann"), time.Hour)
	short, _ := w.issuer.Mint(ledgertest.Officer("ann"), time.Millisecond)
	time.Sleep(1100 * time.Millisecond) // whole seconds count
	header := func(s string) string { return base64.RawURLEncoding.EncodeToString([]byte(s)) }
	payload := strings.Split(good, ".")[1]
	none := header(`{"alg":"none"}`) + "." + payload + "."
	hmac := symmetric(t, payload)
	misfit := w.token("ann officer firm-a")
	odd := w.token("ann captain force-01")
	flipped := good[:len(good)-6] + strings.Map(func(r rune) rune {
		if r == 'A' {
			return 'B'
		}
		return 'A'
	}, good[len(good)-6:])
	for name, tt := range map[string]struct{ send, code, says string }{
		"none sent":   {"", "token_missing", "Bearer"},
		"basic":       {"Basic abc", "token_missing", "Bearer"},
		"nothing":     {"Bearer x", "token_invalid", "unreadable"},
		"too long":    {"Bearer " + strings.Repeat("x", 9000), "token_invalid", "unreadable"},
		"alg none":    {"Bearer " + none, "token_invalid", "unreadable"},
		"HMAC":        {"Bearer " + hmac, "token_invalid", "unreadable"},
		"expired":     {"Bearer " + short, "token_invalid", "expired"},
		"foreign key": {"Bearer " + foreign, "token_invalid", "foreign"},
		"flipped":     {"Bearer " + flipped, "token_invalid", "foreign"},
		"other issuer": {"Bearer " + strings.Split(good, ".")[0] + "." + header(`{"iss":"https://id.example"}`) + "." +
			strings.Split(good, ".")[2], "token_invalid", "foreign"},
		"misfit":   {"Bearer " + misfit, "token_invalid", "unreadable"},
		"odd role": {"Bearer " + odd, "token_invalid", "unreadable"},
	} {
		a := w.do("", "GET", "/api/v1/cases", nil, "Authorization", tt.send)
		w.refused(a, 401, tt.code)
		if !strings.Contains(a.text("detail"), tt.says) || !strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%s: %s %v", name, a, a.header)
		}
	}
	for range 2 { // the second time from memory
		if a := w.get(ann, "/api/v1/cases"); a.status != 200 {
			t.Errorf("a good token: %s", a)
		}
	}
	if a := w.do("", "GET", "/api/v1/cases", nil, "Authorization", "bearer "+good); a.status != 200 {
		t.Errorf("bearer in small letters: %s", a)
	}
	if w.events() != 0 {
		t.Errorf("%d events: refusals of unknown people are not events", w.events())
	}
	if log := w.log.String(); strings.Contains(log, good) || strings.Contains(log, "ann") {
		t.Errorf("the log holds a token or a name")
	}
}

func newWorldIssuer(t *testing.T) *devissuer.Issuer {
	t.Helper()
	dir := t.TempDir()
	if err := devissuer.Create(dir + "/issuer"); err != nil {
		t.Fatal(err)
	}
	i, err := devissuer.Open(dir + "/issuer")
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// symmetric signs the same claims with a shared secret.
func symmetric(t *testing.T, payload string) string {
	t.Helper()
	claims, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.HS256, Key: []byte(strings.Repeat("k", 32))}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(claims)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// An upload that is cut off half-way leaves no exhibit.
func TestUploadCutOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.openCase(ann, "01AB1234526")
	before := w.events()
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /api/v1/cases/01AB1234526/exhibits?ref=JS/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Length: 1000000\r\n\r\n%s",
		w.token(ann), strings.Repeat("x", 5000))
	conn.(*net.TCPConn).CloseWrite()
	res, _ := io.ReadAll(conn)
	conn.Close()
	if !strings.Contains(string(res), "upload_cut_off") {
		t.Errorf("answer: %s", res)
	}
	if w.events() != before {
		t.Error("an event was recorded")
	}
	a := w.upload(ann, "01AB1234526", "JS/1", "now whole")
	if a.text("exhibit") == "" {
		t.Errorf("%s", a)
	}
	ledgertest.CheckLedger(t, w.node)
}

func TestOversizeUpload(t *testing.T) {
	t.Parallel()
	w := newWorld(t, limitContent(1000))
	w.openCase(ann, "01AB1234526")
	const to = "/api/v1/cases/01AB1234526/exhibits?ref=JS/1"
	big := strings.Repeat("x", 1001)
	w.refused(w.post(ann, to, big), http.StatusRequestEntityTooLarge, "body_too_large")
	w.refused(w.post(ann, to, io.MultiReader(strings.NewReader(big))), http.StatusRequestEntityTooLarge, "body_too_large")
	w.made(ann, to, big[1:])
}
