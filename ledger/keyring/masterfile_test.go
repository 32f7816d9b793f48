package keyring

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMasterFile(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	path := filepath.Join(dir, "master")
	if err := CreateMasterFile(path, nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("no passphrase: %v", err)
	}
	if err := CreateMasterFile(path, []byte("right")); err != nil {
		t.Fatal(err)
	}
	if err := CreateMasterFile(path, []byte("right")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("overwriting: %v", err)
	}
	if info := must[fs.FileInfo](t)(os.Stat(path)); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	for _, wrong := range []string{"wrong", ""} {
		if _, err := OpenMasterFile(path, []byte(wrong)); !errors.Is(err, ErrPassphrase) {
			t.Errorf("passphrase %q: %v", wrong, err)
		}
	}
	m := must[Master](t)(OpenMasterFile(path, []byte("right")))
	again := must[Master](t)(OpenMasterFile(path, []byte("right")))
	wrapped := must[[]byte](t)(m.Wrap(ctx, []byte("key"), []byte("aad")))
	if got, err := again.Unwrap(ctx, wrapped, []byte("aad")); err != nil || string(got) != "key" {
		t.Errorf("unwrapped %q, %v", got, err)
	}
	if _, err := again.Unwrap(ctx, wrapped, []byte("other")); !errors.Is(err, ErrWrongMaster) {
		t.Errorf("other aad: %v", err)
	}
	if !strings.Contains(m.Describe(), path) {
		t.Errorf("described as %q", m.Describe())
	}
	text := must[[]byte](t)(os.ReadFile(path))
	for name, damaged := range map[string][]byte{
		"empty": {}, "cut": text[:len(text)/2], "foreign": []byte("-----BEGIN CERTIFICATE-----\n"),
		"long": bytes.Repeat(text, 40), "huge work factor": bytes.Replace(text, text[36:60], bytes.Repeat([]byte("A"), 24), 1),
	} {
		bad := filepath.Join(dir, "bad")
		if err := os.WriteFile(bad, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenMasterFile(bad, []byte("right")); !errors.Is(err, ErrMasterFile) {
			t.Errorf("%s: got %v, want ErrMasterFile", name, err)
		}
	}
}

func FuzzMasterFile(f *testing.F) {
	key := bytes.Repeat([]byte{7}, KeySize)
	good, err := sealMaster(key, []byte("p"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte(masterPrefix+strings.Repeat("07", KeySize)+"\n"))
	f.Add([]byte("-----BEGIN AGE ENCRYPTED FILE-----\n"), []byte(masterPrefix))
	f.Add([]byte{}, []byte(masterPrefix+strings.Repeat("0g", KeySize)+"\n"))
	f.Fuzz(func(t *testing.T, file, line []byte) {
		// A wrong passphrase first: whatever the bytes say, no key comes out.
		if got, err := openMaster(file, []byte("wrong")); err == nil || got != nil {
			t.Fatalf("opened under a wrong passphrase: %v", err)
		}
		got, err := parseMaster(bytes.NewReader(line))
		if err == nil && len(got) != KeySize {
			t.Fatalf("a key of %d bytes", len(got))
		}
		if err != nil && !errors.Is(err, ErrMasterFile) {
			t.Fatal(err)
		}
	})
}
