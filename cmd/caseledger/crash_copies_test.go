package main_test

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// relaxed are the folders whose files are written with relaxed sync; both follow from the events.
var relaxed = []string{"tree", "read"}

// keptCopies is how many copies are kept; a new one takes the place of an old one.
const keptCopies = 6

// copies are copies of the relaxed folders made at random moments, mostly of a running ledger: file by file, so that pages of
// different times lie beside each other.
type copies struct {
	data, dir string
	rand      *rand.Rand
	made      int
}

// run makes copies until the function that it returns is called; then one more may be made, of the stopped ledger.
func (c *copies) run() (stop func()) {
	quit, done := make(chan struct{}), make(chan struct{})
	first := time.Duration(c.rand.IntN(1500)) * time.Millisecond
	next := time.Duration(100+c.rand.IntN(900)) * time.Millisecond
	last := c.rand.IntN(2) == 0
	go func() {
		defer close(done)
		for wait := first; ; wait = next {
			select {
			case <-time.After(wait):
				c.make()
			case <-quit:
				if last {
					c.make()
				}
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (c *copies) make() {
	to := filepath.Join(c.dir, fmt.Sprint(c.made%keptCopies))
	c.made++
	_ = os.RemoveAll(to)
	for _, folder := range relaxed {
		_ = copyFolder(filepath.Join(c.data, folder), filepath.Join(to, folder)) // files come and go meanwhile
	}
}

func copyFolder(from, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		if !f.Type().IsRegular() || strings.HasSuffix(f.Name(), "-lock") || strings.Contains(f.Name(), ".damaged-") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, f.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, f.Name()), data, 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// restore puts an earlier copy in the place of the files, sometimes with a write-ahead log that was cut short or lost, and
// says what it did.
func (c *copies) restore(t *testing.T) string {
	t.Helper()
	if c.made == 0 {
		return "killed"
	}
	which := c.rand.IntN(min(c.made, keptCopies))
	from := filepath.Join(c.dir, fmt.Sprint(which))
	for _, folder := range relaxed {
		at := filepath.Join(c.data, folder)
		old, err := os.ReadDir(at)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		for _, f := range old {
			if err := os.Remove(filepath.Join(at, f.Name())); err != nil {
				t.Fatal(err)
			}
		}
		if err := copyFolder(filepath.Join(from, folder), at); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("killed, copy %d put back%s", which, c.cutLogs(t))
}

// cutLogs shortens the write-ahead logs that were put back, or removes them.
func (c *copies) cutLogs(t *testing.T) string {
	kind := c.rand.IntN(4)
	if kind > 1 {
		return ""
	}
	for _, folder := range relaxed {
		logs, err := filepath.Glob(filepath.Join(c.data, folder, "*-wal"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range logs {
			st, err := os.Stat(path)
			if err == nil && kind == 0 {
				err = os.Truncate(path, c.rand.Int64N(st.Size()+1))
			} else if err == nil {
				err = errors.Join(os.Remove(path), os.RemoveAll(strings.TrimSuffix(path, "-wal")+"-shm"))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	return []string{", logs cut", ", logs lost"}[kind]
}
