package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/caseledger/caseledger/api"
	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier"
)

// stopTime is how long requests in flight may take when the server is told to stop.
const stopTime = 15 * time.Second

// discoveryTime bounds the look-up of an external issuer's configuration.
const discoveryTime = 30 * time.Second

type serveCmd struct {
	storeFlags   `embed:""`
	Listen       string `default:"127.0.0.1:8080" help:"Address to listen on." placeholder:"ADDR"`
	OIDCIssuer   string `name:"oidc-issuer" help:"Accept the tokens of this OpenID Connect issuer instead of the development one." placeholder:"URL"`
	OIDCAudience string `name:"oidc-audience" help:"Audience that its tokens must name." placeholder:"NAME"`
}

// Help is shown by --help.
func (serveCmd) Help() string {
	return `--data alone means the embedded engines. Without --oidc-issuer the development issuer is used, which listens on loopback only.

Example:
  caseledger serve --data ./data --listen 127.0.0.1:8080`
}

// Run serves until it is told to stop.
func (c *serveCmd) Run(ctx context.Context, s streams) error {
	profiled, err := startProfile()
	if err != nil {
		return err
	}
	srv, err := c.start(ctx, newLogger(s.err))
	if err != nil {
		return errors.Join(err, profiled())
	}
	say(s.out, "Serving %s on http://%s", srv.node.Ledger.Origin(), srv.addr)
	return errors.Join(srv.wait(ctx), profiled())
}

// server is a running service.
type server struct {
	node *node.Node
	addr string
	http *http.Server
	done chan error
}

// start opens the node and begins to serve.
func (c *serveCmd) start(ctx context.Context, log *slog.Logger) (_ *server, err error) {
	if c.OIDCIssuer == "" {
		if err := devissuer.CheckListen(c.Listen); err != nil {
			return nil, fmt.Errorf("%w: %w", node.ErrUsage, err)
		}
	}
	cfg, err := c.config(log)
	if err != nil {
		return nil, err
	}
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	handler, err := c.handler(ctx, n, log)
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return nil, fmt.Errorf("%w: --listen %s: %w", node.ErrUsage, c.Listen, err)
	}
	srv := &server{node: n, addr: ln.Addr().String(), http: handler.HTTPServer(), done: make(chan error, 1)}
	go func() { srv.done <- srv.http.Serve(ln) }()
	return srv, nil
}

func (c *serveCmd) handler(ctx context.Context, n *node.Node, log *slog.Logger) (*api.Server, error) {
	tokens := api.TokenConfig{Issuer: c.OIDCIssuer, Audience: c.OIDCAudience}
	if c.OIDCIssuer == "" {
		if n.Issuer == nil {
			return nil, fmt.Errorf("%w: there is no development issuer here: give --oidc-issuer", node.ErrUsage)
		}
		tokens.Development = n.Issuer
	}
	find, cancel := context.WithTimeout(ctx, discoveryTime)
	defer cancel()
	verify, err := api.NewTokens(find, tokens)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", node.ErrUsage, err)
	}
	return api.New(api.Config{
		Ledger: n.Ledger, Cases: n.Read, Tokens: verify, Logger: log, Ready: n.Ledger.Ready,
		ActorSignature: func(e predicate.Event, key, origin string, exhibits []string) error {
			return verifier.Actor(e, key, origin, exhibits)
		},
	})
}

// wait serves until ctx ends or something fails, and then closes everything.
func (s *server) wait(ctx context.Context) error {
	var failed error
	select {
	case <-ctx.Done():
	case failed = <-s.done:
	}
	return errors.Join(failed, s.stop())
}

func (s *server) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTime)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	return errors.Join(err, s.node.Close())
}

// say writes one line for people, without ever failing a command over a closed pipe.
func say(w io.Writer, format string, args ...any) { fmt.Fprintf(w, format+"\n", args...) }
