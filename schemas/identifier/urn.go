package identifier

import "strings"

// URN is a police Unique Reference Number of a case, as typed: 1–36 letters, digits and hyphens (the bound of the Common
// Platform). Usually it has 11 characters: force (2 digits), unit (2 letters or digits), number (5 digits), year (2
// digits), as in 01AB1234526. Compare by Key.
type URN string

// maxURN is the length that the Common Platform accepts.
const maxURN = 36

// ParseURN reads a URN. A shape other than the usual one only warns.
func ParseURN(s string) (URN, []Warning, error) {
	switch {
	case s == "":
		return "", nil, invalid("URN", "it is empty; give 1 to 36 letters, digits and hyphens")
	case len(s) > maxURN:
		return "", nil, invalid("URN", "it is longer than 36 characters")
	case !all(s, func(c byte) bool { return isAlphanumeric(c) || c == '-' }):
		return "", nil, invalid("URN", "only letters, digits and hyphens are allowed, without spaces")
	}
	u := URN(s)
	key := u.Key()
	if !usualURN(key) {
		return u, []Warning{"the URN does not have the usual 11 characters: force, unit, five-figure number, year, such as 01AB1234526"}, nil
	}
	if _, err := ParseForce(key[:2]); err != nil {
		return u, []Warning{"the URN does not begin with the code of a police force in England and Wales"}, nil
	}
	return u, nil, nil
}

// Key is the form in which two URNs are compared: upper case.
func (u URN) Key() string { return strings.ToUpper(string(u)) }

func usualURN(key string) bool {
	return len(key) == 11 && all(key[:2], isDigit) && all(key[2:4], isAlphanumeric) && all(key[4:], isDigit)
}
