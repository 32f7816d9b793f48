// Package api serves the ledger over HTTP (Echo). The addresses are in schemas/openapi.yaml, problems in docs/problems.md.
//
// Every request but the public ones goes through the same steps: whose token is it (401), may this role do this at all
// (package policy; 403 and a recorded denial), may it happen to this case (casefile, inside ledger.Record), and only then the
// act, whose receipt is the answer. Content in any form is served only under a recorded view or download. Metadata reads
// need none in this version.
package api

import (
	"context"
	_ "embed"
	"encoding/hex"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"crypto/sha256"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/caseledger/caseledger/api/policy"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Cases are the read models that lists are made from. They lag behind the ledger; Position says by how much.
type Cases interface {
	Position(ctx context.Context) (int64, error)
	ListCases(ctx context.Context, org identifier.Org, after string, limit int) ([]projections.Case, error)
	Case(ctx context.Context, id predicate.UUID) (projections.Case, error)
	Exhibits(ctx context.Context, caseID predicate.UUID) ([]projections.Exhibit, error)
	Revisions(ctx context.Context, caseID string) ([]int64, error)
}

// Config is what the service stands on. Ledger, Cases and Tokens are required.
type Config struct {
	Ledger *ledger.Ledger
	Cases  Cases
	Tokens *Tokens
	// ActorSignature checks an actor's own signature as a court would (verifier.Actor); nil: signed acts are refused.
	ActorSignature func(e predicate.Event, actorKey, origin string, exhibits []string) error
	// Undertaking is the text that persons of the defence accept; default: the embedded one. Its SHA-256 goes into
	// evidence.served.
	Undertaking string
	Logger      *slog.Logger         // default: none
	Metrics     *prometheus.Registry // default: a new one
	// Ready says whether everything behind the service answers, beside what the service asks itself; nil: nothing more.
	Ready func(context.Context) error

	MaxBody    int64         // of a JSON body, default 256 KiB
	MaxContent int64         // of an upload, default 1 TiB
	MaxUploads int           // at once, default 32
	Patience   time.Duration // with a client that sends or takes nothing, default 60 s
}

func (c Config) withDefaults() (Config, error) {
	if c.Ledger == nil || c.Cases == nil || c.Tokens == nil {
		return c, errors.New("api: ledger, read models and tokens are required")
	}
	if c.Undertaking == "" {
		c.Undertaking = defaultUndertaking
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Metrics == nil {
		c.Metrics = prometheus.NewRegistry()
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 256 << 10
	}
	if c.MaxContent <= 0 {
		c.MaxContent = 1 << 40
	}
	if c.MaxUploads <= 0 {
		c.MaxUploads = 32
	}
	if c.Patience <= 0 {
		c.Patience = time.Minute
	}
	return c, nil
}

//go:embed undertaking.txt
var defaultUndertaking string

// Server is the service. It is an http.Handler.
type Server struct {
	cfg         Config
	echo        *echo.Echo
	policies    *policy.Set
	undertaking predicate.Hex32
	metrics     *metrics
	uploads     chan struct{}
	urns        urnCache
}

// New makes the service.
func New(cfg Config) (*Server, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	policies, err := policy.Load()
	if err != nil {
		return nil, err
	}
	text := sha256.Sum256([]byte(cfg.Undertaking))
	s := &Server{
		cfg: cfg, policies: policies, undertaking: predicate.Hex32(hex.EncodeToString(text[:])), echo: echo.New(),
		uploads: make(chan struct{}, cfg.MaxUploads), urns: urnCache{ids: map[string]predicate.UUID{}},
	}
	if s.metrics, err = newMetrics(cfg.Metrics); err != nil {
		return nil, err
	}
	s.echo.HTTPErrorHandler = func(err error, c echo.Context) { writeProblem(c.Response(), problemOf(err)) }
	for _, r := range s.routes() {
		s.echo.Add(r.method, r.path, s.serve(r))
	}
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// HTTPServer is the service with the time and size limits that it needs; the caller listens.
func (s *Server) HTTPServer() *http.Server {
	return &http.Server{
		Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: s.cfg.Patience, WriteTimeout: 2 * s.cfg.Patience,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 48 << 10, ErrorLog: slog.NewLogLogger(s.cfg.Logger.Handler(), slog.LevelDebug),
	}
}

// urnCache keeps which case a URN names. A URN never comes to name another case.
type urnCache struct {
	mu  sync.RWMutex
	ids map[string]predicate.UUID
}

const maxURNs = 100000

func (u *urnCache) get(key string) (predicate.UUID, bool) {
	u.mu.RLock()
	defer u.mu.RUnlock()
	id, ok := u.ids[key]
	return id, ok
}

func (u *urnCache) put(key string, id predicate.UUID) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.ids) >= maxURNs {
		clear(u.ids)
	}
	u.ids[key] = id
}
