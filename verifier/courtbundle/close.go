package courtbundle

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// Close closes a bag that Prepare froze: exported is the receipt of its bag.exported, k the proof that the tree of that
// receipt continues the bag's. It reads the frozen files again, so that it may run in another process, and renames the
// folder to dir. A bag whose contents are not those that bag.exported names is refused with ErrContents.
func Close(dir string, exported receipt.Bundle, k Consistency) error {
	if err := closeBag(dir, exported, k); err != nil {
		return fmt.Errorf("close %s: %w", dir, err)
	}
	return nil
}

func closeBag(dir string, exported receipt.Bundle, k Consistency) error {
	event, err := predicate.Decode(exported.DSSEEnvelope.Payload)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrContents, err)
	}
	w := &writer{root: partial(dir), sums: sums{}}
	if err := w.again(); err != nil {
		return err
	}
	digest := sha256.Sum256(w.sums.contents())
	body, ok := event.Predicate.Body.(*predicate.BagExportedV1)
	if !ok || string(body.Contents) != hex.EncodeToString(digest[:]) {
		return fmt.Errorf("%w: the event is not bag.exported of these contents", ErrContents)
	}
	urn, err := w.urn()
	if err != nil {
		return err
	}
	for name, value := range map[string]any{receiptFile: exported, consistencyFile: k} {
		data, err := canonical.Marshal(value)
		if err != nil {
			return fmt.Errorf("encode %s: %w", name, err)
		}
		if err := w.file(name, data); err != nil {
			return err
		}
	}
	tags := map[string][]byte{bagitFile: []byte(bagit), infoFile: info(urn, &event, w.size), manifestFile: w.sums.manifest()}
	if err := w.all(tags); err != nil {
		return err
	}
	if err := w.file(tagManifestFile, w.sums.tagManifest()); err != nil {
		return err
	}
	if _, err := os.Lstat(dir); err == nil {
		return ErrExists
	}
	return os.Rename(partial(dir), dir)
}

// again reads the frozen files and notes their digests, but not those of a Close that was interrupted.
func (w *writer) again() error {
	bag, err := openFolder(w.root)
	if err != nil {
		return err
	}
	defer bag.Close()
	if len(bag.problems) > 0 {
		return errors.Join(ErrContents, bag.problems[0])
	}
	buffer := make([]byte, 1<<20)
	for _, name := range bag.names() {
		if name == contentsFile || inContents(name) {
			sum, n, err := bag.sum(name, buffer)
			if err != nil {
				return err
			}
			w.note(name, sum, n)
		}
	}
	list, err := os.ReadFile(filepath.Join(w.root, filepath.FromSlash(contentsFile)))
	if err != nil {
		return err
	}
	if string(list) != string(w.sums.contents()) {
		return fmt.Errorf("%w: the frozen files were changed", ErrContents)
	}
	return nil
}

// urn reads the case's URN from the report that was frozen; "" where the recipient may not read it.
func (w *writer) urn() (identifier.URN, error) {
	data, err := os.ReadFile(filepath.Join(w.root, filepath.FromSlash(reportFile+"json")))
	if err != nil {
		return "", err
	}
	var report struct {
		Case struct {
			URN identifier.URN `json:"urn"`
		} `json:"case"`
	}
	if err := json.Unmarshal(data, &report); err != nil {
		return "", fmt.Errorf("%w: the frozen report is not JSON", ErrContents)
	}
	return report.Case.URN, nil
}
