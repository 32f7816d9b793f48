package schemas

import (
	"strings"
	"time"

	"github.com/caseledger/caseledger/schemas/identifier"
)

// matchers tell whether a text has the form that the definition of this name in a schema file describes by a pattern or
// format; a maxLength is checked apart. A test proves each equal to the pattern in the files.
func matchers() map[string]func(string) bool {
	return map[string]func(string) bool{
		"B64Digest":   isB64Digest,
		"Base64":      isBase64,
		"BlobID":      func(s string) bool { return isMarked(s, 'b') },
		"ChainID":     isChainID,
		"Date":        isDate,
		"ExhibitRef":  isExhibitRef,
		"Hex16":       func(s string) bool { return len(s) == 32 && isHex(s) },
		"Hex32":       func(s string) bool { return len(s) == 64 && isHex(s) },
		"KeyID":       func(s string) bool { return isMarked(s, 'k') },
		"MediaType":   isMediaType,
		"Org":         isOrg,
		"Origin":      isOrigin,
		"PolicyID":    func(s string) bool { return len(s) <= 64 && beginsAlnum(s) && within(s, policyBytes) },
		"Pseudonym":   func(s string) bool { return isMarked(s, 'a') },
		"ToolName":    func(s string) bool { return len(s) <= 40 && beginsAlnum(s) && within(s, toolBytes) },
		"ToolVersion": func(s string) bool { return len(s) <= 40 && beginsAlnum(s) && within(s, versionBytes) },
		"URN":         func(s string) bool { _, _, err := identifier.ParseURN(s); return err == nil },
		"UUID":        isUUID,
	}
}

// alphabet marks the bytes that a text may hold.
type alphabet [256]bool

const (
	lowerDigits = "abcdefghijklmnopqrstuvwxyz0123456789"
	letters     = "ABCDEFGHIJKLMNOPQRSTUVWXYZ" + lowerDigits
)

var (
	hexBytes     = newAlphabet("0123456789abcdef")
	hostBytes    = newAlphabet(lowerDigits + "-")
	firmBytes    = newAlphabet("0123456789abcdef-")
	alnumBytes   = newAlphabet(letters)
	base64Bytes  = newAlphabet(letters + "+/")
	base64URL    = newAlphabet(letters + "-_")
	base64Last   = newAlphabet("AEIMQUYcgkosw048")
	mediaBytes   = newAlphabet(lowerDigits + ".+-")
	policyBytes  = newAlphabet(lowerDigits + ".-")
	refBytes     = newAlphabet(letters + " /._-")
	toolBytes    = newAlphabet(lowerDigits + "._-")
	versionBytes = newAlphabet(letters + ".+_-")
)

func newAlphabet(of string) *alphabet {
	var a alphabet
	for i := range len(of) {
		a[of[i]] = true
	}
	return &a
}

func within(s string, a *alphabet) bool {
	for i := range len(s) {
		if !a[s[i]] {
			return false
		}
	}
	return true
}

func isHex(s string) bool { return within(s, hexBytes) }

// beginsAlnum: a lower-case letter or digit, or, where the alphabet has them, an upper-case letter.
func beginsAlnum(s string) bool { return s != "" && alnumBytes[s[0]] }

// isMarked: one letter that says what is named, and 16 bytes in hex.
func isMarked(s string, mark byte) bool { return len(s) == 33 && s[0] == mark && isHex(s[1:]) }

func isUUID(s string) bool {
	return len(s) == 36 && s[8] == '-' && s[13] == '-' && s[18] == '-' && s[23] == '-' &&
		isHex(s[:8]) && isHex(s[9:13]) && isHex(s[14:18]) && isHex(s[19:23]) && isHex(s[24:])
}

func isB64Digest(s string) bool {
	return len(s) == 43 && within(s[:42], base64URL) && base64Last[s[42]]
}

func isBase64(s string) bool {
	if len(s) == 0 || len(s)%4 != 0 {
		return false
	}
	body := s
	for range 2 {
		if body[len(body)-1] == '=' {
			body = body[:len(body)-1]
		}
	}
	return within(body, base64Bytes)
}

func isMediaType(s string) bool {
	for i := range len(s) {
		if s[i] == '/' {
			return isMediaPart(s[:i], 64) && isMediaPart(s[i+1:], 127)
		}
	}
	return false
}

func isMediaPart(s string, longest int) bool {
	return len(s) <= longest && beginsAlnum(s) && within(s, mediaBytes)
}

func isDate(s string) bool {
	if len(s) != 10 || s[0] != '1' && s[0] != '2' {
		return false
	}
	_, err := time.Parse(time.DateOnly, s)
	return err == nil
}

// isExhibitRef is what identifier.ParseExhibitRef accepts, without its opinion on custom.
func isExhibitRef(s string) bool {
	if !beginsAlnum(s) || s[len(s)-1] == ' ' {
		return false
	}
	for i := range len(s) {
		if !refBytes[s[i]] || i > 0 && s[i] == s[i-1] && (s[i] == ' ' || s[i] == '.') {
			return false
		}
	}
	return true
}

// isOrigin: a host name in lower case, as receipt.CheckOrigin wants it.
func isOrigin(s string) bool {
	for {
		dot := strings.IndexByte(s, '.')
		if dot < 0 {
			return isHostLabel(s)
		}
		if !isHostLabel(s[:dot]) {
			return false
		}
		s = s[dot+1:]
	}
}

func isHostLabel(s string) bool {
	return len(s) >= 1 && len(s) <= 63 && s[0] != '-' && s[len(s)-1] != '-' && within(s, hostBytes)
}

func isOrg(s string) bool { _, err := identifier.ParseOrg(s); return err == nil }

// isChainID: <case id>/main, /sensitive, /judicial or /firm/<id>, or org/<organisation>/access.
func isChainID(s string) bool {
	const org, access = "org/", "/access"
	if len(s) > len(org)+len(access) && s[:len(org)] == org {
		return s[len(s)-len(access):] == access && isOrg(s[len(org):len(s)-len(access)])
	}
	if len(s) < 37 || !isUUID(s[:36]) || s[36] != '/' {
		return false
	}
	const firm = "firm/"
	switch rest := s[37:]; {
	case rest == "main", rest == "sensitive", rest == "judicial":
		return true
	case len(rest) > len(firm) && rest[:len(firm)] == firm:
		id := rest[len(firm):]
		return len(id) >= 16 && len(id) <= 64 && within(id, firmBytes)
	}
	return false
}

// inTime: the years that the pattern of a time allows.
func inTime(t time.Time) bool { return t.Year() >= 1000 && t.Year() <= 2999 }
