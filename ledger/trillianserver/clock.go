package trillianserver

import (
	"time"

	"github.com/google/trillian/util/clock"
)

// rootClock is a time source that never shows a time before floor. An integration uses it with the
// time of the last root plus one nanosecond, because Trillian refuses a root that is not later than
// the one before: with a bare system clock that was set back, integration would stall until the
// clock caught up.
type rootClock struct {
	clock.TimeSource
	floor time.Time
}

// Now returns the later of the system time and the floor.
func (c rootClock) Now() time.Time {
	if now := c.TimeSource.Now(); now.After(c.floor) {
		return now
	}
	return c.floor
}
