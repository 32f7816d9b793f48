package blobvault

import (
	"context"
	"errors"
	"fmt"
	"io"

	"filippo.io/age"
	"gocloud.dev/gcerrors"

	"github.com/caseledger/caseledger/ledger"
)

// Blob is the decrypted content of a blob with random access, fit for http.ServeContent. Every byte it returns was
// authenticated; changed or missing ciphertext gives ErrUndecipherable and never a short end. Read and Seek belong
// to one goroutine, ReadAt to any.
type Blob = ledger.Blob

// Open opens a blob for reading; ctx governs all reads from it. The header and the last chunk are authenticated
// here, which proves the size. Errors: ErrNotFound, ErrUndecipherable, or the store's own.
func (v *Vault) Open(ctx context.Context, id string, as age.Identity) (Blob, error) {
	key, ok := keyOf(id)
	if !ok {
		return nil, fmt.Errorf("open blob %.40q: %w", id, ErrNotFound)
	}
	src, err := v.openRanges(ctx, key)
	if err != nil {
		return nil, fmt.Errorf("open blob %s: %w", id, explain(err))
	}
	plain, size, err := age.DecryptReaderAt(src, src.size, as)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open blob %s: %w", id, explain(err)), src.Close())
	}
	return &content{id: id, src: src, plain: io.NewSectionReader(plain, 0, size)}, nil
}

// storeError marks what the store said, as against what decryption found.
type storeError struct{ error }

func (e storeError) Unwrap() error { return e.error }

// explain turns an error of reading or decrypting into one of this package's, or leaves the store's own.
func explain(err error) error {
	var fromStore storeError
	switch {
	case err == nil || err == io.EOF:
		return err
	case !errors.As(err, &fromStore):
		return fmt.Errorf("%w (%v)", ErrUndecipherable, err)
	case gcerrors.Code(fromStore.error) == gcerrors.NotFound:
		return ErrNotFound
	}
	return fromStore.error
}

const (
	ageChunk  = 64 << 10 // of content, in an age file
	readAhead = 4 * ageChunk
)

// content reads ahead for Read, since age decrypts and allocates 64 KiB for any request however small.
type content struct {
	id    string
	src   *ranges
	plain *io.SectionReader

	pos   int64
	ahead []byte // plaintext from aheadAt on
	at    int64
	buf   []byte
}

func (c *content) Size() int64 { return c.plain.Size() }

func (c *content) ReadAt(p []byte, off int64) (int, error) {
	n, err := c.plain.ReadAt(p, off)
	return n, c.wrap(err)
}

func (c *content) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.pos >= c.Size() {
		return 0, io.EOF
	}
	if c.pos < c.at || c.pos >= c.at+int64(len(c.ahead)) {
		if err := c.fetch(); err != nil {
			return 0, c.wrap(err)
		}
	}
	n := copy(p, c.ahead[c.pos-c.at:])
	c.pos += int64(n)
	return n, nil
}

// fetch fills the buffer from pos to the end of an age chunk: the next one after a seek, some more when reading on.
func (c *content) fetch() error {
	if c.buf == nil {
		c.buf = make([]byte, readAhead)
	}
	reach := int64(ageChunk)
	if c.pos > 0 && c.pos == c.at+int64(len(c.ahead)) {
		reach = readAhead
	}
	end := min((c.pos+reach)/ageChunk*ageChunk, c.Size())
	n, err := c.plain.ReadAt(c.buf[:end-c.pos], c.pos)
	c.at, c.ahead = c.pos, c.buf[:n]
	if n > 0 && (err == io.EOF || int64(n) == end-c.pos) {
		return nil
	}
	c.ahead = nil
	return err
}

func (c *content) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += c.pos
	case io.SeekEnd:
		offset += c.Size()
	case io.SeekStart:
	default:
		return 0, fmt.Errorf("seek in blob %s: unknown whence %d", c.id, whence)
	}
	if offset < 0 {
		return 0, fmt.Errorf("seek in blob %s: before its start", c.id)
	}
	c.pos = offset
	return offset, nil
}

func (c *content) Close() error {
	clear(c.buf)
	c.ahead = nil
	return c.src.Close()
}

func (c *content) wrap(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("read blob %s: %w", c.id, explain(err))
}
