package api

import (
	"context"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/caseledger/caseledger/schemas"
)

// checkpoint is the last published one, a C2SP signed note.
func checkpoint(s *Server, c echo.Context) error {
	text := s.cfg.Ledger.Checkpoint()
	if text == "" {
		return &problem{code: codeLogUnavailable, detail: "no checkpoint is published yet", retryAfter: retrySoon}
	}
	h := c.Response().Header()
	h.Set("Access-Control-Allow-Origin", "*") // anyone may watch the log
	return write(c, http.StatusOK, "text/plain; charset=utf-8", []byte(text))
}

// healthy says that the program runs, and nothing more.
func healthy(_ *Server, c echo.Context) error {
	return write(c, http.StatusOK, "application/json", []byte(`{"status":"ok"}`))
}

const (
	readyTime = 3 * time.Second
	maxLag    = 5000 // events that the read models may lack
)

// ready says whether acts can be recorded and read: event store, log and read models.
func ready(s *Server, c echo.Context) error {
	ctx, cancel := context.WithTimeout(c.Request().Context(), readyTime)
	defer cancel()
	head, _ := s.cfg.Ledger.Integrated()
	at, lagErr := s.cfg.Cases.Position(ctx)
	var elseErr error
	if s.cfg.Ready != nil {
		elseErr = s.cfg.Ready(ctx)
	}
	checks := []struct {
		name string
		ok   bool
	}{
		{"ledger", s.cfg.Ledger.Healthy() == nil}, {"readModels", lagErr == nil && head.Size-at <= maxLag}, {"engines", elseErr == nil},
	}
	status, word, body := http.StatusOK, "ready", []byte(`{"checks":{`)
	for i, check := range checks {
		if i > 0 {
			body = append(body, ',')
		}
		body = strconv.AppendBool(append(appendString(body, check.name), ':'), check.ok)
		if !check.ok {
			status, word = http.StatusServiceUnavailable, "not ready"
		}
	}
	body = strconv.AppendInt(append(body, `},"lag":`...), max(head.Size-at, 0), 10)
	body = appendString(append(body, `,"status":`...), word)
	return write(c, status, "application/json", append(body, '}'))
}

// readMetrics answers to programs on this machine only, and not through a proxy.
func readMetrics(s *Server, c echo.Context) error {
	r := c.Request()
	if !local(r.RemoteAddr) || r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != "" {
		return echo.ErrNotFound
	}
	promhttp.HandlerFor(s.cfg.Metrics, promhttp.HandlerOpts{}).ServeHTTP(c.Response(), r)
	return nil
}

// local: is the other end on this machine? A unix socket has no address, or "@".
func local(addr string) bool {
	if addr == "" || addr == "@" {
		return true
	}
	a, err := netip.ParseAddrPort(addr)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

func openAPI(_ *Server, c echo.Context) error {
	return write(c, http.StatusOK, "application/json", schemas.OpenAPIJSON())
}

func write(c echo.Context, status int, contentType string, body []byte) error {
	h := c.Response().Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	c.Response().WriteHeader(status)
	c.Response().Write(body) //nolint:errcheck // the client has gone
	return nil
}
