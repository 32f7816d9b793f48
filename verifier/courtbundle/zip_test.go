package courtbundle_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"flag"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/verifier"
	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

var mutations = flag.Int("mutations", 800, "random single-byte mutations of a bag to try")

func sampleZip(t testing.TB) ([]byte, *verifiertest.Case) {
	t.Helper()
	dir, c := sample(t)
	return zipOf(t, dir, c), c
}

func zipOf(t testing.TB, dir string, c *verifiertest.Case) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, courtbundle.Zip(dir, &b, string(c.URN)))
	return b.Bytes()
}

func verifyZip(data []byte, o courtbundle.Options) (*courtbundle.Result, error) {
	bag, err := courtbundle.FromZip(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	return bag.Verify(o), nil
}

func TestZip(t *testing.T) {
	data, c := sampleZip(t)
	r, err := verifyZip(data, courtbundle.Options{Trust: c.Log.Trust()})
	check(t, err)
	if r.Verdict != courtbundle.Verified {
		t.Errorf("verdict = %s: %+v", r.Verdict, r.Failures())
	}
	path := filepath.Join(t.TempDir(), "bag.zip")
	check(t, os.WriteFile(path, data, 0o644))
	for _, command := range [][]string{{"unzip", "-tqq", path}, {"python3", "-m", "zipfile", "-t", path}} {
		if _, err := exec.LookPath(command[0]); err != nil {
			continue
		}
		if out, err := exec.CommandContext(t.Context(), command[0], command[1:]...).CombinedOutput(); err != nil {
			t.Errorf("%v: %v\n%s", command, err, out)
		}
	}
}

// TestZipOfAnotherCase: a zip named after another case than its events.
func TestZipOfAnotherCase(t *testing.T) {
	dir, c := sample(t)
	var b bytes.Buffer
	check(t, courtbundle.Zip(dir, &b, "02ZZ7654326"))
	r, err := verifyZip(b.Bytes(), courtbundle.Options{Trust: c.Log.Trust()})
	check(t, err)
	if len(r.Failures()) != 1 || r.Failures()[0].ID != verifier.CheckRightCase {
		t.Errorf("failures = %+v", r.Failures())
	}
}

// repack writes a zip with another program's layout.
func repack(t *testing.T, data []byte, edit func(*zip.Writer, *zip.File, []byte)) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	check(t, err)
	var b bytes.Buffer
	out := zip.NewWriter(&b)
	for _, f := range in.File {
		r, err := f.Open()
		check(t, err)
		content, err := io.ReadAll(r)
		check(t, err)
		edit(out, f, content)
	}
	check(t, out.Close())
	return b.Bytes()
}

func TestHostileZips(t *testing.T) {
	good, c := sampleZip(t)
	add := func(w *zip.Writer, header *zip.FileHeader, content []byte) {
		f, err := w.CreateHeader(header)
		check(t, err)
		_, err = f.Write(content)
		check(t, err)
	}
	keep := func(w *zip.Writer, f *zip.File, content []byte) { add(w, &zip.FileHeader{Name: f.Name}, content) }
	extra := func(header *zip.FileHeader, content string) func(w *zip.Writer, f *zip.File, data []byte) {
		return func(w *zip.Writer, f *zip.File, data []byte) {
			keep(w, f, data)
			if strings.HasSuffix(f.Name, "bagit.txt") {
				add(w, header, []byte(content))
			}
		}
	}
	link := &zip.FileHeader{Name: "01AB1234526/data/evidence/link.bin"}
	link.SetMode(os.ModeSymlink | 0o777)
	cases := map[string][]byte{
		"packed again": repack(t, good, keep),
		"deflated": repack(t, good, func(w *zip.Writer, f *zip.File, content []byte) {
			add(w, &zip.FileHeader{Name: f.Name, Method: zip.Deflate}, content)
		}),
		"twice":        repack(t, good, extra(&zip.FileHeader{Name: "01AB1234526/bagit.txt"}, "other")),
		"upwards":      repack(t, good, extra(&zip.FileHeader{Name: "01AB1234526/../../etc/passwd"}, "x")),
		"absolute":     repack(t, good, extra(&zip.FileHeader{Name: "/etc/passwd"}, "x")),
		"backslash":    repack(t, good, extra(&zip.FileHeader{Name: `01AB1234526\data\x`}, "x")),
		"link":         repack(t, good, extra(link, "/etc/passwd")),
		"other root":   repack(t, good, extra(&zip.FileHeader{Name: "elsewhere/x"}, "x")),
		"odd folder":   repack(t, good, extra(&zip.FileHeader{Name: "01AB1234526/data/viewing/"}, "")),
		"before":       append([]byte("#!/bin/sh\n"), good...),
		"after":        append(slices.Clone(good), "tail"...),
		"comment":      bytes.Join([][]byte{good[:len(good)-2], {2, 0}, []byte("hi")}, nil),
		"local name":   bytes.Replace(good, []byte("01AB1234526/data/checkpoint"), []byte("01AB1234526/data/checkpoinT"), 1),
		"long name":    repack(t, good, extra(&zip.FileHeader{Name: "01AB1234526/" + strings.Repeat("x", 60000)}, "x")),
		"bomb, record": repack(t, good, extra(&zip.FileHeader{Name: "01AB1234526/data/events/000008.sigstore.json", Method: zip.Deflate}, strings.Repeat("0", 40<<20))),
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			r, err := verifyZip(data, courtbundle.Options{Trust: c.Log.Trust()})
			if err != nil {
				if !errors.Is(err, courtbundle.ErrUnreadable) {
					t.Errorf("error = %v", err)
				}
				return
			}
			if r.Verdict != courtbundle.NotVerified {
				t.Errorf("verdict = %s", r.Verdict)
			}
			if !slices.ContainsFunc(r.Failures(), func(c courtbundle.Check) bool { return c.ID == verifier.CheckBagFormat }) {
				t.Errorf("failures = %+v", r.Failures())
			}
			for _, f := range r.Failures() {
				if strings.ContainsAny(f.Sentence+f.File, "\\\x1b\n") || len(f.Sentence) > 500 {
					t.Errorf("prints a hostile name: %q", f.Sentence)
				}
			}
		})
	}
}

// TestMutations changes one random byte of the zip at a time: none of the results verifies. Every byte counts, those of
// the zip's own headers included.
func TestMutations(t *testing.T) {
	data, c := sampleZip(t)
	trust := c.Log.Trust()
	for i := range *mutations {
		at, bit := rand.IntN(len(data)), byte(1)<<rand.IntN(8)
		if i%3 == 0 && at < len(data)-1 {
			bit = byte(1 + rand.IntN(255))
		}
		data[at] ^= bit
		r, err := verifyZip(data, courtbundle.Options{Trust: trust})
		if err == nil && r.Verdict != courtbundle.NotVerified {
			t.Errorf("byte %d xor %#x: verdict %s", at, bit, r.Verdict)
		}
		data[at] ^= bit
	}
}

// TestMutationsRelisted changes one random byte of a random file and writes all lists anew, as a forger would.
func TestMutationsRelisted(t *testing.T) {
	dir, c := sample(t)
	trust, good := c.Log.Trust(), load(t, dir)
	var names []string
	for name := range good {
		names = append(names, name)
	}
	slices.Sort(names)
	for range *mutations / 5 {
		f := files{}
		for name, data := range good {
			f[name] = data
		}
		name := names[rand.IntN(len(names))]
		if len(f[name]) == 0 {
			continue
		}
		f[name] = slices.Clone(f[name])
		at := rand.IntN(len(f[name]))
		f[name][at] ^= byte(1) << rand.IntN(8)
		listed := strings.HasSuffix(name, "manifest-sha256.txt") || name == "data/contents-sha256.txt"
		if !listed {
			f.relist()
		}
		if bytes.Equal(f[name], good[name]) {
			continue // a list that was written anew
		}
		for _, o := range []courtbundle.Options{{Trust: trust}, {}} {
			if r := f.verify(t, o); r.Verdict != courtbundle.NotVerified {
				// Without trusted keys a changed key may still be in agreement with itself, but not with the pack's receipt.
				t.Errorf("%s byte %d: %s", name, at, r.Verdict)
			}
		}
	}
}

func TestStructuralMutations(t *testing.T) {
	dir, c := sample(t)
	good := load(t, dir)
	var names []string
	for name := range good {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		other := names[(i+1)%len(names)]
		for how, alter := range map[string]func(files){
			"removed":   func(f files) { delete(f, name) },
			"exchanged": func(f files) { f.swap(name, other) },
			"emptied":   func(f files) { f[name] = nil },
			"doubled":   func(f files) { f[name] = append(slices.Clone(f[name]), f[name]...) },
			"cut":       func(f files) { f[name] = f[name][:len(f[name])/2] },
		} {
			f := files{}
			for n, data := range good {
				f[n] = data
			}
			alter(f)
			if bytes.Equal(f[name], good[name]) && how != "removed" {
				continue
			}
			f.relist()
			if slices.Contains([]string{"manifest-sha256.txt", "tagmanifest-sha256.txt", "data/contents-sha256.txt"}, name) {
				continue // written anew
			}
			if r := f.verify(t, courtbundle.Options{Trust: c.Log.Trust()}); r.Verdict != courtbundle.NotVerified {
				t.Errorf("%s %s: %s", name, how, r.Verdict)
			}
		}
	}
}
