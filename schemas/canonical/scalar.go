package canonical

import (
	"fmt"
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// errUTF8 and the like are made once: a failing hot path should not be slower than a working one.
var (
	errUTF8    = fmt.Errorf("%w: a string is not valid UTF-8", ErrEncode)
	errInteger = fmt.Errorf("%w: an integer is outside ±(2^53−1); use a decimal string", ErrEncode)
	errNumber  = fmt.Errorf("%w: a json.Number is not a plain integer within ±(2^53−1); use a decimal string", ErrEncode)
	errDepth   = fmt.Errorf("%w: nested deeper than %d levels", ErrLimit, MaxDepth)
)

// plain marks the ASCII bytes that stand for themselves in a string.
var plain = func() (t [256]bool) {
	for c := 0x20; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\'
	}
	return t
}()

// appendString appends s quoted and escaped as RFC 8785 section 3.2.2.2 says.
func appendString(dst []byte, s string) ([]byte, error) {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if plain[c] {
			i++
			continue
		}
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				return dst, errUTF8
			}
			i += size
			continue
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"'), nil
}

func appendEscape(dst []byte, c byte) []byte {
	if short := shortEscape(c); short != 0 {
		return append(dst, '\\', short)
	}
	return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
}

// shortEscape returns the letter of the two-character escape of c, or 0 if there is none.
func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}

func appendInt(dst []byte, n int64) ([]byte, error) {
	if n > MaxInteger || n < -MaxInteger {
		return dst, errInteger
	}
	return strconv.AppendInt(dst, n, 10), nil
}

// isInteger reports whether s is an integer in canonical form: -?(0|[1-9][0-9]*), not -0, within ±MaxInteger.
func isInteger(s string) bool {
	digits := s
	if len(s) > 0 && s[0] == '-' {
		digits = s[1:]
	}
	if len(digits) == 0 || len(digits) > 16 {
		return false
	}
	if digits[0] == '0' {
		return s == "0"
	}
	n := int64(0)
	for i := 0; i < len(digits); i++ {
		if digits[i] < '0' || digits[i] > '9' {
			return false
		}
		n = n*10 + int64(digits[i]-'0')
	}
	return n <= MaxInteger
}

// compare orders two names, both valid UTF-8, by their UTF-16 code units (RFC 8785 section 3.2.3). Bytes of UTF-8 order
// like code points, and code points order like UTF-16 but for one thing: U+E000–U+FFFF (first bytes EE and EF) come after
// the surrogate pairs of everything above U+FFFF (first bytes F0–F4). Two texts that first differ inside a character
// share its first byte, so only first bytes need the exchange.
func compare[T string | []byte](a, b T) int {
	n := min(len(a), len(b))
	for i := 0; i < n; i++ {
		if a[i] != b[i] {
			return int(rank(a[i])) - int(rank(b[i]))
		}
	}
	return len(a) - len(b)
}

func rank(c byte) byte {
	switch {
	case c < 0xEE:
		return c
	case c < 0xF0:
		return c + 0x10
	default:
		return c - 2
	}
}
