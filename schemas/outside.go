package schemas

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// compileOutside compiles a schema file with the JSON Schema library, formats asserted.
func compileOutside(name string, file []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(noLoader{})
	if err := c.AddResource(Base+name, doc); err != nil {
		return nil, err
	}
	return c.Compile(Base + name)
}

// noLoader keeps the library from reading anything but what it is given.
type noLoader struct{}

func (noLoader) Load(string) (any, error) {
	return nil, errors.New("schemas are self-contained and load nothing")
}

// outsideError reduces the library's error to one pointer and one rule: its own text quotes values.
func outsideError(kind string, err error) error {
	if err == nil {
		return nil
	}
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return fmt.Errorf("%s: %w", kind, ErrInvalid)
	}
	first := slices.MinFunc(leaves(v, nil), func(a, b broken) int {
		return cmp.Or(strings.Compare(a.pointer, b.pointer), strings.Compare(a.rule, b.rule))
	})
	return invalid(kind, first.pointer, first.rule)
}

type broken struct{ pointer, rule string }

// leaves collects the causes that have no further causes.
func leaves(v *jsonschema.ValidationError, out []broken) []broken {
	if len(v.Causes) > 0 {
		for _, c := range v.Causes {
			out = leaves(c, out)
		}
		return out
	}
	rule := ruleType
	if path := v.ErrorKind.KeywordPath(); len(path) > 0 {
		rule = path[len(path)-1]
	}
	return append(out, broken{pointerOf(v.InstanceLocation), rule})
}

// pointerOf writes a JSON pointer (RFC 6901).
func pointerOf(path []string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	return b.String()
}
