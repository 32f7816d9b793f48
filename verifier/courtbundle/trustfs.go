package courtbundle

import (
	"bytes"
	"io/fs"
	"path"
	"strings"
	"time"
)

// trustFS shows data/trust of a bag as a file system: just enough of one for reading files and listing a folder.
type trustFS struct{ bag *Bag }

// Open reads a file whole; trust files are small.
func (t trustFS) Open(name string) (fs.File, error) {
	data, err := t.bag.read(trustFolder+name, maxRecord)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return &memoryFile{fileInfo{path.Base(name), int64(len(data))}, bytes.NewReader(data)}, nil
}

// ReadDir lists the files of a folder.
func (t trustFS) ReadDir(folder string) ([]fs.DirEntry, error) {
	var out []fs.DirEntry
	for _, name := range t.bag.names() {
		base, ok := strings.CutPrefix(name, trustFolder+folder+"/")
		if ok && !strings.Contains(base, "/") {
			out = append(out, fs.FileInfoToDirEntry(fileInfo{base, t.bag.files[name].size}))
		}
	}
	if len(out) == 0 {
		return nil, fs.ErrNotExist
	}
	return out, nil
}

type memoryFile struct {
	info fileInfo
	*bytes.Reader
}

// Stat describes the file.
func (f *memoryFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close does nothing.
func (f *memoryFile) Close() error { return nil }

type fileInfo struct {
	name string
	size int64
}

// Name is the base name.
func (i fileInfo) Name() string { return i.name }

// Size is in bytes.
func (i fileInfo) Size() int64 { return i.size }

// Mode is that of an ordinary file.
func (i fileInfo) Mode() fs.FileMode { return 0o444 }

// ModTime is not known.
func (i fileInfo) ModTime() time.Time { return time.Time{} }

// IsDir is false.
func (i fileInfo) IsDir() bool { return false }

// Sys is nil.
func (i fileInfo) Sys() any { return nil }
