package courtbundle_test

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/caseledger/caseledger/verifier"
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
	return sampleOf(t, verifiertest.NewLog(origin))
}

func sampleOf(t testing.TB, l *verifiertest.Log) (dir string, c *verifiertest.Case) {
	t.Helper()
	c = verifiertest.SampleCase(l)
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
	s := r.Summary
	if s.URN != "01AB1234526" || s.Events != 7 || s.Withheld != 2 || s.Exhibits != 2 || s.Files != 2 || s.Between != 0 || s.Recipient.Role != "clerk" {
		t.Errorf("summary = %+v", s)
	}
	if want := []verifier.CheckID{"witness", "timestamp", "key-window", "actor-signature"}; !slices.Equal(r.NotChecked, want) {
		t.Errorf("not checked = %v", r.NotChecked)
	}
}
