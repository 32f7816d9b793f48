package esdbstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/caseledger/caseledger/ledger"
)

// verdict is what an error of the client means: for the caller, and for the connection.
type verdict struct {
	err    error
	broken bool // the connection may be unusable
}

func unavailable(err error, broken bool) verdict {
	return verdict{err: fmt.Errorf("%w: %w", ledger.ErrUnavailable, err), broken: broken}
}

func refused(what string, err error) verdict { return verdict{err: fmt.Errorf("%s: %w", what, err)} }

// classify sorts an error of the client. Whatever is not known to have stored nothing is unavailable.
func classify(err error) verdict {
	if errors.Is(err, ledger.ErrDiverged) || errors.Is(err, errClosed) {
		return verdict{err: err}
	}
	if errors.Is(err, errIgnored) || errors.Is(err, errPanic) {
		return unavailable(err, true)
	}
	var e *esdb.Error
	if !errors.As(err, &e) {
		return classifyStatus(err)
	}
	switch e.Code() {
	case esdb.ErrorCodeWrongExpectedVersion:
		return verdict{err: fmt.Errorf("%w: %w", ledger.ErrConflict, err)}
	case esdb.ErrorCodeStreamDeleted:
		return verdict{err: fmt.Errorf("%w: the journal stream has been deleted: %w", ledger.ErrDiverged, err)}
	case esdb.ErrorCodeAccessDenied:
		return refused("the event store denies access: give its user the right to read and write this stream", err)
	case esdb.ErrorCodeUnauthenticated:
		return refused("the event store does not accept the credentials: check user and password", err)
	case esdb.ErrorCodeUnsupportedFeature, esdb.ErrorCodeResourceNotFound:
		return refused("the server does not serve streams as EventStoreDB does: check the connection string", err)
	case esdb.ErrorCodeNotLeader:
		return unavailable(err, false) // the client moves to the leader by itself
	case esdb.ErrorCodeUnknown:
		return classifyStatus(err)
	}
	return unavailable(err, true)
}

// classifyStatus sorts what has no error code of the client by its gRPC status.
func classifyStatus(err error) verdict {
	switch status.Code(err) {
	case codes.InvalidArgument:
		return refused("the event store refuses the request; if it says that the append is too large, append fewer events at a time", err)
	case codes.ResourceExhausted:
		return refused("an event or an answer is too large for the event store: append fewer or smaller events", err)
	case codes.FailedPrecondition, codes.OutOfRange:
		return refused("the event store refuses the request", err)
	case codes.Canceled:
		return unavailable(err, !errors.Is(err, context.Canceled))
	case codes.Unknown:
		if plain(err) {
			return verdict{err: err}
		}
	}
	return unavailable(err, true)
}

// plain says whether an error was made by this package before or after a call, not by the call.
func plain(err error) bool {
	var e *esdb.Error
	_, hasStatus := status.FromError(err)
	return !hasStatus && !errors.As(err, &e) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled)
}

// isAbsent says whether an error means that the stream does not exist. A server that lacks the service answers NotFound as
// a status; that is something else.
func isAbsent(err error) bool {
	var e *esdb.Error
	if !errors.As(err, &e) || e.Code() != esdb.ErrorCodeResourceNotFound {
		return false
	}
	_, isStatus := status.FromError(e.Err())
	return !isStatus
}
