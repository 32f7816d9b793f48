package main

import (
	"strings"
	"testing"
)

// TestBagRefusesRecipients: a recipient who cannot be is a mistake in the command, found before any ledger is opened.
func TestBagRefusesRecipients(t *testing.T) {
	for _, who := range []string{"judge@force-01", "officer@court-demo", "operator@force-01", "defence@court-demo", "emperor@force-01", "clerk"} {
		var out, errs strings.Builder
		code := run(t.Context(), []string{"bag", "--data", t.TempDir(), "--case", "01AB1234526", "--for", who, "--out", "x"}, &out, &errs)
		if code != 2 || !strings.Contains(errs.String(), "--for") {
			t.Errorf("%s: exit %d: %s", who, code, errs.String())
		}
	}
}
