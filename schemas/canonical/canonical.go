// Package canonical writes and reads the one byte form of JSON in which everything that is signed, hashed or compared
// here is kept: RFC 8785 (JSON Canonicalization Scheme) narrowed to integers.
//
//	{"a":[],"n":-7,"text":"a/b <&> \u0001 \"\n\" \u2028 is not escaped"}
//
// The form, in full:
//
//   - no white space; members sorted by the UTF-16 code units of their names; no name twice;
//   - strings are valid UTF-8; only `"`, `\` and U+0000–U+001F are escaped, with the two-character escapes \b \t \n \f \r
//     where they exist and otherwise \u00xx in lower-case hex;
//   - numbers are integers within ±(2^53−1), written plainly; there are no fractions, exponents or "-0". Larger integers
//     are decimal strings, which is the caller's choice of type;
//   - bytes are strict standard base64 with padding;
//   - at most MaxDepth levels of arrays and objects, at most MaxSize bytes.
//
// Go values are mapped as encoding/json maps them, with these differences, each of which keeps writing and reading
// symmetrical: a nil slice or map is [] or {} and a nil []byte is "" (a nil pointer or interface is null); floats, complex
// numbers, channels, functions, pointers to pointers, maps whose key is not a string, the tag option "string", and types
// that have MarshalJSON without MarshalText are refused; two struct fields of one name at one depth are an error and not
// silently dropped. A json.RawMessage must itself be canonical; an empty one is null.
package canonical

import (
	"errors"
	"fmt"
	"reflect"
	"sync"
)

// Limits on what is written and read.
const (
	// MaxSize is the longest text, in bytes.
	MaxSize = 16 << 20
	// MaxDepth is the deepest nesting of arrays and objects; a scalar has depth 0.
	MaxDepth = 64
	// MaxInteger is the largest magnitude of an integer: 2^53−1, the last that every JSON reader holds exactly.
	MaxInteger = 1<<53 - 1
)

// The kinds of failure. No error of this package repeats any of the content.
var (
	// ErrNotCanonical: the bytes are not the canonical form of what they hold.
	ErrNotCanonical = errors.New("canonical: not in canonical form")
	// ErrDecode: the bytes are canonical but do not fit the Go type they are decoded into.
	ErrDecode = errors.New("canonical: does not fit the expected type")
	// ErrEncode: the Go value has no canonical form.
	ErrEncode = errors.New("canonical: value cannot be encoded")
	// ErrLimit: deeper than MaxDepth or longer than MaxSize.
	ErrLimit = errors.New("canonical: limit exceeded")
)

// Marshal returns the canonical form of v.
func Marshal(v any) ([]byte, error) {
	var out []byte
	err := scratch(v, func(b []byte) {
		out = make([]byte, len(b))
		copy(out, b)
	})
	return out, err
}

// keepBuffer is the largest scratch buffer that is kept for the next call.
const keepBuffer = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

// scratch encodes v into a borrowed buffer and shows it to use, which must not keep it.
func scratch(v any, use func([]byte)) error {
	buffer := buffers.Get().(*[]byte)
	b, err := Append((*buffer)[:0], v)
	if err == nil {
		use(b)
	}
	if cap(b) <= keepBuffer {
		*buffer = b
		buffers.Put(buffer)
	}
	return err
}

// Append appends the canonical form of v to dst. On error dst is returned at its former length.
func Append(dst []byte, v any) ([]byte, error) {
	start := len(dst)
	out, err := appendAny(dst, v)
	if err != nil {
		return dst, err
	}
	if len(out)-start > MaxSize {
		return dst, fmt.Errorf("%w: the text would be longer than %d bytes", ErrLimit, MaxSize)
	}
	return out, nil
}

func appendAny(dst []byte, v any) ([]byte, error) {
	rv, ok := top(v)
	if !ok {
		return append(dst, "null"...), nil
	}
	p := planOf(rv.Type())
	if p.err != nil {
		return dst, p.err
	}
	return p.append(dst, rv, 0)
}

// Value returns v as the JSON value it stands for, in the Go types that a JSON Schema validator reads: map[string]any,
// []any, string, bool, int64, json.Number (inside a RawMessage or where v holds one) and nil. It refuses what Marshal
// refuses, but for MaxSize.
func Value(v any) (any, error) {
	rv, ok := top(v)
	if !ok {
		return nil, nil
	}
	p := planOf(rv.Type())
	if p.err != nil {
		return nil, p.err
	}
	return p.value(rv, 0)
}

// top opens the outermost pointer, so that a pointer to an interface is accepted there and only there: anywhere deeper it
// could lead back to itself without passing an array or object, which is where depth is counted.
func top(v any) (reflect.Value, bool) {
	rv := reflect.ValueOf(v)
	if !rv.IsValid() {
		return rv, false
	}
	if rv.Kind() == reflect.Pointer {
		if rv.IsNil() {
			return rv, false
		}
		return rv.Elem(), true
	}
	return rv, true
}
