package canonical

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// field is one member that a struct type gives rise to.
type field struct {
	name  string
	key   []byte // the name, quoted and escaped, and the colon
	index []int  // path through embedded structs
	typ   reflect.Type
	plan  *plan
	omit  func(reflect.Value) bool // nil: always present
}

// structFields lists the members of struct type t in canonical order. Of several fields with one name the shallowest
// counts, as in encoding/json; two at the same depth are an error.
func structFields(t reflect.Type) ([]field, error) {
	all, err := collect(t, nil, nil)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b field) int {
		return cmp.Or(compare(a.name, b.name), len(a.index)-len(b.index))
	})
	out := all[:0]
	for _, f := range all {
		if n := len(out); n > 0 && out[n-1].name == f.name {
			if len(out[n-1].index) == len(f.index) {
				return nil, fmt.Errorf("%w: type %v has two fields named %q", ErrEncode, t, f.name)
			}
			continue
		}
		out = append(out, f)
	}
	return out, nil
}

// collect walks the fields of t, opening embedded structs; path is how it got to t and open are the types on that path.
func collect(t reflect.Type, path []int, open []reflect.Type) ([]field, error) {
	if slices.Contains(open, t) {
		return nil, fmt.Errorf("%w: type %v embeds itself", ErrEncode, t)
	}
	open = append(slices.Clone(open), t)
	var out []field
	for i := range t.NumField() {
		sf := t.Field(i)
		tag := sf.Tag.Get("json")
		if tag == "-" || (!sf.IsExported() && !sf.Anonymous) {
			continue
		}
		index := append(slices.Clone(path), i)
		name, options, _ := strings.Cut(tag, ",")
		inner, err := embedded(sf, name)
		if err != nil {
			return nil, err
		}
		if inner != nil {
			more, err := collect(inner, index, open)
			if err != nil {
				return nil, err
			}
			out = append(out, more...)
			continue
		}
		if !sf.IsExported() {
			continue
		}
		f, err := newField(sf, name, options, index)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}

// embedded returns the struct type whose fields sf contributes in its own stead, or nil.
func embedded(sf reflect.StructField, name string) (reflect.Type, error) {
	if !sf.Anonymous || name != "" {
		return nil, nil
	}
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
		if t.Kind() == reflect.Struct && !sf.IsExported() {
			return nil, fmt.Errorf("%w: embedded pointer to unexported type %v cannot be decoded", ErrEncode, t)
		}
	}
	if t.Kind() != reflect.Struct {
		return nil, nil
	}
	return t, nil
}

func newField(sf reflect.StructField, name, options string, index []int) (field, error) {
	if name == "" {
		name = sf.Name
	}
	if strings.ContainsAny(name, "\"\\'`,") {
		return field{}, fmt.Errorf("%w: field %s: encoding/json does not take %q as a name", ErrEncode, sf.Name, name)
	}
	key, err := appendString(nil, name)
	if err != nil {
		return field{}, fmt.Errorf("field %s: %w", sf.Name, err)
	}
	f := field{name: name, key: append(key, ':'), index: index, typ: sf.Type}
	for option := range strings.SplitSeq(options, ",") {
		switch option {
		case "omitempty":
			f.omit = either(f.omit, isEmpty)
		case "omitzero":
			f.omit = either(f.omit, zeroTest(sf.Type))
		case "":
		default:
			return field{}, fmt.Errorf("%w: field %s: tag option %q is not supported", ErrEncode, sf.Name, option)
		}
	}
	return f, nil
}

func either(a, b func(reflect.Value) bool) func(reflect.Value) bool {
	if a == nil {
		return b
	}
	return func(v reflect.Value) bool { return a(v) || b(v) }
}

// isEmpty is encoding/json's meaning of omitempty.
func isEmpty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Array, reflect.Map, reflect.Slice, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

type zeroer interface{ IsZero() bool }

// zeroTest is encoding/json's meaning of omitzero: the type's own IsZero where it has one.
func zeroTest(t reflect.Type) func(reflect.Value) bool {
	want := reflect.TypeFor[zeroer]()
	switch {
	case t.Kind() == reflect.Interface, t.Kind() == reflect.Pointer && t.Implements(want):
		return func(v reflect.Value) bool {
			if v.IsNil() {
				return true
			}
			z, ok := v.Interface().(zeroer)
			return ok && z.IsZero() && (t.Kind() == reflect.Pointer || t.Implements(want))
		}
	case t.Implements(want):
		return func(v reflect.Value) bool { return v.Interface().(zeroer).IsZero() }
	case reflect.PointerTo(t).Implements(want):
		return func(v reflect.Value) bool { return addressable(v).Addr().Interface().(zeroer).IsZero() }
	default:
		return reflect.Value.IsZero
	}
}

// addressable returns v itself, or a copy of it, that has an address.
func addressable(v reflect.Value) reflect.Value {
	if v.CanAddr() {
		return v
	}
	c := reflect.New(v.Type()).Elem()
	c.Set(v)
	return c
}
