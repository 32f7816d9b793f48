package courtbundle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/receipt"
	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

var update = flag.Bool("update", false, "write the golden sentences anew")

// files is a bag in memory, by name.
type files map[string][]byte

func load(t testing.TB, dir string) files {
	t.Helper()
	out := files{}
	root := os.DirFS(dir)
	check(t, fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out[name], err = fs.ReadFile(root, name)
		}
		return err
	}))
	return out
}

// relist writes the list of contents and both manifests anew, as a forger would. It shares no code with the package.
func (f files) relist() {
	list := func(pass func(string) bool) []byte {
		var lines []string
		for name, data := range f {
			if pass(name) {
				lines = append(lines, fmt.Sprintf("%x  %s", sha256.Sum256(data), name))
			}
		}
		slices.Sort(lines)
		return []byte(strings.Join(lines, "\n") + "\n")
	}
	f["data/contents-sha256.txt"] = list(func(n string) bool {
		return strings.HasPrefix(n, "data/") && n != "data/contents-sha256.txt" && n != "data/bag.sigstore.json" && n != "data/consistency.json"
	})
	f["manifest-sha256.txt"] = list(func(n string) bool { return strings.HasPrefix(n, "data/") })
	payload, octets := 0, 0
	for name, data := range f {
		if strings.HasPrefix(name, "data/") {
			payload++
			octets += len(data)
		}
	}
	info := strings.Split(string(f["bag-info.txt"]), "\n")
	for i, line := range info {
		if strings.HasPrefix(line, "Payload-Oxum: ") {
			info[i] = fmt.Sprintf("Payload-Oxum: %d.%d", octets, payload)
		}
	}
	f["bag-info.txt"] = []byte(strings.Join(info, "\n"))
	f["tagmanifest-sha256.txt"] = list(func(n string) bool { return !strings.HasPrefix(n, "data/") && n != "tagmanifest-sha256.txt" })
}

func (f files) verify(t testing.TB, o courtbundle.Options) *courtbundle.Result {
	t.Helper()
	m := fstest.MapFS{}
	for name, data := range f {
		m[name] = &fstest.MapFile{Data: data}
	}
	bag, err := courtbundle.FromFS(m)
	check(t, err)
	return bag.Verify(o)
}

// json edits a JSON file and writes it in canonical form.
func (f files) json(t testing.TB, name string, edit func(map[string]any)) {
	t.Helper()
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(f[name]))
	d.UseNumber()
	check(t, d.Decode(&v))
	edit(v)
	data, err := canonical.Marshal(v)
	check(t, err)
	f[name] = data
}

// at walks into maps and the first element of arrays.
func at(v map[string]any, path ...string) map[string]any {
	for _, p := range path {
		switch next := v[p].(type) {
		case map[string]any:
			v = next
		case []any:
			v = next[0].(map[string]any)
		}
	}
	return v
}

// flip64 changes one bit of base64 content.
func flip64(s any) string {
	raw, _ := base64.StdEncoding.DecodeString(s.(string))
	raw[len(raw)/2] ^= 1
	return base64.StdEncoding.EncodeToString(raw)
}

func entryOf(v map[string]any) map[string]any { return at(v, "verificationMaterial", "tlogEntries") }

// event is the sigstore file of an event.
func event(n int) string { return fmt.Sprintf("data/events/%06d.sigstore.json", n) }

// remove takes an event out and renumbers those after it.
func (f files) remove(n, last int) {
	for i := n; i <= last; i++ {
		for _, suffix := range []string{"sigstore", "withheld", "openings"} {
			name := fmt.Sprintf("data/events/%06d.%s.json", i, suffix)
			next := fmt.Sprintf("data/events/%06d.%s.json", i+1, suffix)
			delete(f, name)
			if data, ok := f[next]; ok && i < last {
				f[name] = data
			}
		}
	}
}

func (f files) swap(a, b string) { f[a], f[b] = f[b], f[a] }

// A forgery changes a good bag; relisted ones rewrite all manifests.
type forgery struct {
	name  string
	want  []verifier.CheckID // among the failed checks
	alter func(*testing.T, files, *verifiertest.Case)
	plain bool // do not relist
}

var forgeries = []forgery{
	{name: "evidence file", want: []verifier.CheckID{verifier.CheckEvidenceDigest, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/evidence/JS-1.mp4"][3] ^= 1
	}},
	{name: "evidence file, manifests left", plain: true, want: []verifier.CheckID{verifier.CheckEvidenceDigest, verifier.CheckContentsList, verifier.CheckBagManifest}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/evidence/JS-1.mp4"][3] ^= 1
	}},
	{name: "payload", want: []verifier.CheckID{verifier.CheckEventSignature}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { e := at(v, "dsseEnvelope"); e["payload"] = flip64(e["payload"]) })
	}},
	{name: "signature", want: []verifier.CheckID{verifier.CheckEventSignature}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { s := at(v, "dsseEnvelope", "signatures"); s["sig"] = flip64(s["sig"]) })
	}},
	{name: "proof hash", want: []verifier.CheckID{verifier.CheckInclusionProof}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) {
			h := at(entryOf(v), "inclusionProof")["hashes"].([]any)
			h[1] = flip64(h[1])
		})
	}},
	{name: "checkpoint", want: []verifier.CheckID{verifier.CheckCheckpointSignature, verifier.CheckSameCheckpoint}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/checkpoint"] = bytes.Replace(f["data/checkpoint"], []byte("\n9\n"), []byte("\n8\n"), 1)
	}},
	{name: "checkpoint everywhere", want: []verifier.CheckID{verifier.CheckCheckpointSignature}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		for name, data := range f {
			f[name] = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte(`example\n9\n`), []byte(`example\n8\n`)), []byte("example\n9\n"), []byte("example\n8\n"))
		}
	}},
	{name: "checkpoint of another state", want: []verifier.CheckID{verifier.CheckSameCheckpoint, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, c *verifiertest.Case) {
		f["data/checkpoint"] = []byte(c.Log.Checkpoint(8).String())
	}},
	{name: "entry.logIndex", want: []verifier.CheckID{verifier.CheckLogIndex}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { entryOf(v)["logIndex"] = "6" })
	}},
	{name: "proof logIndex", want: []verifier.CheckID{verifier.CheckLogIndex}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { at(entryOf(v), "inclusionProof")["logIndex"] = "6" })
	}},
	{name: "treeSize", want: []verifier.CheckID{verifier.CheckInclusionProof}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { at(entryOf(v), "inclusionProof")["treeSize"] = "10" })
	}},
	{name: "rootHash", want: []verifier.CheckID{verifier.CheckInclusionProof}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { p := at(entryOf(v), "inclusionProof"); p["rootHash"] = flip64(p["rootHash"]) })
	}},
	{name: "logId", want: []verifier.CheckID{verifier.CheckLogID}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { l := at(entryOf(v), "logId"); l["keyId"] = flip64(l["keyId"]) })
	}},
	{name: "kindVersion", want: []verifier.CheckID{verifier.CheckReceiptShape}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { at(entryOf(v), "kindVersion")["version"] = "0.0.3" })
	}},
	{name: "canonicalizedBody", want: []verifier.CheckID{verifier.CheckLeafBody}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { e := entryOf(v); e["canonicalizedBody"] = flip64(e["canonicalizedBody"]) })
	}},
	{name: "hint", want: []verifier.CheckID{verifier.CheckEventSigner}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { at(v, "verificationMaterial", "publicKey")["hint"] = strings.Repeat("a", 64) })
	}},
	{name: "time stamp that nobody checks", want: []verifier.CheckID{verifier.CheckTimestamp}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) {
			at(v, "verificationMaterial")["timestampVerificationData"] = map[string]any{"rfc3161Timestamps": []any{map[string]any{"signedTimestamp": "AAAA"}}}
		})
	}},
	{name: "integratedTime added", want: []verifier.CheckID{verifier.CheckCanonicalForm}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, event(5), func(v map[string]any) { entryOf(v)["integratedTime"] = "1" })
	}},
	{name: "name twice", want: []verifier.CheckID{verifier.CheckCanonicalForm}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f[event(5)] = bytes.Replace(f[event(5)], []byte(`{"dsseEnvelope"`), []byte(`{"mediaType":"x","dsseEnvelope"`), 1)
	}},
	{name: "white space", want: []verifier.CheckID{verifier.CheckCanonicalForm}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/consistency.json"] = append(f["data/consistency.json"], '\n')
	}},
	{name: "opening", want: []verifier.CheckID{verifier.CheckOpenings}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		const name = "data/events/000005.openings.json"
		var list []string
		check(t, json.Unmarshal(f[name], &list))
		text, _ := base64.RawURLEncoding.DecodeString(list[0])
		list[0] = base64.RawURLEncoding.EncodeToString(bytes.Replace(text, []byte(`a`), []byte(`b`), 1))
		f[name], _ = canonical.Marshal(list)
	}},
	{name: "opening left out", want: []verifier.CheckID{verifier.CheckReport, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		delete(f, "data/events/000005.openings.json")
	}},
	{name: "opening of another event", want: []verifier.CheckID{verifier.CheckOpenings}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/events/000005.openings.json"] = f["data/events/000007.openings.json"]
	}},
	{name: "openings empty", want: []verifier.CheckID{verifier.CheckOpenings}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/events/000005.openings.json"] = []byte("[]")
	}},
	{name: "report.html", want: []verifier.CheckID{verifier.CheckReport}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/report.html"] = bytes.Replace(f["data/report.html"], []byte("viewed JS/1"), []byte("viewed JS/2"), 1)
	}},
	{name: "report.csv", want: []verifier.CheckID{verifier.CheckReport}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/report.csv"][200] ^= 1
	}},
	{name: "report.json", want: []verifier.CheckID{verifier.CheckReport}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/report.json"][200] ^= 1
	}},
	{name: "event removed from the middle", want: []verifier.CheckID{verifier.CheckChain, verifier.CheckHeads, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.remove(5, 7)
	}},
	{name: "event removed from the end", want: []verifier.CheckID{verifier.CheckHeads, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.remove(7, 7)
	}},
	{name: "withheld event removed from the end", want: []verifier.CheckID{verifier.CheckHeads}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.remove(6, 7)
	}},
	{name: "whole chain removed", want: []verifier.CheckID{verifier.CheckHeads}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.remove(6, 7)
		f.remove(3, 6)
	}},
	{name: "event removed, number left open", want: []verifier.CheckID{verifier.CheckEventOrder, verifier.CheckChain}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		delete(f, event(4))
		delete(f, "data/events/000004.openings.json")
	}},
	{name: "two events swapped", want: []verifier.CheckID{verifier.CheckEventOrder, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.swap(event(4), event(5))
		f.swap("data/events/000004.openings.json", "data/events/000005.openings.json")
	}},
	{name: "event twice", want: []verifier.CheckID{verifier.CheckEventOrder, verifier.CheckChain}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f[event(8)] = f[event(7)]
	}},
	{name: "withheld leaf", want: []verifier.CheckID{verifier.CheckLeafBody}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, "data/events/000003.withheld.json", func(v map[string]any) { v["leaf"] = base64.StdEncoding.EncodeToString([]byte("{}")) })
	}},
	{name: "withheld sequence", want: []verifier.CheckID{verifier.CheckChain}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, "data/events/000003.withheld.json", func(v map[string]any) { v["sequence"] = 2 })
	}},
	{name: "right file from the wrong case", want: []verifier.CheckID{verifier.CheckEvidenceDigest, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, c *verifiertest.Case) {
		f["data/evidence/JS-1.mp4"] = []byte("a genuine exhibit of another case in the same ledger")
	}},
	{name: "right file and event from the wrong case", want: []verifier.CheckID{verifier.CheckRightCase, verifier.CheckEvidenceDigest}, alter: func(t *testing.T, f files, c *verifiertest.Case) {
		wrong := verifiertest.NewCase(c.Log, 3, "02ZZ7654326")
		content := []byte("a genuine exhibit of another case in the same ledger")
		wrong.Upload(31, "JS/1", "video/mp4", content)
		data, err := canonical.Marshal(c.Log.Bundle(c.Log.Size()-1, c.Log.Size()))
		check(t, err)
		f["data/evidence/JS-1.mp4"], f[event(2)] = content, data
		delete(f, "data/events/000002.openings.json")
	}},
	{name: "exhibits exchanged", want: []verifier.CheckID{verifier.CheckEvidenceDigest}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.swap("data/evidence/JS-1.mp4", "data/evidence/JS-2.pdf")
	}},
	{name: "exhibit left out", want: []verifier.CheckID{verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		delete(f, "data/evidence/JS-2.pdf")
	}},
	{name: "whole bag forged under other keys", want: []verifier.CheckID{verifier.CheckTrustFiles, verifier.CheckCheckpointSignature, verifier.CheckEventSigner}, plain: true, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		dir, _ := sample(t)
		clear(f)
		maps.Copy(f, load(t, dir))
	}},
	{name: "forged events, the log's own key file", want: []verifier.CheckID{verifier.CheckTrustFiles, verifier.CheckEventSigner}, alter: func(t *testing.T, f files, c *verifiertest.Case) {
		forged := verifiertest.NewLog(origin)
		data, err := canonical.Marshal(forged.Trust().Root())
		check(t, err)
		_ = data
		own, err := forged.Trust().BagFiles(receipt.Hint(forged.SPKI))
		check(t, err)
		for name, data := range own {
			if name != "trusted_root.json" {
				f["data/trust/"+name] = data
			}
		}
		f.json(t, event(5), func(v map[string]any) { at(v, "verificationMaterial", "publicKey")["hint"] = receipt.Hint(forged.SPKI) })
	}},
	{name: "key validity made longer", want: []verifier.CheckID{verifier.CheckTrustFiles, verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, "data/trust/trusted_root.json", func(v map[string]any) { at(v, "tlogs", "publicKey", "validFor")["start"] = "2020-01-01T00:00:00Z" })
	}},
	{name: "newest signer unknown", want: []verifier.CheckID{verifier.CheckTrustFiles}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/trust/event-signer.pem"] = []byte("x")
	}},
	{name: "receipt of the bag from another event", want: []verifier.CheckID{verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/bag.sigstore.json"] = f[event(5)]
	}},
	{name: "receipt of the bag in events", want: []verifier.CheckID{verifier.CheckSameCheckpoint, verifier.CheckHeads}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f[event(8)] = f["data/bag.sigstore.json"]
	}},
	{name: "consistency hash", want: []verifier.CheckID{verifier.CheckConsistency}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, "data/consistency.json", func(v map[string]any) { h := v["hashes"].([]any); h[0] = flip64(h[0]) })
	}},
	{name: "consistency of other states", want: []verifier.CheckID{verifier.CheckConsistency}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f.json(t, "data/consistency.json", func(v map[string]any) { at(v, "first")["treeSize"] = "8" })
	}},
	{name: "extra file", want: []verifier.CheckID{verifier.CheckBagFormat}, alter: func(t *testing.T, f files, _ *verifiertest.Case) { f["data/notes.txt"] = []byte("x") }},
	{name: "extra file with an odd name", want: []verifier.CheckID{verifier.CheckBagFormat}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/evidence/\x1b[2Jgone\nlines"] = []byte("x")
	}},
	{name: "extra tag file", want: []verifier.CheckID{verifier.CheckBagFormat}, alter: func(t *testing.T, f files, _ *verifiertest.Case) { f["fetch.txt"] = []byte("x") }},
	{name: "extra evidence", want: []verifier.CheckID{verifier.CheckEvidenceDigest}, alter: func(t *testing.T, f files, _ *verifiertest.Case) { f["data/evidence/JS-3.pdf"] = []byte("x") }},
	{name: "bag-info", want: []verifier.CheckID{verifier.CheckBagManifest}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["bag-info.txt"] = bytes.Replace(f["bag-info.txt"], []byte("01AB1234526"), []byte("01AB1234527"), 1)
	}},
	{name: "bagit.txt", want: []verifier.CheckID{verifier.CheckBagManifest}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["bagit.txt"] = bytes.Replace(f["bagit.txt"], []byte("1.0"), []byte("0.9"), 1)
	}},
	{name: "README", want: []verifier.CheckID{verifier.CheckBagReceipt}, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/README.txt"] = append(f["data/README.txt"], "Trust us.\n"...)
	}},
	{name: "report of an unknown version", want: nil, alter: func(t *testing.T, f files, _ *verifiertest.Case) {
		f["data/report.json"] = bytes.Replace(f["data/report.json"], []byte("caseledger.report/v1"), []byte("caseledger.report/v9"), 1)
	}},
}

func TestForgeries(t *testing.T) {
	golden := files{}
	for _, forgery := range forgeries {
		t.Run(forgery.name, func(t *testing.T) {
			dir, c := sample(t)
			f := load(t, dir)
			forgery.alter(t, f, c)
			if !forgery.plain {
				f.relist()
			}
			r := f.verify(t, courtbundle.Options{Trust: c.Log.Trust()})
			if r.Verdict != courtbundle.NotVerified {
				t.Errorf("verdict = %s", r.Verdict)
			}
			var text strings.Builder
			for _, failure := range r.Failures() {
				fmt.Fprintf(&text, "%s: %s\n", failure.ID, failure.Sentence)
			}
			for _, want := range forgery.want {
				if !slices.ContainsFunc(r.Failures(), func(c courtbundle.Check) bool { return c.ID == want }) {
					t.Errorf("%s did not fail:\n%s", want, text.String())
				}
			}
			golden[forgery.name] = []byte(strings.ReplaceAll(text.String(), receipt.Hint(c.Log.SPKI), "HINT"))
		})
	}
	compareGolden(t, golden)
}

// compareGolden holds the sentences of all forgeries against testdata: a change of wording must be meant.
func compareGolden(t *testing.T, got files) {
	t.Helper()
	const name = "testdata/sentences.txt"
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(got)) {
		fmt.Fprintf(&text, "== %s\n%s\n", key, got[key])
	}
	if *update {
		check(t, os.MkdirAll("testdata", 0o755))
		check(t, os.WriteFile(name, []byte(text.String()), 0o644))
	}
	want, err := os.ReadFile(name)
	check(t, err)
	if string(want) != text.String() && !t.Failed() {
		t.Errorf("sentences differ from %s; see what changed with -update and git diff", name)
	}
}

func TestReportOfUnknownVersionIsNotChecked(t *testing.T) {
	dir, c := sample(t)
	f := load(t, dir)
	f["data/report.json"] = bytes.Replace(f["data/report.json"], []byte("report/v1"), []byte("report/v9"), 1)
	f.relist()
	r := f.verify(t, courtbundle.Options{Trust: c.Log.Trust()})
	if !slices.Contains(r.NotChecked, verifier.CheckReport) || r.Verdict != courtbundle.NotVerified {
		t.Errorf("%s, not checked: %v", r.Verdict, r.NotChecked)
	}
}
