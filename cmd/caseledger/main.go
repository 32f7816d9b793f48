// Command caseledger runs a case ledger: it records acts on digital evidence, proves them, reports on them and makes
// court bags that anyone can verify offline.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/caseledger/caseledger/cmd/caseledger/node"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// commands is the whole surface of the program.
type commands struct {
	Init       initCmd       `cmd:"" help:"Create a ledger: keys, keyring, trust folder."`
	Serve      serveCmd      `cmd:"" help:"Serve the API of a ledger."`
	Run        runCmd        `cmd:"" help:"Create a ledger with demonstration cases if there is none, then serve it."`
	Demo       demoCmd       `cmd:"" help:"Do the whole job over a folder of files and write verification packs."`
	Bag        bagCmd        `cmd:"" help:"Write a verification pack of one case for one recipient."`
	Token      tokenCmd      `cmd:"" help:"Print a sign-in token of the development issuer."`
	Rebuild    rebuildCmd    `cmd:"" help:"Make the read models again from the events, and compare."`
	Eventstore eventstoreCmd `cmd:"" name:"eventstore" help:"Run the embedded event store on its own."`
	Bench      benchCmd      `cmd:"" help:"Measure receipts per second beside this machine's own limits."`
}

// streams are where a command writes.
type streams struct {
	out, err io.Writer
}

// run executes one command line and returns the exit code: 0 done, 1 it went wrong, 2 it could not begin.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "caseledger: internal error: %v; please report it with the command that you ran\n", r)
			code = 2
		}
	}()
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("caseledger"), kong.Description("A case ledger for digital evidence."),
		kong.Writers(stdout, stderr), kong.Exit(func(c int) { exited = c }), kong.UsageOnError(),
		kong.BindTo(ctx, (*context.Context)(nil)), kong.Bind(streams{out: stdout, err: stderr}))
	if err != nil {
		fmt.Fprintln(stderr, "caseledger:", err)
		return 2
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "caseledger: %s (see caseledger --help)\n", err)
		return 2
	}
	return exitCode(parsed.Run(), stderr)
}

func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, node.ErrUsage), errors.Is(err, node.ErrHeld):
		fmt.Fprintln(stderr, "caseledger:", err)
		return 2
	}
	fmt.Fprintln(stderr, "caseledger:", err)
	return 1
}
