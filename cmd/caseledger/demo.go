package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/caseledger/caseledger/api/bagexport"
	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// demoOrigin names the log of demonstration ledgers.
const demoOrigin = "log.demo.caseledger.example"

type demoCmd struct {
	Data     string `required:"" help:"Folder to create the ledger in." placeholder:"DIR" type:"path"`
	Evidence string `required:"" help:"Folder whose files become exhibits." placeholder:"FOLDER" type:"existingdir"`
	Out      string `required:"" help:"Folder for the verification packs, trust folder and summary." placeholder:"FOLDER" type:"path"`
}

// Help is shown by --help.
func (demoCmd) Help() string {
	return `Opens a case, uploads every file, views, redacts, has the redaction approved, serves, closes, and writes a verification pack for the court.

Example:
  caseledger demo --data ./demo-data --evidence ./evidence --out ./out`
}

// summary is OUT/summary.json.
type summary struct {
	Bags     []summaryBag `json:"bags"`
	Case     string       `json:"case"`
	Events   int64        `json:"events"`
	TreeSize int64        `json:"treeSize"`
	URN      string       `json:"urn"`
}

type summaryBag struct {
	Events    int    `json:"events"`
	Evidence  int    `json:"evidence"`
	Folder    string `json:"folder"`
	Recipient string `json:"recipient"`
	Verdict   string `json:"verdict"`
	Zip       string `json:"zip"`
}

// Run does the whole job.
func (c *demoCmd) Run(ctx context.Context, s streams) error {
	if err := initDemo(ctx, c.Data); err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o755); err != nil {
		return fmt.Errorf("%w: --out: %w", node.ErrUsage, err)
	}
	serve := serveCmd{storeFlags: storeFlags{Data: c.Data}, Listen: "127.0.0.1:0"}
	srv, err := serve.start(ctx, newLogger(discardUnlessVerbose()))
	if err != nil {
		return err
	}
	err = c.job(ctx, s, srv)
	return errors.Join(err, srv.stop())
}

func initDemo(ctx context.Context, data string) error {
	there, err := node.Initialised(node.Config{Data: data})
	if err != nil || there {
		return err
	}
	return node.Init(ctx, node.InitConfig{Config: node.Config{Data: data}, Origin: demoOrigin})
}

func (c *demoCmd) job(ctx context.Context, s streams, srv *server) error {
	urn := demoURN(time.Now())
	sc, err := newScenario("http://"+srv.addr, srv.node.Issuer, urn, os.DirFS(c.Evidence))
	if err != nil {
		return err
	}
	sc.progress = showProgress(s.err)
	if err := sc.run(ctx); err != nil {
		return err
	}
	if err := writeTrustFolder(srv.node, filepath.Join(c.Out, "trust")); err != nil {
		return err
	}
	bag, events, err := c.export(ctx, srv.node, predicate.UUID(sc.caseID), urn)
	if err != nil {
		return err
	}
	head, _ := srv.node.Ledger.Integrated()
	sum := summary{Bags: []summaryBag{bag}, Case: sc.caseID, Events: events, TreeSize: head.Size, URN: urn}
	data, err := json.MarshalIndent(sum, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(c.Out, "summary.json"), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("summary: %w", err)
	}
	say(s.out, "Case %s: %d events, %d exhibits. Verification pack for %s: %s (%s)\nCheck it: caseledger-verify %s --trust %s",
		urn, events, len(sc.exhibits)+1, bag.Recipient, bag.Folder, bag.Verdict, bag.Folder, filepath.Join(c.Out, "trust"))
	return nil
}

// demoURN is a synthetic URN of the usual shape that differs from second to second.
func demoURN(t time.Time) string {
	return fmt.Sprintf("01ZZ%05d%02d", t.Unix()%100000, t.Year()%100)
}

// export writes the court's bag as a folder and as a zip, and verifies it as the court would.
func (c *demoCmd) export(ctx context.Context, n *node.Node, caseID predicate.UUID, urn string) (summaryBag, int64, error) {
	dir := filepath.Join(c.Out, urn)
	made, err := bagexport.Export(ctx, n.Ledger, bagexport.Request{
		Case: caseID, Recipient: predicate.Recipient{Role: demoClerk.Role, Organisation: demoClerk.Organisation},
		By: operator(identifier.Org("force-01")), Policy: operatorPolicy, Dir: dir,
	})
	if err != nil {
		return summaryBag{}, 0, err
	}
	if err := zipFile(dir, dir+".zip", urn); err != nil {
		return summaryBag{}, 0, err
	}
	result, err := courtbundle.VerifyPath(dir, courtbundle.Options{Trust: n.Trust})
	if err != nil {
		return summaryBag{}, 0, fmt.Errorf("verify the pack just made: %w", err)
	}
	for _, failure := range result.Failures() {
		err = errors.Join(err, fmt.Errorf("the pack just made does not verify: %s", failure.Sentence))
	}
	return summaryBag{
		Events: made.Events, Evidence: made.Evidence, Folder: dir, Recipient: string(demoClerk.Role) + "@" + string(demoClerk.Organisation),
		Verdict: string(result.Verdict), Zip: dir + ".zip",
	}, int64(made.Events) + 1, err
}
