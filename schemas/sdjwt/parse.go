package sdjwt

import (
	"bytes"
	"encoding/base64"
	"fmt"

	"github.com/caseledger/caseledger/schemas/canonical"
)

// strict refuses slack bits; like all of encoding/base64 it skips line breaks, which isBase64URL refuses.
var strict = base64.RawURLEncoding.Strict()

// maxEncoded is the longest disclosure that Encode makes.
var maxEncoded = base64.RawURLEncoding.EncodedLen(
	base64.RawURLEncoding.EncodedLen(MaxSalt) + MaxName + MaxValue + len(`["","",]`))

// Parse reads a disclosure and refuses every text but the one that Encode makes of the result: base64url without padding
// or slack bits, canonical JSON, exactly salt, name and value, all within the limits. Errors repeat no content.
func Parse(encoded string) (Disclosure, error) {
	if len(encoded) > maxEncoded {
		return Disclosure{}, fmt.Errorf("%w: longer than %d characters", ErrMalformed, maxEncoded)
	}
	if !isBase64URL(encoded) {
		return Disclosure{}, fmt.Errorf("%w: not base64url without padding", ErrMalformed)
	}
	text, err := strict.DecodeString(encoded)
	if err != nil {
		return Disclosure{}, fmt.Errorf("%w: not strict base64url", ErrMalformed)
	}
	salt, name, value, ok := split(text)
	if !ok {
		return Disclosure{}, fmt.Errorf("%w: not a canonical JSON array of a salt, a name and a value", ErrMalformed)
	}
	d := Disclosure{Salt: salt, Name: name}
	if err := checkSalt(salt); err != nil {
		return Disclosure{}, err
	}
	if err := checkName(name); err != nil {
		return Disclosure{}, err
	}
	if len(value) > MaxValue {
		return Disclosure{}, fmt.Errorf("%w: the value is longer than %d bytes", ErrMalformed, MaxValue)
	}
	if d.Value, err = parseValue(value); err != nil {
		return Disclosure{}, err
	}
	return d, nil
}

// split takes ["salt","name",value] apart. A salt or name with an escape, which neither may have, comes out with its
// backslash and is refused for that.
func split(text []byte) (salt, name string, value []byte, ok bool) {
	rest, ok1 := bytes.CutPrefix(text, []byte(`["`))
	s, rest, ok2 := bytes.Cut(rest, []byte(`","`))
	n, rest, ok3 := bytes.Cut(rest, []byte(`",`))
	value, ok4 := bytes.CutSuffix(rest, []byte(`]`))
	return string(s), string(n), value, ok1 && ok2 && ok3 && ok4 && len(value) > 0
}

// parseValue reads a value by its first byte and refuses it unless it is canonical.
func parseValue(value []byte) (any, error) {
	var err error
	switch value[0] {
	case '"':
		var s string
		if err = canonical.Unmarshal(value, &s); err == nil {
			return s, nil
		}
	case '[':
		var list []string
		if err = canonical.Unmarshal(value, &list); err == nil {
			return list, nil
		}
	case 't', 'f':
		var b bool
		if err = canonical.Unmarshal(value, &b); err == nil {
			return b, nil
		}
	case '{', 'n':
	default:
		var n int64
		if err = canonical.Unmarshal(value, &n); err == nil {
			return n, nil
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the value: %w", ErrMalformed, err)
	}
	return nil, fmt.Errorf("%w: the value is not a string, an integer, true, false or a list of strings", ErrMalformed)
}

// isBase64URL says whether s has only characters of base64url: no padding, no line breaks.
func isBase64URL(s string) bool {
	for i := range len(s) {
		if !isBase64URLByte(s[i]) {
			return false
		}
	}
	return true
}

func isBase64URLByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
