package courtbundle

import (
	"archive/zip"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/verifier"
)

// ErrUnreadable marks what is no bag at all, or cannot be read.
var ErrUnreadable = errors.New("cannot be read as a verification pack")

// maxReport bounds a report that is parsed.
const maxReport = 1 << 30

// Bag is an open bag, as a folder or a zip.
type Bag struct {
	files map[string]file // by name from the bag's root
	// Root is the name of the folder in a zip, "" for a folder on disk: what somebody calls that proves nothing.
	Root     string
	problems []*verifier.Failure // of the folder or zip itself
	closers  []io.Closer
}

type file struct {
	size int64
	open func() (io.ReadCloser, error)
}

// VerifyPath verifies what is at path: a bag as a folder or zip, or a file with a single event. Errors wrap ErrUnreadable.
func VerifyPath(path string, o Options) (*Result, error) {
	begin, err := firstBytes(path)
	if err == nil && strings.HasPrefix(begin, "{") {
		data, err := readFile(path)
		if err != nil {
			return nil, err
		}
		return VerifyEvent(data, o)
	}
	if strings.HasPrefix(begin, "age-encryption.org/") {
		return nil, fmt.Errorf("%w: it is encrypted. Decrypt it first: age --decrypt --identity KEYFILE --output pack.zip FILE", ErrUnreadable)
	}
	bag, err := Open(path)
	if err != nil {
		return nil, err
	}
	defer bag.Close()
	return bag.Verify(o), nil
}

// firstBytes tells kinds of files apart; it is an error for a folder.
func firstBytes(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var b [20]byte
	n, err := io.ReadFull(f, b[:])
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	return string(b[:n]), err
}

func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: it may not be read", ErrUnreadable)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxRecord+1))
	if err != nil || len(data) > maxRecord {
		return nil, fmt.Errorf("%w: it is too large for a single event", ErrUnreadable)
	}
	return data, nil
}

// Open opens a bag: a folder, or a zip. Errors wrap ErrUnreadable.
func Open(path string) (*Bag, error) {
	about, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: there is no such file or folder, or it may not be read", ErrUnreadable)
	case about.IsDir():
		return openFolder(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: it may not be read", ErrUnreadable)
	}
	bag, err := FromZip(f, about.Size())
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	bag.closers = append(bag.closers, f)
	return bag, nil
}

// Close releases the files.
func (b *Bag) Close() error {
	var errs []error
	for _, c := range b.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func openFolder(path string) (*Bag, error) {
	return FromFS(os.DirFS(path))
}

// FromFS opens a bag that is a folder.
func FromFS(fsys fs.FS) (*Bag, error) {
	b := &Bag{files: map[string]file{}}
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if len(b.files) >= maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		if d.IsDir() {
			b.folder(name)
			return nil
		}
		about, err := d.Info()
		if err != nil {
			return err
		}
		if !about.Mode().IsRegular() {
			b.fault(name, "is not an ordinary file but a link or a device.")
			return nil
		}
		b.files[name] = file{about.Size(), func() (io.ReadCloser, error) { return fsys.Open(name) }}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("%w: a file or folder in it may not be read", ErrUnreadable)
	}
	return b, b.recognise()
}

// folders are those that a bag has.
var folders = []string{".", "data", "data/events", "data/evidence", "data/trust", "data/trust/event-signers"}

func (b *Bag) folder(name string) {
	if !slices.Contains(folders, name) {
		b.fault(name, "is a folder that does not belong in a verification pack.")
	}
}

// recognise refuses what is no bag at all, so that a wrong path is not called a forgery.
func (b *Bag) recognise() error {
	for name := range b.files {
		if name == bagitFile || strings.HasPrefix(name, dataFolder) {
			return nil
		}
	}
	return fmt.Errorf("%w: it has neither %s nor a folder data", ErrUnreadable, bagitFile)
}

// FromZip opens a bag that is a zip. r must stay open as long as the bag.
func FromZip(r io.ReaderAt, size int64) (*Bag, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%w: it is neither a folder nor a zip file in good order", ErrUnreadable)
	}
	if len(z.File) == 0 || len(z.File) > maxFiles {
		return nil, fmt.Errorf("%w: the zip has no files or too many", ErrUnreadable)
	}
	b := &Bag{files: map[string]file{}}
	b.Root, _, _ = strings.Cut(z.File[0].Name, "/")
	inflated := int64(0)
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, b.Root+"/")
		if ok && strings.HasSuffix(name, "/") {
			b.folder(strings.TrimSuffix(name, "/"))
			continue
		}
		_, twice := b.files[name]
		if !ok || twice || !fs.ValidPath(name) || name == "." || !f.Mode().IsRegular() || f.UncompressedSize64 > 1<<62 {
			b.fault(name, "is a file that is there twice, or that would be unpacked somewhere else.")
			continue
		}
		if f.Method != zip.Store && !strings.HasPrefix(name, evidenceFolder) {
			if inflated += int64(min(f.UncompressedSize64, maxReport)); inflated > maxReport {
				return nil, fmt.Errorf("%w: the zip grows too large when it is unpacked", ErrUnreadable)
			}
		}
		b.files[name] = file{int64(f.UncompressedSize64), f.Open}
	}
	if !ourLayout(r, size, z) {
		b.problems = append(b.problems, &verifier.Failure{Check: verifier.CheckBagFormat,
			Sentence: "The zip file is not laid out as the ledger lays it out, so that other programs might see other files in it. If it was packed again by another program, unpack it and check the folder."})
	}
	return b, b.recognise()
}

func (b *Bag) fault(name, rest string) {
	if len(b.problems) < maxSentences {
		b.problems = append(b.problems, &verifier.Failure{Check: verifier.CheckBagFormat, Sentence: printable(name) + " " + rest, File: printable(name)})
	}
}

// names are all files, sorted bytewise.
func (b *Bag) names() []string { return slices.Sorted(maps.Keys(b.files)) }

// read reads a whole file of at most limit bytes.
func (b *Bag) read(name string, limit int64) ([]byte, error) {
	f, ok := b.files[name]
	if !ok {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if f.size > limit {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	r, err := f.open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data := make([]byte, 0, f.size+1)
	for {
		n, err := r.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		switch {
		case int64(len(data)) > f.size:
			return nil, fmt.Errorf("%s is longer than it was said to be", name)
		case err == io.EOF:
			return data, nil
		case err != nil:
			return nil, err
		}
	}
}

// sum streams a file of any size through SHA-256, by way of buffer.
func (b *Bag) sum(name string, buffer []byte) (sum [32]byte, n int64, err error) {
	r, err := b.files[name].open()
	if err != nil {
		return sum, 0, err
	}
	defer r.Close()
	h := sha256.New()
	n, err = io.CopyBuffer(h, onlyReader{r}, buffer)
	return [32]byte(h.Sum(nil)), n, err
}

// printable is a name that is safe to print: one that a bag may hold, else none of it.
func printable(name string) string {
	if len(name) <= 250 && strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") == "" && name != "" {
		return name
	}
	return "A file with an unusual name"
}
