package courtbundle

import (
	"fmt"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// sums maps file names, from the bag's root, to SHA-256.
type sums map[string][32]byte

// list writes the lines of the files that pass, as sha256sum writes them, sorted bytewise.
func (s sums) list(pass func(name string) bool) []byte {
	var lines []string
	for name, sum := range s {
		if pass(name) {
			lines = append(lines, fmt.Sprintf("%x  %s\n", sum, name))
		}
	}
	slices.Sort(lines)
	return []byte(strings.Join(lines, ""))
}

// contents is contents-sha256.txt.
func (s sums) contents() []byte { return s.list(inContents) }

// manifest is manifest-sha256.txt: every payload file.
func (s sums) manifest() []byte {
	return s.list(func(name string) bool { return strings.HasPrefix(name, dataFolder) })
}

// tagManifest is tagmanifest-sha256.txt: every other file but itself.
func (s sums) tagManifest() []byte {
	return s.list(func(name string) bool { return !strings.HasPrefix(name, dataFolder) && name != tagManifestFile })
}

// bagit is bagit.txt.
const bagit = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"

// size is the count and the octets of the payload.
type size struct{ files, bytes int64 }

// info is bag-info.txt, a function of the payload and of bag.exported.
func info(urn identifier.URN, exported *predicate.Event, payload size) []byte {
	p := &exported.Predicate
	var b strings.Builder
	line := func(label, value string) { b.WriteString(label + ": " + value + "\n") }
	line("Source-Organization", string(p.Actor.Organisation))
	line("External-Description", "Verification pack of a criminal case: events, proofs, evidence and custody report. See data/README.txt")
	if urn != "" {
		line("External-Identifier", string(urn))
	}
	line("Internal-Sender-Identifier", string(p.Case))
	line("Bagging-Date", p.RecordedAt.Std().Format("2006-01-02"))
	line("Payload-Oxum", fmt.Sprintf("%d.%d", payload.bytes, payload.files))
	return []byte(b.String())
}
