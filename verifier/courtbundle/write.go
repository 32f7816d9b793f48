package courtbundle

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/schemas/sdjwt"
)

// ErrExists is returned where a bag, or the rest of an interrupted one, already stands at the path.
var ErrExists = errors.New("something is already at this path; remove it or choose another")

// partial is where a bag grows until it is closed.
func partial(dir string) string { return dir + ".partial" }

// Discard removes what Prepare left of a bag that will not be closed.
func Discard(dir string) error { return os.RemoveAll(partial(dir)) }

// Prepare freezes a bag: it writes every file that bag.exported commits to, into dir + ".partial", and returns the digest
// of the list of contents, which bag.exported must name. Evidence is streamed and must have the digest that the events
// say; an exhibit without content in c is listed as not included when the bag is verified. Signatures and proofs are not
// checked here: the ledger verifies receipts as it makes them, and the closed bag should be verified before it is handed out. After
// an error the partial folder is gone. Errors wrap ErrContents or ErrExists, or are of the file system.
func Prepare(dir string, c Contents) (digest [32]byte, err error) {
	if _, err := os.Lstat(dir); err == nil {
		return digest, fmt.Errorf("prepare %s: %w", dir, ErrExists)
	}
	if err := os.Mkdir(partial(dir), 0o755); errors.Is(err, fs.ErrExist) {
		return digest, fmt.Errorf("prepare %s: %w", partial(dir), ErrExists)
	} else if err != nil {
		return digest, fmt.Errorf("prepare %s: %w", dir, err)
	}
	w := &writer{root: partial(dir), sums: sums{}}
	if err := w.prepare(c); err != nil {
		return digest, errors.Join(fmt.Errorf("prepare %s: %w", dir, err), Discard(dir))
	}
	return sha256.Sum256(w.sums.contents()), nil
}

// writer writes files and keeps their digests.
type writer struct {
	root string
	sums sums
	size size
}

func (w *writer) prepare(c Contents) error {
	checkpoint, err := receipt.ParseCheckpoint(c.Checkpoint)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrContents, err)
	}
	entries, err := decodeEvents(c.Events, c.Checkpoint)
	if err != nil {
		return err
	}
	if err := w.events(c.Events); err != nil {
		return err
	}
	report, known, err := render(projections.ReportVersion, entries)
	if err != nil || !known {
		return fmt.Errorf("%w: report version %s: %w", ErrContents, projections.ReportVersion, err)
	}
	trust, err := c.Trust.BagFiles(c.Signer)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrContents, err)
	}
	files := report.files()
	for name, data := range trust {
		files[trustFolder+name] = data
	}
	files[checkpointFile] = []byte(c.Checkpoint)
	folded := projections.Fold(entries)
	files[readmeFile] = readme(folded, checkpoint, c.Events, c.Trust.Fingerprint())
	if err := w.all(files); err != nil {
		return err
	}
	if err := w.evidence(items(folded), c.Evidence); err != nil {
		return err
	}
	return w.all(map[string][]byte{contentsFile: w.sums.contents()})
}

// decodeEvents decodes the events for the fold, which must be in leaf order and proved into the one checkpoint.
func decodeEvents(events []Event, checkpoint string) ([]projections.Entry, error) {
	entries := make([]projections.Entry, 0, len(events))
	for i, e := range events {
		entry, err := e.entry()
		if err != nil {
			return nil, fmt.Errorf("event %d: %w", i+1, err)
		}
		if i > 0 && entry.Index <= entries[i-1].Index {
			return nil, fmt.Errorf("%w: event %d is not in the order of the log", ErrContents, i+1)
		}
		if e.Bundle != nil && e.Bundle.VerificationMaterial.TlogEntries[0].InclusionProof.Checkpoint.Envelope != checkpoint {
			return nil, fmt.Errorf("%w: event %d is proved into another checkpoint", ErrContents, i+1)
		}
		entries = append(entries, entry)
	}
	return entries, nil
}

func (w *writer) events(events []Event) error {
	for i, e := range events {
		files := map[string]any{}
		if e.Withheld != nil {
			files[withheldSuffix] = e.Withheld
		} else {
			files[sigstoreSuffix] = e.Bundle
		}
		if len(e.Openings) > 0 {
			sorted := slices.Clone(e.Openings)
			sdjwt.Sort(sorted)
			files[openingsSuffix] = sorted
		}
		for suffix, value := range files {
			data, err := canonical.Marshal(value)
			if err != nil {
				return fmt.Errorf("event %d: %w", i+1, err)
			}
			if err := w.file(eventFile(i+1, suffix), data); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *writer) evidence(known []item, sources []Evidence) error {
	for _, source := range sources {
		at := slices.IndexFunc(known, func(i item) bool { return i.id == source.Exhibit })
		if at < 0 {
			return fmt.Errorf("%w: no event names exhibit %s", ErrContents, source.Exhibit)
		}
		content, err := source.Open()
		if err != nil {
			return fmt.Errorf("open content of exhibit %s: %w", source.Exhibit, err)
		}
		err = w.stream(known[at].name, content)
		if err := errors.Join(err, content.Close()); err != nil {
			return fmt.Errorf("content of exhibit %s: %w", source.Exhibit, err)
		}
		sum := w.sums[known[at].name]
		if !known[at].digests[predicate.Hex32(hex.EncodeToString(sum[:]))] {
			return fmt.Errorf("%w: the content of exhibit %s is not what the events say", ErrContents, source.Exhibit)
		}
	}
	return nil
}

func (w *writer) all(files map[string][]byte) error {
	for name, data := range files {
		if err := w.file(name, data); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) path(name string) (string, error) {
	path := filepath.Join(w.root, filepath.FromSlash(name))
	return path, os.MkdirAll(filepath.Dir(path), 0o755)
}

func (w *writer) file(name string, data []byte) error {
	path, err := w.path(name)
	if err != nil {
		return err
	}
	w.note(name, sha256.Sum256(data), int64(len(data)))
	return os.WriteFile(path, data, 0o644)
}

func (w *writer) stream(name string, content io.Reader) error {
	path, err := w.path(name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.CopyBuffer(io.MultiWriter(f, h), onlyReader{content}, make([]byte, 1<<20))
	w.note(name, [32]byte(h.Sum(nil)), n)
	return errors.Join(err, f.Close())
}

// onlyReader hides WriterTo, so that the copy uses the buffer given.
type onlyReader struct{ io.Reader }

func (w *writer) note(name string, sum [32]byte, bytes int64) {
	w.sums[name] = sum
	if len(name) > len(dataFolder) && name[:len(dataFolder)] == dataFolder {
		w.size.files++
		w.size.bytes += bytes
	}
}
