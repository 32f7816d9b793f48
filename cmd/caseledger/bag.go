package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"

	"github.com/caseledger/caseledger/api/bagexport"
	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/ledger/casefile"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// operatorPolicy is the rule under which whoever runs the ledger makes a pack from the command line.
const operatorPolicy = "operator-exports-bags"

type bagCmd struct {
	storeFlags `embed:""`
	Case       string `required:"" help:"URN or id of the case." placeholder:"CASE"`
	For        string `required:"" help:"Who receives it, such as clerk@court-demo." placeholder:"ROLE@ORG"`
	Defendant  string `help:"For a firm: only what it has for this defendant." placeholder:"ID"`
	Out        string `required:"" help:"Folder to make; ending in .zip: one file." placeholder:"PATH" type:"path"`
	EncryptTo  string `help:"Encrypt to this age recipient (age1…): makes a .zip.age." placeholder:"RECIPIENT"`
}

// Help is shown by --help.
func (bagCmd) Help() string {
	return `Example:
  caseledger bag --data ./data --case 01AB1234526 --for clerk@court-demo --out ./01AB1234526`
}

// Run makes the pack.
func (c *bagCmd) Run(ctx context.Context, s streams) error {
	recipient, to, err := c.parse()
	if err != nil {
		return err
	}
	cfg, err := c.config(newLogger(discardUnlessVerbose()))
	if err != nil {
		return err
	}
	n, err := node.Open(ctx, cfg)
	if err != nil {
		return err
	}
	err = c.export(ctx, s, n, recipient, to)
	return errors.Join(err, n.Close())
}

func (c *bagCmd) parse() (r predicate.Recipient, to age.Recipient, err error) {
	role, org, ok := strings.Cut(c.For, "@")
	if !ok {
		return r, nil, fmt.Errorf("%w: --for is ROLE@ORG, such as clerk@court-demo", node.ErrUsage)
	}
	if r.Role, err = identifier.ParseRole(role); err != nil {
		return r, nil, fmt.Errorf("%w: --for: %w", node.ErrUsage, err)
	}
	if r.Organisation, err = identifier.ParseOrg(org); err != nil {
		return r, nil, fmt.Errorf("%w: --for: %w", node.ErrUsage, err)
	}
	if !r.Role.Fits(r.Organisation) || r.Role == identifier.RoleOperator {
		return r, nil, fmt.Errorf("%w: --for: %s is no role that receives a verification pack at %s", node.ErrUsage, r.Role, r.Organisation)
	}
	r.Defendant = predicate.UUID(c.Defendant)
	if c.EncryptTo == "" {
		return r, nil, nil
	}
	list, err := age.ParseRecipients(strings.NewReader(c.EncryptTo))
	if err != nil || len(list) != 1 {
		return r, nil, fmt.Errorf("%w: --encrypt-to is one age recipient, age1…", node.ErrUsage)
	}
	return r, list[0], nil
}

// findCase finds the case that an id or URN means, and the organisation that opened it.
func findCase(ctx context.Context, l *ledger.Ledger, name string) (id predicate.UUID, urn, opener string, err error) {
	id = predicate.UUID(name)
	if u, _, err := identifier.ParseURN(name); err == nil {
		ids, err := l.CasesByURN(ctx, u)
		if err != nil {
			return "", "", "", err
		}
		if len(ids) == 1 {
			id = ids[0]
		}
	}
	err = l.State(ctx, id, func(s *casefile.State) error {
		urn, opener = string(s.URN), string(s.Opener)
		return nil
	})
	return id, urn, opener, err
}

// operator is whoever runs this command; the act is on behalf of the organisation that opened the case.
func operator(org identifier.Org) ledger.User {
	return ledger.User{Subject: "operator", Name: "Operator of the ledger", Role: identifier.RoleOperator, Organisation: org}
}

func (c *bagCmd) export(ctx context.Context, s streams, n *node.Node, r predicate.Recipient, to age.Recipient) error {
	id, urn, opener, err := findCase(ctx, n.Ledger, c.Case)
	if err != nil {
		return fmt.Errorf("case %s: %w", c.Case, err)
	}
	plain := to == nil && !strings.HasSuffix(c.Out, ".zip")
	dir := c.Out
	if !plain {
		work, err := os.MkdirTemp(filepath.Dir(c.Out), ".caseledger-")
		if err != nil {
			return fmt.Errorf("%w: --out: %w", node.ErrUsage, err)
		}
		defer os.RemoveAll(work) //nolint:errcheck // a leftover is named as ours
		dir = filepath.Join(work, urn)
	}
	made, err := bagexport.Export(ctx, n.Ledger, bagexport.Request{
		Case: id, Recipient: r, By: operator(identifier.Org(opener)), Policy: operatorPolicy, Dir: dir,
	})
	if err != nil {
		return err
	}
	out := c.Out
	if !plain {
		if out, err = c.pack(dir, urn, to); err != nil {
			return err
		}
	}
	say(s.out, "Verification pack of case %s for %s: %s\n%d events (%d of them counted only), %d files of evidence.", urn, c.For, out, made.Events, made.Withheld, made.Evidence)
	return nil
}

// pack writes the folder as one file, encrypted if there is a recipient. The name says which it is.
func (c *bagCmd) pack(dir, urn string, to age.Recipient) (string, error) {
	if to == nil {
		return c.Out, zipFile(dir, c.Out, urn)
	}
	out := strings.TrimSuffix(strings.TrimSuffix(c.Out, ".age"), ".zip") + ".zip.age"
	return out, writeNew(out, func(w io.Writer) error {
		enc, err := age.Encrypt(w, to)
		if err != nil {
			return err
		}
		return errors.Join(courtbundle.Zip(dir, enc, urn), enc.Close())
	})
}

func zipFile(dir, path, urn string) error {
	return writeNew(path, func(w io.Writer) error { return courtbundle.Zip(dir, w, urn) })
}

// writeNew writes a file that appears under its name only when it is whole.
func writeNew(path string, write func(io.Writer) error) error {
	f, err := os.OpenFile(path+".partial", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("%w: %w", node.ErrUsage, err)
	}
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, errors.Join(err, os.Remove(f.Name())))
	}
	return os.Rename(f.Name(), path)
}

// writeTrustFolder copies what a court is given by another way than the packs.
func writeTrustFolder(n *node.Node, dir string) error {
	for name, data := range n.Trust.Files() {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("%w: %w", node.ErrUsage, err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			return fmt.Errorf("trust folder: %w", err)
		}
	}
	return nil
}
