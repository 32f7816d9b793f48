// Package blobvault keeps the bytes of evidence: each blob is one age file (age-encryption.org/v1) under a random
// name, in a folder or an object store.
//
// A blob's id is "b" and 32 random hex digits, and its key in the bucket is the id under a folder named by the
// id's first two digits: "3f/b3f…". Neither says anything about content, case or person. Size (to within the age
// header) and times are visible to whoever holds the bucket, and nothing else is: there are no attributes, content
// types or checksums beside the blob.
//
// Whoever can modify the bucket can at most make blobs unreadable, undo their deletion or exchange whole blobs that
// were encrypted to the same recipient; the SHA-256 that Put returns, recorded in the ledger, shows the last.
// Deleting a blob frees its name, not necessarily its disk blocks: it is the destruction of its key that erases it.
//
// Plaintext is never written to disk. It stands in buffers while it is copied, and these are overwritten when a
// Put or a Blob ends; the cipher's own buffers inside the age library are left to the garbage collector.
package blobvault

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"regexp"
	"strings"
	"sync"
	"time"

	"gocloud.dev/blob"
	_ "gocloud.dev/blob/memblob" // mem://, for tests and trials
	"gocloud.dev/gcerrors"
)

// Errors that callers tell apart; all are wrapped with the operation and the blob's id.
var (
	// ErrNotFound: no blob of that id is in the vault.
	ErrNotFound = errors.New("no such blob in the vault")
	// ErrTooLarge: the content is longer than the limit; nothing was kept.
	ErrTooLarge = errors.New("content is longer than the limit")
	// ErrUndecipherable: the blob is not encrypted to this identity, or its bytes were changed or cut off.
	ErrUndecipherable = errors.New("blob does not decrypt: another key, or its bytes were changed; restore it from a backup")
	// ErrBucket: the bucket address is not usable.
	ErrBucket = errors.New("bucket address cannot be used")
)

// Vault is safe for concurrent use, and by several processes at once.
type Vault struct {
	bucket  *blob.Bucket
	folder  *folder // nil unless the bucket is a local folder
	buffers sync.Pool
}

// Open opens the bucket at a gocloud.dev URL. "file:///dir" is a local folder, with "?create_dir=1" created if
// absent, mode 0700; "mem://" is memory; others work where the program links their driver.
func Open(ctx context.Context, bucketURL string) (*Vault, error) {
	v := &Vault{buffers: sync.Pool{New: func() any { return new([chunkSize]byte) }}}
	var err error
	if strings.HasPrefix(bucketURL, "file:") {
		v.folder, v.bucket, err = openFolder(bucketURL)
	} else {
		v.bucket, err = blob.OpenBucket(ctx, bucketURL)
	}
	if err != nil {
		return nil, fmt.Errorf("open blob vault: %w", err)
	}
	return v, nil
}

// Close releases the bucket. Open blobs fail from then on.
func (v *Vault) Close() error { return v.bucket.Close() }

var idForm = regexp.MustCompile(`^b[0-9a-f]{32}$`)

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return "b" + hex.EncodeToString(b[:])
}

// keyOf is a blob's place in the bucket; false for what is no id.
func keyOf(id string) (string, bool) {
	if !idForm.MatchString(id) {
		return "", false
	}
	return id[1:3] + "/" + id, true
}

// Delete removes a blob, durably. One that is not there is no error.
func (v *Vault) Delete(ctx context.Context, id string) error {
	key, ok := keyOf(id)
	if !ok {
		return fmt.Errorf("delete blob %.40q: %w", id, ErrNotFound)
	}
	err := v.bucket.Delete(ctx, key)
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil
	}
	if err == nil && v.folder != nil {
		err = v.folder.syncFor(key)
	}
	if err != nil {
		return fmt.Errorf("delete blob %s: %w", id, err)
	}
	return nil
}

// Entry is one stored blob. Size is that of the encrypted file in bytes.
type Entry struct {
	ID      string
	Size    int64
	ModTime time.Time
}

// List yields every stored blob, in no particular order, for finding those that no event names. It ends after the
// first error, which is yielded with a zero Entry. A blob put meanwhile may be missing: compare ModTime with the
// time List began before deleting anything.
func (v *Vault) List(ctx context.Context) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for o, err := range v.objects(ctx) {
			if err != nil {
				yield(Entry{}, fmt.Errorf("list blobs: %w", err))
				return
			}
			id := o.Key[strings.LastIndexByte(o.Key, '/')+1:]
			if key, ok := keyOf(id); !ok || key != o.Key {
				continue
			}
			if !yield(Entry{ID: id, Size: o.Size, ModTime: o.ModTime}, nil) {
				return
			}
		}
	}
}

// objects yields all there is in the bucket. A folder is listed by its 256 subfolders: fileblob walks everything
// again for each page.
func (v *Vault) objects(ctx context.Context) iter.Seq2[*blob.ListObject, error] {
	prefixes := []string{""}
	if v.folder != nil {
		prefixes = v.folder.prefixes()
	}
	return func(yield func(*blob.ListObject, error) bool) {
		for _, prefix := range prefixes {
			page := v.bucket.List(&blob.ListOptions{Prefix: prefix})
			for {
				o, err := page.Next(ctx)
				if err == io.EOF {
					break
				}
				if !yield(o, err) || err != nil {
					return
				}
			}
		}
	}
}

// temporary is what fileblob calls a file until it is complete: the blob's key, a number and ".tmp".
var temporary = regexp.MustCompile(`^[0-9a-f]{2}/b[0-9a-f]{32}\.[0-9a-f]+\.tmp$`)

// RemoveUnfinished deletes what a crash left of uploads that last wrote before the given time, and counts it. An
// upload still running in another process must not be that old. Object stores discard these by themselves.
func (v *Vault) RemoveUnfinished(ctx context.Context, before time.Time) (removed int, err error) {
	for o, err := range v.objects(ctx) {
		if err == nil && temporary.MatchString(o.Key) && o.ModTime.Before(before) {
			removed++
			err = v.bucket.Delete(ctx, o.Key)
		}
		if err != nil && gcerrors.Code(err) != gcerrors.NotFound {
			return removed, fmt.Errorf("remove unfinished uploads: %w", err)
		}
	}
	return removed, nil
}
