package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caseledger/caseledger/api"
	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/statement"
	"github.com/caseledger/caseledger/verifier"
)

// world is a whole ledger behind the service, and people who use it.
type world struct {
	t      testing.TB
	node   *node.Node
	issuer *devissuer.Issuer
	url    string
	log    *lockedBuffer
	tokens map[string]string
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func newServer(t testing.TB, n *node.Node, change ...func(*api.Config)) *api.Server {
	t.Helper()
	tokens, err := api.NewTokens(context.Background(), api.TokenConfig{Development: n.Issuer})
	if err != nil {
		t.Fatal(err)
	}
	cfg := api.Config{
		Ledger: n.Ledger, Cases: n.Read, Tokens: tokens,
		ActorSignature: func(e predicate.Event, key, origin string, exhibits []string) error {
			return verifier.Actor(e, key, origin, exhibits)
		},
	}
	for _, f := range change {
		f(&cfg)
	}
	s, err := api.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(t testing.TB, change ...func(*api.Config)) *world {
	t.Helper()
	return worldOn(t, newNode(t), change...)
}

func worldOn(t testing.TB, n *node.Node, change ...func(*api.Config)) *world {
	t.Helper()
	w := &world{t: t, node: n, issuer: n.Issuer, log: &lockedBuffer{}, tokens: map[string]string{}}
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s := newServer(t, n, append([]func(*api.Config){func(c *api.Config) { c.Logger = logger }}, change...)...)
	front := httptest.NewUnstartedServer(s)
	front.Config = s.HTTPServer()
	front.Start()
	t.Cleanup(front.Close)
	w.url = front.URL
	return w
}

// person is "name role org", such as "ann officer force-01".
func (w *world) token(person string) string {
	if person == "" {
		return ""
	}
	if token, ok := w.tokens[person]; ok {
		return token
	}
	p := strings.Fields(person)
	token, err := w.issuer.Mint(ledger.User{
		Subject: p[0] + "@" + p[2], Name: p[0], Role: identifier.Role(p[1]), Organisation: identifier.Org(p[2]),
	}, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	w.tokens[person] = token
	return token
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
	json   map[string]any
}

func (a answer) code() string { s, _ := a.json["code"].(string); return s }

func (a answer) text(name string) string { s, _ := a.json[name].(string); return s }

func (a answer) String() string { return fmt.Sprintf("%d %.300s", a.status, a.body) }

// do sends a request; headers are pairs.
func (w *world) do(person, method, path string, body any, headers ...string) answer {
	w.t.Helper()
	var in io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		in = strings.NewReader(b)
	case []byte:
		in = bytes.NewReader(b)
	case io.Reader:
		in = b
	default:
		text, err := json.Marshal(b)
		if err != nil {
			w.t.Fatal(err)
		}
		in = bytes.NewReader(text)
	}
	if !strings.HasPrefix(path, "http") {
		path = w.url + path
	}
	req, err := http.NewRequest(method, path, in)
	if err != nil {
		w.t.Fatal(err)
	}
	if token := w.token(person); token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return answer{header: http.Header{}, body: []byte(err.Error())}
	}
	defer res.Body.Close()
	out := answer{status: res.StatusCode, header: res.Header}
	if out.body, err = io.ReadAll(res.Body); err != nil {
		out.body = append(out.body, err.Error()...)
	}
	json.Unmarshal(out.body, &out.json) // content is no JSON
	checkContract(w.t, req, out)
	return out
}

func (w *world) post(person, path string, body any, headers ...string) answer {
	w.t.Helper()
	return w.do(person, "POST", path, body, headers...)
}

func (w *world) get(person, path string, headers ...string) answer {
	w.t.Helper()
	return w.do(person, "GET", path, nil, headers...)
}

// made posts and demands a receipt that a court would accept.
func (w *world) made(person, path string, body any, headers ...string) answer {
	w.t.Helper()
	a := w.post(person, path, body, headers...)
	if a.status != http.StatusCreated {
		w.t.Fatalf("POST %s by %s: %s", path, person, a)
	}
	w.verify(a)
	return a
}

func (w *world) verify(a answer) predicate.Event {
	w.t.Helper()
	var in struct {
		Checkpoint     string
		Envelope       statement.Envelope
		Grade          string
		InclusionProof receipt.InclusionProof
		LogIndex       receipt.Int64
	}
	if err := json.Unmarshal(a.body, &in); err != nil {
		w.t.Fatalf("receipt: %v: %s", err, a)
	}
	_, err := w.node.Trust.Receipt(receipt.Receipt{
		Checkpoint: in.Checkpoint, Envelope: in.Envelope, Grade: in.Grade, InclusionProof: in.InclusionProof, LogIndex: in.LogIndex,
	})
	if err != nil {
		w.t.Fatalf("receipt does not verify: %v", err)
	}
	e, err := predicate.Decode(in.Envelope.Payload)
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

// refused demands a problem.
func (w *world) refused(a answer, status int, code string) {
	w.t.Helper()
	if a.status != status || a.code() != code || a.header.Get("Content-Type") != "application/problem+json" {
		w.t.Errorf("got %s, want %d %s", a, status, code)
	}
}

const (
	ann   = "ann officer force-01"
	bob   = "bob officer force-01"
	pat   = "pat prosecutor cps-london-north"
	dee   = "dee defence firm-a"
	dan   = "dan defence firm-a"
	eve   = "eve defence firm-b"
	clare = "clare clerk court-demo"
	judy  = "judy judge court-demo"
	ian   = "ian inspector hmcpsi"
	iggy  = "iggy ig force-01"
	ida   = "ida ig force-01"
)

func (w *world) openCase(person, urn string) string {
	w.t.Helper()
	return w.made(person, "/api/v1/cases", map[string]any{"urn": urn}).text("case")
}

func (w *world) upload(person, caseName, ref, content string, more ...string) answer {
	w.t.Helper()
	return w.made(person, "/api/v1/cases/"+caseName+"/exhibits?ref="+url.QueryEscape(ref)+strings.Join(more, ""), content)
}

// events is how many events the ledger has.
func (w *world) events() int64 {
	head, _ := w.node.Ledger.Integrated()
	return head.Size
}

func limitContent(n int64) func(*api.Config) { return func(c *api.Config) { c.MaxContent = n } }
