package predicatetest

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"

	"pgregory.net/rapid"

	"github.com/caseledger/caseledger/schemas/identifier"
)

// texts generates the text of each Go type that is not a closed list of its own.
func texts() map[string]*rapid.Generator[string] {
	return map[string]*rapid.Generator[string]{
		"Area":        anyOf(identifier.Areas()),
		"B64Digest":   encoded(base64.RawURLEncoding, 32, 32),
		"Base64":      encoded(base64.StdEncoding, 1, 200),
		"BlobID":      marked("b"),
		"ChainID":     chainIDText(),
		"Date":        rapid.Map(rapid.IntRange(0, 36000), func(n int) string { return time.Unix(int64(n)*86400, 0).UTC().Format(time.DateOnly) }),
		"ExhibitRef":  refText(),
		"Force":       anyOf(identifier.Forces()),
		"Hex16":       hexText(16),
		"Hex32":       hexText(32),
		"KeyID":       marked("k"),
		"MediaType":   rapid.SampledFrom([]string{"video/mp4", "application/pdf", "image/svg+xml", "text/plain", "application/vnd.oasis.opendocument.text"}),
		"Org":         orgText(),
		"Origin":      rapid.StringMatching(`[a-z0-9]{1,8}(\.[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?){0,3}`),
		"PolicyID":    rapid.StringMatching(`[a-z0-9][a-z0-9.-]{0,20}`),
		"Pseudonym":   marked("a"),
		"Role":        anyOf(identifier.Roles()),
		"ToolName":    rapid.SampledFrom([]string{"caseledger", "ffmpeg", "page-cutter_2"}),
		"ToolVersion": rapid.SampledFrom([]string{"0.1.0", "v7.1+build-3", "2026-11"}),
		"URN":         rapid.StringMatching(`[A-Za-z0-9-]{1,36}`),
		"UUID":        uuidText(),
	}
}

func anyOf[T ~string](values []T) *rapid.Generator[string] {
	return rapid.Map(rapid.SampledFrom(values), func(v T) string { return string(v) })
}

func bytesOf(least, most int) *rapid.Generator[[]byte] {
	return rapid.SliceOfN(rapid.Byte(), least, most)
}

func hexText(n int) *rapid.Generator[string] {
	return rapid.Map(bytesOf(n, n), hex.EncodeToString)
}

func marked(mark string) *rapid.Generator[string] {
	return rapid.Map(hexText(16), func(s string) string { return mark + s })
}

func encoded(e *base64.Encoding, least, most int) *rapid.Generator[string] {
	return rapid.Map(bytesOf(least, most), e.EncodeToString)
}

func uuidText() *rapid.Generator[string] {
	return rapid.Map(bytesOf(16, 16), func(b []byte) string {
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	})
}

func orgText() *rapid.Generator[string] {
	with := func(prefix string, g *rapid.Generator[string]) *rapid.Generator[string] {
		return rapid.Map(g, func(s string) string { return prefix + s })
	}
	id := rapid.StringMatching(`[a-z0-9][a-z0-9-]{0,39}`)
	return rapid.OneOf(with("force-", anyOf(identifier.Forces())), with("cps-", anyOf(identifier.Areas())),
		with("court-", id), with("firm-", id), rapid.Just("hmcpsi"))
}

// refText draws references with every separator, none doubled and no space at the end.
func refText() *rapid.Generator[string] {
	return rapid.StringMatching(`[A-Z]{2,3}([/ ._-][A-Za-z0-9]{1,4}){1,4}`)
}

func chainText() *rapid.Generator[string] {
	firm := rapid.Map(hexText(16), func(s string) string { return "firm/" + s })
	return rapid.OneOf(rapid.SampledFrom([]string{"main", "sensitive", "judicial"}), firm)
}

func chainIDText() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		if rapid.Bool().Draw(t, "of an organisation") {
			return "org/" + orgText().Draw(t, "organisation") + "/access"
		}
		return uuidText().Draw(t, "case") + "/" + chainText().Draw(t, "chain")
	})
}
