package receipt_test

import (
	"crypto/ed25519"
	"errors"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/receipt"
)

func TestParseCheckpointRefuses(t *testing.T) {
	good := string(testdata(t, "checkpoint"))
	line := good[strings.Index(good, "— "):]
	tests := map[string]string{
		"nothing":             "",
		"no signature":        strings.TrimSuffix(good, line),
		"no line feed":        strings.TrimSuffix(good, "\n"),
		"no origin":           replaced(t, good, origin+"\n5", "\n5"),
		"leading zero":        replaced(t, good, "\n5\n", "\n05\n"),
		"sign":                replaced(t, good, "\n5\n", "\n+5\n"),
		"negative":            replaced(t, good, "\n5\n", "\n-5\n"),
		"size of 64 bits":     replaced(t, good, "\n5\n", "\n9223372036854775808\n"),
		"hexadecimal":         replaced(t, good, "\n5\n", "\n0x5\n"),
		"extension":           replaced(t, good, "\n\n", "\nextension\n\n"),
		"root too short":      replaced(t, good, "Kcj8", ""),
		"root with slack":     replaced(t, good, "sQk=", "sQl="),
		"carriage return":     replaced(t, good, "\n5\n", "\n5\r\n"),
		"return in the root":  replaced(t, good, "Kcj8", "Kc\rj8"),
		"control character":   replaced(t, good, origin, origin+"\x01"),
		"not UTF-8":           replaced(t, good, origin, origin+"\xff"),
		"hyphen for dash":     replaced(t, good, "— ", "- "),
		"blank line":          good + "\n",
		"text after":          good + "x\n",
		"signature too short": replaced(t, good, line, "— x AAAA\n"),
		"unnamed":             replaced(t, good, "— "+origin+" ", "—  "),
		"plus in a name":      replaced(t, good, "— "+origin, "— a+b"),
		"space in a name":     replaced(t, good, "— "+origin, "— a\u2003b"),
		"97 signatures":       replaced(t, good, line, strings.Repeat(line, 97)),
		"too long":            replaced(t, good, origin, strings.Repeat("a", 65<<10)),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			if c, err := receipt.ParseCheckpoint(in); !errors.Is(err, receipt.ErrCheckpoint) || c.Origin != "" || c.Lines != nil {
				t.Errorf("error %v, checkpoint %+v", err, c)
			}
		})
	}
	if _, err := receipt.ParseCheckpoint(replaced(t, good, line, strings.Repeat(line, 96))); err != nil {
		t.Errorf("96 signatures: %v", err)
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := receipt.SignedCheckpoint{Checkpoint: receipt.Checkpoint{
			Origin: rapid.StringMatching(`[a-z0-9./ é-]{1,40}`).Draw(t, "origin"), Size: rapid.Uint64Range(0, 1<<63-1).Draw(t, "size"),
		}}
		copy(c.Root[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "root"))
		for range rapid.IntRange(1, 4).Draw(t, "signatures") {
			c.Lines = append(c.Lines, receipt.SignatureLine{
				Name: rapid.StringMatching(`[a-z0-9./é-]{1,40}`).Draw(t, "name"), KeyID: rapid.Uint32().Draw(t, "key id"),
				Sig: rapid.SliceOfN(rapid.Byte(), 1, 80).Draw(t, "signature"),
			})
		}
		back, err := receipt.ParseCheckpoint(c.String())
		if err != nil || back.String() != c.String() || back.Checkpoint != c.Checkpoint || len(back.Lines) != len(c.Lines) {
			t.Fatalf("%v: %q", err, c.String())
		}
	})
}

// TestKeyIDs compares with golang.org/x/mod's own reading of a verifier key.
func TestKeyIDs(t *testing.T) {
	key := logSeedKey().Public().(ed25519.PublicKey)
	v, err := note.NewVerifier(receipt.VerifierKey(origin, key))
	if err != nil {
		t.Fatal(err)
	}
	id := receipt.LogKeyID(origin, key)
	c, err := receipt.ParseCheckpoint(string(testdata(t, "checkpoint")))
	if err != nil {
		t.Fatal(err)
	}
	want := uint32(id[0])<<24 | uint32(id[1])<<16 | uint32(id[2])<<8 | uint32(id[3])
	if v.KeyHash() != want || c.Lines[0].KeyID != want || v.Name() != origin {
		t.Errorf("key id %08x in the note package, %08x here, %08x in the checkpoint", v.KeyHash(), want, c.Lines[0].KeyID)
	}
	if !v.Verify([]byte(c.Text()), c.Lines[0].Sig) {
		t.Error("the signature of the parsed checkpoint does not hold")
	}
}

func TestCheckOrigin(t *testing.T) {
	label := strings.Repeat("a", 63)
	tests := map[string]bool{
		"x - 1":                              false, // stock cosign takes it for a Rekor v1 log
		"log.example - 2605736670972794746":  false,
		" - 0":                               false,
		"x -1":                               false,
		"x-1":                                true, // no spaces: not that form
		"":                                   false,
		".":                                  false,
		"log.example.":                       false,
		".log.example":                       false,
		"log..example":                       false,
		"log.example:8080":                   false,
		"log.example/tree":                   false,
		"https://log.example":                false,
		"user@log.example":                   false,
		"log.example?x":                      false,
		"Log.example":                        false,
		"LOG.EXAMPLE":                        false,
		"log_1.example":                      false,
		"lög.example":                        false,
		"log.example\n":                      false,
		"log\nx":                             false,
		" log.example":                       false,
		"-log.example":                       false,
		"log-.example":                       false,
		"[::1]":                              false,
		"log+1.example":                      false,
		label + "a.example":                  false,
		label + ".example":                   true,
		strings.Repeat(label+".", 3) + label: false, // 255 characters
		"log2026.caseledger.example":         true,
		"localhost":                          true,
		"1":                                  true,
		"127.0.0.1":                          true,
		"xn--lg-eka.example":                 true,
	}
	for origin, want := range tests {
		err := receipt.CheckOrigin(origin)
		if (err == nil) != want || (err != nil && !errors.Is(err, receipt.ErrOrigin)) {
			t.Errorf("%q: error %v, want accepted %v", origin, err, want)
		}
		if err != nil {
			continue
		}
		// Stock tools take the host name of the log's address for the key's name.
		if u, err := url.Parse("https://" + origin); err != nil || u.Hostname() != origin || u.Port() != "" {
			t.Errorf("%q: its address has the host name %q", origin, u.Hostname())
		}
	}
}

// FuzzParseCheckpoint: whatever parses is written again in the same bytes, and the note package reads it alike.
func FuzzParseCheckpoint(f *testing.F) {
	good := string(testdata(f, "checkpoint"))
	f.Add(good)
	f.Add(strings.Replace(good, "\n5\n", "\n0\n", 1))
	f.Add(good + "— witness.example " + good[len(good)-97:])
	f.Add("a\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— a AAAAAAA=\n")
	f.Add("a b\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\n— a\u00a0b AAAAAAA=\n")
	f.Fuzz(func(t *testing.T, signed string) {
		c, err := receipt.ParseCheckpoint(signed)
		if err != nil {
			return
		}
		if c.String() != signed {
			t.Error("written again with other bytes")
		}
		_, err = note.Open([]byte(signed), note.VerifierList())
		var unverified *note.UnverifiedNoteError
		if !errors.As(err, &unverified) || unverified.Note.Text != c.Text() || len(unverified.Note.UnverifiedSigs) > len(c.Lines) {
			t.Errorf("the note package reads it otherwise: %v", err)
		}
	})
}
