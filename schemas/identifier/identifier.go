// Package identifier holds the identifiers that a statement may carry in the clear: case URN, exhibit reference, CPS
// Area, police force, organisation and role. Each is a plain string in JSON, read from outside by its ParseX function; a
// value of these types made in another way is unchecked. None of them names a person: identifiers of people travel only
// as salted digests (package sdjwt).
//
// Parsing is strict about what could do harm (length, characters) and lenient about custom: where forces differ from the
// usual shape the value is accepted as typed and a Warning says what is unusual.
package identifier

import (
	"errors"
	"fmt"
)

// ErrInvalid is behind every error of this package.
var ErrInvalid = errors.New("invalid identifier")

// Warning says in a plain sentence what is unusual about an accepted value. It does not repeat the value.
type Warning string

func invalid(what, why string) error { return fmt.Errorf("%s: %w: %s", what, ErrInvalid, why) }

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isUpper(c byte) bool { return c >= 'A' && c <= 'Z' }

func isLower(c byte) bool { return c >= 'a' && c <= 'z' }

func isLetter(c byte) bool { return isUpper(c) || isLower(c) }

func isAlphanumeric(c byte) bool { return isLetter(c) || isDigit(c) }

// all says whether every byte of s passes.
func all(s string, pass func(byte) bool) bool {
	for i := range len(s) {
		if !pass(s[i]) {
			return false
		}
	}
	return true
}
