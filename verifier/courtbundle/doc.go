// Package courtbundle writes, reads and verifies court bags: a case's events with their proofs, its evidence and a custody
// report in one folder or zip that anyone can check offline. Screens call it a verification pack.
//
// A bag is a BagIt 1.0 bag (RFC 8493) that holds these files and no others:
//
//	bagit.txt  bag-info.txt  manifest-sha256.txt  tagmanifest-sha256.txt
//	data/README.txt                          how to check the bag with this program, cosign and sha256sum
//	data/checkpoint                          the signed checkpoint C into which every event is proved
//	data/events/NNNNNN.sigstore.json         an event: a Sigstore bundle v0.3; NNNNNN runs in leaf order from 000001
//	data/events/NNNNNN.withheld.json         an event that the recipient may count but not read
//	data/events/NNNNNN.openings.json         the fields of the event that the recipient may read; absent if none
//	data/evidence/JS-1.pdf                   content as served, named after the exhibit
//	data/trust/trusted_root.json             the log's keys
//	data/trust/event-signers/<hint>.pem      the keys that sign events; data/trust/event-signer.pem is the newest
//	data/report.json  report.csv  report.html   the custody report: a fold of exactly these events and openings
//	data/contents-sha256.txt                 the digest of every file above that is under data/
//	data/bag.sigstore.json                   the receipt of the event bag.exported, which names that list's digest
//	data/consistency.json                    the proof that the receipt's checkpoint continues C
//
// Every JSON file is canonical. All lists have lines "<sha256>  <path from the bag's root>\n" as sha256sum writes them,
// sorted bytewise. bagit.txt, bag-info.txt and both manifests are functions of the other files, so that verification makes
// them again and compares bytes; the reports likewise.
//
// A bag is frozen, then closed: Prepare writes everything that bag.exported commits to, Close adds the receipt of
// bag.exported. Until then the folder is named <out>.partial and no verifier accepts it.
//
// In a zip all files lie under <urn>/, stored and not compressed, in bytewise order of their names, at fixed times: the zip
// is a function of the files, and verification refuses one that is laid out in another way, because other programs might
// see other files in it.
package courtbundle

import (
	"fmt"
	"regexp"
)

// Names of files, from the bag's root.
const (
	bagitFile       = "bagit.txt"
	infoFile        = "bag-info.txt"
	manifestFile    = "manifest-sha256.txt"
	tagManifestFile = "tagmanifest-sha256.txt"

	dataFolder      = "data/"
	readmeFile      = "data/README.txt"
	checkpointFile  = "data/checkpoint"
	eventsFolder    = "data/events/"
	evidenceFolder  = "data/evidence/"
	trustFolder     = "data/trust/"
	reportFile      = "data/report."
	contentsFile    = "data/contents-sha256.txt"
	receiptFile     = "data/bag.sigstore.json"
	consistencyFile = "data/consistency.json"
)

const (
	sigstoreSuffix = ".sigstore.json"
	withheldSuffix = ".withheld.json"
	openingsSuffix = ".openings.json"
)

// maxRecord is the greatest size of a file that is not evidence or a report.
const maxRecord = 32 << 20

// maxFiles bounds the files of a bag.
const maxFiles = 1 << 20

// eventFile is the file of event number n (from 1).
func eventFile(n int, suffix string) string { return fmt.Sprintf("%s%06d%s", eventsFolder, n, suffix) }

// fixedFiles must be in every bag.
var fixedFiles = []string{
	bagitFile, infoFile, manifestFile, tagManifestFile, readmeFile, checkpointFile, trustFolder + "trusted_root.json",
	trustFolder + "event-signer.pem", reportFile + "json", reportFile + "csv", reportFile + "html", contentsFile, receiptFile,
	consistencyFile,
}

// patternFiles may be in a bag.
var patternFiles = []*regexp.Regexp{
	regexp.MustCompile(`^data/events/(0[0-9]{5}|[1-9][0-9]{5,8})\.(sigstore|withheld|openings)\.json$`),
	regexp.MustCompile(`^data/evidence/[A-Za-z0-9_][A-Za-z0-9._-]{0,200}$`),
	regexp.MustCompile(`^data/trust/event-signers/[0-9a-f]{64}\.pem$`),
}

// inContents says whether the list of contents names the file: all under data/ but what is made after it.
func inContents(name string) bool {
	return len(name) > len(dataFolder) && name[:len(dataFolder)] == dataFolder &&
		name != contentsFile && name != receiptFile && name != consistencyFile
}
