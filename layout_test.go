package caseledger_test

import (
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "github.com/caseledger/caseledger"

// topFolders are the folders that may stand at the root, apart from hidden ones and those that a build leaves behind.
var topFolders = map[string]string{
	"schemas":     "what two parties must agree on byte for byte",
	"verifier":    "checks offline, trusting nothing",
	"projections": "pure folds and their stores",
	"ledger":      "the personality, its engines and adapters",
	"api":         "HTTP",
	"cmd":         "the programs",
	"docs":        "documentation",
	"interop":     "nested module: checks against tools of others",
	"deploy":      "what docker-compose.yml builds and mounts",
}

// builtFolders are left behind by make and npm and are never committed.
var builtFolders = []string{"bin", "data", "dist", "out", "node_modules"}

// An importRule says which packages of ours the package at folder may import. "x" names one package, "x/*" everything below it
// and "*" everything; the most specific rule wins. A folder without a rule is refused.
type importRule struct {
	folder string
	may    []string
	reason string
}

var importRules = []importRule{
	{".", nil, "the root holds tests only"},
	{"schemas", []string{"schemas/*"}, "schemas stand at the bottom: anyone can use them without the rest"},
	{"schemas/*", []string{"schemas/*"}, "a subpackage that imported the schemas root would carry the JSON Schema library into the verifier"},
	{"verifier", []string{"schemas/*"}, "a court must not need the ledger, and the compiler then forbids verifier → ledger"},
	{"verifier/*", []string{"verifier", "verifier/courtbundle", "schemas/*"}, "what stands on the verifier needs nothing else"},
	{"verifier/courtbundle", []string{"verifier", "projections", "schemas/*"}, "the court replays the same folds and compares"},
	{"projections", []string{"schemas", "schemas/*"}, "folds are pure, so that a court can replay them"},
	{"projections/*", []string{"projections", "schemas", "schemas/*"}, "a store knows the folds and nothing of who fills it"},
	{"ledger", []string{"ledger/casefile", "verifier", "schemas", "schemas/*"}, "the ledger names no adapter, and of the verifier only its root"},
	{"ledger/casefile", []string{"schemas", "schemas/*"}, "decisions are pure and have a small fold of their own"},
	{"ledger/*", []string{"ledger", "schemas", "schemas/*"}, "an adapter knows the ledger's interfaces and no other adapter"},
	{"ledger/esdbserver", []string{"ledger/esdbserver/*"}, "an embedded server stands in for a program of others, behind a connection string"},
	{"ledger/esdbserver/*", []string{"ledger/esdbserver/*"}, "an embedded server stands in for a program of others"},
	{"ledger/trillianserver", []string{"ledger/trillianserver/*"}, "an embedded server stands in for a program of others, behind a connection string"},
	{"ledger/trillianserver/*", []string{"ledger/trillianserver/*"}, "an embedded server stands in for a program of others"},
	{"ledger/ledgertest", []string{"*"}, "tests may see everything"},
	{"api", []string{"api/*", "ledger", "ledger/casefile", "projections", "verifier/courtbundle", "schemas", "schemas/*"}, "only cmd/caseledger names adapters and engines; casefile is how the ledger states a case and refuses"},
	{"api/*", []string{"api/*", "ledger", "ledger/casefile", "projections", "verifier/courtbundle", "schemas", "schemas/*"}, "only cmd/caseledger names adapters and engines; casefile is how the ledger states a case and refuses"},
	{"cmd/caseledger", []string{"*"}, "the one place where everything is wired together"},
	{"cmd/caseledger/*", []string{"*"}, "the one place where everything is wired together"},
	{"cmd/caseledger-verify", []string{"verifier", "verifier/courtbundle", "schemas/*"}, "the court's program carries nothing of the ledger"},
}

// A reachRule forbids what a package draws in through any number of packages of ours. Of packages that are not ours and not in
// the standard library, only those in onlyOthers are allowed, where it is set.
type reachRule struct {
	from       string
	never      string
	onlyOthers []string
	reason     string
}

var reachRules = []reachRule{
	{"verifier", "schemas", []string{"golang.org/x/mod/sumdb/note", "golang.org/x/mod/sumdb/tlog"}, "the verifier's core is small enough to be read: standard library, note and tlog"},
	{"verifier/courtbundle", "schemas", nil, "the schemas root carries the JSON Schema library"},
	{"cmd/caseledger-verify", "schemas", nil, "the schemas root carries the JSON Schema library"},
	{"verifier/wasm", "schemas", nil, "the schemas root carries the JSON Schema library"},
}

// A ban forbids imports (patterns as in an importRule) in the folders named. In tests it holds where inTests is true.
type ban struct {
	imports []string
	folders []string
	inTests bool
	reason  string
}

var (
	everywhere = []string{"*"}
	pure       = []string{"schemas", "schemas/*", "projections", "ledger/casefile"}
)

var bans = []ban{
	{[]string{"C"}, everywhere, true, "the programs build without a C compiler"},
	{[]string{"github.com/EventStore/EventStore-Client-Go/v4/protos/code", "github.com/EventStore/EventStore-Client-Go/v4/protos/status"},
		everywhere, true, "panics at start beside genproto"},
	{[]string{"github.com/kurrent-io/KurrentDB-Client-Go/*"}, everywhere, true, "two clients in one program panic, and its licence is not open"},
	{[]string{"github.com/google/trillian/cmd/internal/provider"}, everywhere, true, "draws in every database driver and etcd"},
	{[]string{"github.com/google/trillian/quota/etcd", "github.com/google/trillian/quota/etcd/*"}, everywhere, true, "draws in etcd"},
	{[]string{"github.com/sigstore/timestamp-authority/pkg/signer", "github.com/sigstore/timestamp-authority/v2/pkg/signer"},
		everywhere, true, "draws in every cloud's key service"},
	{[]string{"testing", "testing/*"}, everywhere, false, "production code does not import testing"},
	{[]string{"pgregory.net/rapid", "go.uber.org/goleak", "github.com/rogpeppe/go-internal/testscript", "github.com/google/trillian/storage/testonly",
		"github.com/google/trillian/integration/storagetest"}, everywhere, false, "production code does not import test libraries"},
	{[]string{module + "/ledger/ledgertest", module + "/schemas/predicate/predicatetest", module + "/verifier/verifiertest"},
		everywhere, false, "it is for tests only"},
	{[]string{"os", "os/exec", "net", "net/http", "database/sql"}, pure, false, "pure packages do no input or output"},
}

// testSupport are the packages that exist for tests: there, testing and test libraries are at home.
var testSupport = []string{"ledger/ledgertest", "schemas/predicate/predicatetest", "verifier/verifiertest"}

const (
	maxFileLines     = 450
	maxFunctionLines = 100
)

// vagueNames say nothing about what a package is for.
var vagueNames = []string{"util", "utils", "common", "types", "helpers", "misc"}

func TestLayout(t *testing.T) {
	for _, problem := range checkLayout(t, os.DirFS(".")) {
		t.Error(problem)
	}
}

// goodTree breaks no rule; each case below adds one thing that does.
var goodTree = map[string]string{
	"schemas/s.go":                              "// Package schemas is a sample.\npackage schemas\nimport _ \"github.com/santhosh-tekuri/jsonschema/v6\"\n",
	"schemas/receipt/r.go":                      "// Package receipt is a sample.\npackage receipt\n",
	"verifier/v.go":                             "// Package verifier is a sample.\npackage verifier\nimport (\n\t_ \"golang.org/x/mod/sumdb/note\"\n\t_ \"" + module + "/schemas/receipt\"\n)\n",
	"verifier/v_test.go":                        "package verifier_test\nimport (\n\t_ \"testing\"\n\t_ \"" + module + "/ledger/ledgertest\"\n)\n",
	"projections/p.go":                          "// Package projections is a sample.\npackage projections\n",
	"ledger/ledgertest/l.go":                    "// Package ledgertest is a sample.\npackage ledgertest\nimport (\n\t_ \"testing\"\n\t_ \"" + module + "/ledger/trillianserver\"\n)\n",
	"ledger/trillianserver/t.go":                "// Package trillianserver is a sample.\npackage trillianserver\nimport _ \"" + module + "/ledger/trillianserver/sqliteprovider\"\n",
	"ledger/trillianserver/sqliteprovider/s.go": "// Package sqliteprovider is a sample.\npackage sqliteprovider\n",
	"schemas/receipt/gen.go":                    "// Code generated by a sample. DO NOT EDIT.\n\npackage receipt\n" + strings.Repeat("//\n", maxFileLines),
	"verifier/testdata/bad.go":                  "not Go at all",
	"interop/go.mod":                            "module x\n",
	"interop/i_test.go":                         "// Package interop is a sample.\npackage interop\nimport _ \"" + module + "/ledger\"\n",
}

func TestLayoutNoticesEachBreak(t *testing.T) {
	if problems := checkLayout(t, tree(nil)); len(problems) != 0 {
		t.Fatalf("the good tree breaks rules: %q", problems)
	}
	for name, c := range layoutBreaks {
		t.Run(name, func(t *testing.T) {
			problems := checkLayout(t, tree(map[string]string{c.file: c.content}))
			if len(problems) != 1 || !strings.Contains(problems[0], c.want) {
				t.Errorf("problems = %q, want one that contains %q", problems, c.want)
			}
		})
	}
}

func tree(extra map[string]string) fs.FS {
	files := maps.Clone(goodTree)
	maps.Copy(files, extra)
	fsys := fstest.MapFS{}
	for name, content := range files {
		fsys[name] = &fstest.MapFile{Data: []byte(content)}
	}
	return fsys
}
