package caseledger_test

import (
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/predicate"
)

// A document is one Markdown file that promises something about the program.
type document struct {
	name, text string
	spans      []string // `code` in running text
	lines      []string // of fenced code blocks, continued lines joined
}

var (
	fenced   = regexp.MustCompile("(?ms)^ *```[a-z]*\n(.*?)^ *```")
	codeSpan = regexp.MustCompile("`([^`\n]+)`")
	comment  = regexp.MustCompile(`(^|\s)#\s.*`)
)

func documents(t *testing.T) []document {
	t.Helper()
	names, err := filepath.Glob("docs/*.md")
	if err != nil || len(names) == 0 {
		t.Fatalf("no documents: %v", err)
	}
	docs := make([]document, 0, len(names)+2)
	for _, name := range append(names, "README.md", "NEWS.md") {
		docs = append(docs, readDocument(t, filepath.ToSlash(name)))
	}
	return docs
}

func readDocument(t *testing.T, name string) document {
	t.Helper()
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	d := document{name: name, text: string(data)}
	for _, block := range fenced.FindAllStringSubmatch(d.text, -1) {
		joined := strings.ReplaceAll(block[1], "\\\n", " ")
		for line := range strings.Lines(joined) {
			d.lines = append(d.lines, strings.TrimSpace(comment.ReplaceAllString(line, "")))
		}
	}
	for _, span := range codeSpan.FindAllStringSubmatch(fenced.ReplaceAllString(d.text, ""), -1) {
		d.spans = append(d.spans, span[1])
	}
	return d
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
)

func TestDocsLinksLeadSomewhere(t *testing.T) {
	for _, d := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(d.text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			file, anchor, _ := strings.Cut(m[1], "#")
			target := path.Join(path.Dir(d.name), file)
			if file == "" {
				target = d.name
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s, which is not there", d.name, m[1])
			} else if anchor != "" && !slices.Contains(anchors(readDocument(t, target).text), anchor) {
				t.Errorf("%s links to %s, which has no such heading", d.name, m[1])
			}
		}
	}
}

// anchors are the names that renderers give to headings.
func anchors(text string) (out []string) {
	drop := regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	for _, h := range heading.FindAllStringSubmatch(text, -1) {
		out = append(out, strings.ReplaceAll(strings.ToLower(drop.ReplaceAllString(h[1], "")), " ", "-"))
	}
	return out
}

var ourPath = regexp.MustCompile(`^(schemas|verifier|projections|ledger|api|cmd|docs|interop|deploy)(/[\w.-]+)+/?$`)

func TestDocsNameFilesThatExist(t *testing.T) {
	for _, d := range documents(t) {
		for _, span := range d.spans {
			if _, err := os.Stat(span); ourPath.MatchString(span) && err != nil {
				t.Errorf("%s names %s, which is not there", d.name, span)
			}
		}
	}
}

var (
	testName = regexp.MustCompile(`^(Test|Fuzz)[A-Z]\w*$`)
	declared = regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	target   = regexp.MustCompile(`(?m)^([a-z0-9/-]+):`)
	makeCall = regexp.MustCompile(`^make ([a-z0-9/-]+)`)
)

func TestDocsNameTestsAndTargetsThatExist(t *testing.T) {
	tests := map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, "_test.go") {
			return err
		}
		src, err := os.ReadFile(name)
		for _, m := range declared.FindAllStringSubmatch(string(src), -1) {
			tests[m[1]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range target.FindAllStringSubmatch(string(makefile), -1) {
		targets = append(targets, m[1])
	}
	for _, d := range documents(t) {
		for _, code := range slices.Concat(d.spans, d.lines) {
			if testName.MatchString(code) && !tests[code] {
				t.Errorf("%s rests on %s, which no file declares", d.name, code)
			}
			if m := makeCall.FindStringSubmatch(code); m != nil && !slices.Contains(targets, m[1]) {
				t.Errorf("%s says %q, and the Makefile has no such target", d.name, code)
			}
		}
	}
}

// chainWords is what the table of events calls the rules.
var chainWords = map[predicate.ChainRule]string{
	predicate.ChainMain: "main", predicate.ChainByItem: "by item", predicate.ChainByAccess: "by access",
	predicate.ChainOrgAccess: "organisation", predicate.ChainOfRecipient: "recipient",
}

func TestDocsListEveryEvent(t *testing.T) {
	design := readDocument(t, "docs/design.md")
	for kind := range predicate.Kinds {
		operation := string(kind.S62Op)
		if operation == "" {
			operation = "–"
		}
		row := fmt.Sprintf("\n| `%s` | %s | %s |\n", kind.Kind, operation, chainWords[kind.Chain])
		if !strings.Contains(design.text, row) {
			t.Errorf("the table of events in docs/design.md lacks the row %s", strings.TrimSpace(row))
		}
	}
	row := regexp.MustCompile("(?m)^\\| `([a-z]+\\.[a-z-]+)` \\|")
	for _, m := range row.FindAllStringSubmatch(design.text, -1) {
		if _, known := predicate.Lookup(m[1]); !known {
			t.Errorf("docs/design.md lists %s, which is no event", m[1])
		}
	}
}

// programs knows the help of both programs.
type programs struct {
	folder string
	known  map[string]string
}

// help is what a program says about itself or one of its commands, "" where it knows no such command.
func (p *programs) help(t *testing.T, program, command string) string {
	t.Helper()
	key := program + " " + command
	if text, ok := p.known[key]; ok {
		return text
	}
	args := []string{"--help"}
	if command != "" {
		args = []string{command, "--help"}
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(p.folder, program), args...).CombinedOutput()
	if p.known[key] = string(out); err != nil {
		p.known[key] = ""
	}
	return p.known[key]
}

var (
	callOf = regexp.MustCompile(`^(?:\$ )?(?:bin/)?(caseledger|caseledger-verify)(?: (.*))?$`)
	flag   = regexp.MustCompile(`(?:^|[\s\[])(--[a-z][a-z0-9-]*)`)
)

// callIn finds the program, the command and the flags in a line of code.
func callIn(line string) (program, command string, flags []string, found bool) {
	m := callOf.FindStringSubmatch(line)
	if m == nil {
		return "", "", nil, false
	}
	rest, _, _ := strings.Cut(m[2], " | ")
	if first, _, _ := strings.Cut(rest, " "); m[1] == "caseledger" && !strings.HasPrefix(first, "-") {
		command = first
	}
	for _, f := range flag.FindAllStringSubmatch(rest, -1) {
		flags = append(flags, f[1])
	}
	return m[1], command, flags, true
}

// TestDocsHoldForTheProgram builds both programs and tries what the documents say of them.
func TestDocsHoldForTheProgram(t *testing.T) {
	if testing.Short() {
		t.Skip("builds both programs")
	}
	folder := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", folder+string(filepath.Separator), "./cmd/caseledger", "./cmd/caseledger-verify")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Run("commands exist", func(t *testing.T) { checkCommands(t, folder) })
	t.Run("tour", func(t *testing.T) { takeTour(t, folder) })
}

func checkCommands(t *testing.T, folder string) {
	p := &programs{folder: folder, known: map[string]string{}}
	calls := 0
	for _, d := range documents(t) {
		for _, code := range slices.Concat(d.spans, d.lines) {
			if _, after, ok := strings.Cut(code, "$("); ok { // TOKEN=$(caseledger token …)
				code = strings.TrimSuffix(after, ")")
			}
			program, command, flags, ok := callIn(code)
			if !ok || strings.ContainsAny(command, "…|") {
				continue
			}
			calls++
			text := p.help(t, program, command)
			if text == "" {
				t.Errorf("%s: %q: %s has no such command", d.name, code, program)
			}
			for _, f := range flags {
				if !regexp.MustCompile(regexp.QuoteMeta(f) + `\b`).MatchString(text) {
					t.Errorf("%s: %q: %s %s has no flag %s", d.name, code, program, command, f)
				}
			}
		}
	}
	if calls < 10 {
		t.Errorf("only %d commands were found in the documents", calls)
	}
}

var (
	servedPath = regexp.MustCompile(`(?:\$API|http://127\.0\.0\.1:8080)(/[^\s"'?]*)`)
	specPath   = regexp.MustCompile(`(?m)^  (/\S*):`)
)

func TestDocsUseAddressesOfTheAPI(t *testing.T) {
	spec, err := os.ReadFile("schemas/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var known []*regexp.Regexp
	for _, m := range specPath.FindAllStringSubmatch(string(spec), -1) {
		known = append(known, regexp.MustCompile("^"+regexp.MustCompile(`\\\{[^/]*?\\\}`).ReplaceAllString(regexp.QuoteMeta(m[1]), `[^/]+`)+"$"))
	}
	for _, d := range documents(t) {
		for _, m := range servedPath.FindAllStringSubmatch(d.text, -1) {
			if !slices.ContainsFunc(known, func(r *regexp.Regexp) bool { return r.MatchString(m[1]) }) {
				t.Errorf("%s uses %s, which schemas/openapi.yaml does not have", d.name, m[1])
			}
		}
	}
}
