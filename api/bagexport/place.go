package bagexport

import (
	"errors"
	"fmt"
	"os"

	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/verifier/courtbundle"
)

// unverified is where a bag stands until it has been verified.
func unverified(dir string) string { return dir + ".unverified" }

// makeRoom makes sure that nothing stands at dir, and removes what an export that was interrupted left.
func makeRoom(dir string) error {
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s: %w", dir, courtbundle.ErrExists)
	}
	if err := discard(dir); err != nil {
		return fmt.Errorf("remove an unfinished export: %w", err)
	}
	return nil
}

// discard removes a bag that is not handed out, decrypted evidence and all.
func discard(dir string) error {
	return errors.Join(courtbundle.Discard(unverified(dir)), os.RemoveAll(unverified(dir)))
}

// release verifies a closed bag as a court would, under the ledger's own trust, and gives it its name.
func release(l *ledger.Ledger, dir string) error {
	bag, err := courtbundle.Open(unverified(dir))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotVerified, err)
	}
	result := bag.Verify(courtbundle.Options{Trust: l.Trust()})
	if err := bag.Close(); err != nil {
		return fmt.Errorf("verify verification pack: %w", err)
	}
	if result.Verdict != courtbundle.Verified {
		err := fmt.Errorf("%w: verdict %s", ErrNotVerified, result.Verdict)
		for _, c := range result.Failures() {
			err = fmt.Errorf("%w; %s: %s", err, c.ID, c.Sentence)
		}
		return err
	}
	if _, err := os.Lstat(dir); err == nil {
		return fmt.Errorf("%s: %w", dir, courtbundle.ErrExists)
	}
	return os.Rename(unverified(dir), dir)
}
