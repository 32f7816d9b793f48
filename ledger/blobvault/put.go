package blobvault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"filippo.io/age"
	"gocloud.dev/blob"

	"github.com/caseledger/caseledger/ledger"
)

// headSize is what media type detection needs to see.
const headSize = 3072

// Written describes a stored blob and its content.
type Written = ledger.StoredBlob

// Put reads r to its end and stores it encrypted to one recipient, in constant memory. When it returns the blob is
// durable. Where r fails, holds more than limit bytes (ErrTooLarge) or ctx ends, nothing is left behind.
func (v *Vault) Put(ctx context.Context, r io.Reader, to age.Recipient, limit int64) (Written, error) {
	id := newID()
	key, _ := keyOf(id)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // before Close this makes the driver discard what was written
	dst, err := v.create(ctx, key)
	if err != nil {
		return Written{}, fmt.Errorf("put blob: %w", err)
	}
	closed := false
	defer func() {
		if !closed { // also when r panics
			cancel()
			dst.Close() //nolint:errcheck // what is being written is given up
		}
	}()
	written, err := v.encrypt(ctx, dst, r, to, limit)
	if err == nil && dst.file != nil {
		err = dst.file.Sync() // before the file gets its name
	}
	if err != nil {
		return Written{}, fmt.Errorf("put blob: %w", err)
	}
	closed = true
	if err := v.finish(ctx, dst, key); err != nil {
		return Written{}, fmt.Errorf("put blob: %w", err)
	}
	written.ID = id
	return written, nil
}

// target is a blob being written; file is what is behind it in a folder.
type target struct {
	*blob.Writer
	file *os.File
}

func (v *Vault) create(ctx context.Context, key string) (*target, error) {
	var t target
	w, err := v.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		DisableContentTypeDetection: true,
		BeforeWrite: func(as func(any) bool) error {
			if v.folder == nil {
				return nil
			}
			if !as(&t.file) {
				return errors.New("fileblob hands out no file to sync")
			}
			return t.file.Chmod(0o600)
		},
	})
	if err != nil {
		return nil, err
	}
	t.Writer = w
	return &t, nil
}

// finish gives the blob its name, durably.
func (v *Vault) finish(ctx context.Context, dst *target, key string) error {
	if err := dst.Close(); err != nil || v.folder == nil {
		return err
	}
	if err := v.folder.syncFor(key); err != nil {
		return errors.Join(err, v.bucket.Delete(context.WithoutCancel(ctx), key))
	}
	return nil
}

// encrypt writes r as an age file to dst and hashes it on the way.
func (v *Vault) encrypt(ctx context.Context, dst io.Writer, r io.Reader, to age.Recipient, limit int64) (Written, error) {
	sealed, err := age.Encrypt(dst, to)
	if err != nil {
		return Written{}, fmt.Errorf("encrypt: %w", err)
	}
	src := &source{ctx: ctx, r: r, left: limit}
	written, err := v.pump(src, sealed)
	if err != nil {
		return Written{}, err
	}
	if err := sealed.Close(); err != nil {
		return Written{}, fmt.Errorf("encrypt: %w", err)
	}
	return written, nil
}
