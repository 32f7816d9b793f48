package keyring

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"testing"

	"filippo.io/age"
	"github.com/google/uuid"
)

func TestBlobIdentity(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	k := openTest(t, path)
	id := must[ID](t)(k.ExhibitKey(ctx, "c", "JS/1"))
	_, to, err := k.BlobIdentity(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	var sealed bytes.Buffer
	w := must[io.WriteCloser](t)(age.Encrypt(&sealed, to))
	if _, err := w.Write([]byte("evidence")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	as, _, err := openTest(t, path).BlobIdentity(ctx, id)
	if err != nil {
		t.Fatal(err)
	}
	r := must[io.Reader](t)(age.Decrypt(bytes.NewReader(sealed.Bytes()), as))
	if got := must[[]byte](t)(io.ReadAll(r)); string(got) != "evidence" {
		t.Fatalf("decrypted %q", got)
	}
	other := must[ID](t)(k.ExhibitKey(ctx, "c", "JS/2"))
	as, _, err = k.BlobIdentity(ctx, other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), as); err == nil {
		t.Fatal("another exhibit's identity opened the blob")
	}
}

// TestRowsCannotBeExchanged edits the file as an attacker would: one person's wrapped key under another's id.
func TestRowsCannotBeExchanged(t *testing.T) {
	ctx := context.Background()
	path := filepath.Join(t.TempDir(), "k.db")
	k := openTest(t, path)
	a, b := must[ID](t)(k.SubjectKey(ctx, "c", "ann")), must[ID](t)(k.SubjectKey(ctx, "c", "bob"))
	if _, err := k.db.Exec(`UPDATE keys SET wrapped = (SELECT wrapped FROM keys WHERE id = ?) WHERE id = ?`, string(a), string(b)); err != nil {
		t.Fatal(err)
	}
	if _, err := openTest(t, path).SealOpening(b, uuid.New(), "f", nil); !errors.Is(err, ErrSealed) {
		t.Fatalf("got %v, want ErrSealed", err)
	}
}

func FuzzOpenOpening(f *testing.F) {
	ctx := context.Background()
	k := openTest(f, filepath.Join(f.TempDir(), "k.db"))
	id := must[ID](f)(k.SubjectKey(ctx, "c", "p"))
	event := uuid.UUID{1, 2, 3}
	good := must[[]byte](f)(k.SealOpening(id, event, "reason", []byte("because")))
	f.Add(good, "reason")
	f.Add(good[:20], "reason")
	f.Add([]byte{formatGCM}, "")
	f.Add([]byte{}, "name")
	f.Fuzz(func(t *testing.T, sealed []byte, field string) {
		got, err := k.OpenOpening(id, event, field, sealed)
		if bytes.Equal(sealed, good) && field == "reason" {
			if err != nil || string(got) != "because" {
				t.Fatalf("%q, %v", got, err)
			}
			return
		}
		if !errors.Is(err, ErrSealed) || got != nil {
			t.Fatalf("opened what was never sealed: %q, %v", got, err)
		}
	})
}
