package identifier

import (
	"regexp"
	"strings"
)

// ExhibitRef is the mark that the producing witness gave an exhibit, as typed: the witness's initials and a running
// number, such as JS/1. It is unique only with its case and its producer. Compare by Key.
type ExhibitRef string

const maxExhibitRef = 40

// usualRef is the customary shape: initials, number, sometimes a part.
var usualRef = regexp.MustCompile(`^[A-Z]{2,4}[ /-]?[0-9]{1,4}([ /-]?[A-Z0-9]{1,3})?$`)

// ParseExhibitRef reads an exhibit reference: 1–40 characters of letters, digits, space and / . _ -, beginning with a
// letter or digit, without a space at the end, two spaces running or "..", so that a reference is safe in a path and
// looks the same to every reader. A shape other than initials and number only warns.
func ParseExhibitRef(s string) (ExhibitRef, []Warning, error) {
	const what = "exhibit reference"
	switch {
	case s == "":
		return "", nil, invalid(what, "it is empty")
	case len(s) > maxExhibitRef:
		return "", nil, invalid(what, "it is longer than 40 characters")
	case !all(s, isRefByte):
		return "", nil, invalid(what, "only letters, digits, space and / . _ - are allowed")
	case !isAlphanumeric(s[0]):
		return "", nil, invalid(what, "it must begin with a letter or digit")
	case s[len(s)-1] == ' ', strings.Contains(s, "  "):
		return "", nil, invalid(what, "it ends in a space or has two spaces running")
	case strings.Contains(s, ".."):
		return "", nil, invalid(what, "it has two full stops running")
	}
	if !usualRef.MatchString(s) {
		return ExhibitRef(s), []Warning{"the exhibit reference does not have the usual shape: initials and a number, such as JS/1"}, nil
	}
	return ExhibitRef(s), nil, nil
}

func isRefByte(c byte) bool {
	return isAlphanumeric(c) || c == ' ' || c == '/' || c == '.' || c == '_' || c == '-'
}

// Key is the form in which two references are compared: upper case, without / . _ - and space, so that JS/1, JS 1 and js1
// are one.
func (r ExhibitRef) Key() string {
	b := make([]byte, 0, len(r))
	for i := range len(r) {
		c := r[i]
		switch {
		case isLower(c):
			b = append(b, c-'a'+'A')
		case isAlphanumeric(c):
			b = append(b, c)
		}
	}
	return string(b)
}

// reservedName are the device names that Windows opens instead of a file, whatever extension follows. COM1 is also a
// customary exhibit reference.
var reservedName = regexp.MustCompile(`(?i)^(CON|PRN|AUX|NUL|(COM|LPT)[0-9])(\.|$)`)

// FileStem is the reference as the first part of a file name, with - for / and space, and _ before a name that Windows
// reserves for a device. Different references may share a stem.
func (r ExhibitRef) FileStem() string {
	stem := strings.NewReplacer("/", "-", " ", "-").Replace(string(r))
	if reservedName.MatchString(stem) {
		return "_" + stem
	}
	return stem
}
