package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
)

//go:embed testdata/evidence
var sampleEvidence embed.FS

type runCmd struct {
	Data   string `default:"./data" help:"Folder of the ledger; created if there is none." placeholder:"DIR" type:"path"`
	Listen string `default:"127.0.0.1:8080" help:"Address to listen on." placeholder:"ADDR"`
}

// Help is shown by --help.
func (runCmd) Help() string {
	return `Example:
  caseledger run --data ./data --listen 127.0.0.1:8080`
}

// Run creates what is missing and serves.
func (c *runCmd) Run(ctx context.Context, s streams) error {
	fresh, err := node.Initialised(node.Config{Data: c.Data})
	if err != nil {
		return err
	}
	fresh = !fresh
	if err := initDemo(ctx, c.Data); err != nil {
		return err
	}
	serve := serveCmd{storeFlags: storeFlags{Data: c.Data}, Listen: c.Listen}
	srv, err := serve.start(ctx, newLogger(s.err))
	if err != nil {
		return err
	}
	if fresh {
		if err := openDemonstrationCases(ctx, s, srv); err != nil {
			return errors.Join(err, srv.stop())
		}
	}
	if err := c.printNext(s, srv); err != nil {
		return errors.Join(err, srv.stop())
	}
	return srv.wait(ctx)
}

// demonstrationURNs are of the usual shape and synthetic. The last case is left open, to try things on.
var demonstrationURNs = []string{"01ZZ0000126", "01ZZ0000226"}

func openDemonstrationCases(ctx context.Context, s streams, srv *server) error {
	evidence, err := fs.Sub(sampleEvidence, "testdata/evidence")
	if err != nil {
		return err
	}
	for i, urn := range demonstrationURNs {
		sc, err := newScenario("http://"+srv.addr, srv.node.Issuer, urn, evidence)
		if err != nil {
			return err
		}
		sc.progress, sc.leaveOpen = showProgress(s.err), i == len(demonstrationURNs)-1
		if err := sc.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// printNext says what to try, with tokens of four people to sign in with.
func (c *runCmd) printNext(s streams, srv *server) error {
	say(s.out, "Serving the ledger %s on http://%s from %s\n\nSign-in tokens, valid for 24 hours:", srv.node.Ledger.Origin(), srv.addr, c.Data)
	for _, p := range []struct {
		name string
		user ledger.User
	}{{"OFFICER", demoOfficer}, {"PROSECUTOR", demoProsecutor}, {"DEFENCE", demoDefence}, {"CLERK", demoClerk}} {
		token, err := srv.node.Issuer.Mint(p.user, tokenLife)
		if err != nil {
			return fmt.Errorf("token: %w", err)
		}
		say(s.out, "  export %s=%s", p.name, token)
	}
	urn := demonstrationURNs[0]
	say(s.out, `
Try next, in another terminal:
  curl -s -H "Authorization: Bearer $OFFICER" http://%[1]s/api/v1/cases
  curl -s -H "Authorization: Bearer $OFFICER" http://%[1]s/api/v1/cases/%[2]s/custody
  curl -s -H "Authorization: Bearer $CLERK" -H "Content-Type: application/json" -d '{"reason":"Preparing the hearing."}' \
       http://%[1]s/api/v1/cases/%[2]s/exhibits/JS%%2F2/views
  curl -s http://%[1]s/log/checkpoint
Make a verification pack for the court (stop this server first) and check it:
  bin/caseledger bag --data %[3]s --case %[2]s --for clerk@court-demo --out ./%[2]s
  bin/caseledger-verify ./%[2]s --trust %[3]s/keys/trust
`, srv.addr, urn, c.Data)
	return nil
}

// discardUnlessVerbose keeps the log of a command's own server out of its output unless it is asked for.
func discardUnlessVerbose() io.Writer {
	if os.Getenv("CASELEDGER_LOG") != "" {
		return os.Stderr
	}
	return io.Discard
}
