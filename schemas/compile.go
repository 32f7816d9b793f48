package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Rules that an error names: the keywords of JSON Schema, and one of ours.
const (
	ruleType       = "type"
	ruleEnum       = "enum"
	rulePattern    = "pattern"
	ruleMinimum    = "minimum"
	ruleMaximum    = "maximum"
	ruleMaxLength  = "maxLength"
	ruleMinItems   = "minItems"
	ruleMaxItems   = "maxItems"
	ruleRequired   = "required"
	ruleAdditional = "additionalProperties"
	ruleKind       = "body of this kind"
)

// errCompile marks a schema file that the Go types do not fit.
var errCompile = errors.New("schema and Go type differ")

// node is one schema in a file. It has every keyword that the files use; a file with another one does not compile.
type node struct {
	AdditionalProperties *bool            `json:"additionalProperties"`
	Defs                 map[string]*node `json:"$defs"`
	Description          string           `json:"description"`
	Enum                 []string         `json:"enum"`
	Format               string           `json:"format"`
	ID                   string           `json:"$id"`
	Items                *node            `json:"items"`
	MaxItems             *int             `json:"maxItems"`
	MaxLength            *int             `json:"maxLength"`
	Maximum              *int64           `json:"maximum"`
	MinItems             *int             `json:"minItems"`
	Minimum              *int64           `json:"minimum"`
	Pattern              string           `json:"pattern"`
	Properties           map[string]*node `json:"properties"`
	Ref                  string           `json:"$ref"`
	Required             []string         `json:"required"`
	SDFields             []string         `json:"x-sd-fields"`
	Schema               string           `json:"$schema"`
	Title                string           `json:"title"`
	Type                 string           `json:"type"`
}

// compiler turns the schemas of one file into checks of Go values.
type compiler struct {
	defs     map[string]*node
	matchers map[string]func(string) bool
	body     reflect.Type // the struct behind the predicate's body
}

// compile makes the check of a predicate of type t from its schema file. The file says what is allowed; the Go types only
// say where to find it.
func compile(file []byte, t predicate.Type) (check, error) {
	d := json.NewDecoder(bytes.NewReader(file))
	d.DisallowUnknownFields()
	var root node
	if err := d.Decode(&root); err != nil {
		return nil, err
	}
	c := compiler{defs: root.Defs, matchers: matchers(), body: reflect.TypeOf(t.New()).Elem()}
	return c.build(&root, "", reflect.TypeFor[predicate.Predicate]())
}

// build makes the check of values of Go type t under schema n; def is the name of n where it is a definition.
func (c compiler) build(n *node, def string, t reflect.Type) (check, error) {
	if n.Ref != "" {
		name, _ := strings.CutPrefix(n.Ref, "#/$defs/")
		target, ok := c.defs[name]
		if !ok || target.Ref != "" {
			return nil, fmt.Errorf("%w: no definition %s", errCompile, n.Ref)
		}
		return c.build(target, name, t)
	}
	if t.Kind() == reflect.Pointer {
		elem, err := c.build(n, def, t.Elem())
		return checkPointer(elem), err
	}
	switch {
	case t == reflect.TypeFor[predicate.Time]() && n.Type == "string" && def == "Time":
		return checkTime, nil
	case t == reflect.TypeFor[predicate.Body]() && n.Type == "object":
		elem, err := c.build(n, def, c.body)
		return checkBody(elem), err
	case t.Kind() == reflect.String && n.Type == "string":
		return c.text(n, def)
	case t.Kind() == reflect.Int64 && n.Type == "integer" && n.Minimum != nil && n.Maximum != nil:
		return checkInteger(max(*n.Minimum, -canonical.MaxInteger), min(*n.Maximum, canonical.MaxInteger)), nil
	case t.Kind() == reflect.Bool && n.Type == "boolean":
		return func(reflect.Value) *failure { return nil }, nil
	case t.Kind() == reflect.Slice && n.Type == "array" && n.Items != nil && n.MaxItems != nil:
		elem, err := c.build(n.Items, "", t.Elem())
		return checkList(elem, valueOr(n.MinItems, 0), *n.MaxItems), err
	case t.Kind() == reflect.Struct && n.Type == "object":
		return c.object(n, t)
	}
	return nil, fmt.Errorf("%w: %v has no check for the type %q", errCompile, t, n.Type)
}

func (c compiler) text(n *node, def string) (check, error) {
	if n.Enum != nil {
		return checkEnum(n.Enum), nil
	}
	match, ok := c.matchers[def]
	if !ok {
		return nil, fmt.Errorf("%w: no matcher for the text %q", errCompile, def)
	}
	if n.MaxLength != nil {
		return checkShort(*n.MaxLength, match), nil
	}
	return checkText(match), nil
}

// object makes the check of a struct. What the schema allows and the struct lacks can never be present, which is an error
// where it is required; what the struct has and the schema lacks must be absent.
func (c compiler) object(n *node, t reflect.Type) (check, error) {
	if n.AdditionalProperties == nil || *n.AdditionalProperties {
		return nil, fmt.Errorf("%w: %v: the object is open", errCompile, t)
	}
	fields, err := members(t, nil)
	if err != nil {
		return nil, err
	}
	var out []property
	for _, f := range fields {
		sub, allowed := n.Properties[f.name]
		p := property{member: f, allowed: allowed, required: slices.Contains(n.Required, f.name)}
		if allowed {
			if p.check, err = c.build(sub, "", f.typ); err != nil {
				return nil, fmt.Errorf("%s: %w", f.name, err)
			}
		}
		out = append(out, p)
	}
	for name := range n.Properties {
		if !slices.ContainsFunc(fields, func(m member) bool { return m.name == name }) {
			return nil, fmt.Errorf("%w: %v has no field for %q", errCompile, t, name)
		}
	}
	return checkObject(out), nil
}

// member is one JSON member that a struct gives rise to.
type member struct {
	name  string
	index []int
	typ   reflect.Type
	omit  bool // left out where empty
}

// members lists the JSON members of struct type t, those of embedded structs included.
func members(t reflect.Type, path []int) ([]member, error) {
	var out []member
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(slices.Clone(path), i)
		if f.Anonymous {
			inner, err := members(f.Type, index)
			if err != nil {
				return nil, err
			}
			out = append(out, inner...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" || (options != "" && options != "omitempty") {
			return nil, fmt.Errorf("%w: %v.%s: its json tag is not a name with at most omitempty", errCompile, t, f.Name)
		}
		out = append(out, member{name: name, index: index, typ: f.Type, omit: options != ""})
	}
	return out, nil
}

func valueOr(n *int, otherwise int) int {
	if n == nil {
		return otherwise
	}
	return *n
}
