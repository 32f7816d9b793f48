package main_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	program "github.com/caseledger/caseledger/cmd/caseledger-verify"
	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "write the transcripts' expected output anew")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"caseledger-verify": func() { os.Exit(program.Run(os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

func TestTranscripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata", UpdateScripts: *update,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"makebag": makeBag, "replace": replace, "flip": flip, "status": status,
		},
	})
}

// makeBag NAME writes the sample bag NAME/01AB1234526, NAME/01AB1234526.zip and NAME/trust, under keys of its own.
func makeBag(ts *testscript.TestScript, _ bool, args []string) {
	c := verifiertest.SampleCase(verifiertest.NewLog("log.test.example"))
	dir := ts.MkAbs(filepath.Join(args[0], string(c.URN)))
	ts.Check(os.MkdirAll(filepath.Dir(dir), 0o755))
	ts.Check(c.Write(dir, "sensitive"))
	f, err := os.Create(dir + ".zip")
	ts.Check(err)
	ts.Check(courtbundle.Zip(dir, f, string(c.URN)))
	ts.Check(f.Close())
	for name, data := range c.Log.Trust().Files() {
		path := filepath.Join(ts.MkAbs(args[0]), "trust", name)
		ts.Check(os.MkdirAll(filepath.Dir(path), 0o755))
		ts.Check(os.WriteFile(path, data, 0o644))
	}
	ts.Setenv("FINGERPRINT", c.Log.Trust().Fingerprint())
}

// replace FILE OLD NEW replaces the first OLD.
func replace(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	changed := bytes.Replace(data, []byte(args[1]), []byte(args[2]), 1)
	if bytes.Equal(changed, data) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), changed, 0o644))
}

// flip FILE OFFSET changes one bit of a byte.
func flip(ts *testscript.TestScript, _ bool, args []string) {
	data, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	at, err := strconv.Atoi(args[1])
	ts.Check(err)
	data[at] ^= 1
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), data, 0o644))
}

// status WANT ARGS… runs the program and compares its exit status; stdout and stderr are then as after exec.
func status(ts *testscript.TestScript, _ bool, args []string) {
	var out, problems bytes.Buffer
	absolute := make([]string, len(args)-1)
	for i, a := range args[1:] {
		absolute[i] = a
		if _, err := os.Stat(ts.MkAbs(a)); err == nil && a[0] != '-' {
			absolute[i] = ts.MkAbs(a)
		}
	}
	got := program.Run(absolute, &out, &problems)
	_, err := ts.Stdout().Write(out.Bytes())
	ts.Check(err)
	_, err = ts.Stderr().Write(problems.Bytes())
	ts.Check(err)
	if strconv.Itoa(got) != args[0] {
		ts.Fatalf("status %d, want %s\n%s%s", got, args[0], out.String(), problems.String())
	}
}
