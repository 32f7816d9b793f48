package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary stand for the program: transcripts run it as caseledger, and tests that kill a server start
// it with childVariable set.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		program()
	}
	testscript.Main(m, map[string]func(){"caseledger": program})
}

// childVariable makes the test binary run as the program.
const childVariable = "CASELEDGER_TEST_AS_PROGRAM"

func program() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// TestTranscripts runs each command as people do and compares what it prints.
func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await},
	})
}

// await waits until a file is there.
func await(ts *testscript.TestScript, _ bool, args []string) {
	for range 1200 {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	ts.Fatalf("%s did not appear within a minute", args[0])
}
