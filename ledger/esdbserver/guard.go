package esdbserver

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"strings"

	"google.golang.org/grpc/metadata"
)

// guard decides who may do what. A caller is trusted when it gave the credentials, or when none are configured.
type guard struct {
	open      bool     // no credentials configured
	want      [32]byte // SHA-256 of "user:password"
	protected string   // prefix
}

func newGuard(cfg Config) guard {
	return guard{
		open:      cfg.User == "",
		want:      sha256.Sum256([]byte(cfg.User + ":" + cfg.Password)),
		protected: cfg.ProtectedPrefix,
	}
}

// trusted says whether the caller gave the credentials; wrong ones are an error, none are not.
func (g *guard) trusted(ctx context.Context) (bool, error) {
	if g.open {
		return true, nil
	}
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return false, nil
	}
	scheme, encoded, _ := strings.Cut(values[0], " ")
	given, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	got := sha256.Sum256(given)
	if len(values) != 1 || err != nil || !strings.EqualFold(scheme, "basic") || subtle.ConstantTimeCompare(got[:], g.want[:]) != 1 {
		return false, unauthenticated()
	}
	return true, nil
}

const metaPrefix = "$$"

// isProtected covers the stream and its metadata stream.
func (g *guard) isProtected(stream string) bool {
	return strings.HasPrefix(strings.TrimPrefix(stream, metaPrefix), g.protected)
}

func (g *guard) mayRead(trusted bool, stream string) error {
	if trusted || !g.isProtected(stream) && !isSystem(strings.TrimPrefix(stream, metaPrefix)) {
		return nil
	}
	return accessDenied("reading this stream needs credentials")
}

func (g *guard) mayReadAll(trusted bool) error {
	if trusted {
		return nil
	}
	return accessDenied("reading $all needs credentials")
}

func (g *guard) mayAppend(trusted bool, stream string, events []*event) error {
	base, isMeta := strings.CutPrefix(stream, metaPrefix)
	if !trusted && (isMeta || g.isProtected(stream) || isSystem(stream)) {
		return accessDenied("writing to this stream needs credentials")
	}
	if !isMeta || !strings.HasPrefix(base, g.protected) {
		return nil
	}
	for _, e := range events {
		fields, err := metadataFields(e.data)
		if err != nil || e.kind != typeMetadata {
			return accessDenied("metadata of a protected stream must be a $metadata event with a JSON object")
		}
		for _, key := range []string{keyTruncateBefore, keyMaxAge, keyMaxCount} {
			if _, there := fields[key]; there {
				return accessDenied("a protected stream cannot be given " + key)
			}
		}
	}
	return nil
}

func (g *guard) mayDelete(trusted bool, stream string) error {
	switch {
	case g.isProtected(stream):
		return accessDenied("a protected stream cannot be deleted")
	case !trusted:
		return accessDenied("deleting needs credentials")
	case isSystem(stream):
		return accessDenied("a system stream cannot be deleted")
	}
	return nil
}

func isSystem(stream string) bool { return strings.HasPrefix(stream, "$") }
