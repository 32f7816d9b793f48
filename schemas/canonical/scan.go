package canonical

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// check says whether data is one canonical JSON text, without decoding it; depth is how deep it will be inserted.
func check(data []byte, depth int) error {
	s := scanner{data: data}
	if err := s.value(depth); err != nil {
		return err
	}
	if s.pos != len(data) {
		return s.fail("something follows the value")
	}
	return nil
}

type scanner struct {
	data []byte
	pos  int
}

func (s *scanner) fail(why string) error {
	return fmt.Errorf("%w: byte %d: %s", ErrNotCanonical, s.pos, why)
}

// next returns the byte at the position, or 0 at the end; a 0 byte is nowhere valid either.
func (s *scanner) next() byte {
	if s.pos < len(s.data) {
		return s.data[s.pos]
	}
	return 0
}

func (s *scanner) value(depth int) error {
	switch c := s.next(); {
	case c == '{':
		return s.object(depth + 1)
	case c == '[':
		return s.array(depth + 1)
	case c == '"':
		_, err := s.text()
		return err
	case c == 't':
		return s.word("true")
	case c == 'f':
		return s.word("false")
	case c == 'n':
		return s.word("null")
	case c == '-' || c >= '0' && c <= '9':
		return s.integer()
	}
	return s.fail("no value begins so (there is no white space in this form)")
}

func (s *scanner) word(w string) error {
	if len(s.data)-s.pos < len(w) || string(s.data[s.pos:s.pos+len(w)]) != w {
		return s.fail("an unknown word")
	}
	s.pos += len(w)
	return nil
}

func (s *scanner) integer() error {
	end := s.pos
	for end < len(s.data) && numeric(s.data[end]) {
		end++
	}
	if !isInteger(string(s.data[s.pos:end])) {
		return s.fail("a number that is not a plain integer within ±(2^53−1)")
	}
	s.pos = end
	return nil
}

func numeric(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

func (s *scanner) array(depth int) error {
	if depth > MaxDepth {
		return errDepth
	}
	s.pos++
	if s.next() == ']' {
		s.pos++
		return nil
	}
	for {
		if err := s.value(depth); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.pos++
		case ']':
			s.pos++
			return nil
		default:
			return s.fail("an array needs a comma or its end here")
		}
	}
}

func (s *scanner) object(depth int) error {
	if depth > MaxDepth {
		return errDepth
	}
	s.pos++
	if s.next() == '}' {
		s.pos++
		return nil
	}
	var previous []byte
	first := true
	for {
		start := s.pos
		name, err := s.text()
		if err != nil {
			return err
		}
		if !first && compare(previous, name) >= 0 {
			s.pos = start
			return s.fail("a member is out of order or there twice")
		}
		previous, first = name, false
		if s.next() != ':' {
			return s.fail("a colon is missing")
		}
		s.pos++
		if err := s.value(depth); err != nil {
			return err
		}
		switch s.next() {
		case ',':
			s.pos++
		case '}':
			s.pos++
			return nil
		default:
			return s.fail("an object needs a comma or its end here")
		}
	}
}

// text passes a string and returns what it means; the result may share memory with the data.
func (s *scanner) text() ([]byte, error) {
	if s.next() != '"' {
		return nil, s.fail("a string is missing")
	}
	s.pos++
	start := s.pos
	var decoded []byte // what precedes start, once there was an escape
	for s.pos < len(s.data) {
		c := s.data[s.pos]
		switch {
		case plain[c]:
			s.pos++
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRune(s.data[s.pos:])
			if r == utf8.RuneError && size == 1 {
				return nil, s.fail("invalid UTF-8")
			}
			s.pos += size
		case c == '"':
			out := s.data[start:s.pos]
			if decoded != nil {
				out = append(decoded, out...)
			}
			s.pos++
			return out, nil
		case c == '\\':
			decoded = append(decoded, s.data[start:s.pos]...)
			e, err := s.escape()
			if err != nil {
				return nil, err
			}
			decoded = append(decoded, e)
			start = s.pos
		default:
			return nil, s.fail("a control character that is not escaped")
		}
	}
	return nil, s.fail("a string has no end")
}

// escape passes one escape sequence, which must be the one this form prescribes, and returns its character.
func (s *scanner) escape() (byte, error) {
	rest := s.data[s.pos:]
	if len(rest) >= 2 {
		if i := strings.IndexByte(`"\btnfr`, rest[1]); i >= 0 {
			s.pos += 2
			return "\"\\\b\t\n\f\r"[i], nil
		}
	}
	if len(rest) >= 6 && rest[1] == 'u' && rest[2] == '0' && rest[3] == '0' && (rest[4] == '0' || rest[4] == '1') {
		for low := range byte(16) {
			c := (rest[4]-'0')<<4 | low
			if hexDigits[low] == rest[5] && shortEscape(c) == 0 {
				s.pos += 6
				return c, nil
			}
		}
	}
	return 0, s.fail("an escape that this form does not have")
}
