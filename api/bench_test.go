package api_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/ledgertest"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// memory is a ResponseWriter that keeps the status alone.
type memory struct {
	header http.Header
	status int
	size   int
}

func (m *memory) Header() http.Header { return m.header }
func (m *memory) WriteHeader(s int)   { m.status = s }
func (m *memory) Write(p []byte) (int, error) {
	m.size += len(p)
	return len(p), nil
}

var viewBody = []byte(`{"reason":"` + strings.Repeat("To review the footage before the interview. ", 33) + `"}`)

// prepared is a service over a ledger with a number of cases, and the addresses to post views to.
func prepared(b *testing.B, cases int) (http.Handler, []string, string, *ledger.Ledger) {
	w := &world{t: b, node: newNode(b), tokens: map[string]string{}}
	w.issuer = w.node.Issuer
	s := newServer(b, w.node)
	paths := make([]string, cases)
	for i := range paths {
		urn := fmt.Sprintf("01AB%05d26", i)
		for _, r := range []*http.Request{
			request(w.token(ann), "/api/v1/cases", []byte(`{"urn":"`+urn+`"}`)),
			request(w.token(ann), "/api/v1/cases/"+urn+"/exhibits?ref=JS/1", []byte("content")),
		} {
			m := &memory{header: http.Header{}}
			if s.ServeHTTP(m, r); m.status != http.StatusCreated {
				b.Fatalf("%s: %d", r.URL, m.status)
			}
		}
		paths[i] = "/api/v1/cases/" + urn + "/exhibits/JS%2F1/views"
	}
	return s, paths, w.token(ann), w.node.Ledger
}

func request(token, path string, body []byte) *http.Request {
	r, err := http.NewRequest("POST", path, bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	return r
}

// BenchmarkViews posts views of 1.5 KB to the handler, without a network; each is durable and has a verified proof.
func BenchmarkViews(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			s, paths, token, _ := prepared(b, 100)
			var turn atomic.Int64
			b.SetParallelism(max(callers/2, 1))
			b.ReportAllocs()
			b.ResetTimer()
			post := func() {
				m := &memory{header: http.Header{}}
				s.ServeHTTP(m, request(token, paths[int(turn.Add(1))%len(paths)], viewBody))
				if m.status != http.StatusCreated {
					b.Errorf("status %d", m.status)
				}
			}
			if callers == 1 {
				for b.Loop() {
					post()
				}
				return
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					post()
				}
			})
		})
	}
}

// BenchmarkViewsBeyondRecord measures the same acts without the handler, to see what the handler adds.
func BenchmarkViewsBeyondRecord(b *testing.B) {
	_, _, _, l := prepared(b, 0)
	by := ledgertest.Officer("ann")
	ids := make([]predicate.UUID, 100)
	items := make([]predicate.Item, len(ids))
	for i := range ids {
		ids[i] = ledgertest.OpenCase(b, l, by, fmt.Sprintf("02AB%05d26", i))
		rec, err := l.Upload(context.Background(), ids[i], ids[i], strings.NewReader("content"), func(s ledger.StoredBlob) (ledger.Act, error) {
			return ledger.Act{User: by, Case: ids[i], Policy: "test", Body: &predicate.EvidenceUploadedV1{
				Content: ledger.ContentOf(s, "text/plain"), Exhibit: ids[i], Handling: "standard", Ref: "JS/1", Schedule: "used",
			}}, nil
		})
		if err != nil {
			b.Fatal(err)
		}
		u := rec.Event.Predicate.Body.(*predicate.EvidenceUploadedV1)
		items[i] = predicate.Item{Exhibit: u.Exhibit, Ref: u.Ref, SHA256: u.Content.SHA256}
	}
	reason := string(viewBody[11 : len(viewBody)-2])
	var turn atomic.Int64
	b.SetParallelism(32)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := int(turn.Add(1)) % len(ids)
			_, err := l.Record(context.Background(), ledger.Act{
				User: by, Case: ids[i], Policy: "test", Body: &predicate.EvidenceViewedV1{Item: items[i]},
				Fields: []ledger.Field{{Name: "reason", Value: reason}},
			})
			if err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkRefusedView measures the handler alone: everything before the ledger is asked.
func BenchmarkRefusedView(b *testing.B) {
	s, paths, token, _ := prepared(b, 1)
	path := strings.Replace(paths[0], "JS%2F1", "JS%2F9", 1)
	r := request(token, path, nil)
	body := bytes.NewReader(viewBody)
	b.ReportAllocs()
	for b.Loop() {
		body.Reset(viewBody)
		r.Body = io.NopCloser(body)
		m := &memory{header: http.Header{}}
		if s.ServeHTTP(m, r); m.status != http.StatusNotFound {
			b.Fatalf("status %d", m.status)
		}
	}
}
