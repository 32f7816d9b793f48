package schemas

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/predicate"
)

func parse(t testing.TB, file []byte) *node {
	t.Helper()
	var root node
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	if err := d.Decode(&root); err != nil {
		t.Fatal(err)
	}
	return &root
}

// TestNoOpenSchema: no text without enum, pattern or format, no open object, no unbounded array or integer, in any file.
func TestNoOpenSchema(t *testing.T) {
	for name, file := range Files() {
		for _, problem := range openings(parse(t, file)) {
			t.Errorf("%s: %s", name, problem)
		}
	}
}

func TestNoOpenSchemaNotices(t *testing.T) {
	tests := map[string]string{
		"text":     `{"type":"string"}`,
		"object":   `{"type":"object","properties":{"a":{"type":"boolean"}}}`,
		"ajar":     `{"type":"object","additionalProperties":true}`,
		"array":    `{"type":"array","items":{"type":"boolean"}}`,
		"items":    `{"type":"array","maxItems":2}`,
		"integer":  `{"type":"integer","minimum":0}`,
		"anything": `{}`,
		"number":   `{"type":"number"}`,
		"below":    `{"type":"object","additionalProperties":false,"properties":{"a":{"type":"array","maxItems":3,"items":{"type":"string"}}}}`,
		"in defs":  `{"type":"boolean","$defs":{"A":{"type":"string"}}}`,
		"no def":   `{"$ref":"#/$defs/A"}`,
	}
	for name, text := range tests {
		if got := openings(parse(t, []byte(text))); len(got) != 1 {
			t.Errorf("%s: %d problems %q, want 1", name, len(got), got)
		}
	}
}

// openings lists where a schema lets through what it does not name.
func openings(root *node) (out []string) {
	var walk func(n *node, at string)
	walk = func(n *node, at string) {
		if n == nil {
			out = append(out, at+": no schema")
			return
		}
		for name, d := range n.Defs {
			walk(d, at+"/$defs/"+name)
		}
		for name, p := range n.Properties {
			walk(p, at+"/properties/"+name)
		}
		switch def, isRef := strings.CutPrefix(n.Ref, "#/$defs/"); {
		case isRef && root.Defs[def] == nil:
			out = append(out, at+": a reference to nothing")
		case isRef, n.Type == "boolean":
		case n.Type == "string" && n.Enum == nil && n.Pattern == "" && n.Format == "":
			out = append(out, at+": a text without enum, pattern or format")
		case n.Type == "string":
		case n.Type == "object" && (n.AdditionalProperties == nil || *n.AdditionalProperties):
			out = append(out, at+": an open object")
		case n.Type == "object":
		case n.Type == "integer" && (n.Minimum == nil || n.Maximum == nil):
			out = append(out, at+": an unbounded integer")
		case n.Type == "integer":
		case n.Type == "array" && n.MaxItems == nil:
			out = append(out, at+": an unbounded array")
		case n.Type == "array":
			walk(n.Items, at+"/items")
		default:
			out = append(out, at+": neither of the allowed types")
		}
	}
	walk(root, "")
	return out
}

// TestPatternsHaveNoWayOut: anchored at both ends, and without classes that engines read differently.
func TestPatternsHaveNoWayOut(t *testing.T) {
	for def, n := range textForms(t) {
		if p := n.Pattern; p[0] != '^' || p[len(p)-1] != '$' || strings.ContainsAny(p[1:len(p)-1], "^$") {
			t.Errorf("%s: not anchored", def)
		}
		for _, class := range []string{`\d`, `\w`, `\s`, `\b`, `(?`, `[^`} {
			if strings.Contains(n.Pattern, class) {
				t.Errorf("%s: %s is not read alike everywhere", def, class)
			}
		}
	}
}

// TestSDFields: the files list the registry's `_sd` fields, and none of them is also the name of a clear slot or field of
// the event: an opening must not be taken for what was signed in the clear.
func TestSDFields(t *testing.T) {
	for kind := range predicate.Kinds {
		file, ok := File(kind.Kind)
		if !ok {
			t.Fatalf("%s: no file", kind.Kind)
		}
		root := parse(t, file)
		body := root.Defs[strings.TrimPrefix(root.Properties["body"].Ref, "#/$defs/")]
		for _, f := range root.SDFields {
			if _, ok := kind.Field(f); !ok {
				t.Errorf("%s: %s is not in the registry", kind.Kind, f)
			}
			if root.Properties[f] != nil || body.Properties[f] != nil {
				t.Errorf("%s: %s is clear and an opening at once", kind.Kind, f)
			}
		}
		if len(root.SDFields) != len(kind.Fields) || !slices.IsSorted(root.SDFields) || slices.Contains(root.SDFields, "_sd") {
			t.Errorf("%s: x-sd-fields %q, registry has %d", kind.Kind, root.SDFields, len(kind.Fields))
		}
	}
}

// TestDigests: a published schema never changes. If this fails for a file that any ledger has used, leave the file as it
// was and make the next version. After a change of files not yet published run -update twice: the first run writes the
// files, which the second finds embedded.
func TestDigests(t *testing.T) {
	var lines strings.Builder
	for name, file := range Files() {
		kind, _, _ := strings.Cut(name, ".v1.schema.json")
		digest, ok := Digest(kind)
		if want := fmt.Sprintf("%x", sha256.Sum256(file)); !ok || string(digest) != want {
			t.Errorf("%s: digest %s, want %s", kind, digest, want)
		}
		fmt.Fprintf(&lines, "%s  %s\n", digest, name)
	}
	golden := filepath.Join("testdata", "digests.txt")
	if f := flag.Lookup("update"); f != nil && f.Value.String() == "true" {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(golden, []byte(lines.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if lines.String() != string(want) {
		t.Errorf("the schema files are not those of %s:\n%s", golden, lines.String())
	}
}

func TestFilesAreWhole(t *testing.T) {
	onDisk, err := filepath.Glob("*.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for name, file := range Files() {
		listed = append(listed, name)
		if root := parse(t, file); root.ID != Base+name || root.Title == "" || root.Description == "" {
			t.Errorf("%s: $id, title or description missing", name)
		}
	}
	if !slices.Equal(onDisk, listed) {
		t.Errorf("on disk %q\nlisted  %q", onDisk, listed)
	}
	if _, ok := File("evidence.eaten"); ok {
		t.Error("a file for an unknown kind")
	}
	if d, ok := Digest("evidence.eaten"); ok || d != "" {
		t.Error("a digest for an unknown kind")
	}
}

// TestCompileRefuses: a file that says what the compiled check cannot hold to, or that the Go types do not fit.
func TestCompileRefuses(t *testing.T) {
	kind, _ := predicate.Lookup("evidence.viewed")
	file, _ := File(kind.Kind)
	tests := map[string][2]string{
		"unknown keyword":    {`"x-sd-fields"`, `"oneOf"`},
		"no such definition": {`"$ref": "#/$defs/Hex16"`, `"$ref": "#/$defs/Nothing"`},
		"open object":        {`"additionalProperties": false`, `"additionalProperties": true`},
		"unknown property":   {`"eventId": {`, `"eventUd": {`},
		"other type":         {`"type": "integer"`, `"type": "boolean"`},
		"unbounded array":    {`"maxItems": 1024,`, ``},
		"unknown text":       {`Hex16`, `Hex17`},
	}
	for name, c := range tests {
		t.Run(name, func(t *testing.T) {
			changed := bytes.ReplaceAll(file, []byte(c[0]), []byte(c[1]))
			if bytes.Equal(changed, file) {
				t.Fatal("the change found nothing to change")
			}
			if _, err := compile(changed, kind); err == nil {
				t.Error("compiled")
			} else if name != "unknown keyword" && !errors.Is(err, errCompile) {
				t.Error(err)
			}
		})
	}
}
