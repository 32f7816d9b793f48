package schemas_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

var update = flag.Bool("update", false, "write the schema files and their digests")

// TestGenerate makes the schema files from the Go structs and compares, or writes them with -update.
func TestGenerate(t *testing.T) {
	for kind := range predicate.Kinds {
		want, err := generate(kind)
		if err != nil {
			t.Fatalf("%s: %v", kind.Kind, err)
		}
		if *update {
			if err := os.WriteFile(kind.SchemaFile(), want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(kind.SchemaFile())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s differs from what the Go structs make; run go test ./schemas -run TestGenerate -update", kind.SchemaFile())
		}
	}
}

type object = map[string]any

// generator makes one schema file; definitions are added as types are met.
type generator struct {
	defs  object
	types map[string]reflect.Type
}

func generate(kind predicate.Type) ([]byte, error) {
	g := generator{defs: object{}, types: map[string]reflect.Type{}}
	root, err := g.structure(reflect.TypeFor[predicate.Predicate](), reflect.TypeOf(kind.New()).Elem())
	if err != nil {
		return nil, err
	}
	forKind(root, kind)
	title, ok := titles[kind.Kind]
	if !ok {
		return nil, fmt.Errorf("give it a line in titles")
	}
	var fields []string
	for _, f := range kind.Fields {
		fields = append(fields, f.Name)
	}
	slices.Sort(fields)
	root["$id"] = schemas.Base + kind.SchemaFile()
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["$defs"] = g.defs
	root["title"] = kind.Kind + ", version 1"
	root["description"] = title
	root["x-sd-fields"] = fields
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err = e.Encode(root)
	return out.Bytes(), err
}

// forKind narrows the slots to what the registry fixes for a kind: its operation under s.62, and whether it has a case.
func forKind(root object, kind predicate.Type) {
	properties, required := root["properties"].(object), root["required"].([]string)
	if kind.S62Op == "" {
		delete(properties, "s62op")
	} else {
		properties["s62op"] = object{"type": "string", "enum": []string{string(kind.S62Op)}}
		required = append(required, "s62op")
	}
	if kind.Chain == predicate.ChainOrgAccess {
		delete(properties, "case")
	} else {
		required = append(required, "case")
	}
	slices.Sort(required)
	root["required"] = required
}

// ref makes the schema of a field of type t; its tag bounds integers and arrays.
func (g *generator) ref(t reflect.Type, tag string, body reflect.Type) (object, error) {
	switch t.Kind() {
	case reflect.Pointer:
		return g.ref(t.Elem(), tag, body)
	case reflect.Interface:
		return g.define(body, nil)
	case reflect.Bool:
		return object{"type": "boolean"}, nil
	case reflect.Int64:
		least, most, err := bounds(tag, -canonical.MaxInteger, canonical.MaxInteger)
		return object{"type": "integer", "minimum": least, "maximum": most}, err
	case reflect.Slice:
		items, err := g.ref(t.Elem(), "", body)
		if err != nil {
			return nil, err
		}
		least, most, err := bounds(tag, 0, 1024)
		list := object{"type": "array", "items": items, "maxItems": most}
		if least > 0 {
			list["minItems"] = least
		}
		return list, err
	case reflect.String, reflect.Struct:
		return g.define(t, body)
	}
	return nil, fmt.Errorf("%v: no schema for this kind of type", t)
}

// define puts the schema of a named type under $defs, once, and refers to it.
func (g *generator) define(t, body reflect.Type) (object, error) {
	name := t.Name()
	if known, ok := g.types[name]; ok && known != t {
		return nil, fmt.Errorf("%v and %v share a name", known, t)
	}
	if _, ok := g.types[name]; !ok {
		g.types[name] = t
		var def object
		var err error
		if t.Kind() == reflect.String || t == reflect.TypeFor[predicate.Time]() {
			def, err = text(t)
		} else {
			def, err = g.structure(t, body)
		}
		if err != nil {
			return nil, err
		}
		g.defs[name] = def
	}
	return object{"$ref": "#/$defs/" + name}, nil
}

func (g *generator) structure(t, body reflect.Type) (object, error) {
	properties, required := object{}, []string{}
	for _, f := range reflect.VisibleFields(t) {
		if f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name == "" {
			return nil, fmt.Errorf("%v.%s: no json name", t, f.Name)
		}
		p, err := g.ref(f.Type, f.Tag.Get("schema"), body)
		if err != nil {
			return nil, fmt.Errorf("%v.%s: %w", t, f.Name, err)
		}
		properties[name] = p
		if options != "omitempty" {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	return object{"type": "object", "properties": properties, "required": required, "additionalProperties": false}, nil
}

// text makes the schema of a string type: from its closed list of values, or from the table of patterns.
func text(t reflect.Type) (object, error) {
	if v, ok := reflect.Zero(t).Interface().(interface{ Values() []string }); ok {
		return object{"type": "string", "enum": v.Values()}, nil
	}
	switch t {
	case reflect.TypeFor[identifier.Role]():
		return object{"type": "string", "enum": identifier.Roles()}, nil
	case reflect.TypeFor[identifier.Area]():
		return object{"type": "string", "enum": identifier.Areas()}, nil
	case reflect.TypeFor[identifier.Force]():
		return object{"type": "string", "enum": identifier.Forces()}, nil
	}
	form, ok := forms()[t]
	if !ok {
		return nil, fmt.Errorf("%v: give the type a Values method or a line in forms", t)
	}
	out := object{"type": "string", "pattern": form.pattern, "description": form.description}
	if form.format != "" {
		out["format"] = form.format
	}
	if form.longest > 0 {
		out["maxLength"] = form.longest
	}
	return out, nil
}

// bounds reads a tag such as "min=1,max=16".
func bounds(tag string, least, most int64) (int64, int64, error) {
	for part := range strings.SplitSeq(tag, ",") {
		name, number, _ := strings.Cut(part, "=")
		n, err := strconv.ParseInt(number, 10, 64)
		switch {
		case part == "":
		case err != nil:
			return 0, 0, fmt.Errorf("tag %q: %w", tag, err)
		case name == "min":
			least = n
		case name == "max":
			most = n
		default:
			return 0, 0, fmt.Errorf("tag %q: only min and max are known", tag)
		}
	}
	return least, most, nil
}
