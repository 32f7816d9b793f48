package courtbundle_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/predicate"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

func TestPrepareRefuses(t *testing.T) {
	cases := map[string]struct {
		want  error
		alter func(*courtbundle.Contents)
	}{
		"other content": {courtbundle.ErrContents, func(c *courtbundle.Contents) {
			c.Evidence[0].Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader("other")), nil }
		}},
		"unknown exhibit": {courtbundle.ErrContents, func(c *courtbundle.Contents) { c.Evidence[0].Exhibit = verifiertest.UUID(99) }},
		"content fails": {io.ErrUnexpectedEOF, func(c *courtbundle.Contents) {
			c.Evidence[0].Open = func() (io.ReadCloser, error) { return io.NopCloser(failing{}), nil }
		}},
		"order":      {courtbundle.ErrContents, func(c *courtbundle.Contents) { slices.Reverse(c.Events) }},
		"no receipt": {courtbundle.ErrContents, func(c *courtbundle.Contents) { c.Events[0].Bundle = nil }},
		"checkpoint": {courtbundle.ErrContents, func(c *courtbundle.Contents) { c.Checkpoint = "x" }},
		"other state": {courtbundle.ErrContents, func(c *courtbundle.Contents) {
			c.Checkpoint = verifiertest.SampleCase(verifiertest.NewLog(origin)).Contents().Checkpoint
		}},
		"signer":  {courtbundle.ErrContents, func(c *courtbundle.Contents) { c.Signer = "x" }},
		"opening": {courtbundle.ErrContents, func(c *courtbundle.Contents) { c.Events[1].Openings = []string{"!"} }},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			contents := verifiertest.SampleCase(verifiertest.NewLog(origin)).Contents()
			c.alter(&contents)
			dir := filepath.Join(t.TempDir(), "bag")
			if _, err := courtbundle.Prepare(dir, contents); !errors.Is(err, c.want) {
				t.Errorf("error = %v, want %v", err, c.want)
			}
			if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// TestInterrupted: between Prepare and Close there is nothing that a verifier accepts, and a second bag is refused.
func TestInterrupted(t *testing.T) {
	c := verifiertest.SampleCase(verifiertest.NewLog(origin))
	dir := filepath.Join(t.TempDir(), string(c.URN))
	size := c.Log.Size()
	digest, err := courtbundle.Prepare(dir, c.Contents())
	check(t, err)
	for _, o := range []courtbundle.Options{{Trust: c.Log.Trust()}, {}} {
		if r := verify(t, dir+".partial", o); r.Verdict != courtbundle.NotVerified {
			t.Errorf("a frozen bag: %s", r.Verdict)
		}
	}
	if _, err := courtbundle.Prepare(dir, c.Contents()); !errors.Is(err, courtbundle.ErrExists) {
		t.Errorf("second Prepare: %v", err)
	}
	exported, proof := c.Export([32]byte{}, size, "sensitive")
	if err := courtbundle.Close(dir, exported, proof); !errors.Is(err, courtbundle.ErrContents) {
		t.Errorf("receipt of other contents: %v", err)
	}
	exported, proof = c.Export(digest, size, "sensitive")
	check(t, courtbundle.Close(dir, exported, proof))
	r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
	// The first export was recorded too: the head moved, and one event came between.
	if r.Verdict == courtbundle.Verified {
		t.Error("heads taken after the freeze were accepted")
	}
	if _, err := courtbundle.Prepare(dir, c.Contents()); !errors.Is(err, courtbundle.ErrExists) {
		t.Errorf("Prepare over a bag: %v", err)
	}
}

func TestFrozenFilesChanged(t *testing.T) {
	c := verifiertest.SampleCase(verifiertest.NewLog(origin))
	dir := filepath.Join(t.TempDir(), "bag")
	size := c.Log.Size()
	digest, err := courtbundle.Prepare(dir, c.Contents())
	check(t, err)
	check(t, os.WriteFile(filepath.Join(dir+".partial", "data", "README.txt"), []byte("x"), 0o644))
	exported, proof := c.Export(digest, size, "sensitive")
	if err := courtbundle.Close(dir, exported, proof); !errors.Is(err, courtbundle.ErrContents) {
		t.Errorf("error = %v", err)
	}
}

// TestEventsBetween: events recorded while the bag was made are counted and no failure.
func TestEventsBetween(t *testing.T) {
	c := verifiertest.SampleCase(verifiertest.NewLog(origin))
	dir := filepath.Join(t.TempDir(), "bag")
	size := c.Log.Size()
	digest, err := courtbundle.Prepare(dir, c.Contents())
	check(t, err)
	heads := c.Heads("sensitive")
	c.Event(&predicate.CaseReopenedV1{Reason: "appeal"}, nil)
	exported, proof := c.ExportHeads(digest, size, heads)
	check(t, courtbundle.Close(dir, exported, proof))
	r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
	if r.Verdict != courtbundle.Verified || r.Summary.Between != 1 {
		t.Errorf("%s, between %d: %+v", r.Verdict, r.Summary.Between, r.Failures())
	}
}

// TestErasedAndLeftOut: an exhibit without a file is listed, as erased where its key was destroyed.
func TestErasedAndLeftOut(t *testing.T) {
	c := verifiertest.NewCase(verifiertest.NewLog(origin), 1, "01AB1234526")
	c.Upload(11, "JS/1", "video/mp4", []byte("one"))
	c.Upload(12, "JS/2", "video/mp4", []byte("two"))
	c.Upload(13, "js/1", "video/mp4", []byte("three"))
	c.Event(&predicate.KeyDestroyedV1{Authority: "retention-expired", Exhibit: verifiertest.UUID(12), Keys: []predicate.KeyID{"k"}, Proposal: verifiertest.UUID(5), Scope: "exhibit"}, nil)
	contents := c.Contents()
	contents.Evidence = contents.Evidence[2:]
	dir := filepath.Join(t.TempDir(), "bag")
	size := c.Log.Size()
	digest, err := courtbundle.Prepare(dir, contents)
	check(t, err)
	exported, proof := c.Export(digest, size)
	check(t, courtbundle.Close(dir, exported, proof))
	r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
	if r.Verdict != courtbundle.Verified || !slices.Equal(r.Summary.Erased, []string{"JS/2"}) || !slices.Equal(r.Summary.NotIncluded, []string{"JS/1"}) {
		t.Errorf("%s: %+v %+v", r.Verdict, r.Summary, r.Failures())
	}
	// Two references that a file system might take for one carry the exhibit's id.
	if _, err := os.Stat(filepath.Join(dir, "data", "evidence", "js-1-"+string(verifiertest.UUID(13))+".mp4")); err != nil {
		t.Error(err)
	}
}

func TestSha256sumAccepts(t *testing.T) {
	dir, _ := sample(t)
	tool, err := exec.LookPath("sha256sum")
	if err != nil {
		t.Skip("no sha256sum here")
	}
	for _, list := range []string{"manifest-sha256.txt", "tagmanifest-sha256.txt", "data/contents-sha256.txt"} {
		command := exec.CommandContext(t.Context(), tool, "--strict", "-c", list)
		command.Dir = dir
		if out, err := command.CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", list, err, out)
		}
	}
}

func TestFingerprintModes(t *testing.T) {
	dir, c := sample(t)
	other, _ := sample(t)
	print := c.Log.Trust().Fingerprint()
	for name, test := range map[string]struct {
		path string
		o    courtbundle.Options
		want courtbundle.Verdict
	}{
		"right fingerprint":           {dir, courtbundle.Options{Fingerprint: print}, courtbundle.Verified},
		"upper case":                  {dir, courtbundle.Options{Fingerprint: strings.ToUpper(print)}, courtbundle.Verified},
		"forged":                      {other, courtbundle.Options{Fingerprint: print}, courtbundle.NotVerified},
		"nothing known":               {dir, courtbundle.Options{}, courtbundle.Consistent},
		"forged, nothing known":       {other, courtbundle.Options{}, courtbundle.Consistent},
		"folder and fingerprint":      {dir, courtbundle.Options{Trust: c.Log.Trust(), Fingerprint: print}, courtbundle.Verified},
		"folder, other fingerprint":   {dir, courtbundle.Options{Trust: c.Log.Trust(), Fingerprint: strings.Repeat("0", 64)}, courtbundle.NotVerified},
		"folder that wants witnesses": {dir, courtbundle.Options{Trust: c.Log.TrustWith(verifier.Policy{Quorum: 1, Witnesses: []string{verifiertest.NewWitness("w").Key()}})}, courtbundle.NotVerified},
		"folder that wants a stamp":   {dir, courtbundle.Options{Trust: c.Log.TrustWith(verifier.Policy{TimestampRequired: true})}, courtbundle.NotVerified},
	} {
		if r := verify(t, test.path, test.o); r.Verdict != test.want {
			t.Errorf("%s: %s, want %s: %+v", name, r.Verdict, test.want, r.Failures())
		}
	}
}

// TestReportPage: the page needs nothing from elsewhere, runs nothing, and avoids words of the trade.
func TestReportPage(t *testing.T) {
	dir, _ := sample(t)
	page, err := os.ReadFile(filepath.Join(dir, "data", "report.html"))
	check(t, err)
	if found := regexp.MustCompile(`(?i)\b(bags?|openings?|lea(f|ves)|checkpoints?)\b`).FindAll(page, -1); found != nil {
		t.Errorf("words of the trade: %q", found)
	}
	if found := regexp.MustCompile(`(?i)<script|<link|<img|<iframe|\bsrc=|href="?http|url\(|@import|\son\w+=`).FindAll(page, -1); found != nil {
		t.Errorf("reaches out or runs something: %q", found)
	}
	for _, want := range []string{`<html lang="en-GB">`, "<caption>", `scope="col"`, "<h1>", "01AB1234526", "Clip from a doorbell"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("lacks %s", want)
		}
	}
}

// TestReportIsHarmless: text that a person typed stays text, in the page and in a spreadsheet.
func TestReportIsHarmless(t *testing.T) {
	c := verifiertest.NewCase(verifiertest.NewLog(origin), 1, "01AB1234526")
	item := c.Upload(11, "JS/1", "video/mp4", []byte("one"))
	c.Event(&predicate.EvidenceViewedV1{Item: item}, map[string]any{
		"reason": "<script>alert(1)</script>", "actorName": "=HYPERLINK(\"http://x\")",
	}, verifiertest.Subject(item))
	dir := filepath.Join(t.TempDir(), "bag")
	check(t, c.Write(dir))
	page, err := os.ReadFile(filepath.Join(dir, "data", "report.html"))
	check(t, err)
	if bytes.Contains(page, []byte("<script")) || !bytes.Contains(page, []byte("&lt;script&gt;")) {
		t.Error("a reason became markup")
	}
	table, err := os.ReadFile(filepath.Join(dir, "data", "report.csv"))
	check(t, err)
	if regexp.MustCompile(`(^|,|\n)"?=`).Match(table) {
		t.Errorf("a cell begins with =:\n%s", table)
	}
}
