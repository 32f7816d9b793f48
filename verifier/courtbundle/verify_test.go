package courtbundle_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

const origin = "log.test.example"

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sample writes the sample case's bag.
func sample(t testing.TB) (dir string, c *verifiertest.Case) {
	t.Helper()
	c = verifiertest.SampleCase(verifiertest.NewLog(origin))
	dir = filepath.Join(t.TempDir(), string(c.URN))
	check(t, c.Write(dir, "sensitive"))
	return dir, c
}

func verify(t testing.TB, path string, o courtbundle.Options) *courtbundle.Result {
	t.Helper()
	bag, err := courtbundle.Open(path)
	check(t, err)
	defer bag.Close()
	return bag.Verify(o)
}

func TestGoodBag(t *testing.T) {
	dir, c := sample(t)
	r := verify(t, dir, courtbundle.Options{Trust: c.Log.Trust()})
	if r.Verdict != courtbundle.Verified {
		t.Errorf("verdict = %s: %+v", r.Verdict, r.Failures())
	}
	t.Logf("%+v", r.Summary)
	js, err := r.JSON()
	check(t, err)
	t.Logf("%s", js)
	if os.Getenv("SHOW") != "" {
		check(t, os.CopyFS("/tmp/verifier/bag", os.DirFS(dir)))
	}
}
