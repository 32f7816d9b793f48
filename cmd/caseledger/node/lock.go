package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lock is the hold of this process on a data folder. The kernel drops it when the process ends, however it ends.
type lock struct{ f *os.File }

// take holds the folder, or says which process does.
func take(dir string) (*lock, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: data folder: %w", ErrUsage, err)
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("%w: data folder: %w", ErrUsage, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder, _ := os.ReadFile(f.Name()) // the message is the same without the number
		return nil, errors.Join(fmt.Errorf("%w: %s is held by process %s; stop it first or use another folder",
			ErrHeld, dir, strings.TrimSpace(string(holder))), f.Close())
	}
	if err := errors.Join(f.Truncate(0), writeAt(f, fmt.Sprintf("%d\n", os.Getpid()))); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: lock file: %w", ErrUsage, err), f.Close())
	}
	return &lock{f}, nil
}

func writeAt(f *os.File, text string) error {
	_, err := f.WriteAt([]byte(text), 0)
	return err
}

// release gives the folder up. The file stays: removing it would let two processes hold two files of one name.
func (l *lock) release() error { return l.f.Close() }

// published keeps the last published checkpoint in one file, replaced whole.
type published struct{ path string }

func (p published) Load() (string, error) {
	b, err := os.ReadFile(p.path)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read published checkpoint: %w", err)
	}
	return string(b), nil
}

func (p published) Save(text string) error {
	return writeDurably(p.path, []byte(text), 0o600)
}

// writeDurably replaces a file whole: a crash leaves the old or the new content.
func writeDurably(path string, data []byte, mode os.FileMode) error {
	tmp := path + ".new"
	f, err := os.OpenFile(tmp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp, path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
