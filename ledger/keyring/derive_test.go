package keyring

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestDerivationIsHKDF(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		key := rapid.SliceOfN(rapid.Byte(), KeySize, KeySize).Draw(rt, "key")
		info := rapid.StringN(0, 80, 100).Draw(rt, "info")
		want, err := hkdf.Key(sha256.New, key, nil, info, KeySize)
		if err != nil {
			rt.Fatal(err)
		}
		prk := extract(key)
		if got := expand(&prk, info); string(got[:]) != string(want) {
			rt.Fatalf("got %x, want %x", got, want)
		}
	})
}

func TestMACIsHMAC(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		key := [KeySize]byte(rapid.SliceOfN(rapid.Byte(), KeySize, KeySize).Draw(rt, "key"))
		message := make([]byte, rapid.IntRange(0, 3*macInline).Draw(rt, "length"))
		if len(message) > 0 {
			message[rapid.IntRange(0, len(message)-1).Draw(rt, "at")] = rapid.Byte().Draw(rt, "byte")
		}
		h := hmac.New(sha256.New, key[:])
		h.Write(message)
		if got := mac(&key, message); !hmac.Equal(got[:], h.Sum(nil)) {
			rt.Fatalf("%d bytes: %x", len(message), got)
		}
	})
}

func TestFieldKeyIsAsSpecified(t *testing.T) {
	ctx := context.Background()
	k := openTest(t, filepath.Join(t.TempDir(), "k.db"))
	id := must[ID](t)(k.SubjectKey(ctx, "c", "p"))
	c, _ := k.cases.get("c")
	r := must[row](t)(one(ctx, k.stmts.byID, string(id)))
	aead, _ := newGCM(c.wrap[:])
	key, ok := unseal(aead, r.wrapped, r.aad())
	if !ok {
		t.Fatal("cannot unwrap")
	}
	event := uuid.New()
	want := must[[]byte](t)(hkdf.Key(sha256.New, key, nil, string(event[:])+"reason", KeySize))
	got, err := k.fieldKey(id, event, "reason")
	if err != nil || string(got[:]) != string(want) {
		t.Fatalf("field key %x, %v; want %x", got, err, want)
	}
}

func TestPseudonymsAreUnlinkable(t *testing.T) {
	ctx := context.Background()
	k := openTest(t, filepath.Join(t.TempDir(), "k.db"))
	form := regexp.MustCompile(`^a[0-9a-f]{32}$`)
	seen := map[string]string{}
	for _, caseID := range []string{"c1", "c2", "c3"} {
		for _, subject := range []string{"ann", "bob", "c1", "c2"} {
			p := must[string](t)(k.Pseudonym(ctx, caseID, subject))
			if !form.MatchString(p) {
				t.Fatalf("pseudonym %q", p)
			}
			if was, dup := seen[p]; dup {
				t.Fatalf("%s/%s has the pseudonym of %s", caseID, subject, was)
			}
			seen[p] = caseID + "/" + subject
			if again := must[string](t)(k.Pseudonym(ctx, caseID, subject)); again != p {
				t.Fatal("not stable")
			}
		}
	}
}

func TestEventIDs(t *testing.T) {
	dir := t.TempDir()
	k, other := openTest(t, filepath.Join(dir, "k.db")), openTest(t, filepath.Join(dir, "other.db"))
	same := openTest(t, filepath.Join(dir, "k.db"))
	rapid.Check(t, func(rt *rapid.T) {
		parts := rapid.SliceOfN(rapid.StringN(0, 5, -1), 0, 4).Draw(rt, "parts")
		id := k.EventID(parts...)
		if id.Version() != 8 || id.Variant() != uuid.RFC4122 {
			rt.Fatalf("%s has version %d, variant %s", id, id.Version(), id.Variant())
		}
		if id != same.EventID(parts...) || id == other.EventID(parts...) {
			rt.Fatal("an id must depend on the parts and the keyring alone")
		}
		if len(parts) > 1 && id == k.EventID(strings.Join(parts, "")) {
			rt.Fatal("parts run into each other")
		}
	})
}

func TestDigests(t *testing.T) {
	ctx := context.Background()
	k := openTest(t, filepath.Join(t.TempDir(), "k.db"))
	seen := map[string]bool{}
	for _, in := range [][3]string{{"", "l", "v"}, {"c1", "l", "v"}, {"c2", "l", "v"}, {"", "lv", ""}, {"", "", "lv"}, {"c1", "m", "v"}} {
		d := must[string](t)(k.Digest(ctx, in[0], in[1], in[2]))
		if len(d) != 64 || seen[d] {
			t.Fatalf("digest %q of %q", d, in)
		}
		seen[d] = true
		if d != must[string](t)(k.Digest(ctx, in[0], in[1], in[2])) {
			t.Fatal("not stable")
		}
	}
}
