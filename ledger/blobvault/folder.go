package blobvault

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
)

// folder adds to fileblob what it lacks: durability. fileblob writes a temporary file and renames it, and syncs
// neither the file nor the folder that gets the new name.
type folder struct {
	dir string

	mu     sync.Mutex
	synced map[string]bool // subfolders whose own entry in dir is known to be durable
}

// openFolder opens "file:///absolute", "file://localhost/absolute" or "file://./relative".
func openFolder(bucketURL string) (*folder, *blob.Bucket, error) {
	u, err := url.Parse(bucketURL)
	if err != nil {
		return nil, nil, fmt.Errorf("%w (%v)", ErrBucket, err)
	}
	dir := u.Path
	switch u.Host {
	case ".":
		dir = strings.TrimPrefix(dir, "/")
	case "", "localhost":
	default:
		return nil, nil, fmt.Errorf("file URL with host %q, want file:///folder: %w", u.Host, ErrBucket)
	}
	if dir == "" || u.Opaque != "" {
		return nil, nil, fmt.Errorf("file URL without a folder, want file:///folder: %w", ErrBucket)
	}
	for option := range u.Query() {
		if option != "create_dir" {
			return nil, nil, fmt.Errorf("option %q, only create_dir is known for folders: %w", option, ErrBucket)
		}
	}
	if dir, err = filepath.Abs(filepath.FromSlash(dir)); err != nil {
		return nil, nil, err
	}
	if u.Query().Get("create_dir") != "" {
		if err := errors.Join(os.MkdirAll(dir, 0o700), syncFolder(filepath.Dir(dir))); err != nil {
			return nil, nil, err
		}
	}
	bucket, err := fileblob.OpenBucket(dir, &fileblob.Options{
		NoTempDir:   true,
		Metadata:    fileblob.MetadataDontWrite,
		DirFileMode: 0o700,
	})
	if err != nil {
		return nil, nil, err
	}
	return &folder{dir: dir, synced: make(map[string]bool)}, bucket, nil
}

func (f *folder) prefixes() []string {
	all := make([]string, 256)
	for i := range all {
		all[i] = fmt.Sprintf("%02x/", i)
	}
	return all
}

// syncFor makes a blob's name, or its absence, durable.
func (f *folder) syncFor(key string) error {
	sub := filepath.Dir(filepath.FromSlash(key))
	if err := syncFolder(filepath.Join(f.dir, sub)); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.synced[sub] {
		return nil
	}
	if err := syncFolder(f.dir); err != nil {
		return err
	}
	f.synced[sub] = true
	return nil
}

func syncFolder(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
