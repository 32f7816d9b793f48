package api_test

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/coreos/go-oidc/v3/oidc/oidctest"

	"github.com/caseledger/caseledger/api"
	"github.com/caseledger/caseledger/api/devissuer"
)

// Tokens of an external issuer, whose keys are found by discovery, are accepted for the audience that was configured.
func TestExternalIssuer(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	provider := &oidctest.Server{PublicKeys: []oidctest.PublicKey{{PublicKey: crypto.PublicKey(&key.PublicKey), KeyID: "k", Algorithm: oidc.ES256}}}
	front := httptest.NewServer(provider)
	defer front.Close()
	provider.SetIssuer(front.URL)
	ctx := context.Background()
	if _, err := api.NewTokens(ctx, api.TokenConfig{Issuer: front.URL}); !errors.Is(err, api.ErrTokens) {
		t.Errorf("without an audience: %v", err)
	}
	if _, err := api.NewTokens(ctx, api.TokenConfig{}); !errors.Is(err, api.ErrTokens) {
		t.Errorf("without a source: %v", err)
	}
	if _, err := api.NewTokens(ctx, api.TokenConfig{Issuer: front.URL + "/other", Audience: "a"}); !errors.Is(err, api.ErrTokens) {
		t.Errorf("an issuer that is not there: %v", err)
	}
	tokens, err := api.NewTokens(ctx, api.TokenConfig{Issuer: front.URL, Audience: "ledger"})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(format string, args ...any) string {
		return oidctest.SignIDToken(key, "k", oidc.ES256, fmt.Sprintf(format, args...))
	}
	const claims = `"sub":"u","name":"Ann","role":"officer","org":"force-01","sid":"s","act_for":"cps-wessex"`
	later := time.Now().Add(time.Hour).Unix()
	good := sign(`{"iss":%q,"aud":"ledger","exp":%d,%s}`, front.URL, later, claims)
	for range 2 {
		u, err := tokens.Verify(ctx, good)
		if err != nil || u.Subject != "u" || u.Name != "Ann" || u.Organisation != "force-01" || u.OnBehalfOf != "cps-wessex" || u.Session != "s" {
			t.Fatalf("%+v, %v", u, err)
		}
	}
	for says, bad := range map[string]string{
		"foreign":        sign(`{"iss":%q,"aud":"others","exp":%d,%s}`, front.URL, later, claims),
		"was not made":   sign(`{"iss":%q,"aud":"caseledger","exp":%d,%s}`, devissuer.Name, later, claims),
		"has expired":    sign(`{"iss":%q,"aud":"ledger","exp":%d,%s}`, front.URL, time.Now().Add(-time.Second).Unix(), claims),
		"not valid yet":  sign(`{"iss":%q,"aud":"ledger","exp":%d,"nbf":%d,%s}`, front.URL, later, later, claims),
		"lacks sub":      sign(`{"iss":%q,"aud":"ledger","exp":%d,"sub":"u","role":"officer","org":"force-01"}`, front.URL, later),
		"not fit":        sign(`{"iss":%q,"aud":"ledger","exp":%d,"sub":"u","name":"A","role":"judge","org":"force-01"}`, front.URL, later),
		"in their lists": sign(`{"iss":%q,"aud":"ledger","exp":%d,"sub":"u","name":"A","role":"judge","org":"court-x","act_for":"y"}`, front.URL, later),
		"or org":         sign(`{"iss":%q,"aud":"ledger","exp":%d,"sub":"u","name":"%s","role":"judge","org":"court-x"}`, front.URL, later, strings.Repeat("x", 201)),
	} {
		if _, err := tokens.Verify(ctx, bad); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", says, err)
		}
	}
}
