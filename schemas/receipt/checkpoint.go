package receipt

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// ErrCheckpoint marks bytes that are not a C2SP tlog-checkpoint in its one form.
var ErrCheckpoint = errors.New("not a signed checkpoint")

// ErrOrigin marks an origin that cannot name a log.
var ErrOrigin = errors.New("origin cannot name a log")

const (
	maxCheckpoint = 64 << 10
	maxSignatures = 100 - 4
	algEd25519    = 0x01
	sigPrefix     = "— "
)

// Checkpoint is a signed tree head as C2SP tlog-checkpoint v1.0.0 writes it, without extension lines.
type Checkpoint struct {
	Origin string
	Size   uint64
	Root   [32]byte
}

// Text is the note text that is signed.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatUint(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// SignatureLine is one signature of a signed note: Sig excludes the four bytes of key id.
type SignatureLine struct {
	Name  string
	KeyID uint32
	Sig   []byte
}

// SignedCheckpoint is a checkpoint with its signature lines in file order.
type SignedCheckpoint struct {
	Checkpoint
	Lines []SignatureLine
}

// ParseCheckpoint reads a signed checkpoint and refuses every other spelling of it. It verifies no signature.
func ParseCheckpoint(signed string) (SignedCheckpoint, error) {
	var c SignedCheckpoint
	if len(signed) > maxCheckpoint {
		return c, fmt.Errorf("%w: %d bytes", ErrCheckpoint, len(signed))
	}
	text, sigs, ok := strings.Cut(signed, "\n\n")
	lines := strings.Split(text, "\n")
	if !ok || len(lines) != 3 || lines[0] == "" || !plainText(signed) {
		return c, fmt.Errorf("%w: it needs an origin, a size, a root and signatures", ErrCheckpoint)
	}
	size, err := strconv.ParseUint(lines[1], 10, 63)
	if err != nil {
		return c, fmt.Errorf("%w: the size is not a number", ErrCheckpoint)
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(c.Root) {
		return c, fmt.Errorf("%w: the root is not 32 bytes of base64", ErrCheckpoint)
	}
	c.Origin, c.Size = lines[0], size
	copy(c.Root[:], root)
	for line := range strings.Lines(sigs) {
		s, err := parseLine(line)
		if err != nil {
			return SignedCheckpoint{}, err
		}
		c.Lines = append(c.Lines, s)
	}
	if len(c.Lines) == 0 || len(c.Lines) > maxSignatures || c.String() != signed {
		return SignedCheckpoint{}, fmt.Errorf("%w: signature lines missing, too many or not in their one form", ErrCheckpoint)
	}
	return c, nil
}

// plainText is what C2SP signed-note demands of a note: UTF-8 without control characters but line feeds.
func plainText(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' && r != '\n' })
}

func parseLine(line string) (SignatureLine, error) {
	var s SignatureLine
	rest, ok := strings.CutPrefix(line, sigPrefix)
	name, b64, ok2 := strings.Cut(strings.TrimSuffix(rest, "\n"), " ")
	raw, err := base64.StdEncoding.Strict().DecodeString(b64)
	if !ok || !ok2 || err != nil || len(raw) < 5 || name == "" || strings.Contains(name, "+") || strings.ContainsFunc(name, unicode.IsSpace) {
		return s, fmt.Errorf("%w: a signature line is malformed", ErrCheckpoint)
	}
	s.Name, s.Sig = name, raw[4:]
	s.KeyID = uint32(raw[0])<<24 | uint32(raw[1])<<16 | uint32(raw[2])<<8 | uint32(raw[3])
	return s, nil
}

// String is the signed note.
func (c SignedCheckpoint) String() string {
	var b bytes.Buffer
	b.WriteString(c.Text())
	b.WriteByte('\n')
	for _, l := range c.Lines {
		b.WriteString(l.String())
	}
	return b.String()
}

// String is the line as it stands in the note, with its line feed.
func (l SignatureLine) String() string {
	raw := append([]byte{byte(l.KeyID >> 24), byte(l.KeyID >> 16), byte(l.KeyID >> 8), byte(l.KeyID)}, l.Sig...)
	return sigPrefix + l.Name + " " + base64.StdEncoding.EncodeToString(raw) + "\n"
}

// LogKeyID is the full hash that identifies a log key: its first four bytes are the key id of signature lines
// (C2SP signed-note), all 32 are Sigstore's logId.
func LogKeyID(name string, pub ed25519.PublicKey) [32]byte {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{algEd25519})
	h.Write(pub)
	var out [32]byte
	h.Sum(out[:0])
	return out
}

// VerifierKey is the signed-note form of a log key: name+hash+base64, as log.vkey holds it.
func VerifierKey(name string, pub ed25519.PublicKey) string {
	id := LogKeyID(name, pub)
	return fmt.Sprintf("%s+%x+%s", name, id[:4], base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, pub...)))
}

var (
	originForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)
	rekorV1    = regexp.MustCompile(`.* - [0-9]+$`)
)

// CheckOrigin refuses an origin that stock tools would misread. It must be a host name in lower case, without port or
// path; a name like "x - 1" makes stock cosign treat the log as Rekor v1 and accept another event's entry as proof.
func CheckOrigin(origin string) error {
	switch {
	case rekorV1.MatchString(origin):
		return fmt.Errorf("%w: a name that ends in \" - <number>\" would be taken for a Rekor v1 log", ErrOrigin)
	case len(origin) > 253 || !originForm.MatchString(origin):
		return fmt.Errorf("%w: give a host name in lower case without port or path, such as log2026.caseledger.example", ErrOrigin)
	}
	return nil
}
