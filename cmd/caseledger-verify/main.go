// Command caseledger-verify is the court's program: it checks a verification pack (a court bag, as a folder or zip) or a
// single event, offline, and says in plain words what it found.
//
// Exit status: 0 verified, 1 not verified, 2 could not be read, 3 consistent with itself but the keys were not checked.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// Exit statuses.
const (
	exitVerified    = 0
	exitNotVerified = 1
	exitUnreadable  = 2
	exitConsistent  = 3
)

// options are the command line.
type options struct {
	Path        string `arg:"" name:"pack" help:"A verification pack: its folder or .zip. Or one event: a .sigstore.json file."`
	Trust       string `placeholder:"FOLDER" help:"Folder with the ledger's keys, obtained by another way than the pack: trusted_root.json, event-signers/, log.vkey, policy.json."`
	Fingerprint string `placeholder:"HEX" help:"Fingerprint of the ledger's keys, obtained by another way than the pack."`
	JSON        bool   `name:"json" help:"Print {verdict, trust, checks, notChecked} as JSON."`
}

const description = `Checks a verification pack or a single event, without a network and without trusting whoever sent it.

Example:
  caseledger-verify --trust trust/ 01AB1234526.zip

Exit status: 0 verified; 1 not verified, with a sentence for each failed check; 2 could not be read; 3 consistent with itself, but
whose keys these are was not checked: compare the fingerprint that is printed, or give --trust.

An encrypted pack (.zip.age) must be decrypted first: age --decrypt --identity KEYFILE --output pack.zip FILE`

func main() {
	debug.SetGCPercent(400) // a short run that allocates much and keeps little
	os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
}

// run is the program as a function. Whatever goes wrong inside becomes a sentence.
func run(args []string, stdout, stderr io.Writer) (status int) {
	defer func() {
		if recover() != nil {
			fmt.Fprintln(stderr, "caseledger-verify: this file made the program fail. Nothing is verified. Please report it to the people who made the program.")
			status = exitUnreadable
		}
	}()
	var o options
	helped := false
	parser, err := kong.New(&o, kong.Name("caseledger-verify"), kong.Description(description), kong.Writers(stdout, stderr),
		kong.Exit(func(int) { helped = true }))
	if err != nil {
		fmt.Fprintln(stderr, "caseledger-verify:", err)
		return exitUnreadable
	}
	_, err = parser.Parse(args)
	if helped {
		return exitVerified
	}
	if err != nil {
		fmt.Fprintf(stderr, "caseledger-verify: %v\nTry caseledger-verify --help\n", err)
		return exitUnreadable
	}
	result, err := verify(o)
	if err != nil {
		fmt.Fprintf(stderr, "caseledger-verify: %v.\n", err)
		if !o.JSON {
			return exitUnreadable
		}
		result = unreadable(err)
	}
	if err := show(stdout, result, o.JSON); err != nil {
		fmt.Fprintln(stderr, "caseledger-verify: the result could not be written.")
		return exitUnreadable
	}
	return statusOf(result.Verdict)
}

func verify(o options) (*courtbundle.Result, error) {
	checks := courtbundle.Options{Fingerprint: strings.ToLower(o.Fingerprint)}
	if o.Fingerprint != "" && (len(o.Fingerprint) != 64 || strings.Trim(checks.Fingerprint, "0123456789abcdef") != "") {
		return nil, errors.New("--fingerprint needs the 64 digits and letters a to f of a SHA-256")
	}
	if o.Trust != "" {
		trust, err := verifier.LoadTrust(os.DirFS(o.Trust))
		if err != nil {
			return nil, fmt.Errorf("--trust: %w", err)
		}
		checks.Trust = trust
	}
	result, err := courtbundle.VerifyPath(o.Path, checks)
	if err != nil {
		return nil, fmt.Errorf("%s %w", o.Path, err)
	}
	return result, nil
}

func statusOf(v courtbundle.Verdict) int {
	switch v {
	case courtbundle.Verified:
		return exitVerified
	case courtbundle.Consistent:
		return exitConsistent
	case courtbundle.NotVerified:
		return exitNotVerified
	}
	return exitUnreadable
}

// unreadable is the result for --json where there was nothing to check.
func unreadable(err error) *courtbundle.Result {
	return &courtbundle.Result{
		Verdict: courtbundle.Unreadable, NotChecked: []verifier.CheckID{},
		Trust:  courtbundle.TrustUsed{Signers: []string{}, Source: "none"},
		Checks: []courtbundle.Check{{ID: verifier.CheckBagFormat, Result: courtbundle.Failed, Sentence: strings.ToValidUTF8(err.Error(), "?") + "."}},
	}
}
