package verifier

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"math/big"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// Actor checks the actor's own signature over the intended act. actorKey is the opening of that name: the standard base64
// of a P-256 SubjectPublicKeyInfo. The signature is over SHA-256 of the intent's canonical JSON, as ASN.1 or as 64 bytes
// r||s. The intent must be for this log, this kind of event and this case; where it names an exhibit, that exhibit must be
// in the event (exhibits lists what it may be called). The error is a *Failure.
func Actor(e predicate.Event, actorKey, origin string, exhibits []string, opts ...Option) error {
	s := gather(opts).subject
	bad := func(why string) error { return s.fault(CheckActorSignature, why) }
	p := e.Predicate.ActorProof
	if p == nil {
		return bad("carries no signature by the person who acted.")
	}
	spki, errKey := base64.StdEncoding.Strict().DecodeString(actorKey)
	text, errText := base64.StdEncoding.Strict().DecodeString(string(p.Intent))
	sig, errSig := base64.StdEncoding.Strict().DecodeString(string(p.Signature))
	if errKey != nil || errText != nil || errSig != nil || p.Scheme != predicate.ProofP256 {
		return bad("has a signature by the person who acted that cannot be read.")
	}
	key, err := x509.ParsePKIXPublicKey(spki)
	pub, ok := key.(*ecdsa.PublicKey)
	if err != nil || !ok || pub.Curve != elliptic.P256() || !verifyEither(pub, sha256.Sum256(text), sig) {
		return bad("has a signature by the person who acted that does not fit.")
	}
	var intent predicate.Intent
	if err := canonical.Unmarshal(text, &intent); err != nil || intent.Domain != predicate.IntentDomain {
		return bad("has a signature by the person who acted over something that is no act in a case.")
	}
	sameCase := intent.Case == e.Predicate.Case || intent.Case == "" && e.Kind == "case.opened"
	if intent.Act != e.Kind || !sameCase || string(intent.Origin) != origin || !names(exhibits, intent.Exhibit) {
		return bad("has a signature by the person who acted over another act than the recorded one.")
	}
	return nil
}

func names(exhibits []string, want string) bool {
	if want == "" {
		return true
	}
	for _, e := range exhibits {
		if e == want {
			return true
		}
	}
	return false
}

// verifyEither accepts the two usual encodings of an ECDSA signature: ASN.1, and r||s as browsers make it.
func verifyEither(pub *ecdsa.PublicKey, digest [32]byte, sig []byte) bool {
	if ecdsa.VerifyASN1(pub, digest[:], sig) {
		return true
	}
	if len(sig) != 64 {
		return false
	}
	r, s := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:])
	return ecdsa.Verify(pub, digest[:], r, s)
}
