package esdbserver

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// refusal is an error that EventStoreDB clients understand: a gRPC status and the trailers that name the exception.
type refusal struct {
	code     codes.Code
	text     string
	trailers []string // key, value, …
}

func (r *refusal) Error() string { return r.text }

func badRequest(format string, args ...any) error {
	return &refusal{code: codes.InvalidArgument, text: fmt.Sprintf(format, args...)}
}

func accessDenied(why string) error {
	return &refusal{code: codes.PermissionDenied, text: "access denied: " + why, trailers: []string{"exception", "access-denied"}}
}

func unauthenticated() error {
	return &refusal{code: codes.Unauthenticated, text: "the credentials are not valid: check user and password"}
}

func streamDeleted(stream string) error {
	return &refusal{code: codes.FailedPrecondition, text: fmt.Sprintf("stream %q is deleted for good", stream),
		trailers: []string{"exception", "stream-deleted", "stream-name", stream}}
}

func tooLarge() error {
	return &refusal{code: codes.InvalidArgument, text: fmt.Sprintf("the events of one append exceed %d bytes: split them", maxAppendSize),
		trailers: []string{"exception", "maximum-append-size-exceeded", "maximum-append-size", strconv.Itoa(maxAppendSize)}}
}

func missingMetadata(key string) error {
	return &refusal{code: codes.InvalidArgument, text: fmt.Sprintf("an event lacks the metadata entry %q", key),
		trailers: []string{"exception", "missing-required-metadata-property", "required-metadata-properties", key}}
}

// wrongVersion is the form a conflict takes on Delete and Tombstone; Append answers it as a normal response.
func wrongVersion(stream string, c *conflict) error {
	trailers := []string{"exception", "wrong-expected-version", "stream-name", stream,
		"expected-version", strconv.FormatInt(c.expected.number(), 10)}
	if c.exists {
		trailers = append(trailers, "actual-version", strconv.FormatInt(c.current, 10))
	}
	return &refusal{code: codes.FailedPrecondition, trailers: trailers,
		text: fmt.Sprintf("stream %q is not at the expected revision: read it and try again", stream)}
}

func shuttingDown() error {
	return &refusal{code: codes.Unavailable, text: "the server is shutting down"}
}

func stopped() error {
	return &refusal{code: codes.Internal, text: "the event store takes no appends after a failed write: check the disk, then restart the server"}
}

// answer turns err into the gRPC status of the call in ctx and sets its trailers. Storage errors go to the log and are
// not shown to the caller: they may hold paths.
func (s *service) answer(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	var r *refusal
	if errors.As(err, &r) {
		md := metadata.MD{}
		for i := 0; i+1 < len(r.trailers); i += 2 {
			md.Append(r.trailers[i], headerText(r.trailers[i+1]))
		}
		// An error here means that the call is already over: nobody is left to read the trailers.
		_ = grpc.SetTrailer(ctx, md)
		return status.Error(r.code, r.text)
	}
	if ctx.Err() != nil {
		return status.FromContextError(ctx.Err()).Err()
	}
	if st, ok := status.FromError(err); ok {
		return st.Err()
	}
	s.log.Error("esdbserver: a call failed", "error", err)
	return status.Error(codes.Internal, "the event store failed: see the log of the server")
}

// headerText escapes what HTTP/2 headers cannot carry; plain stream names pass unchanged.
func headerText(s string) string {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return url.PathEscape(s)
		}
	}
	return s
}
