package projections

import "errors"

// ErrPosition marks a batch of records that does not continue where the store stands.
var ErrPosition = errors.New("records do not start at the store's position or have a gap; read again from the position")
