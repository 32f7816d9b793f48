package blobvault

import (
	"context"
	"errors"
	"io"
	"sync"

	"gocloud.dev/blob"
)

// prefixSize covers the header of an age file to one recipient and its first chunk, so that opening costs one
// request for a small blob and two for others.
const prefixSize = 72 << 10

// ranges is an io.ReaderAt over a bucket object. Reads that follow one another share one request.
type ranges struct {
	ctx    context.Context
	bucket *blob.Bucket
	key    string
	size   int64
	prefix []byte

	mu     sync.Mutex
	stream *blob.Reader // stands at next; nil when reads are scattered
	next   int64        // where the last read ended
}

func (v *Vault) openRanges(ctx context.Context, key string) (*ranges, error) {
	r, err := v.bucket.NewRangeReader(ctx, key, 0, prefixSize, nil)
	if err != nil {
		return nil, storeError{err}
	}
	prefix, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		return nil, storeError{err}
	}
	return &ranges{ctx: ctx, bucket: v.bucket, key: key, size: r.Size(), prefix: prefix}, nil
}

// ReadAt follows io.ReaderAt; errors of the store are storeErrors.
func (r *ranges) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) <= int64(len(r.prefix)) {
		return copy(p, r.prefix[off:]), nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stream != nil && off != r.next {
		if err := r.closeStream(); err != nil {
			return 0, storeError{err}
		}
	}
	src := r.stream
	if src == nil {
		length := int64(len(p))
		if off == r.next && off > 0 {
			length = -1 // reading on: to the end
		}
		var err error
		if src, err = r.bucket.NewRangeReader(r.ctx, r.key, off, length, nil); err != nil {
			return 0, storeError{err}
		}
		if length < 0 {
			r.stream = src
		} else {
			defer src.Close()
		}
	}
	return r.readFull(src, p, off)
}

func (r *ranges) readFull(src io.Reader, p []byte, off int64) (int, error) {
	n, err := io.ReadFull(src, p)
	r.next = off + int64(n)
	switch err {
	case nil:
		return n, nil
	case io.EOF, io.ErrUnexpectedEOF: // the object is shorter than it was: decryption reports it
		err = io.EOF
	default:
		err = storeError{err}
	}
	r.closeStream() //nolint:errcheck // err says what went wrong
	return n, err
}

func (r *ranges) closeStream() error {
	if r.stream == nil {
		return nil
	}
	err := r.stream.Close()
	r.stream = nil
	return err
}

// Close ends the request in progress, if any.
func (r *ranges) Close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.closeStream()
}
