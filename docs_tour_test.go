package caseledger_test

import (
	"bufio"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tourSteps are parts of the tour of README.md and what each must print.
var tourSteps = []struct{ part, want string }{
	{`"urn":"01AB1234526"`, `"grade":"integrated"`},
	{`?ref=JS/1`, `"ref":"JS/1"`},
	{`CONTENT=`, "The door was open when I came home.\n"},
	{`/custody | grep`, "viewed JS/1"},
	{`$PROSECUTOR`, `"code":"not_permitted"`},
	{`/hearings`, `"grade":"integrated"`},
	{`caseledger bag`, "Verification pack of case 01AB1234526"},
	{`verify --trust ./data/keys/trust ./01AB1234526`, "VERIFIED\nEverything"},
	{`verify --trust ./data/keys/trust ./changed`, "NOT VERIFIED"},
	{`sha256sum -c`, "data/evidence/JS-1.txt: OK"},
}

// takeTour follows the tour of README.md as a reader would, with the server on another port and without cosign, which
// takes minutes to build.
func takeTour(t *testing.T, programs string) {
	for _, tool := range []string{"bash", "curl", "grep", "cut", "sed", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not here", tool)
		}
	}
	_, tour, _ := strings.Cut(readDocument(t, "README.md").text, "\n## Five minutes\n")
	tour, _, _ = strings.Cut(tour, "\n## ")
	work, address := t.TempDir(), freeAddress(t)
	if err := os.Symlink(programs, filepath.Join(work, "bin")); err != nil {
		t.Fatal(err)
	}
	var code strings.Builder
	for _, block := range fenced.FindAllStringSubmatch(tour, -1) {
		code.WriteString(strings.ReplaceAll(block[1], "127.0.0.1:8080", address))
	}
	served, stopped, _ := strings.Cut(code.String(), "bin/caseledger bag")
	stopped = regexp.MustCompile(`(?m)^(make|interop/).*$`).ReplaceAllString("bin/caseledger bag"+stopped, "")
	tokens, stop := startTour(t, work, address)
	said := runScript(t, work, tokens+served)
	stop()
	said += runScript(t, work, stopped)
	for _, step := range tourSteps {
		if !strings.Contains(tour, step.part) {
			t.Errorf("the tour has no step with %s any more", step.part)
		}
		if !strings.Contains(said, step.want) {
			t.Errorf("the step with %s did not print %q", step.part, step.want)
		}
	}
	if t.Failed() {
		t.Log(said)
	}
}

// freeAddress is one on which nothing listens now.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() // it was never used
	return l.Addr().String()
}

// startTour does what make run does, and returns the lines with tokens that it prints.
func startTour(t *testing.T, work, address string) (tokens string, stop func()) {
	t.Helper()
	server := exec.CommandContext(t.Context(), filepath.Join(work, "bin", "caseledger"), "run", "--data", "./data", "--listen", address)
	server.Dir, server.WaitDelay = work, 30*time.Second
	server.Cancel = func() error { return server.Process.Signal(os.Interrupt) }
	out, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var failed strings.Builder
	server.Stderr = &failed
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "Try next") {
		if strings.HasPrefix(lines.Text(), "  export ") {
			tokens += lines.Text() + "\n"
		}
	}
	if tokens == "" {
		t.Fatalf("it printed no tokens: %v\n%s", server.Wait(), failed.String())
	}
	return tokens, func() {
		if err := server.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() { // the rest of what it prints
		}
		if err := server.Wait(); err != nil {
			t.Fatalf("it did not stop well: %v\n%s", err, failed.String())
		}
	}
}

// runScript runs lines of the tour; a step may end in a refusal, so only what is printed counts.
func runScript(t *testing.T, work, code string) string {
	t.Helper()
	script := exec.CommandContext(t.Context(), "bash", "-c", code)
	script.Dir = work
	out, err := script.CombinedOutput()
	if err != nil {
		t.Logf("the last line ended with %v", err)
	}
	return string(out)
}
