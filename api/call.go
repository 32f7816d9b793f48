package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"github.com/caseledger/caseledger/api/policy"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// call is one request by a known user whose role may do what it asks for.
type call struct {
	echo.Context
	s      *Server
	user   ledger.User
	policy predicate.PolicyID
	key    string // Idempotency-Key, "" for none
}

func (c *call) ctx() context.Context { return c.Request().Context() }

// serve wraps a route's handler with everything that all have in common.
func (s *Server) serve(r route) echo.HandlerFunc {
	observe := s.metrics.route(r.method, r.path)
	return func(c echo.Context) error {
		start := time.Now()
		defer s.recovered(c, r)
		s.attempt(c, r)
		took := time.Since(start)
		observe(c.Response().Status, took)
		if log := s.cfg.Logger; log.Enabled(c.Request().Context(), slog.LevelInfo) {
			log.LogAttrs(c.Request().Context(), slog.LevelInfo, "request", slog.String("method", r.method), slog.String("route", r.path),
				slog.Int("status", c.Response().Status), slog.Duration("took", took), slog.Int64("bytes", c.Response().Size))
		}
		return nil
	}
}

// recovered turns a panic into an answer. What was panicked with may hold anything, so it is not logged; where it was is.
func (s *Server) recovered(c echo.Context, r route) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(http.ErrAbortHandler) // cuts the connection, as intended
	}
	s.cfg.Logger.Error("a handler panicked", "method", r.method, "route", r.path, "stack", string(debug.Stack()))
	if c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	writeProblem(c.Response(), fail(codeInternal, "the reason is in the program's log"))
}

// attempt does what a request asks for, or answers with a problem.
func (s *Server) attempt(c echo.Context, r route) {
	err := s.try(c, r)
	if err == nil {
		return
	}
	p := problemOf(err)
	if p.code == codeInternal || p.code == codeWritingStopped || p.code == codeContentUnreadable {
		s.cfg.Logger.Error("a request failed", "method", r.method, "route", r.path, "error", err)
	}
	if c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	writeProblem(c.Response(), p)
}

func (s *Server) try(c echo.Context, r route) error {
	if r.public != nil {
		return r.public(s, c)
	}
	user, err := s.authenticate(c.Request())
	if err != nil {
		return err
	}
	id, ok := s.policies.Decide(policy.Request{Role: user.Role, Org: user.Organisation.Kind(), Act: r.act, Event: r.event})
	if !ok {
		if err := s.deny(c, r, user, policy.Denied); err != nil {
			return fail(codeRole, "no policy permits this to your role; the attempt will be recorded")
		}
		return fail(codeRole, "no policy permits this to your role; the attempt was recorded")
	}
	call := &call{Context: c, s: s, user: user, policy: id}
	if call.key, err = idempotencyKey(c.Request()); err != nil {
		return err
	}
	err = r.handle(call)
	if err != nil && denied(err) {
		s.deny(c, r, user, policy.DeniedByCase) //nolint:errcheck // it is logged, and recorded later
	}
	return err
}

func (s *Server) authenticate(r *http.Request) (ledger.User, error) {
	scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") || token == "" {
		return ledger.User{}, fail(codeTokenMissing, "send Authorization: Bearer and the token; a token is never part of an address")
	}
	return s.cfg.Tokens.Verify(r.Context(), token)
}

// denialTime bounds the record of a refused attempt, also where the client has gone.
const denialTime = 5 * time.Second

// deny records a refused attempt of a known user; after an error, which is logged, the ledger keeps the attempt and records
// it later. All attempts to read receipts count as one target, so that nothing can be learnt by trying numbers.
func (s *Server) deny(c echo.Context, r route, user ledger.User, id predicate.PolicyID) error {
	target := r.method + " " + c.Request().URL.EscapedPath()
	if r.act == "read-receipt" {
		target = r.method + " " + r.path
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request().Context()), denialTime)
	defer cancel()
	err := s.cfg.Ledger.Deny(ctx, ledger.Denial{User: user, Act: r.act, Target: target, Policy: id})
	if err != nil {
		s.cfg.Logger.Error("a refused attempt is not recorded yet; it is kept and tried again", "method", r.method, "route", r.path, "error", err)
	}
	return err
}

const maxKey = 200

func idempotencyKey(r *http.Request) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		if _, sent := r.Header["Idempotency-Key"]; !sent {
			return "", nil
		}
	}
	bad := key == "" || len(key) > maxKey || len(r.Header["Idempotency-Key"]) > 1
	for i := range len(key) {
		bad = bad || key[i] <= ' ' || key[i] > '~'
	}
	if bad {
		return "", fail(codeKeyInvalid, "an Idempotency-Key has 1 to 200 visible ASCII characters and is sent once")
	}
	return key, nil
}

// param is a parameter of the path, decoded once. Where the path has an escaped slash the router has matched the escaped
// path, else the decoded one.
func (c *call) param(name string) string {
	value := c.Param(name)
	if c.Request().URL.RawPath == "" {
		return value
	}
	decoded, err := url.PathUnescape(value)
	if err != nil {
		return ""
	}
	return decoded
}

// newID is the id of something that an act creates: derived from the idempotency key where there is one, so that a
// repeated request creates the same thing, else random. label keeps ids of different things apart.
func (c *call) newID(label string, caseID predicate.UUID) predicate.UUID {
	if c.key != "" {
		return c.s.cfg.Ledger.EventIDFor(label, c.user, caseID, c.key, 0)
	}
	return predicate.UUID(uuid.NewString())
}
