package canonical

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// plan is how values of one type are encoded; it is made once per type. Exactly one of err and the two functions is set.
type plan struct {
	append func(dst []byte, v reflect.Value, depth int) ([]byte, error)
	value  func(v reflect.Value, depth int) (any, error)
	err    error // values of this type are refused
}

var plans sync.Map // reflect.Type → *plan

var (
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	rawMessage    = reflect.TypeFor[json.RawMessage]()
	jsonNumber    = reflect.TypeFor[json.Number]()
)

func planOf(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	b := builder{open: map[reflect.Type]bool{}}
	p, _ := plans.LoadOrStore(t, b.build(t))
	return p.(*plan)
}

// builder makes the plan of a type and of all it contains; open holds the types being made, which is how a type that
// contains itself is noticed.
type builder struct{ open map[reflect.Type]bool }

func (b builder) build(t reflect.Type) *plan {
	if p, ok := plans.Load(t); ok {
		return p.(*plan)
	}
	if b.open[t] {
		return deferredPlan(t)
	}
	b.open[t] = true
	defer delete(b.open, t)
	switch {
	case t == rawMessage:
		return &rawPlan
	case t == jsonNumber:
		return &numberPlan
	case t.Kind() == reflect.Interface:
		return &plan{append: appendInterface, value: valueInterface}
	case t.Kind() == reflect.Pointer:
		return b.pointer(t)
	case t.Implements(textMarshaler):
		return textPlan(func(v reflect.Value) reflect.Value { return v })
	case reflect.PointerTo(t).Implements(textMarshaler):
		return textPlan(func(v reflect.Value) reflect.Value { return addressable(v).Addr() })
	case t.Implements(jsonMarshaler), reflect.PointerTo(t).Implements(jsonMarshaler):
		return &plan{err: fmt.Errorf("%w: type %v has MarshalJSON; give it MarshalText or use plain types", ErrEncode, t)}
	}
	return b.byKind(t)
}

func (b builder) byKind(t reflect.Type) *plan {
	switch t.Kind() {
	case reflect.String:
		return &stringPlan
	case reflect.Bool:
		return &boolPlan
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &intPlan
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return &uintPlan
	case reflect.Slice:
		if isBytes(t) {
			return &bytesPlan
		}
		return b.list(t)
	case reflect.Array:
		return b.list(t)
	case reflect.Map:
		return b.object(t)
	case reflect.Struct:
		return b.structure(t)
	case reflect.Float32, reflect.Float64:
		return &plan{err: fmt.Errorf("%w: type %v: floating point is not used; use an integer or a decimal string", ErrEncode, t)}
	default:
		return &plan{err: fmt.Errorf("%w: type %v has no JSON form", ErrEncode, t)}
	}
}

// isBytes says whether encoding/json takes slice type t for base64.
func isBytes(t reflect.Type) bool {
	e := t.Elem()
	p := reflect.PointerTo(e)
	return e.Kind() == reflect.Uint8 && !p.Implements(jsonMarshaler) && !p.Implements(textMarshaler)
}

// deferredPlan looks the finished plan up when it is used.
func deferredPlan(t reflect.Type) *plan {
	return &plan{
		append: func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
			p := planOf(t)
			if p.err != nil {
				return dst, p.err
			}
			return p.append(dst, v, depth)
		},
		value: func(v reflect.Value, depth int) (any, error) {
			p := planOf(t)
			if p.err != nil {
				return nil, p.err
			}
			return p.value(v, depth)
		},
	}
}

// within adds the struct field in which an error arose; the names of fields are ours, never content.
func within(name string, err error) error {
	var w *fieldError
	if errors.As(err, &w) {
		return &fieldError{path: name + "." + w.path, err: w.err}
	}
	return &fieldError{path: name, err: err}
}

type fieldError struct {
	path string
	err  error
}

func (e *fieldError) Error() string { return e.err.Error() + " (at " + e.path + ")" }
func (e *fieldError) Unwrap() error { return e.err }
