package interop

import (
	"crypto"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// TestSigstoreGoAcceptsBag verifies every event of the bag that the environment variable BAG names, offline, with sigstore-go
// and nothing of ours; without BAG, of a sample.
func TestSigstoreGoAcceptsBag(t *testing.T) {
	bag := os.Getenv("BAG")
	if bag == "" {
		bag = sampleBag(t, nil)
	}
	verified, err := verifyBag(bag)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d events verified", verified)
}

func TestSigstoreGoRefusesAlteredBag(t *testing.T) {
	alterations := map[string]func([]map[string]any){
		"signature of another event": func(b []map[string]any) {
			b[1]["dsseEnvelope"].(map[string]any)["signatures"] = b[0]["dsseEnvelope"].(map[string]any)["signatures"]
		},
		"proof of another event": func(b []map[string]any) {
			b[1]["verificationMaterial"] = b[0]["verificationMaterial"]
		},
		"unknown signer": func(b []map[string]any) {
			b[2]["verificationMaterial"].(map[string]any)["publicKey"] = map[string]any{"hint": "00"}
		},
	}
	for name, alter := range alterations {
		t.Run(name, func(t *testing.T) {
			if n, err := verifyBag(sampleBag(t, alter)); err == nil {
				t.Errorf("%d events verified, want an error", n)
			}
		})
	}
}

// verifyBag verifies all bundles below bag/data/events against bag/data/trust and returns how many there are.
func verifyBag(bag string) (int, error) {
	trust := filepath.Join(bag, "data", "trust")
	logs, err := root.NewTrustedRootFromPath(filepath.Join(trust, "trusted_root.json"))
	if err != nil {
		return 0, fmt.Errorf("read trusted root: %w", err)
	}
	signers := root.NewTrustedPublicKeyMaterial(func(hint string) (root.TimeConstrainedVerifier, error) { return eventSigner(trust, hint) })
	verifier, err := verify.NewVerifier(root.TrustedMaterialCollection{logs, signers}, verify.WithTransparencyLog(1), verify.WithNoObserverTimestamps())
	if err != nil {
		return 0, fmt.Errorf("make verifier: %w", err)
	}
	names, err := filepath.Glob(filepath.Join(bag, "data", "events", "*.sigstore.json"))
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("no event in %s (%w)", bag, err)
	}
	for _, name := range names {
		if err := verifyEvent(verifier, name); err != nil {
			return 0, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return len(names), nil
}

func verifyEvent(verifier *verify.Verifier, name string) error {
	event, err := bundle.LoadJSONFromPath(name)
	if err != nil {
		return err
	}
	envelope, err := event.Envelope()
	if err != nil {
		return err
	}
	payload, err := envelope.RawEnvelope().DecodeB64Payload()
	if err != nil {
		return err
	}
	var statement struct {
		Subject []struct{ Digest struct{ SHA256 string } }
	}
	if err := json.Unmarshal(payload, &statement); err != nil {
		return err
	}
	for _, subject := range statement.Subject {
		digest, err := hex.DecodeString(subject.Digest.SHA256)
		if err != nil {
			return err
		}
		if _, err := verifier.Verify(event, verify.NewPolicy(verify.WithArtifactDigest("sha256", digest), verify.WithKey())); err != nil {
			return err
		}
	}
	if len(statement.Subject) == 0 {
		return fmt.Errorf("no subject")
	}
	return nil
}

func eventSigner(trust, hint string) (root.TimeConstrainedVerifier, error) {
	data, err := os.ReadFile(filepath.Join(trust, "event-signers", filepath.Base(hint)+".pem"))
	if err != nil {
		return nil, err
	}
	key, err := cryptoutils.UnmarshalPEMToPublicKey(data)
	if err != nil {
		return nil, err
	}
	verifier, err := signature.LoadVerifier(key, crypto.SHA256)
	if err != nil {
		return nil, err
	}
	return root.NewExpiringKey(verifier, time.Time{}, time.Time{}), nil
}
