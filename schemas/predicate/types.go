package predicate

import (
	"errors"
	"fmt"
	"time"
)

// Kinds of plain string. Each has a pattern in the schemas; none can hold text that a person typed.
type (
	// UUID in lower-case canonical text form (RFC 9562).
	UUID string
	// Hex32 is 32 bytes in lower-case hex: a SHA-256 digest or a link.
	Hex32 string
	// Hex16 is 16 random bytes in lower-case hex: a salt.
	Hex16 string
	// B64Digest is a SHA-256 digest in base64url without padding, as RFC 9901 writes it.
	B64Digest string
	// KeyID names a key of the keyring.
	KeyID string
	// BlobID names a stored object.
	BlobID string
	// Pseudonym stands for a person who acts, within one case.
	Pseudonym string
	// ChainID names a chain: <case id>/main, /sensitive, /judicial, /firm/<id>, or org/<id>/access.
	ChainID string
	// MediaType is type/subtype in lower case, without parameters.
	MediaType string
	// PolicyID names the rule that allowed or denied an act.
	PolicyID string
	// Origin is the host name of a log.
	Origin string
	// ToolName and ToolVersion name software from a closed alphabet.
	ToolName    string
	ToolVersion string
	// Date is a calendar day, YYYY-MM-DD.
	Date string
	// Base64 is standard base64 with padding.
	Base64 string
)

// TimeLayout is RFC 3339 in UTC with exactly six decimals.
const TimeLayout = "2006-01-02T15:04:05.000000Z"

// ErrTime marks a time that is not written as TimeLayout says.
var ErrTime = errors.New("time is not RFC 3339 in UTC with six decimals")

// Time is an instant in UTC to the microsecond.
type Time struct{ t time.Time }

// At cuts t to the microsecond.
func At(t time.Time) Time { return Time{t.UTC().Truncate(time.Microsecond)} }

// Std returns the instant as a time.Time in UTC.
func (t Time) Std() time.Time { return t.t }

// IsZero reports whether the time was never set.
func (t Time) IsZero() bool { return t.t.IsZero() }

// String is the text form.
func (t Time) String() string { return t.t.Format(TimeLayout) }

// AppendText writes the text form (encoding.TextAppender).
func (t Time) AppendText(dst []byte) ([]byte, error) { return t.t.AppendFormat(dst, TimeLayout), nil }

// MarshalText writes the text form.
func (t Time) MarshalText() ([]byte, error) { return t.AppendText(make([]byte, 0, len(TimeLayout))) }

// UnmarshalText accepts the text form only.
func (t *Time) UnmarshalText(b []byte) error {
	p, err := time.Parse(TimeLayout, string(b))
	if err != nil || p.Format(TimeLayout) != string(b) {
		return fmt.Errorf("%w: %d bytes", ErrTime, len(b))
	}
	t.t = p.UTC()
	return nil
}
