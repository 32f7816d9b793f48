package schemas

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// textForms are the definitions with a pattern, over all files. One name must mean one thing in every file.
func textForms(t testing.TB) map[string]*node {
	t.Helper()
	out := map[string]*node{}
	for name, file := range Files() {
		root := parse(t, file)
		for def, n := range root.Defs {
			if n.Pattern == "" {
				continue
			}
			if known, ok := out[def]; ok && (known.Pattern != n.Pattern || known.Format != n.Format) {
				t.Errorf("%s: %s differs from other files", name, def)
			}
			out[def] = n
		}
	}
	return out
}

// oracle decides by the published pattern, format and length.
func oracle(n *node) func(string) bool {
	re := regexp.MustCompile(n.Pattern)
	return func(s string) bool {
		_, err := time.Parse(time.DateOnly, s)
		return re.MatchString(s) && (n.MaxLength == nil || len(s) <= *n.MaxLength) && (n.Format != "date" || err == nil)
	}
}

func matcherOf(n *node, def string) func(string) bool {
	m := matchers()[def]
	return func(s string) bool { return m(s) && (n.MaxLength == nil || len(s) <= *n.MaxLength) }
}

// TestMatchersEqualPatterns draws texts that fit, changes them a little, and compares with Go's regexp.
func TestMatchersEqualPatterns(t *testing.T) {
	forms := textForms(t)
	for def := range matchers() {
		if forms[def] == nil {
			t.Errorf("no file has the form %s", def)
		}
	}
	for def, n := range forms {
		if def == "Time" {
			continue // below
		}
		t.Run(def, func(t *testing.T) {
			want, got := oracle(n), matcherOf(n, def)
			fits := rapid.StringMatching(strings.Trim(n.Pattern, "^$"))
			rapid.Check(t, func(t *rapid.T) {
				s := fits.Draw(t, "fits")
				for range rapid.IntRange(0, 3).Draw(t, "changes") {
					s = change(t, s)
				}
				if got(s) != want(s) {
					t.Fatalf("%q: matcher %v, pattern %v", s, got(s), want(s))
				}
			})
		})
	}
}

// TestMatchersEqualPatternsNearby tries every change of one byte, and every length, near texts at the edges of each form.
func TestMatchersEqualPatternsNearby(t *testing.T) {
	const id = "6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d"
	hex := strings.Repeat("0123456789abcdef", 4)
	edges := map[string][]string{
		"B64Digest":   {strings.Repeat("aZ0-_9", 7) + "A"},
		"Base64":      {"QUJD", "QQ==", "QUI=", "QUJDQUI=", strings.Repeat("A", 4096)},
		"BlobID":      {"b" + hex[:32]},
		"ChainID":     {id + "/main", id + "/sensitive", id + "/judicial", id + "/firm/" + hex[:16], id + "/firm/" + hex, "org/force-01/access", "org/hmcpsi/access"},
		"Date":        {"2024-02-29", "1000-01-01", "2999-12-31", "2026-04-30"},
		"ExhibitRef":  {"JS/1", "A. .b", "a .", strings.Repeat("a", 40)},
		"Hex16":       {hex[:32]},
		"Hex32":       {hex},
		"KeyID":       {"k" + hex[:32]},
		"MediaType":   {"video/mp4", strings.Repeat("a", 64) + "/a+", "a/" + strings.Repeat("b", 127)},
		"Org":         {"force-01", "cps-london-north", "court-1", "hmcpsi", "firm-" + strings.Repeat("a", 40)},
		"Origin":      {"log2026.caseledger.example", strings.Repeat("a", 63) + ".b", strings.Repeat(strings.Repeat("a", 63)+".", 3) + strings.Repeat("b", 61)},
		"PolicyID":    {"a.b-c", strings.Repeat("a", 64)},
		"Pseudonym":   {"a" + hex[:32]},
		"ToolName":    {"a._-0", strings.Repeat("a", 40)},
		"ToolVersion": {"A.+_-0", strings.Repeat("a", 40)},
		"URN":         {"01AB1234526", strings.Repeat("-", 36)},
		"UUID":        {id},
	}
	for def, n := range textForms(t) {
		if def != "Time" && edges[def] == nil {
			t.Errorf("%s: no texts at its edges", def)
		}
		want, got := oracle(n), matcherOf(n, def)
		for _, edge := range edges[def] {
			if !want(edge) {
				t.Errorf("%s: %q does not fit", def, edge)
			}
			for _, s := range nearby(edge) {
				if got(s) != want(s) {
					t.Errorf("%s %q: matcher %v, pattern %v", def, s, got(s), want(s))
				}
			}
		}
	}
}

// nearby lists texts that differ from s in one byte, lack its end, or repeat its last byte; of a long text only the ends
// are changed.
func nearby(s string) (out []string) {
	for i := range len(s) {
		out = append(out, s[:i])
		if i > 80 && i < len(s)-3 {
			continue
		}
		out = append(out, s[:i]+s[i+1:])
		for b := range 256 {
			out = append(out, s[:i]+string([]byte{byte(b)})+s[i+1:])
		}
		for _, b := range " ./-_+=\n0aA" {
			out = append(out, s[:i]+string(b)+s[i:])
		}
	}
	for n := 1; n < 5; n++ {
		out = append(out, s+strings.Repeat(s[len(s)-1:], n), s+strings.Repeat("=", n), s+"\n")
	}
	return out
}

func change(t *rapid.T, s string) string {
	pieces := []string{"", "0", "9", "a", "f", "g", "z", "A", "Z", "-", "--", "/", ".", "..", ". ", " .", " ", "  ", "=", "==", "+", "_", ":", "\n", "\x00", "é",
		"/main", "firm/", "org/", "/access", "force-", "hmcpsi", "29", "30", "02", strings.Repeat("a", 40), strings.Repeat("0", 64)}
	from := rapid.IntRange(0, len(s)).Draw(t, "from")
	to := rapid.IntRange(from, min(len(s), from+3)).Draw(t, "to")
	return s[:from] + rapid.SampledFrom(pieces).Draw(t, "piece") + s[to:]
}

// TestTimesEqualPattern: the check of the year accepts exactly the times whose text fits the pattern.
func TestTimesEqualPattern(t *testing.T) {
	re := regexp.MustCompile(textForms(t)["Time"].Pattern)
	rapid.Check(t, func(t *rapid.T) {
		year := rapid.OneOf(rapid.IntRange(-5, 12000), rapid.SampledFrom([]int{0, 1, 999, 1000, 2999, 3000, 9999, 10000})).Draw(t, "year")
		at := predicate.At(time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.Int64Range(0, 365*86400*1e6).Draw(t, "µs")) * time.Microsecond))
		if got, want := inTime(at.Std()), re.MatchString(at.String()); got != want {
			t.Fatalf("%s: check %v, pattern %v", at, got, want)
		}
	})
}

// TestPatternsEqualParsers: the patterns accept what the packages that own the forms accept.
func TestPatternsEqualParsers(t *testing.T) {
	owners := map[string]func(string) bool{
		"ExhibitRef": func(s string) bool { _, _, err := identifier.ParseExhibitRef(s); return err == nil },
		"URN":        func(s string) bool { _, _, err := identifier.ParseURN(s); return err == nil },
		"Org":        func(s string) bool { _, err := identifier.ParseOrg(s); return err == nil },
		"Origin":     func(s string) bool { return receipt.CheckOrigin(s) == nil },
	}
	forms := textForms(t)
	for def, accepts := range owners {
		want := oracle(forms[def])
		fits := rapid.StringMatching(strings.Trim(forms[def].Pattern, "^$"))
		rapid.Check(t, func(t *rapid.T) {
			s := fits.Draw(t, "fits")
			for range rapid.IntRange(0, 3).Draw(t, "changes") {
				s = change(t, s)
			}
			if accepts(s) != want(s) {
				t.Fatalf("%s %q: parser %v, pattern %v", def, s, accepts(s), want(s))
			}
		})
	}
}

func FuzzMatchers(f *testing.F) {
	for _, s := range []string{"", "JS/1", "force-01", "log2026.caseledger.example", "video/mp4", "2026-02-29", "a. .b", "QUJD", "QQ==",
		"6f1b3c52-9f4e-8a11-9d3e-0c5b7a1f2e4d/firm/0123456789abcdef", "org/firm-a/access", "k0123456789abcdef0123456789abcdef"} {
		f.Add(s)
	}
	type pair struct{ got, want func(string) bool }
	pairs := map[string]pair{}
	for def, n := range textForms(f) {
		if def != "Time" {
			pairs[def] = pair{matcherOf(n, def), oracle(n)}
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		for def, p := range pairs {
			if p.got(s) != p.want(s) {
				t.Errorf("%s %q: matcher %v, pattern %v", def, s, p.got(s), p.want(s))
			}
		}
	})
}
