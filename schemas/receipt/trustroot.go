package receipt

import (
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"

	"github.com/caseledger/caseledger/schemas/canonical"
)

// TrustedRootMediaType names Sigstore's trusted root file.
const TrustedRootMediaType = "application/vnd.dev.sigstore.trustedroot+json;version=0.1"

// Words of a log in a trusted root.
const (
	hashSHA256  = "SHA2_256"
	keyEd25519  = "PKIX_ED25519"
	maxTrusted  = 100
	schemeHTTPS = "https://"
)

// ErrTrustedRoot marks a trusted root that is not in its one form.
var ErrTrustedRoot = errors.New("trusted root is not usable")

// TrustedRoot names the logs and time-stamping authorities that a verifier trusts.
type TrustedRoot struct {
	MediaType            string      `json:"mediaType"`
	TimestampAuthorities []Authority `json:"timestampAuthorities,omitempty"`
	Tlogs                []Tlog      `json:"tlogs"`
}

// Tlog is one log key.
type Tlog struct {
	BaseURL       string `json:"baseUrl"`
	HashAlgorithm string `json:"hashAlgorithm"`
	LogID         LogID  `json:"logId"`
	PublicKey     RawKey `json:"publicKey"`
}

// RawKey is a SubjectPublicKeyInfo with its validity.
type RawKey struct {
	KeyDetails string `json:"keyDetails"`
	RawBytes   []byte `json:"rawBytes"`
	ValidFor   Window `json:"validFor"`
}

// Window is a span of validity; times in RFC 3339.
type Window struct {
	End   string `json:"end,omitempty"`
	Start string `json:"start"`
}

// Authority is an RFC 3161 time-stamping authority.
type Authority struct {
	CertChain CertChain `json:"certChain"`
	Subject   Subject   `json:"subject"`
	URI       string    `json:"uri,omitempty"`
	ValidFor  Window    `json:"validFor"`
}

// CertChain runs from the leaf to the root.
type CertChain struct {
	Certificates []Certificate `json:"certificates"`
}

// Certificate is DER.
type Certificate struct {
	RawBytes []byte `json:"rawBytes"`
}

// Subject of a certificate.
type Subject struct {
	CommonName   string `json:"commonName"`
	Organization string `json:"organization"`
}

// NewTlog describes a log key of an origin, valid from start (RFC 3339).
func NewTlog(origin string, pub ed25519.PublicKey, start string) (Tlog, error) {
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return Tlog{}, fmt.Errorf("encode log key: %w", err)
	}
	id := LogKeyID(origin, pub)
	return Tlog{
		BaseURL: schemeHTTPS + origin, HashAlgorithm: hashSHA256, LogID: LogID{KeyID: id[:]},
		PublicKey: RawKey{KeyDetails: keyEd25519, RawBytes: spki, ValidFor: Window{Start: start}},
	}, nil
}

// Key checks a log entry of a trusted root and returns its origin and public key.
func (t Tlog) Key() (origin string, pub ed25519.PublicKey, err error) {
	if len(t.BaseURL) <= len(schemeHTTPS) || t.BaseURL[:len(schemeHTTPS)] != schemeHTTPS {
		return "", nil, fmt.Errorf("%w: a log's address does not begin with %s", ErrTrustedRoot, schemeHTTPS)
	}
	origin = t.BaseURL[len(schemeHTTPS):]
	if err := CheckOrigin(origin); err != nil {
		return "", nil, fmt.Errorf("%w: %w", ErrTrustedRoot, err)
	}
	if t.HashAlgorithm != hashSHA256 || t.PublicKey.KeyDetails != keyEd25519 {
		return "", nil, fmt.Errorf("%w: a log must use %s and %s", ErrTrustedRoot, hashSHA256, keyEd25519)
	}
	key, err := x509.ParsePKIXPublicKey(t.PublicKey.RawBytes)
	pub, ok := key.(ed25519.PublicKey)
	if err != nil || !ok {
		return "", nil, fmt.Errorf("%w: a log key is not Ed25519", ErrTrustedRoot)
	}
	if id := LogKeyID(origin, pub); string(id[:]) != string(t.LogID.KeyID) {
		return "", nil, fmt.Errorf("%w: the id of a log key does not follow from its name and key", ErrTrustedRoot)
	}
	return origin, pub, nil
}

// ParseTrustedRoot reads canonical JSON.
func ParseTrustedRoot(data []byte) (TrustedRoot, error) {
	var r TrustedRoot
	if err := canonical.Unmarshal(data, &r); err != nil {
		return TrustedRoot{}, fmt.Errorf("%w: %w", ErrTrustedRoot, err)
	}
	if r.MediaType != TrustedRootMediaType {
		return TrustedRoot{}, fmt.Errorf("%w: media type is not %s", ErrTrustedRoot, TrustedRootMediaType)
	}
	if n := len(r.Tlogs); n == 0 || n > maxTrusted || len(r.TimestampAuthorities) > maxTrusted {
		return TrustedRoot{}, fmt.Errorf("%w: %d logs, %d authorities", ErrTrustedRoot, n, len(r.TimestampAuthorities))
	}
	return r, nil
}
