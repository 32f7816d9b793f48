package policy

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

var update = flag.Bool("update", false, "write testdata/table.txt anew")

// The table is read by people: a change of a policy shows there as changed lines.
func TestTable(t *testing.T) {
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, role := range identifier.Roles() {
		for _, act := range predicate.Act("").Values() {
			for _, kind := range orgKinds {
				line(&b, s, Request{Role: role, Org: kind, Act: predicate.Act(act)})
			}
		}
		for _, event := range []string{"case.closed", "case.outcome", "hearing.listed"} {
			for _, kind := range orgKinds {
				line(&b, s, Request{Role: role, Org: kind, Act: "change-case", Event: event})
			}
		}
	}
	const name = "testdata/table.txt"
	if *update {
		if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("the policies decide otherwise than %s says; look at the difference after: go test ./api/policy -update", name)
	}
}

// line writes what is allowed; what is absent is denied.
func line(b *strings.Builder, s *Set, r Request) {
	id, ok := s.Decide(r)
	again, ok2 := s.Decide(r)
	if id != again || ok != ok2 || ok != (id != "") {
		fmt.Fprintf(b, "%+v is decided in two ways\n", r)
	}
	if ok {
		fmt.Fprintf(b, "%-18s %-7s %-18s %-14s %s\n", r.Role, r.Org, r.Act, r.Event, id)
	}
}

func TestSeparationOfDuties(t *testing.T) {
	s, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, no := range []Request{
		{"officer", "force", "serve", ""}, {"officer", "force", "disclose", ""}, {"officer", "force", "destroy-key", ""},
		{"officer", "cps", "upload", ""}, {"prosecutor", "cps", "upload", ""}, {"cps-admin", "cps", "approve-redaction", ""},
		{"disclosure-officer", "force", "disclose", ""}, {"forensic-unit", "force", "serve", ""}, {"defence", "firm", "upload", ""},
		{"defence", "force", "view", ""}, {"clerk", "court", "upload", ""}, {"clerk", "court", "change-case", "case.closed"},
		{"judge", "court", "change-case", "case.closed"}, {"inspector", "hmcpsi", "download", ""}, {"inspector", "hmcpsi", "change-case", ""},
		{"ig", "force", "view", ""}, {"ig", "court", "destroy-key", ""}, {"operator", "force", "view", ""},
		{"operator", "force", "list-cases", ""}, {"", "", "", ""}, {"officer", "force", "", ""}, {"officer", "force", "fly", ""},
	} {
		if id, ok := s.Decide(no); ok || id != "" {
			t.Errorf("%+v is permitted by %s", no, id)
		}
	}
}

func TestFilesThatCannotBeUsed(t *testing.T) {
	for name, text := range map[string]string{
		"no id":       `permit (principal, action, resource);`,
		"id of words": `@id("All may") permit (principal, action, resource);`,
		"a refusal's": `@id("deny.role") permit (principal, action, resource);`,
		"id twice":    `@id("a") permit (principal, action, resource); @id("a") permit (principal, action, resource);`,
		"not Cedar":   `allow everything`,
	} {
		if _, err := load(fstest.MapFS{"x.cedar": {Data: []byte(text)}}); !errors.Is(err, ErrPolicies) {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, err := load(fstest.MapFS{"x.cedar": {Data: []byte(`@id("a") permit (principal, action, resource) when { context.nothing == 1 };`)}})
	if err != nil {
		t.Fatal(err)
	}
	if id, ok := s.Decide(Request{"officer", "force", "view", ""}); ok {
		t.Errorf("a policy that fails permits as %s", id)
	}
}

func BenchmarkDecide(b *testing.B) {
	s, err := Load()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		s.Decide(Request{"officer", "force", "view", "evidence.viewed"})
	}
}
