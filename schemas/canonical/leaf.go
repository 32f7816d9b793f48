package canonical

import (
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"unicode/utf8"
)

var stringPlan = plan{
	append: func(dst []byte, v reflect.Value, _ int) ([]byte, error) { return appendString(dst, v.String()) },
	value:  func(v reflect.Value, _ int) (any, error) { return validString(v.String()) },
}

func validString(s string) (any, error) {
	if !utf8.ValidString(s) {
		return nil, errUTF8
	}
	return s, nil
}

var boolPlan = plan{
	append: func(dst []byte, v reflect.Value, _ int) ([]byte, error) {
		if v.Bool() {
			return append(dst, "true"...), nil
		}
		return append(dst, "false"...), nil
	},
	value: func(v reflect.Value, _ int) (any, error) { return v.Bool(), nil },
}

var intPlan = plan{
	append: func(dst []byte, v reflect.Value, _ int) ([]byte, error) { return appendInt(dst, v.Int()) },
	value: func(v reflect.Value, _ int) (any, error) {
		n := v.Int()
		if n > MaxInteger || n < -MaxInteger {
			return nil, errInteger
		}
		return n, nil
	},
}

var uintPlan = plan{
	append: func(dst []byte, v reflect.Value, _ int) ([]byte, error) {
		n := v.Uint()
		if n > MaxInteger {
			return dst, errInteger
		}
		return appendInt(dst, int64(n))
	},
	value: func(v reflect.Value, _ int) (any, error) {
		n := v.Uint()
		if n > MaxInteger {
			return nil, errInteger
		}
		return int64(n), nil
	},
}

var numberPlan = plan{
	append: func(dst []byte, v reflect.Value, _ int) ([]byte, error) {
		s := v.String()
		if !isInteger(s) {
			return dst, errNumber
		}
		return append(dst, s...), nil
	},
	value: func(v reflect.Value, _ int) (any, error) {
		s := v.String()
		if !isInteger(s) {
			return nil, errNumber
		}
		return json.Number(s), nil
	},
}

var bytesPlan = plan{
	append: func(dst []byte, v reflect.Value, _ int) ([]byte, error) {
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"'), nil
	},
	value: func(v reflect.Value, _ int) (any, error) {
		return base64.StdEncoding.EncodeToString(v.Bytes()), nil
	},
}

var rawPlan = plan{
	append: func(dst []byte, v reflect.Value, depth int) ([]byte, error) {
		raw := v.Bytes()
		if len(raw) == 0 {
			return append(dst, "null"...), nil
		}
		if err := check(raw, depth); err != nil {
			return dst, fmt.Errorf("%w: raw message: %w", ErrEncode, err)
		}
		return append(dst, raw...), nil
	},
	value: func(v reflect.Value, depth int) (any, error) {
		raw := v.Bytes()
		if len(raw) == 0 {
			return nil, nil
		}
		if err := check(raw, depth); err != nil {
			return nil, fmt.Errorf("%w: raw message: %w", ErrEncode, err)
		}
		var out any
		err := decode(raw, &out)
		return out, err
	},
}

// textPlan encodes through MarshalText; receiver gives the value, or its address, that has the method.
func textPlan(receiver func(reflect.Value) reflect.Value) *plan {
	text := func(v reflect.Value) (string, error) {
		b, err := receiver(v).Interface().(encoding.TextMarshaler).MarshalText()
		if err != nil {
			return "", fmt.Errorf("%w: MarshalText of %v failed", ErrEncode, v.Type()) // its own error may quote content
		}
		return string(b), nil
	}
	return &plan{
		append: func(dst []byte, v reflect.Value, _ int) ([]byte, error) {
			s, err := text(v)
			if err != nil {
				return dst, err
			}
			return appendString(dst, s)
		},
		value: func(v reflect.Value, _ int) (any, error) {
			s, err := text(v)
			if err != nil {
				return nil, err
			}
			return validString(s)
		},
	}
}
