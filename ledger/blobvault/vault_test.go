package blobvault

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"filippo.io/age"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openFiles(t testing.TB) (*Vault, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "blobs of court #1")
	v, err := Open(context.Background(), "file://"+strings.NewReplacer(" ", "%20", "#", "%23").Replace(dir)+"?create_dir=1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v, dir
}

func newIdentity(t testing.TB) *age.HybridIdentity {
	t.Helper()
	i, err := age.GenerateHybridIdentity()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	rand.Read(b)
	return b
}

// stored returns all files below dir.
func stored(t testing.TB, dir string) (paths []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}

func TestBitExact(t *testing.T) {
	ctx := context.Background()
	files, _ := openFiles(t)
	memory, err := Open(ctx, "mem://")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	as := newIdentity(t)
	for _, size := range []int{0, 1, 2000, headSize, 64<<10 - 1, 64 << 10, 64<<10 + 1, chunkSize - 1, chunkSize, chunkSize + 1, 5<<20 + 77} {
		want := randomBytes(size)
		for name, v := range map[string]*Vault{"file": files, "mem": memory} {
			for reader, r := range map[string]io.Reader{
				"plain": bytes.NewReader(want), "data with error": iotest.DataErrReader(bytes.NewReader(want)), "half": iotest.HalfReader(bytes.NewReader(want)),
			} {
				t.Run(fmt.Sprint(name, " ", size, " ", reader), func(t *testing.T) {
					w, err := v.Put(ctx, r, as.Recipient(), int64(size))
					if err != nil {
						t.Fatal(err)
					}
					if w.Size != int64(size) || w.SHA256 != sha256.Sum256(want) || !bytes.Equal(w.Head, want[:min(size, headSize)]) {
						t.Fatalf("wrote %d bytes, %x", w.Size, w.SHA256)
					}
					b, err := v.Open(ctx, w.ID, as)
					if err != nil {
						t.Fatal(err)
					}
					if b.Size() != int64(size) {
						t.Fatalf("size %d", b.Size())
					}
					if reader == "plain" && size <= 2000 {
						if err := iotest.TestReader(b, want); err != nil {
							t.Fatal(err)
						}
						if _, err := b.Seek(0, io.SeekStart); err != nil {
							t.Fatal(err)
						}
					}
					if got, err := io.ReadAll(b); err != nil || !bytes.Equal(got, want) {
						t.Fatalf("read %d bytes back, %v", len(got), err)
					}
					if err := b.Close(); err != nil {
						t.Fatal(err)
					}
				})
			}
		}
	}
}

func TestRandomAccessEqualsThePlaintext(t *testing.T) {
	ctx := context.Background()
	v, _ := openFiles(t)
	as := newIdentity(t)
	want := randomBytes(1<<20 + 12345)
	w, err := v.Put(ctx, bytes.NewReader(want), as.Recipient(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(rt *rapid.T) {
		b, err := v.Open(ctx, w.ID, as)
		if err != nil {
			rt.Fatal(err)
		}
		defer b.Close()
		model := bytes.NewReader(want)
		for range rapid.IntRange(1, 12).Draw(rt, "steps") {
			p := make([]byte, rapid.SampledFrom([]int{0, 1, 100, 32 << 10, 64 << 10, 300 << 10}).Draw(rt, "length"))
			q := make([]byte, len(p))
			off := rapid.Int64Range(0, int64(len(want))+10).Draw(rt, "offset")
			var n, m int
			var err, err2 error
			switch rapid.SampledFrom([]string{"at", "seek", "on", "on"}).Draw(rt, "how") {
			case "at":
				n, err = b.ReadAt(p, off)
				m, err2 = model.ReadAt(q, off)
			case "seek":
				_, err = b.Seek(off-int64(len(want)), io.SeekEnd)
				_, err2 = model.Seek(off-int64(len(want)), io.SeekEnd)
			default:
				n, err = io.ReadFull(b, p)
				m, err2 = io.ReadFull(model, q)
			}
			if n != m || !bytes.Equal(p[:n], q[:m]) || (err == nil) != (err2 == nil) || errors.Is(err, io.EOF) != errors.Is(err2, io.EOF) {
				rt.Fatalf("got %d bytes, %v; want %d, %v", n, err, m, err2)
			}
		}
	})
}

func TestServedWithRanges(t *testing.T) {
	ctx := context.Background()
	v, _ := openFiles(t)
	as := newIdentity(t)
	want := randomBytes(400_000)
	w, err := v.Put(ctx, bytes.NewReader(want), as.Recipient(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	b, err := v.Open(ctx, w.ID, as)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for header, part := range map[string][]byte{"": want, "bytes=100000-299999": want[100000:300000], "bytes=-5": want[399995:]} {
		req := httptest.NewRequest("GET", "/", nil)
		if header != "" {
			req.Header.Set("Range", header)
		}
		rec := httptest.NewRecorder()
		http.ServeContent(rec, req, "", time.Time{}, b)
		if !bytes.Equal(rec.Body.Bytes(), part) {
			t.Errorf("range %q: status %d, %d bytes", header, rec.Code, rec.Body.Len())
		}
	}
}

func TestChangedBlobsAreRefused(t *testing.T) {
	ctx := context.Background()
	v, dir := openFiles(t)
	as := newIdentity(t)
	want := randomBytes(300_000)
	w, err := v.Put(ctx, bytes.NewReader(want), as.Recipient(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	path := stored(t, dir)[0]
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	read := func() error {
		b, err := v.Open(ctx, w.ID, as)
		if err != nil {
			return err
		}
		defer b.Close()
		_, err = io.Copy(io.Discard, b)
		return err
	}
	refuse := func(rt interface{ Fatalf(string, ...any) }, how string, changed []byte) {
		if err := os.WriteFile(path, changed, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := read(); !errors.Is(err, ErrUndecipherable) {
			rt.Fatalf("%s: got %v, want ErrUndecipherable", how, err)
		}
	}
	refuse(t, "emptied", nil)
	refuse(t, "longer", append(bytes.Clone(good), 0))
	chunk := len(good) - (300_000 - 4*ageChunk + 16)
	refuse(t, "without its last chunk", good[:chunk])
	swapped := bytes.Clone(good)
	copy(swapped[chunk-(ageChunk+16):chunk], good[chunk-2*(ageChunk+16):chunk-(ageChunk+16)])
	refuse(t, "with a chunk repeated", swapped)
	rapid.Check(t, func(rt *rapid.T) {
		refuse(rt, "truncated", good[:rapid.IntRange(0, len(good)-1).Draw(rt, "length")])
		flipped := bytes.Clone(good)
		flipped[rapid.IntRange(0, len(good)-1).Draw(rt, "at")] ^= byte(1 << rapid.IntRange(0, 7).Draw(rt, "bit"))
		refuse(rt, "flipped", flipped)
	})
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := read(); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Open(ctx, w.ID, newIdentity(t)); !errors.Is(err, ErrUndecipherable) {
		t.Errorf("wrong identity: %v", err)
	}
}

// TestShortenedWhileOpen cuts the file between Open and Read, as a failing disk or an attacker may.
func TestShortenedWhileOpen(t *testing.T) {
	ctx := context.Background()
	v, dir := openFiles(t)
	as := newIdentity(t)
	w, err := v.Put(ctx, bytes.NewReader(randomBytes(1<<20)), as.Recipient(), 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	b, err := v.Open(ctx, w.ID, as)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := os.Truncate(stored(t, dir)[0], 500_000); err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, b); !errors.Is(err, ErrUndecipherable) || n > 500_000 {
		t.Errorf("read %d bytes, %v; want ErrUndecipherable", n, err)
	}
	if err := v.Delete(ctx, w.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := b.ReadAt(make([]byte, 10), 150_000); !errors.Is(err, ErrNotFound) {
		t.Errorf("after deletion: %v; want ErrNotFound", err)
	}
}

func TestNamesAndModes(t *testing.T) {
	ctx := context.Background()
	v, dir := openFiles(t)
	as := newIdentity(t)
	w, err := v.Put(ctx, strings.NewReader("marker content"), as.Recipient(), 100)
	if err != nil {
		t.Fatal(err)
	}
	paths := stored(t, dir)
	form := regexp.MustCompile(`^` + regexp.QuoteMeta(dir) + `/([0-9a-f]{2})/b([0-9a-f]{2})[0-9a-f]{30}$`)
	m := form.FindStringSubmatch(paths[0])
	if len(paths) != 1 || m == nil || m[1] != m[2] || filepath.Base(paths[0]) != w.ID {
		t.Fatalf("stored as %q", paths)
	}
	info, err := os.Stat(paths[0])
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if raw, _ := os.ReadFile(paths[0]); bytes.Contains(raw, []byte("marker")) {
		t.Error("plaintext on disk")
	}
}

func TestListDeleteAndUnfinished(t *testing.T) {
	ctx := context.Background()
	files, dir := openFiles(t)
	memory, err := Open(ctx, "mem://")
	if err != nil {
		t.Fatal(err)
	}
	defer memory.Close()
	to := newIdentity(t).Recipient()
	for _, v := range []*Vault{files, memory} {
		want := map[string]bool{}
		for range 20 {
			w, err := v.Put(ctx, strings.NewReader("x"), to, 1)
			if err != nil {
				t.Fatal(err)
			}
			want[w.ID] = true
		}
		var gone string
		for gone = range want {
			break
		}
		if err := errors.Join(v.Delete(ctx, gone), v.Delete(ctx, gone)); err != nil {
			t.Fatal(err)
		}
		delete(want, gone)
		if _, err := v.Open(ctx, gone, newIdentity(t)); !errors.Is(err, ErrNotFound) {
			t.Errorf("open a deleted blob: %v", err)
		}
		if v == files { // foreign and unfinished files are no blobs
			for _, name := range []string{"README", "3f/b3f.txt", "3f/b" + strings.Repeat("0", 32), "3f/b3f" + strings.Repeat("0", 30) + ".18a.tmp"} {
				path := filepath.Join(dir, name)
				if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, nil, 0o600)); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := v.RemoveUnfinished(ctx, time.Now().Add(-time.Hour)); n != 0 || err != nil {
				t.Errorf("young uploads removed: %d, %v", n, err)
			}
			if n, err := v.RemoveUnfinished(ctx, time.Now().Add(time.Hour)); n != 1 || err != nil {
				t.Errorf("unfinished uploads removed: %d, %v", n, err)
			}
		}
		for e, err := range v.List(ctx) {
			if err != nil {
				t.Fatal(err)
			}
			if !want[e.ID] || e.Size < 200 || time.Since(e.ModTime) > time.Minute {
				t.Errorf("listed %+v", e)
			}
			delete(want, e.ID)
		}
		if len(want) != 0 {
			t.Errorf("not listed: %v", want)
		}
	}
}

func TestBadIDsAndAddresses(t *testing.T) {
	ctx := context.Background()
	v, dir := openFiles(t)
	for _, id := range []string{"", "b", "../../etc/passwd", "b" + strings.Repeat("0", 31) + "/", "B" + strings.Repeat("0", 32), "b" + strings.Repeat("0", 32) + "\n"} {
		if _, err := v.Open(ctx, id, newIdentity(t)); !errors.Is(err, ErrNotFound) {
			t.Errorf("open %q: %v", id, err)
		}
		if err := v.Delete(ctx, id); !errors.Is(err, ErrNotFound) {
			t.Errorf("delete %q: %v", id, err)
		}
	}
	for _, address := range []string{"file://", "file://host/dir", "file://" + dir + "?metadata=sidecar", "file:relative", "file://" + dir + "/absent"} {
		if v, err := Open(ctx, address); err == nil {
			v.Close()
			t.Errorf("opened %q", address)
		}
	}
	if _, err := Open(ctx, "nosuchdriver://x"); err == nil {
		t.Error("opened a bucket without a driver")
	}
}
