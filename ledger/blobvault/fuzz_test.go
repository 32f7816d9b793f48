package blobvault

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"filippo.io/age"
)

// FuzzOpen stores arbitrary bytes as a blob. Either the very plaintext comes out or ErrUndecipherable.
func FuzzOpen(f *testing.F) {
	ctx := context.Background()
	v, err := Open(ctx, "mem://")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { v.Close() })
	as := newIdentity(f)
	var good bytes.Buffer
	w, err := age.Encrypt(&good, as.Recipient())
	if err != nil {
		f.Fatal(err)
	}
	io.WriteString(w, "evidence")
	w.Close()
	f.Add(good.Bytes())
	f.Add(good.Bytes()[:good.Len()-1])
	f.Add([]byte("age-encryption.org/v1\n-> scrypt AAAA 30\n"))
	f.Add([]byte{})
	id := newID()
	key, _ := keyOf(id)
	f.Fuzz(func(t *testing.T, stored []byte) {
		if err := v.bucket.WriteAll(ctx, key, stored, nil); err != nil {
			t.Fatal(err)
		}
		b, err := v.Open(ctx, id, as)
		if err == nil {
			defer b.Close()
			var got []byte
			if got, err = io.ReadAll(b); err == nil && string(got) != "evidence" {
				t.Fatalf("read %q, which nobody stored", got)
			}
		}
		if err != nil && !errors.Is(err, ErrUndecipherable) {
			t.Fatal(err)
		}
	})
}
