package blobvault

import (
	"context"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"testing"

	"filippo.io/age"
)

const benchSize = 1 << 30

// repeat gives n bytes out of one random block, at the cost of copying them.
type repeat struct {
	block []byte
	left  int64
	pos   int
}

func newRepeat(n int64) *repeat { return &repeat{block: randomBytes(1 << 20), left: n} }

func (r *repeat) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(int64(len(p)), r.left)], r.block[r.pos:])
	r.pos = (r.pos + n) % len(r.block)
	r.left -= int64(n)
	return n, nil
}

func BenchmarkPut(b *testing.B) {
	ctx := context.Background()
	v, _ := openFiles(b)
	to := newIdentity(b).Recipient()
	b.SetBytes(benchSize)
	for b.Loop() {
		w, err := v.Put(ctx, newRepeat(benchSize), to, benchSize)
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := v.Delete(ctx, w.ID); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkPutSmall is one caller with content of 10 KiB: the syncs decide.
func BenchmarkPutSmall(b *testing.B) {
	ctx := context.Background()
	v, _ := openFiles(b)
	to := newIdentity(b).Recipient()
	for b.Loop() {
		if _, err := v.Put(ctx, newRepeat(10<<10), to, benchSize); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSequentialRead(b *testing.B) {
	ctx := context.Background()
	v, _ := openFiles(b)
	as := newIdentity(b)
	w, err := v.Put(ctx, newRepeat(benchSize), as.Recipient(), benchSize)
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(benchSize)
	buf := make([]byte, 32<<10) // as net/http copies
	for b.Loop() {
		r, err := v.Open(ctx, w.ID, as)
		if err != nil {
			b.Fatal(err)
		}
		if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, buf); n != benchSize || err != nil {
			b.Fatal(n, err)
		}
		r.Close()
	}
}

func BenchmarkOpenSmall(b *testing.B) {
	ctx := context.Background()
	v, _ := openFiles(b)
	as := newIdentity(b)
	w, err := v.Put(ctx, newRepeat(10<<10), as.Recipient(), benchSize)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := v.Open(ctx, w.ID, as)
		if err != nil {
			b.Fatal(err)
		}
		r.Close()
	}
}

// The references: hashing alone, age alone to nowhere, and age alone to a synced file.
func BenchmarkReferenceSHA256(b *testing.B) {
	b.SetBytes(benchSize)
	for b.Loop() {
		if _, err := io.CopyBuffer(sha256.New(), newRepeat(benchSize), make([]byte, chunkSize)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkReferenceAge(b *testing.B) {
	to := newIdentity(b).Recipient()
	for name, create := range map[string]func() (*os.File, error){
		"discard": func() (*os.File, error) { return os.OpenFile(os.DevNull, os.O_WRONLY, 0) },
		"file":    func() (*os.File, error) { return os.Create(filepath.Join(b.TempDir(), "f")) },
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(benchSize)
			for b.Loop() {
				f, err := create()
				if err != nil {
					b.Fatal(err)
				}
				w, err := age.Encrypt(f, to)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.CopyBuffer(w, newRepeat(benchSize), make([]byte, chunkSize)); err != nil {
					b.Fatal(err)
				}
				if err := w.Close(); err != nil {
					b.Fatal(err)
				}
				if name == "file" {
					if err := f.Sync(); err != nil {
						b.Fatal(err)
					}
				}
				f.Close()
			}
		})
	}
}
