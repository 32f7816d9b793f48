package ledger

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/caseledger/caseledger/schemas/canonical"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// isNonce holds an actor's nonce to a form that cannot carry text: 16 to 32 random bytes in lower-case hex.
func isNonce(s string) bool {
	return len(s) >= 32 && len(s) <= 64 && len(s)%2 == 0 && strings.Trim(s, "0123456789abcdef") == ""
}

// checkIntent refuses an actor's signed intent that could carry anything but this act: it goes into the event in clear.
// Whether the signature fits is for whoever has the actor's key to check.
func (l *Ledger) checkIntent(a Act) error {
	if a.Proof == nil {
		return nil
	}
	bad := func(why string) error { return fmt.Errorf("%w: the actor's intent %s", ErrInvalid, why) }
	text, err := base64.StdEncoding.Strict().DecodeString(string(a.Proof.Intent))
	if err != nil {
		return bad("is not standard base64")
	}
	var in predicate.Intent
	if err := canonical.Unmarshal(text, &in); err != nil || in.Domain != predicate.IntentDomain {
		return bad("is not the canonical JSON of an intent")
	}
	kind := a.Body.Kind()
	switch {
	case in.Act != kind || string(in.Origin) != l.cfg.Origin:
		return bad("is for another act or another log")
	case in.Case != a.Case && (in.Case != "" || kind != "case.opened"):
		return bad("is for another case")
	case in.Exhibit != "" && !slices.Contains(exhibitNames(a.Body), in.Exhibit):
		return bad("names another exhibit")
	case !isNonce(in.Nonce):
		return bad("needs a nonce of 32 to 64 lower-case hex digits: 16 to 32 random bytes")
	}
	return nil
}

// exhibitNames is how an intent may call the exhibit of an act.
func exhibitNames(body predicate.Body) []string {
	item := func(i predicate.Item) []string { return []string{string(i.Exhibit), string(i.Ref)} }
	switch b := body.(type) {
	case *predicate.EvidenceUploadedV1:
		return []string{string(b.Exhibit), string(b.Ref)}
	case *predicate.RedactionProposedV1:
		return append(item(b.Parent), string(b.Exhibit), string(b.Ref))
	case *predicate.RedactionApprovedV1:
		return append(item(b.Parent), item(b.Item)...)
	case *predicate.EvidenceViewedV1:
		return item(b.Item)
	case *predicate.EvidenceDownloadedV1:
		return item(b.Item)
	case *predicate.EvidenceSharedV1:
		return item(b.Item)
	case *predicate.EvidenceServedV1:
		return item(b.Item)
	case *predicate.UnusedDisclosedV1:
		return item(b.Item)
	case *predicate.UndertakingAcceptedV1:
		return item(b.Item)
	}
	return nil
}
