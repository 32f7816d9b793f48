package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/identifier"
)

// tokenLife is how long a token of the development issuer is valid.
const tokenLife = 24 * time.Hour

type tokenCmd struct {
	Data string `required:"" help:"Folder of the ledger." placeholder:"DIR" type:"path"`
	Keys string `help:"Folder of the signing keys (default: DIR/keys)." placeholder:"DIR"`
	User string `required:"" help:"Name of the person." placeholder:"NAME"`
	Role string `required:"" help:"Role, such as officer, prosecutor, defence, clerk." placeholder:"ROLE"`
	Org  string `required:"" help:"Organisation: force-NN, cps-AREA, court-ID, firm-ID or hmcpsi." placeholder:"ORG"`
}

// Help is shown by --help.
func (tokenCmd) Help() string {
	return `The token is valid for 24 hours and is the last line of the output. It works without a running server.

Example:
  caseledger token --data ./data --user "PC 1234" --role officer --org force-01`
}

// Run mints a token.
func (c *tokenCmd) Run(_ context.Context, s streams) error {
	role, err := identifier.ParseRole(c.Role)
	if err != nil {
		return fmt.Errorf("%w: --role %s: %w", node.ErrUsage, c.Role, err)
	}
	org, err := identifier.ParseOrg(c.Org)
	if err != nil {
		return fmt.Errorf("%w: --org %s: %w", node.ErrUsage, c.Org, err)
	}
	if !role.Fits(org) {
		return fmt.Errorf("%w: --org %s: a person with the role %s does not belong to this kind of organisation", node.ErrUsage, org, role)
	}
	issuer, err := node.OpenIssuer(node.Config{Data: c.Data, Keys: c.Keys})
	if err != nil {
		return err
	}
	token, err := issuer.Mint(demoUser(c.User, role, org), tokenLife)
	if err != nil {
		return fmt.Errorf("token: %w", err)
	}
	fmt.Fprintln(s.out, token)
	return nil
}

// demoUser is a person at the development issuer: the subject follows from name and organisation, so that the same name
// is the same person each time.
func demoUser(name string, role identifier.Role, org identifier.Org) ledger.User {
	return ledger.User{Subject: string(org) + ":" + strings.ToLower(strings.Join(strings.Fields(name), "-")), Name: name, Role: role, Organisation: org}
}
