package schemas_test

import (
	"reflect"
	"strings"

	"github.com/caseledger/caseledger/schemas/identifier"
	"github.com/caseledger/caseledger/schemas/predicate"
)

// form is how texts of one Go type are written. Patterns keep to what ECMA-262, Go and other engines read alike.
type form struct {
	pattern     string
	format      string
	longest     int
	description string
}

const (
	uuid = `[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`
	day  = `[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])`
)

func forms() map[reflect.Type]form {
	return map[reflect.Type]form{
		reflect.TypeFor[predicate.B64Digest]():   {pattern: `^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$`, description: "SHA-256 in base64url without padding (RFC 9901)"},
		reflect.TypeFor[predicate.Base64]():      {pattern: `^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{4}|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{2}==)$`, longest: 4096, description: "bytes in standard base64 with padding (RFC 4648)"},
		reflect.TypeFor[predicate.BlobID]():      {pattern: `^b[0-9a-f]{32}$`, description: "random name of a stored object"},
		reflect.TypeFor[predicate.ChainID]():     {pattern: chain(), description: "a chain of a case, or an organisation's chain of denials"},
		reflect.TypeFor[predicate.Date]():        {pattern: `^` + day + `$`, format: "date", description: "calendar day"},
		reflect.TypeFor[predicate.Hex16]():       {pattern: `^[0-9a-f]{32}$`, description: "16 random bytes in lower-case hex"},
		reflect.TypeFor[predicate.Hex32]():       {pattern: `^[0-9a-f]{64}$`, description: "32 bytes in lower-case hex: a digest or a link"},
		reflect.TypeFor[predicate.KeyID]():       {pattern: `^k[0-9a-f]{32}$`, description: "random name of a key of the keyring"},
		reflect.TypeFor[predicate.MediaType]():   {pattern: `^[a-z0-9][a-z0-9.+-]{0,63}/[a-z0-9][a-z0-9.+-]{0,126}$`, description: "media type in lower case without parameters"},
		reflect.TypeFor[predicate.Origin]():      {pattern: `^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`, longest: 253, description: "host name of a log"},
		reflect.TypeFor[predicate.PolicyID]():    {pattern: `^[a-z0-9][a-z0-9.-]{0,63}$`, description: "name of the rule that allowed or denied the act"},
		reflect.TypeFor[predicate.Pseudonym]():   {pattern: `^a[0-9a-f]{32}$`, description: "a person who acts, within one case"},
		reflect.TypeFor[predicate.Time]():        {pattern: `^` + day + `T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]\.[0-9]{6}Z$`, format: "date-time", description: "RFC 3339 in UTC with six decimals"},
		reflect.TypeFor[predicate.ToolName]():    {pattern: `^[a-z0-9][a-z0-9._-]{0,39}$`, description: "name of a program"},
		reflect.TypeFor[predicate.ToolVersion](): {pattern: `^[A-Za-z0-9][A-Za-z0-9.+_-]{0,39}$`, description: "version of a program"},
		reflect.TypeFor[predicate.UUID]():        {pattern: `^` + uuid + `$`, description: "UUID in lower case (RFC 9562)"},
		reflect.TypeFor[identifier.ExhibitRef](): {pattern: `^[A-Za-z0-9]( ?(\. )*\.?[A-Za-z0-9/_-])*( ?(\. )*\.)?$`, longest: 40, description: "exhibit reference as the producing witness gave it, such as JS/1"},
		reflect.TypeFor[identifier.Org]():        {pattern: `^` + organisation() + `$`, description: "police force, CPS Area, court, firm or the inspectorate"},
		reflect.TypeFor[identifier.URN]():        {pattern: `^[A-Za-z0-9-]{1,36}$`, description: "Unique Reference Number of a case"},
	}
}

func organisation() string {
	return `(force-(` + alternatives(identifier.Forces()) + `)|cps-(` + alternatives(identifier.Areas()) +
		`)|(court|firm)-[a-z0-9][a-z0-9-]{0,39}|hmcpsi)`
}

func chain() string {
	return `^(` + uuid + `/(main|sensitive|judicial|firm/[0-9a-f-]{16,64})|org/` + organisation() + `/access)$`
}

func alternatives[T ~string](values []T) string {
	texts := make([]string, len(values))
	for i, v := range values {
		texts[i] = string(v)
	}
	return strings.Join(texts, "|")
}

// titles say in a sentence what each kind of event records.
var titles = map[string]string{
	"access.denied":            "Attempts by a known user were refused: the first at once, repeats as one counted event.",
	"access.granted":           "An organisation, or one person in it, was given rights in the case or in one exhibit.",
	"access.revoked":           "A grant of access ended.",
	"bag.exported":             "A court bag was made: the heads of its chains, the tree head its proofs end in, its recipient and contents.",
	"case.closed":              "The case was closed.",
	"case.linked":              "Another case was said to belong with this one.",
	"case.opened":              "A case was opened.",
	"case.outcome":             "An outcome was recorded, for one defendant or for the case.",
	"case.reopened":            "A closed case was opened again.",
	"defendant.added":          "A defendant was added to the case.",
	"evidence.downloaded":      "Content was about to be handed out to be kept.",
	"evidence.served":          "Used evidence was served on a defendant's firm or on the court.",
	"evidence.shared":          "An item was shared with another agency.",
	"evidence.uploaded":        "An exhibit was created from uploaded content.",
	"evidence.viewed":          "Content was about to be shown.",
	"hearing.listed":           "A hearing was listed.",
	"key.destroyed":            "Keys were destroyed, and with them content and openings.",
	"key.destruction-proposed": "The destruction of keys was asked for; another person must carry it out.",
	"person.added":             "A person concerned was added to the case.",
	"redaction.approved":       "A redaction was approved; it may now be shared and served.",
	"redaction.proposed":       "A redacted exhibit was derived from another.",
	"representation.ended":     "A firm no longer acts for a defendant.",
	"representation.started":   "A firm now acts for a defendant.",
	"undertaking.accepted":     "One person accepted the exact text of an undertaking for one item.",
	"unused.disclosed":         "Unused material was disclosed under the Criminal Procedure and Investigations Act 1996.",
}
