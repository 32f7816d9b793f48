package courtbundle_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/verifier/courtbundle"
	"github.com/caseledger/caseledger/verifier/verifiertest"
)

// FuzzZip: whatever is not the zip, byte for byte, does not verify.
func FuzzZip(f *testing.F) {
	dir, c := sampleOf(f, verifiertest.SeededLog(origin))
	good := zipOf(f, dir, c)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("PK\x05\x06" + string(make([]byte, 18))))
	trust := c.Log.Trust()
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := verifyZip(data, courtbundle.Options{Trust: trust})
		if err == nil && r.Verdict == courtbundle.Verified && !bytes.Equal(data, good) {
			t.Error("another zip verified")
		}
	})
}

// FuzzFile puts any content into any one file of a bag, and writes the lists anew.
func FuzzFile(f *testing.F) {
	dir, c := sampleOf(f, verifiertest.SeededLog(origin))
	good := load(f, dir)
	var names []string
	for name := range good {
		names = append(names, name)
	}
	slices.Sort(names)
	for i, name := range names {
		f.Add(uint8(i), good[name])
	}
	trust := c.Log.Trust()
	f.Fuzz(func(t *testing.T, n uint8, data []byte) {
		name := names[int(n)%len(names)]
		changed := files{}
		for n, d := range good {
			changed[n] = d
		}
		changed[name] = data
		changed.relist()
		for _, o := range []courtbundle.Options{{Trust: trust}, {}} {
			if r := changed.verify(t, o); r.Verdict != courtbundle.NotVerified && !bytes.Equal(changed[name], good[name]) {
				t.Errorf("%s with other content: %s", name, r.Verdict)
			}
		}
	})
}

// FuzzEvent: whatever is not the event or its receipt does not verify.
func FuzzEvent(f *testing.F) {
	c := verifiertest.SampleCase(verifiertest.SeededLog(origin))
	size := c.Log.Size()
	bundle, err := canonical.Marshal(c.Log.Bundle(2, size))
	check(f, err)
	answer, err := canonical.Marshal(c.Log.Receipt(2, size))
	check(f, err)
	f.Add(bundle)
	f.Add(answer)
	trust := c.Log.Trust()
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, o := range []courtbundle.Options{{Trust: trust}, {}} {
			r, err := courtbundle.VerifyEvent(data, o)
			if err == nil && r.Verdict == courtbundle.Verified && !bytes.Equal(data, bundle) && !bytes.Equal(data, answer) {
				t.Errorf("another event verified: %q", data)
			}
		}
	})
}
