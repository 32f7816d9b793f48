package interop

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestCosignScript runs cosign.sh over a good and an altered sample, where `make cosign` has put stock cosign in place.
func TestCosignScript(t *testing.T) {
	cosign, err := filepath.Abs(filepath.Join("..", "bin", "cosign"))
	check(t, err)
	if _, err := exec.LookPath(cosign); err != nil {
		t.Skipf("stock cosign is not built here: %v", err)
	}
	run := func(alter func([]map[string]any)) (string, error) {
		bag := sampleBag(t, alter)
		command := exec.CommandContext(t.Context(), "./cosign.sh", bag, filepath.Join(bag, "data", "trust"))
		command.Env = append(command.Environ(), "COSIGN="+cosign)
		out, err := command.CombinedOutput()
		return string(out), err
	}
	if out, err := run(nil); err != nil || !strings.Contains(out, "3 passed, 0 failed") {
		t.Errorf("good bag: %v\n%s", err, out)
	}
	out, err := run(func(b []map[string]any) {
		b[1]["dsseEnvelope"].(map[string]any)["signatures"] = b[0]["dsseEnvelope"].(map[string]any)["signatures"]
	})
	if err == nil || !strings.Contains(out, "2 passed, 1 failed") || !strings.Contains(out, "000002.sigstore.json") {
		t.Errorf("altered bag: %v\n%s", err, out)
	}
}
