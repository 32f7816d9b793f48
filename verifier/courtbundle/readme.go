package courtbundle

import (
	"fmt"
	"strings"

	"github.com/caseledger/caseledger/projections"
	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/schemas/receipt"
)

// readme is README.txt: how to check this very pack, with its real names.
func readme(r projections.Report, c receipt.SignedCheckpoint, events []Event, fingerprint string) []byte {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	name := string(r.Case.URN)
	if name == "" {
		name = string(r.Case.ID)
	}
	p("VERIFICATION PACK\n")
	p("Case:    %s", name)
	p("Log:     %s, %d entries when this pack was made", c.Origin, c.Size)
	p("Entries: %d in this pack\n", r.Events)
	p("data/report.html tells the custody of each exhibit in words. data/evidence holds the exhibits.")
	p("Nothing here has to be believed. Three ways to check it, all without a network:\n")
	p("1. WITH THE VERIFICATION PROGRAM. It checks everything. TRUST is the folder with the ledger's keys that you were")
	p("   given by another way than this pack.\n")
	p("     caseledger-verify --trust TRUST %s\n", name)
	p("   Without such a folder, ask the ledger's operator to read out the fingerprint of its keys, and compare:\n")
	p("     %s\n", fingerprint)
	p("2. WITH SHA256SUM. It checks that no file was changed since the pack was made, and nothing else. In this folder:\n")
	p("     sha256sum -c manifest-sha256.txt\n")
	p("3. WITH COSIGN (sigstore.dev), a program by others. It checks single entries: that the ledger signed one and that")
	p("   it is in the log. In this folder, best with the keys from TRUST in place of data/trust:\n")
	example(p, events)
	p("   The checks of cosign leave out some things that the verification program looks at: whether entries are missing,")
	p("   whether all belong to one case, and whether the report is true to them.")
	return []byte(b.String())
}

// example shows a cosign command for an event about an exhibit, else for the first event that can be read.
func example(p func(string, ...any), events []Event) {
	chosen := -1
	var event predicate.Event
	for i, e := range events {
		if e.Bundle == nil {
			continue
		}
		decoded, err := predicate.Decode(e.Bundle.DSSEEnvelope.Payload)
		if err != nil {
			continue
		}
		if chosen < 0 || decoded.Kind == "evidence.uploaded" {
			chosen, event = i, decoded
		}
		if decoded.Kind == "evidence.uploaded" {
			break
		}
	}
	if chosen < 0 {
		p("     (this pack has no entry that can be read)\n")
		return
	}
	p("     cosign verify-blob-attestation \\")
	p("       --key data/trust/event-signers/%s.pem \\", events[chosen].Bundle.VerificationMaterial.PublicKey.Hint)
	p("       --trusted-root data/trust/trusted_root.json \\")
	p("       --bundle %s \\", eventFile(chosen+1, sigstoreSuffix))
	p("       --type %s \\", predicate.URI(event.Kind))
	p("       --digest %s --digestAlg sha256\n", event.Subject[0].Digest.SHA256)
}
