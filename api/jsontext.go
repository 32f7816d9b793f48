package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. s is text of this program or checked UTF-8.
func appendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	from := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[from:i]...)
		from = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return append(append(dst, s[from:]...), '"')
}

var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxPooled keeps the occasional large body out of the pool.
const maxPooled = 32 << 10

// quick is a form that reads its most usual bodies without the general decoder; false leaves a body to that.
type quick interface{ decode(data []byte) bool }

// read reads the body as one JSON object into v and returns what identifies the request for its Idempotency-Key, nothing
// where there is none. An absent body is an empty object. Members that v does not have, bytes that are not UTF-8, names
// that stand twice and anything after the object are refused.
func (c *call) read(v any) ([]byte, error) {
	r, limit := c.Request(), c.s.cfg.MaxBody
	if err := wantsJSON(r); err != nil {
		return nil, err
	}
	buf := bodies.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= maxPooled {
			buf.Reset()
			bodies.Put(buf)
		}
	}()
	if _, err := buf.ReadFrom(io.LimitReader(r.Body, limit+1)); err != nil {
		return nil, err
	}
	if int64(buf.Len()) > limit {
		return nil, fail(codeTooLarge, "send less at once; the limits are in the documentation")
	}
	data, asked := buf.Bytes(), []byte(nil)
	if c.key != "" {
		asked = bytes.Clone(data)
	}
	if len(data) == 0 {
		return asked, nil
	}
	if q, ok := v.(quick); ok && q.decode(data) {
		return asked, nil
	}
	return asked, decodeJSON(data, v)
}

// wantsJSON lets a body without a content type pass; with one it must be JSON.
func wantsJSON(r *http.Request) error {
	is := r.Header.Get("Content-Type")
	if is == "" || is == "application/json" {
		return nil
	}
	if media, params, err := mime.ParseMediaType(is); err == nil && media == "application/json" {
		if cs := params["charset"]; cs == "" || strings.EqualFold(cs, "utf-8") {
			return nil
		}
	}
	if r.ContentLength == 0 {
		return nil
	}
	return fail(codeMediaType, "send the body as application/json in UTF-8")
}

func decodeJSON(data []byte, v any) error {
	if !utf8.Valid(data) {
		return fail(codeRequest, "the body is not UTF-8")
	}
	if err := checkNames(data); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return badJSON(err)
	}
	return nil
}

func badJSON(err error) error {
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType):
		return fail(codeRequest, "a member of the body has another type than it must have; the forms are in /openapi.json")
	case strings.HasPrefix(err.Error(), "json: unknown field"):
		return fail(codeRequest, "the body has a member that this address does not know; the members are in /openapi.json")
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fail(codeRequest, "the body ends before the JSON does")
	}
	return fail(codeRequest, "the body is not JSON in the form that /openapi.json describes")
}

// maxDepth of objects and lists in a body; none needs more than four.
const maxDepth = 16

var errNames = fail(codeRequest, "the body is not one JSON object, or a member of it stands twice or has a name with escapes")

// checkNames refuses what encoding/json lets pass: a name that stands twice in one object, and text after the one object.
// It scans only; whether all else is JSON the decoder says.
func checkNames(data []byte) error {
	var seen [maxDepth][]string // names of the objects that are open
	depth, wantName := -1, false
	var isObject [maxDepth]bool
	for i := 0; i < len(data); i++ {
		switch data[i] {
		case '{', '[':
			if depth++; depth == maxDepth || depth == 0 && (i > 0 && len(bytes.TrimSpace(data[:i])) > 0 || data[i] == '[') {
				return errNames
			}
			isObject[depth], wantName, seen[depth] = data[i] == '{', data[i] == '{', seen[depth][:0]
		case '}', ']':
			if depth--; depth < -1 {
				return errNames
			}
			if depth == -1 {
				if len(bytes.TrimSpace(data[i+1:])) > 0 {
					return errNames
				}
				return nil
			}
			wantName = false
		case ',':
			wantName = depth >= 0 && isObject[depth]
		case '"':
			end, plain := stringEnd(data, i)
			if end < 0 || depth < 0 {
				return errNames
			}
			if wantName {
				if name := string(data[i+1 : end]); !plain || !fresh(&seen[depth], name) {
					return errNames
				}
				wantName = false
			}
			i = end
		}
	}
	return fail(codeRequest, "the body ends before the JSON does")
}

// fresh notes a name; names that differ in capitals only are one to the decoder.
func fresh(seen *[]string, name string) bool {
	for _, s := range *seen {
		if strings.EqualFold(s, name) {
			return false
		}
	}
	*seen = append(*seen, name)
	return true
}

// stringEnd finds the quotation mark that ends the string beginning at start, -1 if there is none, and says whether the
// string has no escapes.
func stringEnd(data []byte, start int) (end int, plain bool) {
	n := bytes.IndexByte(data[start+1:], '"')
	if n < 0 {
		return -1, false
	}
	if bytes.IndexByte(data[start+1:start+1+n], '\\') < 0 {
		return start + 1 + n, true
	}
	for i := start + 1; i < len(data); i++ {
		switch data[i] {
		case '"':
			return i, false
		case '\\':
			i++ // the escaped byte
		}
	}
	return -1, false
}
