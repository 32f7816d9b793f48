// Package devissuer is an identity provider for development, in the program itself: a signing key in a folder and tokens
// made from it on request. It proves nothing about who somebody is, so a server that trusts it may listen on a loopback
// address only (CheckListen).
package devissuer

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/caseledger/caseledger/ledger"
)

const (
	// Name is the issuer's name, the iss claim. It is no address: nothing is ever fetched from it.
	Name = "https://dev.caseledger.invalid"
	// Audience is the aud claim of its tokens.
	Audience = "caseledger"
	// MaxLife is the longest validity of a token.
	MaxLife = 24 * time.Hour

	keyFile  = "signing-key.pem"
	pemLabel = "PRIVATE KEY"
	maxKey   = 4096
)

// ErrToken: a token was asked for that no server would accept.
var ErrToken = errors.New("no token can be made of this")

// Issuer signs tokens with ES256.
type Issuer struct {
	key    *ecdsa.PrivateKey
	signer jose.Signer
}

// Create makes the folder dir (mode 0700) and in it a new signing key (mode 0600). A key that is there already is an error
// that wraps os.ErrExist, and is left as it is.
func Create(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("development issuer: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("development issuer: make key: %w", err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("development issuer: encode key: %w", err)
	}
	f, err := os.OpenFile(filepath.Join(dir, keyFile), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("development issuer: %w", err)
	}
	err = pem.Encode(f, &pem.Block{Type: pemLabel, Bytes: der})
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("development issuer: write key: %w", err)
	}
	return nil
}

// Open reads the signing key that Create made in dir; the error wraps os.ErrNotExist where there is none.
func Open(dir string) (*Issuer, error) {
	name := filepath.Join(dir, keyFile)
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	if info.Size() > maxKey {
		return nil, fmt.Errorf("development issuer: %s is too large for a key", keyFile)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemLabel {
		return nil, fmt.Errorf("development issuer: %s holds no private key", keyFile)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	key, ok := parsed.(*ecdsa.PrivateKey)
	if err != nil || !ok || key.Curve != elliptic.P256() {
		return nil, fmt.Errorf("development issuer: %s holds no P-256 key", keyFile)
	}
	opts := (&jose.SignerOptions{}).WithType("JWT")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, opts)
	if err != nil {
		return nil, fmt.Errorf("development issuer: %w", err)
	}
	return &Issuer{key: key, signer: signer}, nil
}

// claims of a token; the registered ones stand beside them.
type claims struct {
	jwt.Claims
	Name    string `json:"name"`
	Role    string `json:"role"`
	Org     string `json:"org"`
	ActFor  string `json:"act_for,omitempty"`
	Session string `json:"sid,omitempty"`
}

// Mint makes a token for a user that is valid for ttl from now, at most MaxLife. It does not check whether role and
// organisation fit: whoever verifies the token does.
func (i *Issuer) Mint(u ledger.User, ttl time.Duration) (string, error) {
	switch {
	case u.Subject == "" || u.Name == "" || u.Role == "" || u.Organisation == "":
		return "", fmt.Errorf("%w: subject, name, role and organisation are needed", ErrToken)
	case ttl <= 0 || ttl > MaxLife:
		return "", fmt.Errorf("%w: it must be valid for more than nothing and at most %s", ErrToken, MaxLife)
	}
	now := time.Now()
	token, err := jwt.Signed(i.signer).Claims(claims{
		Claims: jwt.Claims{
			Issuer: Name, Subject: u.Subject, Audience: jwt.Audience{Audience},
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(ttl)),
		},
		Name: u.Name, Role: string(u.Role), Org: string(u.Organisation), ActFor: string(u.OnBehalfOf), Session: u.Session,
	}).Serialize()
	if err != nil {
		return "", fmt.Errorf("development issuer: sign token: %w", err)
	}
	return token, nil
}

// KeySet is what verifies the tokens; their algorithm is ES256.
func (i *Issuer) KeySet() oidc.KeySet {
	return &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{&i.key.PublicKey}}
}
