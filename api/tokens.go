package api

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/coreos/go-oidc/v3/oidc"

	"github.com/caseledger/caseledger/api/devissuer"
	"github.com/caseledger/caseledger/ledger"
	"github.com/caseledger/caseledger/schemas/identifier"
)

// Limits of tokens.
const (
	maxToken       = 8 << 10
	maxKnownTokens = 20000
	maxSubject     = 400
	maxName        = 200
)

// TokenConfig says whose tokens are accepted. At least one source is needed.
type TokenConfig struct {
	// Issuer is the URL of an OpenID Connect provider; its keys are found by discovery. Audience is then required.
	Issuer   string
	Audience string
	// Development is the embedded issuer, for a server that listens on loopback only; nil for none.
	Development *devissuer.Issuer
	Clock       ledger.Clock // default time.Now
}

// Tokens verifies bearer tokens (OpenID Connect ID tokens, signed) and says whose they are. A token that was verified once
// is known by the SHA-256 of its exact bytes until it expires.
type Tokens struct {
	clock   ledger.Clock
	sources map[string]*oidc.IDTokenVerifier // by issuer

	mu    sync.RWMutex
	known map[[32]byte]knownToken
}

type knownToken struct {
	user  ledger.User
	until time.Time
}

// ErrTokens: the configuration names nobody whose tokens could be accepted, or one who cannot be reached.
var ErrTokens = errors.New("sign-in is not configured")

// algorithms that are accepted from an external issuer: signatures only, and none of the weak ones.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// NewTokens reads the external issuer's configuration, where one is named; ctx bounds that alone.
func NewTokens(ctx context.Context, cfg TokenConfig) (*Tokens, error) {
	t := &Tokens{clock: cfg.Clock, sources: map[string]*oidc.IDTokenVerifier{}, known: map[[32]byte]knownToken{}}
	if t.clock == nil {
		t.clock = time.Now
	}
	if cfg.Issuer != "" {
		if cfg.Audience == "" {
			return nil, fmt.Errorf("%w: name the audience that the issuer's tokens are made for", ErrTokens)
		}
		provider, err := oidc.NewProvider(ctx, cfg.Issuer)
		if err != nil {
			return nil, fmt.Errorf("%w: discovery at the issuer: %w", ErrTokens, err)
		}
		t.sources[cfg.Issuer] = provider.Verifier(&oidc.Config{ClientID: cfg.Audience, SupportedSigningAlgs: algorithms, Now: t.clock})
	}
	if cfg.Development != nil {
		t.sources[devissuer.Name] = oidc.NewVerifier(devissuer.Name, cfg.Development.KeySet(),
			&oidc.Config{ClientID: devissuer.Audience, SupportedSigningAlgs: []string{oidc.ES256}, Now: t.clock})
	}
	if len(t.sources) == 0 {
		return nil, fmt.Errorf("%w: name an issuer, or use the development issuer", ErrTokens)
	}
	return t, nil
}

// The three ways in which a token is no good; each says so in a sentence.
var (
	errTokenExpired    = fail(codeTokenInvalid, "the token has expired or is not valid yet: sign in again")
	errTokenForeign    = fail(codeTokenInvalid, "the token is foreign: it was not made by an issuer that this server trusts, or not for this server")
	errTokenUnreadable = fail(codeTokenInvalid, "the token is unreadable: it is not a signed token in the form that this server takes")
	errTokenClaims     = fail(codeTokenInvalid, "the token is unreadable: it lacks sub, name, role or org, or these are not in their lists or do not fit together")
)

// Verify says whose token it is. The error is a problem: 401 token_invalid.
func (t *Tokens) Verify(ctx context.Context, token string) (ledger.User, error) {
	if len(token) > maxToken {
		return ledger.User{}, errTokenUnreadable
	}
	digest, now := sha256.Sum256([]byte(token)), t.clock()
	t.mu.RLock()
	k, ok := t.known[digest]
	t.mu.RUnlock()
	if ok && now.Before(k.until) {
		return k.user, nil
	}
	k, err := t.verify(ctx, token)
	if err != nil {
		return ledger.User{}, err
	}
	t.remember(digest, k, now)
	return k.user, nil
}

func (t *Tokens) remember(digest [32]byte, k knownToken, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.known) >= maxKnownTokens {
		for d, old := range t.known {
			if !now.Before(old.until) {
				delete(t.known, d)
			}
		}
	}
	if len(t.known) >= maxKnownTokens {
		clear(t.known)
	}
	t.known[digest] = k
}

func (t *Tokens) verify(ctx context.Context, token string) (knownToken, error) {
	issuer, err := issuerOf(token)
	if err != nil {
		return knownToken{}, errTokenUnreadable
	}
	source, ok := t.sources[issuer]
	if !ok {
		return knownToken{}, errTokenForeign
	}
	id, err := source.Verify(ctx, token)
	var expired *oidc.TokenExpiredError
	switch {
	case errors.As(err, &expired), err != nil && strings.Contains(err.Error(), "nbf"):
		return knownToken{}, errTokenExpired
	case err != nil && strings.HasPrefix(err.Error(), "oidc: malformed jwt"):
		return knownToken{}, errTokenUnreadable // also alg none and algorithms that are not accepted
	case err != nil:
		return knownToken{}, errTokenForeign
	}
	if !t.clock().Before(id.Expiry) {
		return knownToken{}, errTokenExpired
	}
	user, err := userOf(id)
	return knownToken{user: user, until: id.Expiry}, err
}

// issuerOf reads the iss claim, unverified: it only chooses who verifies.
func issuerOf(token string) (string, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", errTokenUnreadable
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", err
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	err = json.Unmarshal(payload, &claims)
	return claims.Issuer, err
}

func userOf(id *oidc.IDToken) (ledger.User, error) {
	var c struct {
		Name   string `json:"name"`
		Role   string `json:"role"`
		Org    string `json:"org"`
		ActFor string `json:"act_for"`
		SID    string `json:"sid"`
	}
	if err := id.Claims(&c); err != nil {
		return ledger.User{}, errTokenClaims
	}
	role, err := identifier.ParseRole(c.Role)
	if err != nil {
		return ledger.User{}, errTokenClaims
	}
	org, err := identifier.ParseOrg(c.Org)
	if err != nil || !role.Fits(org) {
		return ledger.User{}, errTokenClaims
	}
	u := ledger.User{Subject: id.Subject, Name: c.Name, Role: role, Organisation: org, Session: c.SID}
	if c.ActFor != "" {
		if u.OnBehalfOf, err = identifier.ParseOrg(c.ActFor); err != nil {
			return ledger.User{}, errTokenClaims
		}
	}
	if !bounded(u.Subject, maxSubject) || !bounded(u.Name, maxName) || len(u.Session) > maxSubject {
		return ledger.User{}, errTokenClaims
	}
	return u, nil
}

func bounded(s string, most int) bool { return s != "" && utf8.RuneCountInString(s) <= most }
