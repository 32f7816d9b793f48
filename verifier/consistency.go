package verifier

import (
	"github.com/caseledger/caseledger/schemas/receipt"
	"golang.org/x/mod/sumdb/tlog"
)

// Consistency shows that the log at second continues the log at first (RFC 6962, 2.1.2): nothing before was changed or
// removed. hashes run as the RFC writes them. The error is a *Failure.
func Consistency(first, second receipt.Checkpoint, hashes [][]byte, opts ...Option) error {
	s := gather(opts).subject
	proof, ok := toHashes(hashes)
	switch {
	case first.Origin != second.Origin:
		return s.fault(CheckConsistency, "joins the states of two different logs.")
	case !ok || first.Size == 0 || first.Size > second.Size || second.Size > 1<<62:
		return s.fault(CheckConsistency, "does not join an earlier state of the log to a later one.")
	case first.Size == second.Size:
		if first.Root == second.Root && len(proof) == 0 {
			return nil
		}
	case tlog.CheckTree(tlog.TreeProof(proof), int64(second.Size), tlog.Hash(second.Root), int64(first.Size), tlog.Hash(first.Root)) == nil:
		return nil
	}
	return s.fault(CheckConsistency, "does not prove that the later log continues the earlier one.")
}
