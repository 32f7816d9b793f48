package receipt_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"strings"
	"testing"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/receipt"
)

func TestTlogKey(t *testing.T) {
	pub := logSeedKey().Public().(ed25519.PublicKey)
	_, p256 := eventKey(t)
	with := func(change func(*receipt.Tlog)) receipt.Tlog {
		l, err := receipt.NewTlog(origin, pub, "2026-01-01T00:00:00Z")
		if err != nil {
			t.Fatal(err)
		}
		change(&l)
		return l
	}
	other, err := x509.MarshalPKIXPublicKey(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{1}, 32)).Public())
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string]func(*receipt.Tlog){
		"no address":       func(l *receipt.Tlog) { l.BaseURL = "" },
		"no origin":        func(l *receipt.Tlog) { l.BaseURL = "https://" },
		"http":             func(l *receipt.Tlog) { l.BaseURL = "http://" + origin },
		"path":             func(l *receipt.Tlog) { l.BaseURL += "/" },
		"port":             func(l *receipt.Tlog) { l.BaseURL += ":443" },
		"other origin":     func(l *receipt.Tlog) { l.BaseURL = "https://other.example" },
		"like Rekor v1":    func(l *receipt.Tlog) { l.BaseURL = "https://x - 1" },
		"hash algorithm":   func(l *receipt.Tlog) { l.HashAlgorithm = "SHA2_512" },
		"key details":      func(l *receipt.Tlog) { l.PublicKey.KeyDetails = "PKIX_ECDSA_P256_SHA_256" },
		"no key":           func(l *receipt.Tlog) { l.PublicKey.RawBytes = nil },
		"key of a signer":  func(l *receipt.Tlog) { l.PublicKey.RawBytes = p256 },
		"other key":        func(l *receipt.Tlog) { l.PublicKey.RawBytes = other },
		"id of four bytes": func(l *receipt.Tlog) { l.LogID.KeyID = l.LogID.KeyID[:4] },
		"no id":            func(l *receipt.Tlog) { l.LogID.KeyID = nil },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			if o, k, err := with(change).Key(); !errors.Is(err, receipt.ErrTrustedRoot) || o != "" || k != nil {
				t.Errorf("origin %q, error %v", o, err)
			}
		})
	}
	o, k, err := with(func(*receipt.Tlog) {}).Key()
	if err != nil || o != origin || !k.Equal(pub) {
		t.Errorf("origin %q, error %v", o, err)
	}
}

func TestParseTrustedRootRefuses(t *testing.T) {
	good := string(testdata(t, "trusted_root.json"))
	entry := good[strings.Index(good, `"tlogs":[`)+len(`"tlogs":[`) : strings.LastIndex(good, `]`)]
	tests := map[string]string{
		"nothing":        "",
		"null":           "null",
		"media type":     replaced(t, good, "version=0.1", "version=0.2"),
		"no log":         replaced(t, good, entry, ""),
		"101 logs":       replaced(t, good, entry, strings.Repeat(entry+",", 100)+entry),
		"unknown member": replaced(t, good, `"tlogs"`, `"ctlogs":[],"tlogs"`),
		"white space":    good + "\n",
		"empty list":     replaced(t, good, `"tlogs"`, `"timestampAuthorities":[],"tlogs"`),
	}
	for name, in := range tests {
		t.Run(name, func(t *testing.T) {
			if r, err := receipt.ParseTrustedRoot([]byte(in)); !errors.Is(err, receipt.ErrTrustedRoot) || r.MediaType != "" {
				t.Errorf("error %v", err)
			}
		})
	}
	if _, err := receipt.ParseTrustedRoot([]byte(good)); err != nil {
		t.Error(err)
	}
}

// FuzzParseTrustedRoot: whatever parses is written again in the same bytes, and no log key makes Key fail otherwise than
// by its error.
func FuzzParseTrustedRoot(f *testing.F) {
	good := testdata(f, "trusted_root.json")
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"tlogs"`), []byte(`"timestampAuthorities":[{"certChain":{"certificates":[{"rawBytes":"MA=="}]},"subject":{"commonName":"tsa","organization":"o"},"validFor":{"start":"2026-01-01T00:00:00Z"}}],"tlogs"`), 1))
	f.Add(bytes.Replace(good, []byte(`"start"`), []byte(`"end":"2027-01-01T00:00:00Z","start"`), 1))
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := receipt.ParseTrustedRoot(data)
		if err != nil {
			return
		}
		again, err := canonical.Marshal(&r)
		if err != nil || !bytes.Equal(again, data) {
			t.Errorf("written again with other bytes (%v)", err)
		}
		for _, l := range r.Tlogs {
			if o, k, err := l.Key(); err == nil && (receipt.CheckOrigin(o) != nil || len(k) != ed25519.PublicKeySize) {
				t.Error("a key of a log without a right origin")
			}
		}
	})
}
