package canonical

import (
	"fmt"
	"reflect"
	"slices"
)

func appendInterface(dst []byte, v reflect.Value, depth int) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	v = v.Elem()
	p := planOf(v.Type())
	if p.err != nil {
		return dst, p.err
	}
	return p.append(dst, v, depth)
}

func valueInterface(v reflect.Value, depth int) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	v = v.Elem()
	p := planOf(v.Type())
	if p.err != nil {
		return nil, p.err
	}
	return p.value(v, depth)
}

func (b builder) pointer(t reflect.Type) *plan {
	if k := t.Elem().Kind(); k == reflect.Pointer || k == reflect.Interface {
		return &plan{err: fmt.Errorf("%w: type %v: a pointer to a pointer or interface", ErrEncode, t)}
	}
	elem := b.build(t.Elem())
	if elem.err != nil {
		return elem
	}
	return &plan{
		append: func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
			if v.IsNil() {
				return append(dst, "null"...), nil
			}
			return elem.append(dst, v.Elem(), depth)
		},
		value: func(v reflect.Value, depth int) (any, error) {
			if v.IsNil() {
				return nil, nil
			}
			return elem.value(v.Elem(), depth)
		},
	}
}

func (b builder) list(t reflect.Type) *plan {
	elem := b.build(t.Elem())
	if elem.err != nil {
		return elem
	}
	return &plan{
		append: func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
			if depth++; depth > MaxDepth {
				return dst, errDepth
			}
			dst = append(dst, '[')
			var err error
			for i := range v.Len() {
				if i > 0 {
					dst = append(dst, ',')
				}
				if dst, err = elem.append(dst, v.Index(i), depth); err != nil {
					return dst, err
				}
			}
			return append(dst, ']'), nil
		},
		value: func(v reflect.Value, depth int) (any, error) {
			if depth++; depth > MaxDepth {
				return nil, errDepth
			}
			out := make([]any, v.Len())
			for i := range out {
				x, err := elem.value(v.Index(i), depth)
				if err != nil {
					return nil, err
				}
				out[i] = x
			}
			return out, nil
		},
	}
}

func (b builder) object(t reflect.Type) *plan {
	if t.Key().Kind() != reflect.String {
		return &plan{err: fmt.Errorf("%w: type %v: the keys of a map must be strings", ErrEncode, t)}
	}
	elem := b.build(t.Elem())
	if elem.err != nil {
		return elem
	}
	return &plan{
		append: func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
			if depth++; depth > MaxDepth {
				return dst, errDepth
			}
			dst = append(dst, '{')
			var err error
			for i, m := range members(v) {
				if i > 0 {
					dst = append(dst, ',')
				}
				if dst, err = appendString(dst, m.name); err != nil {
					return dst, err
				}
				dst = append(dst, ':')
				if dst, err = elem.append(dst, m.value, depth); err != nil {
					return dst, err
				}
			}
			return append(dst, '}'), nil
		},
		value: func(v reflect.Value, depth int) (any, error) {
			if depth++; depth > MaxDepth {
				return nil, errDepth
			}
			out := make(map[string]any, v.Len())
			for it := v.MapRange(); it.Next(); {
				name := it.Key().String()
				if _, err := validString(name); err != nil {
					return nil, err
				}
				x, err := elem.value(it.Value(), depth)
				if err != nil {
					return nil, err
				}
				out[name] = x
			}
			return out, nil
		},
	}
}

type member struct {
	name  string
	value reflect.Value
}

// members lists the entries of a map in canonical order.
func members(v reflect.Value) []member {
	out := make([]member, 0, v.Len())
	for it := v.MapRange(); it.Next(); {
		out = append(out, member{it.Key().String(), it.Value()})
	}
	slices.SortFunc(out, func(a, b member) int { return compare(a.name, b.name) })
	return out
}

func (b builder) structure(t reflect.Type) *plan {
	fields, err := structFields(t)
	if err != nil {
		return &plan{err: err}
	}
	for i := range fields {
		f := &fields[i]
		f.plan = b.build(f.typ)
		if f.plan.err != nil {
			return &plan{err: within(f.name, f.plan.err)}
		}
	}
	return &plan{append: appendStruct(fields), value: valueStruct(fields)}
}

func appendStruct(fields []field) func([]byte, reflect.Value, int) ([]byte, error) {
	return func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
		if depth++; depth > MaxDepth {
			return dst, errDepth
		}
		dst = append(dst, '{')
		first := true
		var err error
		for i := range fields {
			f := &fields[i]
			fv, ok := f.of(v)
			if !ok || f.omit != nil && f.omit(fv) {
				continue
			}
			if !first {
				dst = append(dst, ',')
			}
			first = false
			dst = append(dst, f.key...)
			if dst, err = f.plan.append(dst, fv, depth); err != nil {
				return dst, within(f.name, err)
			}
		}
		return append(dst, '}'), nil
	}
}

func valueStruct(fields []field) func(reflect.Value, int) (any, error) {
	return func(v reflect.Value, depth int) (any, error) {
		if depth++; depth > MaxDepth {
			return nil, errDepth
		}
		out := make(map[string]any, len(fields))
		for i := range fields {
			f := &fields[i]
			fv, ok := f.of(v)
			if !ok || f.omit != nil && f.omit(fv) {
				continue
			}
			x, err := f.plan.value(fv, depth)
			if err != nil {
				return nil, within(f.name, err)
			}
			out[f.name] = x
		}
		return out, nil
	}
}

// of finds the field in struct v; false if an embedded pointer on the way is nil, whose members are then absent.
func (f *field) of(v reflect.Value) (reflect.Value, bool) {
	if len(f.index) == 1 {
		return v.Field(f.index[0]), true
	}
	for i, n := range f.index {
		if i > 0 && v.Kind() == reflect.Pointer {
			if v.IsNil() {
				return v, false
			}
			v = v.Elem()
		}
		v = v.Field(n)
	}
	return v, true
}
