// Package sdjwt hides the values of members of a statement behind salted digests and reveals them one by one, in the form
// of RFC 9901 (Selective Disclosure for JWTs) section 4.2:
//
//	disclosure = base64url(canonical JSON of [salt, name, value])        without padding
//	salt       = base64url(16 random bytes)
//	digest     = base64url(SHA-256(ASCII bytes of the disclosure))
//
// A statement holds the digests, sorted bytewise, in its member "_sd". Whoever is shown a disclosure, here called an
// opening of the digest, can check it against the statement; whoever is not learns nothing, because the salt cannot be
// guessed. The RFC allows any JSON text inside a disclosure; this package writes and accepts only the canonical one
// (package canonical), so that two readers cannot see different names or values in one opening.
package sdjwt

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/caseledger/caseledger/schemas/canonical"
)

// Limits on a disclosure.
const (
	// MaxName is the longest name of a member, in characters.
	MaxName = 64
	// MaxValue is the longest value, in bytes of its canonical JSON.
	MaxValue = 64 << 10
	// SaltSize is the number of random bytes in a new salt and the least that Parse accepts.
	SaltSize = 16
	// MaxSalt is the most random bytes that Parse accepts.
	MaxSalt = 64
	// MaxSet is the most openings that ParseSet accepts.
	MaxSet = 4096
)

var (
	// ErrMalformed: a text is not a disclosure in the one accepted form, or a value cannot be put into one.
	ErrMalformed = errors.New("sdjwt: malformed disclosure")
	// ErrMismatch: an opening does not belong to the statement, or a set of openings contradicts itself.
	ErrMismatch = errors.New("sdjwt: opening does not match")
)

// Disclosure is one revealed member. Value is a string, int64 (within ±(2^53−1)), bool or []string.
type Disclosure struct {
	Salt  string // base64url, as in the disclosure
	Name  string
	Value any
}

// New makes a disclosure with a salt read from random, which must be a cryptographic source (crypto/rand.Reader).
func New(random io.Reader, name string, value any) (Disclosure, error) {
	var salt [SaltSize]byte
	if _, err := io.ReadFull(random, salt[:]); err != nil {
		return Disclosure{}, fmt.Errorf("sdjwt: read a salt: %w", err)
	}
	d := Disclosure{Salt: toBase64URL(salt[:]), Name: name, Value: value}
	if err := checkName(name); err != nil {
		return Disclosure{}, err
	}
	if err := checkType(value); err != nil {
		return Disclosure{}, err
	}
	return d, nil
}

// Encode returns the disclosure as RFC 9901 writes it. It refuses what Parse would refuse.
func (d Disclosure) Encode() (string, error) {
	if err := d.check(); err != nil {
		return "", err
	}
	text, err := d.appendJSON(make([]byte, 0, 256))
	if err != nil {
		return "", err
	}
	return toBase64URL(text), nil
}

// EncodeJSON returns the canonical JSON array that Encode writes in base64url, and the digest of what Encode writes: for
// whoever stores the shorter form.
func (d Disclosure) EncodeJSON() (text []byte, digest string, err error) {
	if err := d.check(); err != nil {
		return nil, "", err
	}
	if text, err = d.appendJSON(make([]byte, 0, 256)); err != nil {
		return nil, "", err
	}
	var space [4096]byte
	sum := sha256.Sum256(base64.RawURLEncoding.AppendEncode(space[:0], text))
	return text, toBase64URL(sum[:]), nil
}

func toBase64URL(b []byte) string {
	var space [512]byte
	return string(base64.RawURLEncoding.AppendEncode(space[:0], b))
}

// appendJSON appends the canonical array. Salt and name, being checked, need no escapes.
func (d Disclosure) appendJSON(dst []byte) ([]byte, error) {
	dst = append(dst, `["`...)
	dst = append(dst, d.Salt...)
	dst = append(dst, `","`...)
	dst = append(dst, d.Name...)
	dst = append(dst, `",`...)
	start := len(dst)
	dst, err := canonical.Append(dst, d.Value)
	if err != nil {
		return nil, fmt.Errorf("%w: value of %s: %w", ErrMalformed, d.Name, err)
	}
	if len(dst)-start > MaxValue {
		return nil, fmt.Errorf("%w: the value of %s is longer than %d bytes", ErrMalformed, d.Name, MaxValue)
	}
	return append(dst, ']'), nil
}

// Digest returns the digest of a disclosure as it stands in "_sd". It does not look inside.
func Digest(encoded string) string {
	var space [512]byte // enough for most; longer ones go to the heap
	sum := sha256.Sum256(append(space[:0], encoded...))
	return toBase64URL(sum[:])
}

func (d Disclosure) check() error {
	if err := checkSalt(d.Salt); err != nil {
		return err
	}
	if err := checkName(d.Name); err != nil {
		return err
	}
	return checkType(d.Value)
}

func checkSalt(salt string) error {
	if !isBase64URL(salt) || hasSlack(salt) {
		return fmt.Errorf("%w: the salt is not strict base64url", ErrMalformed)
	}
	if n := base64.RawURLEncoding.DecodedLen(len(salt)); n < SaltSize || n > MaxSalt {
		return fmt.Errorf("%w: a salt has %d to %d bytes", ErrMalformed, SaltSize, MaxSalt)
	}
	return nil
}

// checkName allows 1–64 of a–z, A–Z, 0–9, _ . and -. The RFC keeps "_sd" and "..." for itself.
func checkName(name string) error {
	if name == "" || len(name) > MaxName {
		return fmt.Errorf("%w: a name has 1 to %d characters", ErrMalformed, MaxName)
	}
	for i := range len(name) {
		if c := name[i]; c != '.' && !base64URL[c] {
			return fmt.Errorf("%w: a name has only letters, digits and _ . -", ErrMalformed)
		}
	}
	if name == "_sd" || name == "..." {
		return fmt.Errorf("%w: the names _sd and ... are reserved", ErrMalformed)
	}
	return nil
}

func checkType(value any) error {
	switch value.(type) {
	case string, int64, bool, []string:
		return nil
	}
	return fmt.Errorf("%w: a value is a string, int64, bool or []string, not %T", ErrMalformed, value)
}
