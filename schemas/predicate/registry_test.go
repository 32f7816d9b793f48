package predicate_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// operations is the map of kinds to the operations of s.62(1) of the Data Protection Act 2018: collection = uploaded,
// added; alteration = redacted; consultation = viewed, downloaded; disclosure = shared, served, disclosed, granted,
// exported to a recipient; combination = linked; erasure = key destroyed. What processes no personal data in one of the
// six ways has none.
var operations = map[string]predicate.S62Op{
	"access.denied":            "",
	"access.granted":           "disclosure",
	"access.revoked":           "",
	"bag.exported":             "disclosure",
	"case.closed":              "",
	"case.linked":              "combination",
	"case.opened":              "",
	"case.outcome":             "",
	"case.reopened":            "",
	"defendant.added":          "collection",
	"evidence.downloaded":      "consultation",
	"evidence.served":          "disclosure",
	"evidence.shared":          "disclosure",
	"evidence.uploaded":        "collection",
	"evidence.viewed":          "consultation",
	"hearing.listed":           "",
	"key.destroyed":            "erasure",
	"key.destruction-proposed": "",
	"person.added":             "collection",
	"redaction.approved":       "alteration",
	"redaction.proposed":       "alteration",
	"representation.ended":     "",
	"representation.started":   "",
	"undertaking.accepted":     "",
	"unused.disclosed":         "disclosure",
}

func TestOperations(t *testing.T) {
	n := 0
	for kind := range predicate.Kinds {
		n++
		want, ok := operations[kind.Kind]
		if !ok || kind.S62Op != want {
			t.Errorf("%s: operation %q, want %q", kind.Kind, kind.S62Op, want)
		}
	}
	if n != len(operations) {
		t.Errorf("%d kinds in the registry, %d in the map", n, len(operations))
	}
}

// chains is the golden table of chains. Each code has four letters, for an ordinary item at a later access, an ordinary
// item at the first access, a sensitive item at a later access and one at the first: Main, Sensitive, Judicial, Firm,
// Organisation.
var chains = map[string]struct{ judge, defence, others string }{
	"access.denied":            {"OOOO", "OOOO", "OOOO"},
	"access.granted":           {"JJJJ", "MMMM", "MMMM"},
	"access.revoked":           {"JJJJ", "MMMM", "MMMM"},
	"bag.exported":             {"JJJJ", "FFFF", "MMMM"},
	"case.closed":              {"JJJJ", "MMMM", "MMMM"},
	"case.linked":              {"JJJJ", "MMMM", "MMMM"},
	"case.opened":              {"JJJJ", "MMMM", "MMMM"},
	"case.outcome":             {"JJJJ", "MMMM", "MMMM"},
	"case.reopened":            {"JJJJ", "MMMM", "MMMM"},
	"defendant.added":          {"JJJJ", "MMMM", "MMMM"},
	"evidence.downloaded":      {"JJJJ", "FMSS", "MMSS"},
	"evidence.served":          {"JJJJ", "MMSS", "MMSS"},
	"evidence.shared":          {"JJJJ", "MMSS", "MMSS"},
	"evidence.uploaded":        {"JJJJ", "MMSS", "MMSS"},
	"evidence.viewed":          {"JJJJ", "FMSS", "MMSS"},
	"hearing.listed":           {"JJJJ", "MMMM", "MMMM"},
	"key.destroyed":            {"JJJJ", "MMMM", "MMMM"},
	"key.destruction-proposed": {"JJJJ", "MMMM", "MMMM"},
	"person.added":             {"JJJJ", "MMMM", "MMMM"},
	"redaction.approved":       {"JJJJ", "MMSS", "MMSS"},
	"redaction.proposed":       {"JJJJ", "MMSS", "MMSS"},
	"representation.ended":     {"JJJJ", "MMMM", "MMMM"},
	"representation.started":   {"JJJJ", "MMMM", "MMMM"},
	"undertaking.accepted":     {"JJJJ", "MMSS", "MMSS"},
	"unused.disclosed":         {"JJJJ", "MMSS", "MMSS"},
}

func TestChains(t *testing.T) {
	const caseID, firm = "6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d", "f00d0123456789abcdef0123456789ab"
	names := map[byte]predicate.ChainID{
		'M': caseID + "/main", 'S': caseID + "/sensitive", 'J': caseID + "/judicial", 'F': caseID + "/firm/" + firm, 'O': "org/firm-a/access",
	}
	rows := 0
	for kind := range predicate.Kinds {
		row, ok := chains[kind.Kind]
		if !ok {
			t.Errorf("%s is not in the table", kind.Kind)
			continue
		}
		for _, role := range identifier.Roles() {
			code := map[identifier.Role]string{identifier.RoleJudge: row.judge, identifier.RoleDefence: row.defence}[role]
			if code == "" {
				code = row.others
			}
			for i := range 4 {
				rows++
				p := predicate.Placement{Rule: kind.Chain, Case: caseID, Role: role, Organisation: "firm-a", Sensitive: i >= 2, FirstAccess: i%2 == 1, FirmID: firm}
				if got := p.Chain(); got != names[code[i]] {
					t.Errorf("%s by %s, sensitive %v, first %v: %s, want %s", kind.Kind, role, p.Sensitive, p.FirstAccess, got, names[code[i]])
				}
			}
		}
	}
	if want := len(chains) * len(identifier.Roles()) * 4; rows != want {
		t.Errorf("%d rows checked, want %d", rows, want)
	}
}

func TestChainIDParts(t *testing.T) {
	id := func(c predicate.ChainID) [4]any {
		firm, ok := c.Firm()
		return [4]any{c.Main(), c.Sensitive(), c.Judicial(), firm + map[bool]string{true: "!"}[ok]}
	}
	tests := map[predicate.ChainID][4]any{
		"c/main":            {true, false, false, ""},
		"c/sensitive":       {false, true, false, ""},
		"c/judicial":        {false, false, true, ""},
		"c/firm/x":          {false, false, false, "x!"},
		"org/firm-a/access": {false, false, false, ""},
	}
	for c, want := range tests {
		if got := id(c); got != want {
			t.Errorf("%s: %v, want %v", c, got, want)
		}
	}
}

// TestRegistryIsSound: kinds name themselves, fields are bounded and named once, and no list of fields is shared so that
// adding to one kind would change another.
func TestRegistryIsSound(t *testing.T) {
	for kind := range predicate.Kinds {
		if got := kind.New().Kind(); got != kind.Kind {
			t.Errorf("%s: its body calls itself %s", kind.Kind, got)
		}
		if name := reflect.TypeOf(kind.New()).Elem().Name(); !strings.HasSuffix(name, "V1") {
			t.Errorf("%s: the struct %s carries no version", kind.Kind, name)
		}
		back, err := predicate.KindOf(kind.URI())
		if err != nil || back != kind.Kind {
			t.Errorf("%s: its URI leads to %q, %v", kind.Kind, back, err)
		}
		seen := map[string]bool{}
		for _, f := range kind.Fields {
			if f.Max <= 0 || f.Max > 20000 || seen[f.Name] {
				t.Errorf("%s: field %s has the bound %d, or stands twice", kind.Kind, f.Name, f.Max)
			}
			seen[f.Name] = true
		}
		for _, name := range []string{"actorName", "actorId", "actorKey", "session"} {
			if !seen[name] {
				t.Errorf("%s: no field %s", kind.Kind, name)
			}
		}
	}
}

func TestKindOfRefuses(t *testing.T) {
	for _, uri := range []string{"", "evidence.viewed", "https://caseledger.dev/predicates/evidence.viewed", "https://caseledger.dev/predicates/evidence.viewed/v2",
		"https://caseledger.dev/predicates/evidence.eaten/v1", "http://caseledger.dev/predicates/evidence.viewed/v1", "https://caseledger.dev/predicates//v1"} {
		if kind, err := predicate.KindOf(uri); err == nil {
			t.Errorf("%q is taken for %s", uri, kind)
		}
	}
}
