package devissuer_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger"
)

var officer = ledger.User{Subject: "u-1", Name: "Ann Example", Role: "officer", Organisation: "force-01"}

func open(t *testing.T) *devissuer.Issuer {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "issuer")
	if err := devissuer.Create(dir); err != nil {
		t.Fatal(err)
	}
	i, err := devissuer.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func verify(i *devissuer.Issuer, token string) (*oidc.IDToken, error) {
	return oidc.NewVerifier(devissuer.Name, i.KeySet(), &oidc.Config{
		ClientID: devissuer.Audience, SupportedSigningAlgs: []string{oidc.ES256},
	}).Verify(context.Background(), token)
}

func TestATokenIsGoodForItsOwnIssuerOnly(t *testing.T) {
	i := open(t)
	token, err := i.Mint(officer, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	got, err := verify(i, token)
	if err != nil || got.Subject != officer.Subject {
		t.Fatalf("%+v, %v", got, err)
	}
	var c struct{ Name, Role, Org string }
	if err := got.Claims(&c); err != nil || c.Name != officer.Name || c.Role != "officer" || c.Org != "force-01" {
		t.Errorf("%+v, %v", c, err)
	}
	if _, err := verify(open(t), token); err == nil {
		t.Error("another issuer's key verifies the token")
	}
	changed := strings.Replace(token, ".", ".A", 1)
	if _, err := verify(i, changed); err == nil {
		t.Error("a changed token verifies")
	}
}

func TestMintRefusesWhatNoServerAccepts(t *testing.T) {
	i := open(t)
	noName := officer
	noName.Name = ""
	for _, tt := range []struct {
		user ledger.User
		ttl  time.Duration
	}{{noName, time.Hour}, {ledger.User{}, time.Hour}, {officer, 0}, {officer, -time.Second}, {officer, 25 * time.Hour}} {
		if _, err := i.Mint(tt.user, tt.ttl); !errors.Is(err, devissuer.ErrToken) {
			t.Errorf("%+v for %s: %v", tt.user, tt.ttl, err)
		}
	}
}

func TestTheKeyIsPrivateAndNeverReplaced(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "issuer")
	if _, err := devissuer.Open(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if err := devissuer.Create(dir); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, "signing-key.pem")
	before, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := devissuer.Create(dir); !errors.Is(err, os.ErrExist) {
		t.Errorf("second Create: %v", err)
	}
	after, _ := os.ReadFile(name)
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o600 || string(before) != string(after) {
		t.Errorf("key file: %v, %v", info.Mode(), err)
	}
	for _, bad := range []string{"", "no key", strings.Repeat("x", 5000), "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"} {
		if err := os.WriteFile(name, []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := devissuer.Open(dir); err == nil {
			t.Errorf("a key file of %d wrong bytes was read", len(bad))
		}
	}
}

func TestCheckListen(t *testing.T) {
	for _, bad := range []string{
		"", ":8080", "0.0.0.0:8080", "[::]:8080", "192.168.1.2:80", "10.0.0.1:80", "8080", "unix:", "example.org:80",
		"localhost.example.org:80", "127.0.0.1", "[::ffff:10.0.0.1]:80", "localhost", "127.0.0.1.example:80",
	} {
		if err := devissuer.CheckListen(bad); !errors.Is(err, devissuer.ErrListen) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range []string{"127.0.0.1:8080", "127.9.9.9:0", "[::1]:80", "localhost:8080", "unix:/run/x.sock", "[::ffff:127.0.0.1]:80"} {
		if err := devissuer.CheckListen(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
}
