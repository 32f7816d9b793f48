package esdbserver

import (
	"regexp"
	"strings"

	"github.com/EventStore/EventStore-Client-Go/v4/protos/streams"
)

const (
	maxFilterPrefixes = 256
	maxFilterRegex    = 4096
	defaultWindow     = 32 // events, where the client sets no maximum
)

// filter chooses events of $all by a prefix, or a regular expression (RE2), of the stream name or the event type.
type filter struct {
	byType   bool
	prefixes []string
	regex    *regexp.Regexp
	interval int // considered events from one checkpoint of a subscription to the next
}

// parseFilter gives nil where there is no filter.
func parseFilter(o *streams.ReadReq_Options) (*filter, error) {
	in := o.GetFilter()
	if in == nil {
		return nil, nil
	}
	f := &filter{}
	expr := in.GetStreamIdentifier()
	if t := in.GetEventType(); t != nil {
		expr, f.byType = t, true
	}
	switch {
	case expr == nil || expr.GetRegex() == "" && len(expr.GetPrefix()) == 0:
		return nil, badRequest("the filter is empty: give prefixes or a regular expression")
	case len(expr.GetPrefix()) > maxFilterPrefixes || len(expr.GetRegex()) > maxFilterRegex:
		return nil, badRequest("the filter is too large: at most %d prefixes or %d bytes of expression", maxFilterPrefixes, maxFilterRegex)
	}
	if expr.GetRegex() != "" {
		re, err := regexp.Compile(expr.GetRegex())
		if err != nil {
			return nil, badRequest("the filter is no regular expression of RE2: %v", err)
		}
		f.regex = re
	}
	f.prefixes = expr.GetPrefix()
	window := uint64(defaultWindow)
	if max, ok := in.GetWindow().(*streams.ReadReq_Options_FilterOptions_Max); ok {
		window = uint64(max.Max)
	}
	interval := window * uint64(in.GetCheckpointIntervalMultiplier())
	if o.GetSubscription() != nil && interval == 0 {
		return nil, badRequest("the filter needs a search window and a checkpoint interval of at least 1")
	}
	f.interval = int(min(interval, 1<<31-1))
	return f, nil
}

func (f *filter) match(e *event) bool {
	if f == nil {
		return true
	}
	text := e.stream
	if f.byType {
		text = e.kind
	}
	if f.regex != nil && f.regex.MatchString(text) {
		return true
	}
	for _, p := range f.prefixes {
		if strings.HasPrefix(text, p) {
			return true
		}
	}
	return false
}
