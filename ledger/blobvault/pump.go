package blobvault

import (
	"context"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"sync"
	"sync/atomic"
)

const (
	chunkSize = 256 << 10 // bytes read, hashed and encrypted at a time
	chunks    = 4         // in flight per Put
	maxEmpty  = 100       // reads in a row that give neither bytes nor an error
)

// source reads whole chunks and counts down the limit.
type source struct {
	ctx  context.Context
	r    io.Reader
	left int64
}

// fill reads until buf is full or the content ends. Only io.EOF is an end: a connection that breaks says
// io.ErrUnexpectedEOF, which io.ReadFull would not tell from a short last chunk.
func (s *source) fill(buf []byte) (n int, end bool, err error) {
	for empty := 0; n < len(buf); {
		if err := s.ctx.Err(); err != nil {
			return 0, false, err
		}
		m, err := s.r.Read(buf[n:])
		n += m
		switch {
		case int64(n) > s.left:
			return 0, false, ErrTooLarge
		case err == io.EOF:
			s.left -= int64(n)
			return n, true, nil
		case err != nil:
			return 0, false, fmt.Errorf("read content: %w", err)
		case m > 0:
			empty = 0
		default:
			if empty++; empty == maxEmpty {
				return 0, false, fmt.Errorf("read content: %w", io.ErrNoProgress)
			}
		}
	}
	s.left -= int64(n)
	return n, false, nil
}

// chunk is a buffer that the hash and the cipher read at the same time; the later of them returns it.
type chunk struct {
	buf     *[chunkSize]byte
	n       int
	readers atomic.Int32
}

// pump copies src to dst and hashes it. Content of one chunk is done in place; for more, hashing and encryption run
// beside reading, each in its own goroutine, all ended on return.
func (v *Vault) pump(src *source, dst io.Writer) (w Written, err error) {
	first := &chunk{buf: v.buffers.Get().(*[chunkSize]byte)}
	h := sha256.New()
	n, end, err := src.fill(first.buf[:])
	if err == nil {
		first.n = n
		w.Size = int64(n)
		w.Head = append([]byte(nil), first.buf[:min(n, headSize)]...)
	}
	if err != nil || end {
		h.Write(first.buf[:n])
		if err == nil {
			_, err = dst.Write(first.buf[:n])
		}
		v.recycle(first)
	} else {
		w.Size, err = v.pumpParallel(src, dst, h, first)
	}
	h.Sum(w.SHA256[:0])
	return w, err
}

func (v *Vault) pumpParallel(src *source, dst io.Writer, h hash.Hash, first *chunk) (size int64, err error) {
	free := make(chan *chunk, chunks)
	toHash, toSeal := make(chan *chunk, chunks), make(chan *chunk, chunks)
	failed := make(chan struct{})
	var sealErr error
	var running sync.WaitGroup
	release := func(c *chunk) {
		if c.readers.Add(-1) == 0 {
			free <- c
		}
	}
	running.Go(func() {
		for c := range toHash {
			h.Write(c.buf[:c.n])
			release(c)
		}
	})
	running.Go(func() {
		for c := range toSeal {
			if sealErr == nil {
				if _, sealErr = dst.Write(c.buf[:c.n]); sealErr != nil {
					close(failed)
				}
			}
			release(c)
		}
	})
	defer func() { // also when the reader panics
		close(toHash)
		close(toSeal)
		running.Wait()
		close(free)
		for c := range free {
			v.recycle(c)
		}
		if sealErr != nil {
			err = sealErr
		}
	}()
	for range chunks - 1 {
		free <- &chunk{buf: v.buffers.Get().(*[chunkSize]byte)}
	}
	for c, end := first, false; ; c = <-free {
		if c != first || size > 0 {
			if c.n, end, err = src.fill(c.buf[:]); err != nil {
				free <- c
				return size, err
			}
		}
		size += int64(c.n)
		c.readers.Store(2)
		toHash <- c
		toSeal <- c
		if end {
			return size, nil
		}
		select {
		case <-failed:
			return size, nil // the deferred function returns sealErr
		default:
		}
	}
}

// recycle wipes a buffer and keeps it for the next Put.
func (v *Vault) recycle(c *chunk) {
	clear(c.buf[:]) // all of it: an earlier filling may have been longer
	v.buffers.Put(c.buf)
}
