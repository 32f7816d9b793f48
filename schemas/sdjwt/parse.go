package sdjwt

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/caseledger/caseledger/schemas/canonical"
)

// maxEncoded is the longest disclosure that Encode makes.
var maxEncoded = base64.RawURLEncoding.EncodedLen(
	base64.RawURLEncoding.EncodedLen(MaxSalt) + MaxName + MaxValue + len(`["","",]`))

// Parse reads a disclosure and refuses every text but the one that Encode makes of the result: base64url without padding
// or slack bits, canonical JSON, exactly salt, name and value, all within the limits. Errors repeat no content.
func Parse(encoded string) (Disclosure, error) {
	if len(encoded) > maxEncoded {
		return Disclosure{}, fmt.Errorf("%w: longer than %d characters", ErrMalformed, maxEncoded)
	}
	if !isBase64URL(encoded) || hasSlack(encoded) {
		return Disclosure{}, fmt.Errorf("%w: not strict base64url without padding", ErrMalformed)
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil {
		return Disclosure{}, fmt.Errorf("%w: not base64url", ErrMalformed)
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
		if !base64URL[s[i]] {
			return false
		}
	}
	return true
}

// base64URL marks the characters of base64url.
var base64URL = func() (t [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		t[c] = true
	}
	return t
}()

// hasSlack says whether base64url text s has a length that no bytes encode to, or bits in its last character that do not
// belong to a byte.
func hasSlack(s string) bool {
	switch len(s) % 4 {
	case 1:
		return true
	case 2:
		return strings.IndexByte("AQgw", s[len(s)-1]) < 0
	case 3:
		return strings.IndexByte("AEIMQUYcgkosw048", s[len(s)-1]) < 0
	}
	return false
}
