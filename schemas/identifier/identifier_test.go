package identifier_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/identifier"
)

func TestParseURN(t *testing.T) {
	tests := []struct {
		in       string
		ok       bool
		warnings int
	}{
		{"", false, 0},
		{strings.Repeat("A", 37), false, 0},
		{"01AB 1234526", false, 0},
		{" 01AB1234526", false, 0},
		{"01AB1234526\n", false, 0},
		{"01AB/1234526", false, 0},
		{"01AB12345２6", false, 0},
		{"../01AB", false, 0},
		{"01AB\x001234", false, 0},
		{"01AB12", true, 1},
		{strings.Repeat("A", 36), true, 1},
		{"-", true, 1},
		{"02AB1234526", true, 1}, // there is no force 02
		{"01AB12345X6", true, 1},
		{"01AB1234526", true, 0},
		{"52SB0000126", true, 0},
		{"93zz0000126", true, 0},
	}
	for _, tt := range tests {
		got, warnings, err := identifier.ParseURN(tt.in)
		if (err == nil) != tt.ok || len(warnings) != tt.warnings || (err != nil && !errors.Is(err, identifier.ErrInvalid)) {
			t.Errorf("%q: %v, %v", tt.in, warnings, err)
		}
		if tt.ok && string(got) != tt.in {
			t.Errorf("%q became %q", tt.in, got)
		}
	}
	if got := identifier.URN("52sb-126").Key(); got != "52SB-126" {
		t.Error(got)
	}
}

func TestParseExhibitRef(t *testing.T) {
	tests := []struct {
		in        string
		ok        bool
		warnings  int
		key, stem string
	}{
		{in: ""},
		{in: strings.Repeat("A", 41)},
		{in: " JS1"},
		{in: "JS1 "},
		{in: "JS  1"},
		{in: "/JS1"},
		{in: ".JS1"},
		{in: "-JS1"},
		{in: "JS/../1"},
		{in: "JS1.."},
		{in: "JS\t1"},
		{in: "JS\\1"},
		{in: "JS1\n"},
		{in: "JS1é"},
		{in: "JS:1"},
		{"AB1", true, 0, "AB1", "AB1"},
		{"JS/1", true, 0, "JS1", "JS-1"},
		{"JS 1", true, 0, "JS1", "JS-1"},
		{"ABCD-1234/12A", true, 0, "ABCD123412A", "ABCD-1234-12A"},
		{"COM1", true, 0, "COM1", "_COM1"},
		{"nul.a", true, 1, "NULA", "_nul.a"},
		{"COM10", true, 0, "COM10", "COM10"},
		{"js/1", true, 1, "JS1", "js-1"},
		{"J/1", true, 1, "J1", "J-1"},
		{"JS/12345/ABCD", true, 1, "JS12345ABCD", "JS-12345-ABCD"},
		{"JS_1.a", true, 1, "JS1A", "JS_1.a"},
		{strings.Repeat("A", 40), true, 1, strings.Repeat("A", 40), strings.Repeat("A", 40)},
	}
	for _, tt := range tests {
		got, warnings, err := identifier.ParseExhibitRef(tt.in)
		if (err == nil) != tt.ok || len(warnings) != tt.warnings || (err != nil && !errors.Is(err, identifier.ErrInvalid)) {
			t.Errorf("%q: %v, %v", tt.in, warnings, err)
		}
		if got.Key() != tt.key || got.FileStem() != tt.stem {
			t.Errorf("%q: key %q, stem %q", tt.in, got.Key(), got.FileStem())
		}
	}
}

func TestParseOrg(t *testing.T) {
	for _, bad := range []string{
		"", "force", "force-", "force-02", "force-1", "force-001", "FORCE-01", "cps", "cps-", "cps-london", "cps-London North",
		"court-", "court--a", "court-A", "court-a b", "court-" + strings.Repeat("a", 41), "firm-", "firm-é", "hmcpsi-", "hmcpsi-1",
		"ig-met", "nhs-1", "force-01/x", "org/force-01", " hmcpsi", "force-01\n",
	} {
		if got, err := identifier.ParseOrg(bad); !errors.Is(err, identifier.ErrInvalid) || got != "" {
			t.Errorf("%q: %q, %v", bad, got, err)
		}
	}
	for in, kind := range map[string]identifier.OrgKind{
		"force-01": identifier.KindForce, "force-93": identifier.KindForce, "cps-yorkshire-and-humberside": identifier.KindCPS,
		"court-demo": identifier.KindCourt, "court-0-": identifier.KindCourt, "firm-" + strings.Repeat("a", 40): identifier.KindFirm,
		"hmcpsi": identifier.KindHMCPSI,
	} {
		if got, err := identifier.ParseOrg(in); err != nil || got.Kind() != kind || string(got) != in {
			t.Errorf("%q: %q, %v", in, got, err)
		}
	}
	if f, ok := identifier.Org("force-45").Force(); !ok || f.Name() != "Surrey Police" {
		t.Error(f, ok)
	}
	if a, ok := identifier.Org("cps-wessex").Area(); !ok || a.Name() != "Wessex" {
		t.Error(a, ok)
	}
	if _, ok := identifier.Org("firm-force-45").Force(); ok {
		t.Error("a firm is no force")
	}
}

func TestClosedLists(t *testing.T) {
	if n := len(identifier.Areas()); n != 14 {
		t.Errorf("%d Areas", n)
	}
	if n := len(identifier.Forces()); n != 44 {
		t.Errorf("%d forces: 43 and the British Transport Police", n)
	}
	slug := strings.NewReplacer(" ", "-")
	for i, a := range identifier.Areas() {
		if got, err := identifier.ParseArea(string(a)); err != nil || got != a || slug.Replace(strings.ToLower(a.Name())) != string(a) {
			t.Errorf("%s: %s, %v", a, a.Name(), err)
		}
		if i > 0 && identifier.Areas()[i-1] >= a {
			t.Errorf("%s is out of order", a)
		}
	}
	for i, f := range identifier.Forces() {
		if got, err := identifier.ParseForce(string(f)); err != nil || got != f || len(f) != 2 || f.Name() == "" {
			t.Errorf("%s: %v", f, err)
		}
		if i > 0 && identifier.Forces()[i-1] >= f {
			t.Errorf("%s is out of order", f)
		}
	}
	for _, r := range identifier.Roles() {
		if got, err := identifier.ParseRole(r.String()); err != nil || got != r {
			t.Errorf("%s: %v", r, err)
		}
	}
	for _, bad := range []string{"", "Officer", "admin", "judge "} {
		if _, err := identifier.ParseRole(bad); !errors.Is(err, identifier.ErrInvalid) {
			t.Errorf("role %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "1", "02", "99", "01 "} {
		if _, err := identifier.ParseForce(bad); !errors.Is(err, identifier.ErrInvalid) {
			t.Errorf("force %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "London North", "london", "01"} {
		if _, err := identifier.ParseArea(bad); !errors.Is(err, identifier.ErrInvalid) {
			t.Errorf("Area %q: %v", bad, err)
		}
	}
}

func FuzzParseURN(f *testing.F) {
	for _, seed := range []string{"01AB1234526", "", "01AB12", "ß", "a\x00", strings.Repeat("-", 36)} {
		f.Add(seed)
	}
	shape := regexp.MustCompile(`\A[A-Za-z0-9-]{1,36}\z`)
	usual := regexp.MustCompile(`\A[0-9]{2}[A-Z0-9]{2}[0-9]{7}\z`)
	f.Fuzz(func(t *testing.T, s string) {
		u, warnings, err := identifier.ParseURN(s)
		if (err == nil) != shape.MatchString(s) {
			t.Fatalf("%q: %v", s, err)
		}
		if err == nil && len(warnings) == 0 && !usual.MatchString(u.Key()) {
			t.Fatalf("%q: no warning", s)
		}
	})
}

func FuzzParseExhibitRef(f *testing.F) {
	for _, seed := range []string{"JS/1", "", "a..", "A  1", "A ", "-A", "a\u00a0b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		r, _, err := identifier.ParseExhibitRef(s)
		if err != nil {
			if r != "" {
				t.Fatalf("%q: an error and a value", s)
			}
			return
		}
		if string(r) != s || strings.TrimSpace(s) != s || strings.Contains(s, "..") || len(s) > 40 {
			t.Fatalf("accepted %q", s)
		}
		stem := r.FileStem()
		if strings.ContainsAny(stem, `/\ `) || stem[0] == '.' || identifier.ExhibitRef(stem).Key() != r.Key() || r.Key() == "" {
			t.Fatalf("%q: stem %q, key %q", s, stem, r.Key())
		}
	})
}

func FuzzParseOrg(f *testing.F) {
	for _, seed := range []string{"force-01", "cps-wessex", "court-a", "firm-0", "hmcpsi", "", "-", "force-"} {
		f.Add(seed)
	}
	shape := regexp.MustCompile(`\A(force-[0-9]{2}|cps-[a-z-]+|(court|firm)-[a-z0-9][a-z0-9-]{0,39}|hmcpsi)\z`)
	f.Fuzz(func(t *testing.T, s string) {
		o, err := identifier.ParseOrg(s)
		if err == nil && (string(o) != s || !shape.MatchString(s)) {
			t.Fatalf("accepted %q", s)
		}
		if err != nil && o != "" {
			t.Fatalf("%q: an error and a value", s)
		}
	})
}
